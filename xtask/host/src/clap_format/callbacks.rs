//! The functions that a CLAP plugin can call on its host.

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use clap_sys::ext::audio_ports::{CLAP_EXT_AUDIO_PORTS, clap_host_audio_ports};
use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_host_gui};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_host_latency};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, clap_host_params, clap_param_clear_flags, clap_param_rescan_flags,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state};
use clap_sys::ext::thread_check::{CLAP_EXT_THREAD_CHECK, clap_host_thread_check};
use clap_sys::ext::track_info::{
    CLAP_EXT_TRACK_INFO, CLAP_TRACK_INFO_HAS_TRACK_NAME, clap_host_track_info, clap_track_info,
};
use clap_sys::host::clap_host;
use clap_sys::id::clap_id;
use clap_sys::version::CLAP_VERSION;

use crate::model::Requests;

/// The host as seen by a plugin, and the plugin's requests.
///
/// The plugin holds a pointer to it, so it stays in one `Box` for the plugin's life.
pub(super) struct HostSide {
    raw: clap_host,
    main_thread: ThreadId,
    // All accesses are relaxed: each flag is independent and guards no other data.
    in_audio_call: AtomicBool,
    /// True while another thread is the audio thread.
    audio_is_elsewhere: AtomicBool,
    /// True if the plugin has called a main-thread function on another thread.
    called_elsewhere: AtomicBool,
    restart: AtomicBool,
    callback: AtomicBool,
    flush: AtomicBool,
    latency_changed: AtomicBool,
    buses_changed: AtomicBool,
    params_changed: AtomicBool,
    state_dirty: AtomicBool,
    /// Width and height requested by the editor, or 0 for none.
    wanted_size: AtomicU64,
    /// Name of the plugin's track.
    track: Mutex<Option<String>>,
}

impl HostSide {
    pub(super) fn new() -> Box<Self> {
        let mut host = Box::new(Self {
            raw: clap_host {
                clap_version: CLAP_VERSION,
                host_data: std::ptr::null_mut(),
                name: c"Unspill test host".as_ptr(),
                vendor: c"Unspill".as_ptr(),
                url: c"".as_ptr(),
                version: c"1".as_ptr(),
                get_extension: Some(get_extension),
                request_restart: Some(request_restart),
                request_process: Some(request_process),
                request_callback: Some(request_callback),
            },
            main_thread: std::thread::current().id(),
            in_audio_call: AtomicBool::new(false),
            audio_is_elsewhere: AtomicBool::new(false),
            called_elsewhere: AtomicBool::new(false),
            track: Mutex::default(),
            restart: AtomicBool::new(false),
            callback: AtomicBool::new(false),
            flush: AtomicBool::new(false),
            latency_changed: AtomicBool::new(false),
            buses_changed: AtomicBool::new(false),
            params_changed: AtomicBool::new(false),
            state_dirty: AtomicBool::new(false),
            wanted_size: AtomicU64::new(0),
        });
        host.raw.host_data = std::ptr::from_mut(&mut *host).cast();
        host
    }

    pub(super) fn raw(&self) -> *const clap_host {
        &raw const self.raw
    }

    /// Runs `call` as the audio thread.
    pub(super) fn as_audio_thread<T>(&self, call: impl FnOnce() -> T) -> T {
        self.in_audio_call.store(true, Ordering::Relaxed);
        let result = call();
        self.in_audio_call.store(false, Ordering::Relaxed);
        result
    }

    /// Sets if another thread is the audio thread.
    pub(super) fn audio_is_elsewhere(&self, is_elsewhere: bool) {
        self.audio_is_elsewhere.store(is_elsewhere, Ordering::Relaxed);
    }

    /// Returns true if the plugin has ever called a main-thread function on another thread.
    pub(super) fn was_called_elsewhere(&self) -> bool {
        self.called_elsewhere.load(Ordering::Relaxed)
    }

    fn look_at_thread(&self) {
        if std::thread::current().id() != self.main_thread {
            self.called_elsewhere.store(true, Ordering::Relaxed);
        }
    }

    /// Sets the name of the plugin's track; the caller must notify the plugin.
    pub(super) fn set_track(&self, name: &str) {
        *self.track.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
    }

    /// Returns true if the plugin has requested `on_main_thread`, and clears the request.
    pub(super) fn take_callback(&self) -> bool {
        self.callback.swap(false, Ordering::Relaxed)
    }

