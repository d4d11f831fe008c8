//! The CLAP audio ports, their configurations and their activation, from the plugin's own layouts.
#![allow(unsafe_code, reason = "CLAP interfaces")]

use std::ffi::c_char;
use std::sync::atomic::Ordering;

use clap_sys::ext::audio_ports::{
    CLAP_AUDIO_PORT_IS_MAIN, CLAP_PORT_MONO, CLAP_PORT_STEREO, clap_audio_port_info,
    clap_plugin_audio_ports,
};
use clap_sys::ext::audio_ports_activation::clap_plugin_audio_ports_activation;
use clap_sys::ext::audio_ports_config::{
    CLAP_EXT_AUDIO_PORTS_CONFIG, clap_audio_ports_config, clap_plugin_audio_ports_config,
};
use clap_sys::id::{CLAP_INVALID_ID, clap_id};
use clap_sys::plugin::clap_plugin;

use super::proxy::{Proxy, inner, with_proxy};
use super::text::write_name;
use crate::guard::flat::{Bus, Buses};

/// The id of the first output port. Ids are positions from a fixed start. The framework's ids
/// change with the number of inputs.
const FIRST_OUTPUT_ID: clap_id = 1000;

pub(super) static AUDIO_PORTS: clap_plugin_audio_ports =
    clap_plugin_audio_ports { count: Some(ports_count), get: Some(ports_get) };

pub(super) static AUDIO_PORTS_CONFIG: clap_plugin_audio_ports_config =
    clap_plugin_audio_ports_config {
        count: Some(config_count),
        get: Some(config_get),
        select: Some(config_select),
    };

pub(super) static AUDIO_PORTS_ACTIVATION: clap_plugin_audio_ports_activation =
    clap_plugin_audio_ports_activation {
        can_activate_while_processing: Some(can_activate_while_processing),
        set_active: Some(set_active),
    };

/// A port is switched by one bit, which the next block reads.
unsafe extern "C" fn can_activate_while_processing(_plugin: *const clap_plugin) -> bool {
    true
}

/// Switches a port on or off. An inactive input is silent, regardless of its memory. An inactive
/// output is written if it has memory.
unsafe extern "C" fn set_active(
    plugin: *const clap_plugin,
    is_input: bool,
    index: u32,
    is_active: bool,
    sample_bits: u32,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let buses = proxy.buses();
        let count = if is_input { buses.inputs.len() } else { buses.outputs.len() };
        // 0 is any sample size. 64-bit samples are not supported.
        if index as usize >= count || ![0, 32].contains(&sample_bits) {
            return false;
        }
        if is_input {
            let bit = 1_u64 << (index & 63);
            // Relaxed: a delay of one block is acceptable.
            if is_active {
                proxy.inactive_inputs.fetch_and(!bit, Ordering::Relaxed);
            } else {
                proxy.inactive_inputs.fetch_or(bit, Ordering::Relaxed);
            }
        }
        true
    })
}

fn port_type(num_channels: usize) -> *const c_char {
    match num_channels {
        1 => CLAP_PORT_MONO.as_ptr(),
        2 => CLAP_PORT_STEREO.as_ptr(),
        _ => std::ptr::null(),
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn main_bus(buses: &[Bus]) -> Option<&Bus> {
    buses.iter().find(|bus| bus.is_main)
}

unsafe extern "C" fn ports_count(plugin: *const clap_plugin, is_input: bool) -> u32 {
    with_proxy!(plugin, 0, |proxy| {
        let buses = proxy.buses();
        small(if is_input { buses.inputs.len() } else { buses.outputs.len() })
    })
}

unsafe extern "C" fn ports_get(
    plugin: *const clap_plugin,
    index: u32,
    is_input: bool,
    info: *mut clap_audio_port_info,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let buses = proxy.buses();
        let list = if is_input { &buses.inputs } else { &buses.outputs };
        let (Some(bus), false) = (list.get(index as usize), info.is_null()) else {
            return false;
        };
        let mut name = [0; _];
        write_name(&mut name, &bus.name);
        let (first_id, first_pair_id) =
            if is_input { (0, FIRST_OUTPUT_ID) } else { (FIRST_OUTPUT_ID, 0) };
        let made = clap_audio_port_info {
            id: first_id + index,
            name,
            flags: if bus.is_main { CLAP_AUDIO_PORT_IS_MAIN } else { 0 },
            channel_count: small(bus.num_channels),
            port_type: port_type(bus.num_channels),
            in_place_pair: if bus.is_main && main_is_symmetric(&buses) {
                first_pair_id
            } else {
                CLAP_INVALID_ID
            },
        };
        // SAFETY: not null, and the host's to be written.
        unsafe { info.write(made) };
        true
    })
}

fn main_is_symmetric(buses: &Buses) -> bool {
    match (main_bus(&buses.inputs), main_bus(&buses.outputs)) {
        (Some(input), Some(output)) => input.num_channels == output.num_channels,
        _ => false,
    }
}

unsafe extern "C" fn config_count(plugin: *const clap_plugin) -> u32 {
    with_proxy!(plugin, 0, |proxy| small(proxy.layouts.len()))
}

unsafe extern "C" fn config_get(
    plugin: *const clap_plugin,
    index: u32,
    config: *mut clap_audio_ports_config,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let (Some(layout), false) = (proxy.layouts.get(index as usize), config.is_null()) else {
            return false;
        };
        let buses = Buses::of(layout);
        let mut name = [0; _];
        write_name(&mut name, &layout.name());
        let input = main_bus(&buses.inputs).map(|bus| bus.num_channels);
        let output = main_bus(&buses.outputs).map(|bus| bus.num_channels);
        let made = clap_audio_ports_config {
            id: index,
            name,
            input_port_count: small(buses.inputs.len()),
            output_port_count: small(buses.outputs.len()),
            has_main_input: input.is_some(),
            main_input_channel_count: small(input.unwrap_or(0)),
            main_input_port_type: input.map_or(std::ptr::null(), port_type),
            has_main_output: output.is_some(),
            main_output_channel_count: small(output.unwrap_or(0)),
            main_output_port_type: output.map_or(std::ptr::null(), port_type),
        };
        // SAFETY: not null, and the host's to be written.
        unsafe { config.write(made) };
        true
    })
}

unsafe extern "C" fn config_select(plugin: *const clap_plugin, id: clap_id) -> bool {
    with_proxy!(plugin, false, |proxy| select(proxy, id))
}

/// Selects a layout. The framework's layouts have the same order as the plugin's.
fn select(proxy: &Proxy, id: clap_id) -> bool {
    if id as usize >= proxy.layouts.len()
        || proxy.active.load(Ordering::Relaxed)
        || proxy.teller.is_on_audio_thread()
    {
        return false;
    }
    let table: *const clap_plugin_audio_ports_config = inner!(
        proxy, get_extension(CLAP_EXT_AUDIO_PORTS_CONFIG.as_ptr()) else std::ptr::null()
    )
    .cast();
    // SAFETY: the id determines the type, and the table lives as long as the proxy.
    let Some(function) = unsafe { table.as_ref() }.and_then(|table| table.select) else {
        return false;
    };
    // SAFETY: a layout that exists.
    let selected = unsafe { function(proxy.inner, id) };
    if selected {
        proxy.layout.store(id as usize, Ordering::Relaxed);
        // The ports have changed, and all ports are active at first.
        proxy.inactive_inputs.store(0, Ordering::Relaxed);
    }
    selected
}
