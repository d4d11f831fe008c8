//! The CLAP host's functions for the plugin. They count calls and call the plugin back.

use std::ffi::{CStr, c_char, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use clap_sys::events::*;
use clap_sys::ext::audio_ports::*;
use clap_sys::ext::gui::*;
use clap_sys::ext::latency::*;
use clap_sys::ext::params::*;
use clap_sys::ext::preset_load::*;
use clap_sys::ext::state::*;
use clap_sys::ext::thread_check::*;
use clap_sys::ext::track_info::*;
use clap_sys::host::clap_host;
use clap_sys::id::clap_id;
use clap_sys::plugin::clap_plugin;
use clap_sys::stream::clap_ostream;

use super::watch::in_time;

/// Counts the plugin's calls of its host, and calls it back during each.
#[derive(Default)]
pub struct Told {
    pub names: AtomicUsize,
    pub values: AtomicUsize,
    pub dirty: AtomicUsize,
    pub restarts: AtomicUsize,
    /// Begun, performed and ended edits.
    pub edits: [AtomicUsize; 3],
    pub callback: AtomicBool,
    /// True if a restart happens at once instead of later.
    pub restarts_at_once: AtomicBool,
    /// True if the host has no side of `clap.gui`.
    pub is_without_windows: AtomicBool,
    /// True if the host reports that this is its audio thread instead of its main thread.
    pub is_audio_thread: AtomicBool,
    /// The host's name of the plugin's track, if any.
    pub track: Mutex<Option<String>>,
    /// Presets that the plugin reported as loaded (`true`) or failed.
    pub presets: Mutex<Vec<(bool, String)>>,
    /// Null as long as the plugin must not be called back.
    pub plugin: AtomicPtr<clap_plugin>,
    /// True during a callback, to end the recursion.
    is_calling: AtomicBool,
}

impl Told {
    /// Calls everything that a host may call during a call of the plugin.
    fn call_back(&self) {
        self.call_back_with(|_| ());
    }

    fn call_back_with(&self, also: impl FnOnce(*const clap_plugin)) {
        let plugin = self.plugin.load(Ordering::SeqCst).cast_const();
        if plugin.is_null() || self.is_calling.swap(true, Ordering::SeqCst) {
            return;
        }
        in_time("a plugin that is called from within its own call", || {
            also(plugin);
            self.call_all(plugin);
        });
        self.is_calling.store(false, Ordering::SeqCst);
    }

    fn call_all(&self, plugin: *const clap_plugin) {
        // SAFETY: the plugin is alive because it is calling its host; live variables and
        // plain arguments.
        unsafe {
            let extension = |id: &CStr| (*plugin).get_extension.unwrap()(plugin, id.as_ptr());
            let params = extension(CLAP_EXT_PARAMS).cast::<clap_plugin_params>();
            for index in 0..(*params).count.unwrap()(plugin).min(3) {
                let mut info: clap_param_info = std::mem::zeroed();
                assert!((*params).get_info.unwrap()(plugin, index, &mut info));
                let mut value = 0.0;
                assert!((*params).get_value.unwrap()(plugin, info.id, &mut value));
                let mut text = [0; 128];
                (*params).value_to_text.unwrap()(plugin, info.id, value, text.as_mut_ptr(), 128);
            }
            let latency = extension(CLAP_EXT_LATENCY).cast::<clap_plugin_latency>();
            (*latency).get.unwrap()(plugin);
            let ports = extension(CLAP_EXT_AUDIO_PORTS).cast::<clap_plugin_audio_ports>();
            for is_input in [true, false] {
                let mut info = std::mem::zeroed();
                assert!((*ports).count.unwrap()(plugin, is_input) > 0);
                assert!((*ports).get.unwrap()(plugin, 0, is_input, &mut info));
            }
            let state = extension(CLAP_EXT_STATE).cast::<clap_plugin_state>();
            let stream = clap_ostream { ctx: std::ptr::null_mut(), write: Some(write_nowhere) };
            assert!((*state).save.unwrap()(plugin, &raw const stream));
            // Some hosts flush at once on request. A window's edits arrive in this way.
            let (none, edits) = (no_events(), self.output_events());
            (*params).flush.unwrap()(plugin, &raw const none, &raw const edits);
        }
    }

    /// Returns a list that counts a window's edits.
    pub fn output_events(&self) -> clap_output_events {
        let ctx = std::ptr::from_ref(self).cast_mut().cast();
        clap_output_events { ctx, try_push: Some(push_event) }
    }
}

unsafe extern "C" fn push_event(
    list: *const clap_output_events,
    event: *const clap_event_header,
) -> bool {
    // SAFETY: the list's context is a `Told`, and the event is the plugin's.
    let (told, kind) = unsafe { (&*(*list).ctx.cast::<Told>(), (*event).type_) };
    let kinds =
        [CLAP_EVENT_PARAM_GESTURE_BEGIN, CLAP_EVENT_PARAM_VALUE, CLAP_EVENT_PARAM_GESTURE_END];
    if let Some(place) = kinds.iter().position(|&one| one == kind) {
        told.edits[place].fetch_add(1, Ordering::SeqCst);
    }
    told.call_back();
    true
}

unsafe extern "C" fn no_events_size(_list: *const clap_input_events) -> u32 {
    0
}

unsafe extern "C" fn no_events_get(
    _list: *const clap_input_events,
    _index: u32,
) -> *const clap_event_header {
    std::ptr::null()
}

fn no_events() -> clap_input_events {
    clap_input_events {
        ctx: std::ptr::null_mut(),
        size: Some(no_events_size),
        get: Some(no_events_get),
    }
}

unsafe extern "C" fn write_nowhere(_: *const clap_ostream, _: *const c_void, size: u64) -> i64 {
    i64::try_from(size).unwrap()
}

/// Records a call, and calls the plugin back.
///
/// # Safety
///
/// The host's data is a `Told` that outlives the plugin.
unsafe fn note(host: *const clap_host, note: impl FnOnce(&Told)) {
    // SAFETY: as the caller guarantees.
    let told = unsafe { &*(*host).host_data.cast::<Told>() };
    note(told);
    told.call_back();
}

/// Records the request, and calls the plugin's main-thread function at once, as a host with one
/// thread may do.
pub unsafe extern "C" fn request_callback(host: *const clap_host) {
    // SAFETY: the host's data is a `Told` that outlives the plugin.
    let told = unsafe { &*(*host).host_data.cast::<Told>() };
    told.callback.store(true, Ordering::SeqCst);
    // SAFETY: the plugin is alive because it is calling its host.
    told.call_back_with(|plugin| unsafe { (*plugin).on_main_thread.unwrap()(plugin) });
}

pub unsafe extern "C" fn request_restart(host: *const clap_host) {
    // SAFETY: as above.
    let told = unsafe { &*(*host).host_data.cast::<Told>() };
    count(&told.restarts, true);
    let at_once = told.restarts_at_once.load(Ordering::SeqCst);
    told.call_back_with(|plugin| {
        if at_once {
            // SAFETY: as above; plain arguments.
            unsafe {
                (*plugin).stop_processing.unwrap()(plugin);
                (*plugin).deactivate.unwrap()(plugin);
                assert!((*plugin).activate.unwrap()(plugin, 48_000.0, 1, 64));
                assert!((*plugin).start_processing.unwrap()(plugin));
            }
        }
    });
}

/// Defines a function of the host that counts and calls back.
macro_rules! notes {
    (
        $name:ident($($argument:ident: $type:ty),*) $(-> $answer:ty = $value:expr)?,
        |$told:ident| $note:expr
    ) => {
        pub unsafe extern "C" fn $name(
            host: *const clap_host,
            $($argument: $type),*
        ) $(-> $answer)? {
            // SAFETY: the plugin returns the host that it got.
            unsafe { note(host, |$told| $note) };
            $($value)?
        }
    };
}

fn count(counter: &AtomicUsize, is_one: bool) {
    counter.fetch_add(usize::from(is_one), Ordering::SeqCst);
}

notes!(request_process(), |_told| ());
notes!(rescan(flags: u32), |told| {
    count(&told.names, flags & CLAP_PARAM_RESCAN_INFO != 0);
    count(&told.values, flags & CLAP_PARAM_RESCAN_VALUES != 0);
});
notes!(clear(_id: clap_id, _flags: u32), |_told| ());
notes!(request_flush(), |_told| ());
notes!(mark_dirty(), |told| count(&told.dirty, true));
notes!(latency_changed(), |told| count(&told.restarts, true));
notes!(resize_hints_changed(), |_told| ());
notes!(request_resize(_width: u32, _height: u32) -> bool = true, |_told| ());
notes!(request_show() -> bool = true, |_told| ());
notes!(closed(_was_destroyed: bool), |_told| ());

static PARAMS: clap_host_params = clap_host_params {
    rescan: Some(rescan),
    clear: Some(clear),
    request_flush: Some(request_flush),
};
static STATE: clap_host_state = clap_host_state { mark_dirty: Some(mark_dirty) };
static LATENCY: clap_host_latency = clap_host_latency { changed: Some(latency_changed) };
unsafe extern "C" fn is_audio_thread(host: *const clap_host) -> bool {
    // SAFETY: as above.
    unsafe { &*(*host).host_data.cast::<Told>() }.is_audio_thread.load(Ordering::SeqCst)
}

unsafe extern "C" fn is_main_thread(host: *const clap_host) -> bool {
    // SAFETY: as above.
    unsafe { !is_audio_thread(host) }
}

unsafe extern "C" fn track_info(host: *const clap_host, info: *mut clap_track_info) -> bool {
    // SAFETY: as above; `info` is the plugin's to be written.
    let (told, info) = unsafe { (&*(*host).host_data.cast::<Told>(), &mut *info) };
    let track = told.track.lock().unwrap();
    let Some(track) = &*track else { return false };
    info.flags = CLAP_TRACK_INFO_HAS_TRACK_NAME;
    for (slot, byte) in info.name.iter_mut().zip(track.bytes().chain([0])) {
        *slot = c_char::from_ne_bytes([byte]);
    }
    true
}

/// Records the result of loading a preset.
///
/// # Safety
///
/// As for [`note`]; the key is null or a string.
unsafe fn note_preset(host: *const clap_host, is_loaded: bool, key: *const c_char) {
    let key = if key.is_null() {
        String::new()
    } else {
        // SAFETY: as the caller guarantees.
        unsafe { CStr::from_ptr(key) }.to_string_lossy().into_owned()
    };
    // SAFETY: as above.
    unsafe { note(host, |told| told.presets.lock().unwrap().push((is_loaded, key))) };
}

unsafe extern "C" fn preset_loaded(
    host: *const clap_host,
    _kind: u32,
    _location: *const c_char,
    key: *const c_char,
) {
    // SAFETY: the plugin returns the host and the key that it got.
    unsafe { note_preset(host, true, key) };
}

unsafe extern "C" fn preset_failed(
    host: *const clap_host,
    _kind: u32,
    _location: *const c_char,
    key: *const c_char,
    _os_error: i32,
    message: *const c_char,
) {
    assert!(!message.is_null());
    // SAFETY: as above.
    unsafe { note_preset(host, false, key) };
}

static TRACK_INFO: clap_host_track_info = clap_host_track_info { get: Some(track_info) };
static PRESET_LOAD: clap_host_preset_load =
    clap_host_preset_load { on_error: Some(preset_failed), loaded: Some(preset_loaded) };
static THREAD_CHECK: clap_host_thread_check = clap_host_thread_check {
    is_main_thread: Some(is_main_thread),
    is_audio_thread: Some(is_audio_thread),
};
static GUI: clap_host_gui = clap_host_gui {
    resize_hints_changed: Some(resize_hints_changed),
    request_resize: Some(request_resize),
    request_show: Some(request_show),
    request_hide: Some(request_show),
    closed: Some(closed),
};

/// Returns the host's extensions.
pub unsafe extern "C" fn host_extension(
    host: *const clap_host,
    id: *const c_char,
) -> *const c_void {
    // SAFETY: the host's data is its `Told`.
    let told = unsafe { &*(*host).host_data.cast::<Told>() };
    // SAFETY: a string of the plugin.
    match unsafe { CStr::from_ptr(id) } {
        id if id == CLAP_EXT_PARAMS => (&raw const PARAMS).cast(),
        id if id == CLAP_EXT_LATENCY => (&raw const LATENCY).cast(),
        id if id == CLAP_EXT_STATE => (&raw const STATE).cast(),
        id if id == CLAP_EXT_TRACK_INFO => (&raw const TRACK_INFO).cast(),
        id if id == CLAP_EXT_PRESET_LOAD => (&raw const PRESET_LOAD).cast(),
        id if id == CLAP_EXT_THREAD_CHECK => (&raw const THREAD_CHECK).cast(),
        id if id == CLAP_EXT_GUI && !told.is_without_windows.load(Ordering::SeqCst) => {
            (&raw const GUI).cast()
        }
        _ => std::ptr::null(),
    }
}
