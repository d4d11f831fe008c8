//! The smallest plugin that the host's command line can play: eight mono buses, each
//! copied unchanged.
//!
//! `tests/cli.rs` loads it in place of Unspill. It also shows plugin developers everything that the
//! host requires.

#![allow(unsafe_code, reason = "stands on the plugin's side of the C interface")]

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{copy, null, null_mut};

use clap_sys::entry::clap_plugin_entry;
use clap_sys::ext::audio_ports::{
    CLAP_EXT_AUDIO_PORTS, CLAP_PORT_MONO, clap_audio_port_info, clap_plugin_audio_ports,
};
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::id::CLAP_INVALID_ID;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::process::{CLAP_PROCESS_CONTINUE, clap_process, clap_process_status};
use clap_sys::version::CLAP_VERSION;

const NUM_BUSES: u32 = 8;

#[allow(non_upper_case_globals, reason = "hosts look for this name")]
#[allow(missing_docs, reason = "the entry point of every CLAP library")]
#[unsafe(no_mangle)]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(entry_init),
    deinit: Some(entry_deinit),
    get_factory: Some(get_factory),
};

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(plugin_count),
    get_plugin_descriptor: Some(plugin_descriptor),
    create_plugin: Some(create_plugin),
};

static DESCRIPTOR: clap_plugin_descriptor = clap_plugin_descriptor {
    clap_version: CLAP_VERSION,
    id: c"audio.unspill.passing".as_ptr(),
    name: c"Unspill 8".as_ptr(),
    vendor: c"".as_ptr(),
    url: c"".as_ptr(),
    manual_url: c"".as_ptr(),
    support_url: c"".as_ptr(),
    version: c"0".as_ptr(),
    description: c"".as_ptr(),
    features: null(),
};

static PORTS: clap_plugin_audio_ports =
    clap_plugin_audio_ports { count: Some(port_count), get: Some(port) };

unsafe extern "C" fn entry_init(_path: *const c_char) -> bool {
    true
}

unsafe extern "C" fn entry_deinit() {}

unsafe extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    // SAFETY: the host passes a terminated string.
    let is_ours = unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID;
    if is_ours { (&raw const FACTORY).cast() } else { null() }
}

unsafe extern "C" fn plugin_count(_factory: *const clap_plugin_factory) -> u32 {
    1
}

unsafe extern "C" fn plugin_descriptor(
    _factory: *const clap_plugin_factory,
    _index: u32,
) -> *const clap_plugin_descriptor {
    &raw const DESCRIPTOR
}

unsafe extern "C" fn create_plugin(
    _factory: *const clap_plugin_factory,
    _host: *const clap_host,
    _id: *const c_char,
) -> *const clap_plugin {
    let plugin = clap_plugin {
        desc: &raw const DESCRIPTOR,
        plugin_data: null_mut(),
        init: Some(yes),
        destroy: Some(destroy),
        activate: Some(activate),
        deactivate: Some(nothing),
        start_processing: Some(yes),
        stop_processing: Some(nothing),
        reset: Some(nothing),
        process: Some(process),
        get_extension: Some(get_extension),
        on_main_thread: Some(nothing),
    };
    Box::into_raw(Box::new(plugin))
}

unsafe extern "C" fn yes(_plugin: *const clap_plugin) -> bool {
    true
}

unsafe extern "C" fn nothing(_plugin: *const clap_plugin) {}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    // SAFETY: allocated by `create_plugin`, and destroyed once.
    drop(unsafe { Box::from_raw(plugin.cast_mut()) });
}

unsafe extern "C" fn activate(_: *const clap_plugin, _: f64, _: u32, _: u32) -> bool {
    true
}

unsafe extern "C" fn get_extension(_: *const clap_plugin, id: *const c_char) -> *const c_void {
    // SAFETY: the host passes a terminated string.
    let has_ports = unsafe { CStr::from_ptr(id) } == CLAP_EXT_AUDIO_PORTS;
    if has_ports { (&raw const PORTS).cast() } else { null() }
}

unsafe extern "C" fn port_count(_plugin: *const clap_plugin, _is_input: bool) -> u32 {
    NUM_BUSES
}

unsafe extern "C" fn port(
    _plugin: *const clap_plugin,
    index: u32,
    _is_input: bool,
    info: *mut clap_audio_port_info,
) -> bool {
    // SAFETY: the host passes a valid place, zeroed or from an earlier call.
    let info = unsafe { &mut *info };
    info.id = index;
    info.name[0] = 0;
    info.flags = 0;
    info.channel_count = 1;
    info.port_type = CLAP_PORT_MONO.as_ptr();
    info.in_place_pair = CLAP_INVALID_ID;
    true
}

unsafe extern "C" fn process(
    _plugin: *const clap_plugin,
    block: *const clap_process,
) -> clap_process_status {
    // SAFETY: a valid block; every bus has one channel of the block's length, and outputs may share
    // the memory of inputs.
    unsafe {
        let block = &*block;
        let num_buses = block.audio_inputs_count.min(block.audio_outputs_count) as usize;
        for bus in 0..num_buses {
            let input = *(*block.audio_inputs.add(bus)).data32;
            let output = *(*block.audio_outputs.add(bus)).data32;
            copy(input, output, block.frames_count as usize);
        }
    }
    CLAP_PROCESS_CONTINUE
}
