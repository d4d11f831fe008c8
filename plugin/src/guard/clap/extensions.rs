//! The CLAP extensions that the guard implements instead of the framework, or in front of it.
#![allow(unsafe_code, reason = "CLAP interfaces")]

use std::ffi::{CStr, c_char, c_void};

use clap_sys::events::{clap_input_events, clap_output_events};
use clap_sys::ext::audio_ports::CLAP_EXT_AUDIO_PORTS;
use clap_sys::ext::audio_ports_activation::{
    CLAP_EXT_AUDIO_PORTS_ACTIVATION, CLAP_EXT_AUDIO_PORTS_ACTIVATION_COMPAT,
};
use clap_sys::ext::audio_ports_config::CLAP_EXT_AUDIO_PORTS_CONFIG;
use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_plugin_gui};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_ENUM, CLAP_PARAM_IS_STEPPED, clap_param_info, clap_plugin_params,
};
use clap_sys::ext::preset_load::{CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT};
use clap_sys::ext::render::{
    CLAP_EXT_RENDER, CLAP_RENDER_OFFLINE, CLAP_RENDER_REALTIME, clap_plugin_render,
    clap_plugin_render_mode,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::ext::tail::CLAP_EXT_TAIL;
use clap_sys::ext::track_info::{CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT};
use clap_sys::id::clap_id;
use clap_sys::plugin::clap_plugin;
use clap_sys::stream::{clap_istream, clap_ostream};
use nice_plug::prelude::ProcessMode;

use super::due::{Due, writable};
use super::ports::{AUDIO_PORTS, AUDIO_PORTS_ACTIVATION, AUDIO_PORTS_CONFIG};
use super::presets::PRESET_LOAD;
use super::proxy::{Proxy, inner, with_proxy};
use super::stream;
use super::text::write_name;
use super::track::TRACK_INFO;

/// The implementation of an extension.
pub(super) enum Found {
    /// The guard, with this table.
    Ours(*const c_void),
    /// The guard, with the table of [`window`].
    Window,
    /// The framework, with its own table. Its functions only use `plugin_data`.
    Theirs,
    /// Not supported.
    None,
}

/// Finds an extension by its id.
pub(super) fn find(id: &CStr) -> Found {
    fn ours<T>(table: &'static T) -> Found {
        Found::Ours(std::ptr::from_ref(table).cast())
    }
    match id {
        id if id == CLAP_EXT_AUDIO_PORTS => ours(&AUDIO_PORTS),
        id if [CLAP_EXT_AUDIO_PORTS_ACTIVATION, CLAP_EXT_AUDIO_PORTS_ACTIVATION_COMPAT]
            .contains(&id) =>
        {
            ours(&AUDIO_PORTS_ACTIVATION)
        }
        id if [CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT].contains(&id) => {
            ours(&PRESET_LOAD)
        }
        id if [CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT].contains(&id) => ours(&TRACK_INFO),
        id if id == CLAP_EXT_AUDIO_PORTS_CONFIG => ours(&AUDIO_PORTS_CONFIG),
        id if id == CLAP_EXT_LATENCY => ours(&LATENCY),
        id if id == CLAP_EXT_PARAMS => ours(&PARAMS),
        id if id == CLAP_EXT_RENDER => ours(&RENDER),
        id if id == CLAP_EXT_STATE => ours(&STATE),
        id if id == CLAP_EXT_GUI => Found::Window,
        id if id == CLAP_EXT_TAIL => Found::Theirs,
        _ => Found::None,
    }
}

/// Returns the framework's own table for an extension.
fn framework_table<T>(proxy: &Proxy, id: &CStr) -> Option<&'static T> {
    let table: *const c_void = inner!(proxy, get_extension(id.as_ptr()) else std::ptr::null());
    // SAFETY: the id determines the type. The table lives in the wrapper, which the caller's proxy
    // keeps, and no caller keeps the reference beyond its call.
    unsafe { table.cast::<T>().as_ref() }
}