    /// Returns true if the plugin has requested a flush of its parameters, and clears the request.
    pub(super) fn take_flush(&self) -> bool {
        self.flush.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_wanted_size(&self) -> Option<[u32; 2]> {
        #[allow(clippy::cast_possible_truncation, reason = "two numbers in one")]
        match self.wanted_size.swap(0, Ordering::Relaxed) {
            0 => None,
            size => Some([(size >> 32) as u32, size as u32]),
        }
    }

    pub(super) fn take_requests(&self) -> Requests {
        let take = |flag: &AtomicBool| flag.swap(false, Ordering::Relaxed);
        Requests {
            restart: take(&self.restart),
            latency_changed: take(&self.latency_changed),
            buses_changed: take(&self.buses_changed),
            params_changed: take(&self.params_changed),
            state_dirty: take(&self.state_dirty),
        }
    }
}

/// Returns the host for a pointer received from a plugin.
///
/// # Safety
///
/// `host` must be a result of [`HostSide::raw`], and its `HostSide` must be alive.
unsafe fn side<'a>(host: *const clap_host) -> &'a HostSide {
    // SAFETY: `host_data` points to the `HostSide` that contains `host`.
    unsafe { &*(*host).host_data.cast::<HostSide>() }
}

/// Defines a callback that sets one flag.
macro_rules! raises {
    ($name:ident, $flag:ident $(, $unused:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(host: *const clap_host $(, $unused: $type)*) {
            // SAFETY: the plugin passes the pointer from its creation, and is alive.
            unsafe { side(host) }.$flag.store(true, Ordering::Relaxed);
        }
    };
}

/// Defines a callback that sets one flag and may be called only on the main thread.
macro_rules! raises_on_main_thread {
    ($name:ident, $flag:ident $(, $unused:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(host: *const clap_host $(, $unused: $type)*) {
            // SAFETY: the plugin passes the pointer from its creation, and is alive.
            let side = unsafe { side(host) };
            side.look_at_thread();
            side.$flag.store(true, Ordering::Relaxed);
        }
    };
}

raises!(request_restart, restart);
raises!(request_callback, callback);
raises!(request_flush, flush);
raises_on_main_thread!(latency_changed, latency_changed);
raises_on_main_thread!(rescan_ports, buses_changed, _flags: u32);
raises_on_main_thread!(rescan_params, params_changed, _flags: clap_param_rescan_flags);
raises_on_main_thread!(mark_dirty, state_dirty);

/// Does nothing: this host never suspends a plugin.
unsafe extern "C" fn request_process(_host: *const clap_host) {}

/// Does nothing: this host records no automation.
unsafe extern "C" fn clear_param(
    _host: *const clap_host,
    _id: clap_id,
    _flags: clap_param_clear_flags,
) {
}

unsafe extern "C" fn is_rescan_supported(_host: *const clap_host, _flag: u32) -> bool {
    true
}

unsafe extern "C" fn is_main_thread(host: *const clap_host) -> bool {
    // SAFETY: as in every callback.
    let side = unsafe { side(host) };
    std::thread::current().id() == side.main_thread && !side.in_audio_call.load(Ordering::Relaxed)
}

unsafe extern "C" fn is_audio_thread(host: *const clap_host) -> bool {
    // SAFETY: as in every callback.
    let side = unsafe { side(host) };
    if std::thread::current().id() == side.main_thread {
        side.in_audio_call.load(Ordering::Relaxed)
    } else {
        side.audio_is_elsewhere.load(Ordering::Relaxed)
    }
}

unsafe extern "C" fn track_info(host: *const clap_host, info: *mut clap_track_info) -> bool {
    // SAFETY: as in every callback; `info` is null or writable memory of the plugin.
    let (side, info) = unsafe { (side(host), info.as_mut()) };
    side.look_at_thread();
    let track = side.track.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(name), Some(info)) = (&*track, info) else { return false };
    info.flags = CLAP_TRACK_INFO_HAS_TRACK_NAME;
    info.name.fill(0);
    let last = info.name.len() - 1;
    for (slot, byte) in info.name[..last].iter_mut().zip(name.bytes()) {
        *slot = c_char::from_ne_bytes([byte]);
    }
    true
}

unsafe extern "C" fn request_resize(host: *const clap_host, width: u32, height: u32) -> bool {
    let size = u64::from(width) << 32 | u64::from(height);
    // SAFETY: as in every callback.
    unsafe { side(host) }.wanted_size.store(size, Ordering::Relaxed);
    true
}

unsafe extern "C" fn resize_hints_changed(_host: *const clap_host) {}

unsafe extern "C" fn request_show_or_hide(_host: *const clap_host) -> bool {
    false
}

unsafe extern "C" fn closed(_host: *const clap_host, _was_destroyed: bool) {}

static GUI: clap_host_gui = clap_host_gui {
    resize_hints_changed: Some(resize_hints_changed),
    request_resize: Some(request_resize),
    request_show: Some(request_show_or_hide),
    request_hide: Some(request_show_or_hide),
    closed: Some(closed),
};
static AUDIO_PORTS: clap_host_audio_ports = clap_host_audio_ports {
    is_rescan_flag_supported: Some(is_rescan_supported),
    rescan: Some(rescan_ports),
};
static LATENCY: clap_host_latency = clap_host_latency { changed: Some(latency_changed) };
static PARAMS: clap_host_params = clap_host_params {
    rescan: Some(rescan_params),
    clear: Some(clear_param),
    request_flush: Some(request_flush),
};
static STATE: clap_host_state = clap_host_state { mark_dirty: Some(mark_dirty) };
static TRACK_INFO: clap_host_track_info = clap_host_track_info { get: Some(track_info) };
static THREAD_CHECK: clap_host_thread_check = clap_host_thread_check {
    is_main_thread: Some(is_main_thread),
    is_audio_thread: Some(is_audio_thread),
};

unsafe extern "C" fn get_extension(_host: *const clap_host, id: *const c_char) -> *const c_void {
    // SAFETY: an extension id is a terminated string.
    let id = unsafe { CStr::from_ptr(id) };
    if id == CLAP_EXT_AUDIO_PORTS {
        (&raw const AUDIO_PORTS).cast()
    } else if id == CLAP_EXT_GUI {
        (&raw const GUI).cast()
    } else if id == CLAP_EXT_LATENCY {
        (&raw const LATENCY).cast()
    } else if id == CLAP_EXT_PARAMS {
        (&raw const PARAMS).cast()
    } else if id == CLAP_EXT_STATE {
        (&raw const STATE).cast()
    } else if id == CLAP_EXT_TRACK_INFO {
        (&raw const TRACK_INFO).cast()
    } else if id == CLAP_EXT_THREAD_CHECK {
        (&raw const THREAD_CHECK).cast()
    } else {
        std::ptr::null()
    }
}
