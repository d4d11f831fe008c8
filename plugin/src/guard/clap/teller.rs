//! Reports of the plugin's own changes to CLAP hosts.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::CStr;
use std::sync::Arc;

use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_RESCAN_INFO, CLAP_PARAM_RESCAN_VALUES, clap_host_params,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state};
use clap_sys::ext::thread_check::{CLAP_EXT_THREAD_CHECK, clap_host_thread_check};
use clap_sys::host::clap_host;

use crate::guard::notice::Notice;
use crate::guard::panics::shield;
use crate::guard::{HostBell, View};

/// A request function of the host.
type HostRequest = unsafe extern "C" fn(*const clap_host);

/// Detects changes on any thread, requests a callback on the host's main thread, and reports
/// them there.
pub(super) struct Teller {
    host: *const clap_host,
    view: Arc<dyn View>,
    names: Notice,
    values: Notice,
    state: Notice,
}

// SAFETY: on threads other than the main one, only functions of the host are called that are
// allowed on any thread.
unsafe impl Send for Teller {}
// SAFETY: as above.
unsafe impl Sync for Teller {}

impl Teller {
    /// Creates a teller that reports the changes from now on.
    ///
    /// # Safety
    ///
    /// `host` is a live host that outlives the teller.
    pub(super) unsafe fn new(host: *const clap_host, view: &Arc<dyn View>) -> Self {
        Self {
            host,
            names: Notice::new(view.names_signature()),
            values: Notice::new(view.values_signature()),
            state: Notice::new(view.state_signature()),
            view: Arc::clone(view),
        }
    }

    pub(super) fn host(&self) -> *const clap_host {
        self.host
    }

    pub(super) fn host_extension<T>(&self, id: &CStr) -> Option<&T> {
        // SAFETY: the host outlives the teller.
        let get_extension = unsafe { (*self.host).get_extension }?;
        // SAFETY: the id determines the type of the host's table, if there is one.
        unsafe { get_extension(self.host, id.as_ptr()).cast::<T>().as_ref() }
    }

    /// Returns true if this is the host's audio thread and not also its main thread. Main-thread
    /// calls are refused there, because they would block audio.
    pub(super) fn is_on_audio_thread(&self) -> bool {
        let Some(check) = self.host_extension::<clap_host_thread_check>(CLAP_EXT_THREAD_CHECK)
        else {
            return false;
        };
        let says = |function: Option<unsafe extern "C" fn(*const clap_host) -> bool>| {
            // SAFETY: the host outlives the teller.
            function.is_some_and(|function| unsafe { function(self.host) })
        };
        says(check.is_audio_thread) && !says(check.is_main_thread)
    }

    /// Calls one of the host's requests, all of which are allowed on any thread.
    pub(super) fn request(&self, which: impl FnOnce(&clap_host) -> Option<HostRequest>) {
        // SAFETY: the host outlives the teller.
        if let Some(request) = which(unsafe { &*self.host }) {
            // SAFETY: as above.
            unsafe { request(self.host) };
        }
    }

    /// Detects all changes, including those that follow from parameter changes, updates dependent
    /// parameters, and requests a callback of the host; real-time safe.
    pub(super) fn notice(&self) {
        self.view.follow();
        if self.names.see(self.view.names_signature()) {
            self.request(|host| host.request_callback);
        }
        self.notice_own_changes();
    }

    /// Detects the plugin's own changes of values and state, with any block; real-time safe.
    pub(super) fn notice_own_changes(&self) {
        let moved = self.values.see(self.view.values_signature());
        if self.state.see(self.view.state_signature()) || moved {
            self.request(|host| host.request_callback);
        }
    }

    /// Makes the host read changed names and values and save a changed state; main thread.
    pub(super) fn tell_host(&self) {
        let mut flags = 0;
        if self.names.take() {
            flags |= CLAP_PARAM_RESCAN_INFO;
        }
        if self.values.take() {
            flags |= CLAP_PARAM_RESCAN_VALUES;
        }
        if flags != 0
            && let Some(params) = self.host_extension::<clap_host_params>(CLAP_EXT_PARAMS)
            && let Some(rescan) = params.rescan
        {
            // SAFETY: a live host, on its main thread.
            unsafe { rescan(self.host, flags) };
        }
        if self.state.take()
            && let Some(state) = self.host_extension::<clap_host_state>(CLAP_EXT_STATE)
            && let Some(mark_dirty) = state.mark_dirty
        {
            // SAFETY: as above.
            unsafe { mark_dirty(self.host) };
        }
    }
}

impl HostBell for Teller {
    fn ring(&self) {
        shield((), || self.notice());
    }
}
