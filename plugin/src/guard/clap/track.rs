//! The track's name and colour from a CLAP host.
#![allow(unsafe_code, reason = "a CLAP interface")]

use clap_sys::color::clap_color;
use clap_sys::ext::track_info::{
    CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT, CLAP_TRACK_INFO_HAS_TRACK_COLOR,
    CLAP_TRACK_INFO_HAS_TRACK_NAME, clap_host_track_info, clap_plugin_track_info,
};
use clap_sys::plugin::clap_plugin;

use super::proxy::{Proxy, with_proxy};

pub(super) static TRACK_INFO: clap_plugin_track_info =
    clap_plugin_track_info { changed: Some(changed) };

unsafe extern "C" fn changed(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| {
        read(proxy);
        proxy.notice_changes_on_main_thread();
    });
}

/// Reads name and colour from the host and passes them on; main thread.
pub(super) fn read(proxy: &Proxy) {
    let teller = &proxy.teller;
    let host = teller
        .host_extension::<clap_host_track_info>(CLAP_EXT_TRACK_INFO)
        .or_else(|| teller.host_extension(CLAP_EXT_TRACK_INFO_COMPAT));
    let Some(get) = host.and_then(|host| host.get) else { return };
    // SAFETY: plain data, for which zeros are valid.
    let mut info = unsafe { std::mem::zeroed() };
    // SAFETY: a live host, and room for its data.
    let is_said = unsafe { get(teller.host(), &raw mut info) };
    if is_said && info.flags & CLAP_TRACK_INFO_HAS_TRACK_COLOR != 0 {
        let clap_color { red, green, blue, .. } = info.color;
        proxy.view.track_has_colour(u32::from_be_bytes([0, red, green, blue]));
    }
    if is_said && info.flags & CLAP_TRACK_INFO_HAS_TRACK_NAME != 0 {
        let bytes: Vec<u8> = info.name.iter().map(|byte| byte.to_ne_bytes()[0]).collect();
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        proxy.view.track_is(&String::from_utf8_lossy(&bytes[..end]));
    }
}