/// Calls one function of one of the framework's extension tables.
macro_rules! extension {
    (
        $proxy:ident, $table:ty, $id:ident,
        $function:ident($($argument:expr),*) else $fallback:expr
    ) => {
        match framework_table::<$table>($proxy, $id).and_then(|table| table.$function) {
            // SAFETY: the host's arguments, for the same function.
            Some(function) => unsafe { function($proxy.inner, $($argument),*) },
            None => $fallback,
        }
    };
}

/// Returns the table for windows: the framework's, except that no window is created for a host
/// without its own side of the extension, which the framework requires.
///
/// Hosts decide whether a plugin has a window with an instance that they create for this alone, and
/// may give that one fewer extensions than the instances they play (Qtractor).
pub(super) fn window(proxy: &Proxy) -> *const c_void {
    let Some(theirs) = framework_table::<clap_plugin_gui>(proxy, CLAP_EXT_GUI) else {
        return std::ptr::null();
    };
    let ours = || clap_plugin_gui { create: Some(window_create), ..*theirs };
    std::ptr::from_ref(proxy.gui.get_or_init(ours)).cast()
}

unsafe extern "C" fn window_create(
    plugin: *const clap_plugin,
    api: *const c_char,
    is_floating: bool,
) -> bool {
    with_proxy!(plugin, false, |proxy| proxy.host_has_windows()
        && extension!(proxy, clap_plugin_gui, CLAP_EXT_GUI, create(api, is_floating) else false))
}

static LATENCY: clap_plugin_latency = clap_plugin_latency { get: Some(latency_get) };

unsafe extern "C" fn latency_get(plugin: *const clap_plugin) -> u32 {
    with_proxy!(plugin, 0, |proxy| proxy.current_latency())
}

static PARAMS: clap_plugin_params = clap_plugin_params {
    count: Some(params_count),
    get_info: Some(params_get_info),
    get_value: Some(params_get_value),
    value_to_text: Some(params_value_to_text),
    text_to_value: Some(params_text_to_value),
    flush: Some(params_flush),
};

fn count(proxy: &Proxy) -> u32 {
    extension!(proxy, clap_plugin_params, CLAP_EXT_PARAMS, count() else 0)
}

unsafe extern "C" fn params_count(plugin: *const clap_plugin) -> u32 {
    with_proxy!(plugin, 0, |proxy| count(proxy))
}

/// Defect 7: the framework aborts for the index that equals the count. Also returns the live name
/// instead of the fixed one, and marks choices as enumerations.
unsafe extern "C" fn params_get_info(
    plugin: *const clap_plugin,
    index: u32,
    info: *mut clap_param_info,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        if info.is_null() || index >= count(proxy) {
            return false;
        }
        if !extension!(proxy, clap_plugin_params, CLAP_EXT_PARAMS, get_info(index, info) else false)
        {
            return false;
        }
        // SAFETY: not null, and just written by the framework.
        let info = unsafe { &mut *info };
        if info.flags & CLAP_PARAM_IS_STEPPED != 0 && info.max_value > 1.0 {
            info.flags |= CLAP_PARAM_IS_ENUM;
        }
        if let Some(name) = proxy.view.name(info.id) {
            write_name(&mut info.name, &name);
        }
        true
    })
}

/// Returns the unmodulated value. The framework returns the modulated one, and a host that saves it
/// makes the value drift.
unsafe extern "C" fn params_get_value(
    plugin: *const clap_plugin,
    id: clap_id,
    value: *mut f64,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        if value.is_null() {
            return false;
        }
        if !extension!(
            proxy, clap_plugin_params, CLAP_EXT_PARAMS, get_value(id, value) else false
        ) {
            return false;
        }
        if let Some(unmodulated) = proxy.view.unmodulated(id) {
            // SAFETY: not null, and the host's to be written.
            unsafe { value.write(unmodulated) };
        }
        true
    })
}

