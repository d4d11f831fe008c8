//! The `clap_plugin` that a host gets: its creation and its functions.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use nice_plug::wrapper::clap::Wrapper;

use super::proxy::{Proxy, inner, with_proxy};
use super::teller::Teller;
use super::{extensions, track};
use crate::guard::panics::shield;
use crate::guard::{Guardable, Inside, view};

/// Creates a guarded instance of `P`; null if that panics.
///
/// # Safety
///
/// `host` is a live host that outlives the instance.
pub(super) unsafe fn create<P: Guardable>(host: *const clap_host) -> *const clap_plugin {
    let proxy = shield(None, || {
        // SAFETY: as the caller guarantees.
        let wrapper = unsafe { Wrapper::<Inside<P>>::new(host) };
        let view = view::adopt()?;
        // SAFETY: as the caller guarantees. The name is a string, or null in a host that violates
        // the specification.
        let name = unsafe { host.as_ref() }.map(|host| host.name).filter(|name| !name.is_null());
        if let Some(name) = name {
            // SAFETY: as above.
            view.host_is(&unsafe { CStr::from_ptr(name) }.to_string_lossy());
        }
        // SAFETY: as the caller guarantees; the teller lives as long as the proxy.
        let teller = Arc::new(unsafe { Teller::new(host, &view) });
        let bell: Weak<Teller> = Arc::downgrade(&teller);
        view.hang_bell(bell);
        let inner = wrapper.clap_plugin.as_ptr().cast_const();
        // SAFETY: the wrapper lives in `owner`, and its table is not borrowed mutably any more.
        let table = clap_plugin {
            init: Some(init),
            destroy: Some(destroy),
            activate: Some(activate),
            deactivate: Some(deactivate),
            start_processing: Some(start_processing),
            stop_processing: Some(stop_processing),
            reset: Some(reset),
            process: Some(process),
            get_extension: Some(get_extension),
            on_main_thread: Some(on_main_thread),
            ..unsafe { *inner }
        };
        let owner = Box::new(wrapper);
        Some(Box::new(Proxy::new(table, inner, owner, teller, view, P::AUDIO_IO_LAYOUTS)))
    });
    proxy.map_or(std::ptr::null(), |proxy| Box::into_raw(proxy).cast_const().cast())
}

unsafe extern "C" fn init(plugin: *const clap_plugin) -> bool {
    with_proxy!(plugin, false, |proxy| {
        // Hosts report the track again only when it changes.
        track::read(proxy);
        inner!(proxy, init() else false)
    })
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| proxy.deactivate());
    if !plugin.is_null() {
        shield((), || {
            // SAFETY: made by `Box::into_raw` in `create`, and the host does not use it after
            // this call.
            drop(unsafe { Box::from_raw(plugin.cast_mut().cast::<Proxy>()) });
        });
    }
}

unsafe extern "C" fn activate(
    plugin: *const clap_plugin,
    sample_rate: f64,
    min_frames_count: u32,
    max_frames_count: u32,
) -> bool {
    with_proxy!(plugin, false, |proxy| proxy.activate(
        sample_rate,
        min_frames_count,
        max_frames_count
    ))
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| proxy.deactivate());
}

unsafe extern "C" fn start_processing(plugin: *const clap_plugin) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let idle = proxy.if_idle(|| inner!(proxy, start_processing() else false));
        proxy.active.load(Ordering::Relaxed) && idle.unwrap_or(true)
    })
}

unsafe extern "C" fn stop_processing(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| {
        proxy.if_idle(|| inner!(proxy, stop_processing() else ()));
    });
}

unsafe extern "C" fn reset(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| proxy.reset());
}

unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    block: *const clap_process,
) -> clap_process_status {
    with_proxy!(plugin, CLAP_PROCESS_ERROR, |proxy| {
        // SAFETY: null or the host's.
        unsafe { block.as_ref() }.map_or(CLAP_PROCESS_ERROR, |block| proxy.process(block))
    })
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    with_proxy!(plugin, std::ptr::null(), |proxy| {
        if id.is_null() {
            return std::ptr::null();
        }
        // SAFETY: not null, and a string of the host.
        let name = unsafe { CStr::from_ptr(id) };
        match extensions::find(name) {
            extensions::Found::Window => extensions::window(proxy),
            extensions::Found::Ours(table) => table,
            extensions::Found::Theirs => {
                inner!(proxy, get_extension(id) else std::ptr::null())
            }
            extensions::Found::None => std::ptr::null(),
        }
    })
}

unsafe extern "C" fn on_main_thread(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| {
        inner!(proxy, on_main_thread() else ());
        proxy.teller.tell_host();
    });
}
