//! Presets that a CLAP host loads by their keys.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::{CStr, c_char};

use clap_sys::ext::preset_load::{
    CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT, clap_host_preset_load,
    clap_plugin_preset_load,
};
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, clap_preset_discovery_location_kind,
};
use clap_sys::plugin::clap_plugin;

use super::proxy::{Proxy, with_proxy};

pub(super) static PRESET_LOAD: clap_plugin_preset_load =
    clap_plugin_preset_load { from_location: Some(from_location) };

/// A host's location of a preset.
#[derive(Clone, Copy)]
struct Place {
    kind: clap_preset_discovery_location_kind,
    location: *const c_char,
    key: *const c_char,
}

unsafe extern "C" fn from_location(
    plugin: *const clap_plugin,
    kind: clap_preset_discovery_location_kind,
    location: *const c_char,
    key: *const c_char,
) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let place = Place { kind, location, key };
        let is_loaded = load(proxy, place);
        if is_loaded {
            proxy.notice_changes_on_main_thread();
        }
        tell(proxy, place, is_loaded);
        is_loaded
    })
}

fn load(proxy: &Proxy, place: Place) -> bool {
    let is_ours = place.kind == CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN && !place.key.is_null();
    if !is_ours || proxy.teller.is_on_audio_thread() {
        return false;
    }
    // SAFETY: not null, and a string of the host.
    let key = unsafe { CStr::from_ptr(place.key) };
    key.to_str().is_ok_and(|key| proxy.view.load_preset(key))
}

/// Reports the result to the host, which may have several ways to load presets.
fn tell(proxy: &Proxy, Place { kind, location, key }: Place, is_loaded: bool) {
    let teller = &proxy.teller;
    let host = teller
        .host_extension::<clap_host_preset_load>(CLAP_EXT_PRESET_LOAD)
        .or_else(|| teller.host_extension(CLAP_EXT_PRESET_LOAD_COMPAT));
    let Some(host) = host else { return };
    if is_loaded {
        if let Some(loaded) = host.loaded {
            // SAFETY: a live host, on its main thread; its own arguments.
            unsafe { loaded(teller.host(), kind, location, key) };
        }
    } else if let Some(on_error) = host.on_error {
        let message = c"Unspill has no such preset";
        // SAFETY: as above; the string is static.
        unsafe { on_error(teller.host(), kind, location, key, 0, message.as_ptr()) };
    }
}