unsafe extern "C" fn params_value_to_text(
    plugin: *const clap_plugin,
    id: clap_id,
    value: f64,
    text: *mut c_char,
    capacity: u32,
) -> bool {
    with_proxy!(plugin, false, |proxy| capacity > 0
        && value.is_finite()
        && extension!(
            proxy, clap_plugin_params, CLAP_EXT_PARAMS,
            value_to_text(id, value, text, capacity) else false
        ))
}

unsafe extern "C" fn params_text_to_value(
    plugin: *const clap_plugin,
    id: clap_id,
    text: *const c_char,
    value: *mut f64,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let mut read = f64::NAN;
        let into = &raw mut read;
        let is_read = extension!(
            proxy, clap_plugin_params, CLAP_EXT_PARAMS, text_to_value(id, text, into) else false
        );
        // Only a finite value is passed on to the host.
        if value.is_null() || !is_read || !read.is_finite() {
            return false;
        }
        // SAFETY: not null, and the host's to be written.
        unsafe { value.write(read) };
        true
    })
}

/// Drops a flush while a block runs: CLAP forbids it, and the framework would panic. Malformed
/// events are not passed on, as in blocks.
unsafe extern "C" fn params_flush(
    plugin: *const clap_plugin,
    input: *const clap_input_events,
    output: *const clap_output_events,
) {
    with_proxy!(plugin, (), |proxy| {
        proxy.if_idle(|| {
            // SAFETY: null or the host's list, which outlives the call.
            let mut due = unsafe { Due::new(input, 0) };
            due.advance(0, &*proxy.view);
            let list = due.list();
            // SAFETY: null or the host's list.
            let (input, output) = (&raw const list, unsafe { writable(output) });
            extension!(
                proxy, clap_plugin_params, CLAP_EXT_PARAMS, flush(input, output) else ()
            );
        });
        proxy.notice_changes_in_flush();
    });
}

static RENDER: clap_plugin_render = clap_plugin_render {
    has_hard_realtime_requirement: Some(render_has_hard_realtime_requirement),
    set: Some(render_set),
};

unsafe extern "C" fn render_has_hard_realtime_requirement(plugin: *const clap_plugin) -> bool {
    with_proxy!(plugin, false, |proxy| extension!(
        proxy, clap_plugin_render, CLAP_EXT_RENDER, has_hard_realtime_requirement() else false
    ))
}

/// Stores the mode for the next activation. The framework requests a restart itself if it is
/// active. An unknown mode is refused; the framework would treat it as real-time.
unsafe extern "C" fn render_set(plugin: *const clap_plugin, mode: clap_plugin_render_mode) -> bool {
    with_proxy!(plugin, false, |proxy| {
        proxy.next().process_mode = match mode {
            CLAP_RENDER_OFFLINE => ProcessMode::Offline,
            CLAP_RENDER_REALTIME => ProcessMode::Realtime,
            _ => return false,
        };
        extension!(proxy, clap_plugin_render, CLAP_EXT_RENDER, set(mode) else false)
    })
}

static STATE: clap_plugin_state =
    clap_plugin_state { save: Some(state_save), load: Some(state_load) };

unsafe extern "C" fn state_save(plugin: *const clap_plugin, stream: *const clap_ostream) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let mut collected = Vec::new();
        let ours = stream::collecting(&mut collected);
        let into = &raw const ours;
        // SAFETY: null or the host's stream.
        extension!(proxy, clap_plugin_state, CLAP_EXT_STATE, save(into) else false)
            && unsafe { stream::write_all(stream, &collected) }
    })
}

unsafe extern "C" fn state_load(plugin: *const clap_plugin, stream: *const clap_istream) -> bool {
    with_proxy!(plugin, false, |proxy| {
        if proxy.teller.is_on_audio_thread() {
            return false;
        }
        // SAFETY: null or the host's stream.
        let Some(bytes) = (unsafe { stream::read_all(stream) }) else { return false };
        let mut left = &bytes[..];
        let ours = stream::giving(&mut left);
        let from = &raw const ours;
        let loaded = extension!(proxy, clap_plugin_state, CLAP_EXT_STATE, load(from) else false);
        proxy.notice_changes_on_main_thread();
        loaded
    })
}
