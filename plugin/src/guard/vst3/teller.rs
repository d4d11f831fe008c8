//! What VST3 hosts must be told about a plugin that changes by itself, and how it comes to their main thread.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use vst3::ComPtr;
use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait,
    RestartFlags_,
};

use super::component::take;
use super::wake::Wake;
use crate::guard::notice::Notice;
use crate::guard::panics::shield;
use crate::guard::{Bell, View};

/// Notices changes on any thread and tells the host on its main thread.
pub(super) struct Teller {
    view: Arc<dyn View>,
    /// The thread that made the object; hosts are told about changes from no other.
    main_thread: ThreadId,
    handler: Mutex<Option<ComPtr<IComponentHandler>>>,
    /// Brings the host's main thread here, while a window is open whose host has a run loop.
    wake: Mutex<Option<Arc<Wake>>>,
    pub(super) changes: Changes,
}

/// What has changed and which of it the host knows.
///
/// All orderings are relaxed: every value is complete in itself, and a change seen one call later
/// is told one call later.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The latency of the running activation.
    pub latency: AtomicU32,
    /// The latency that the host was last told.
    pub told_latency: AtomicU32,
    /// The latency that the host was last asked to restart for.
    pub wanted_latency: AtomicU32,
    /// Whether the host ever asked for the latency.
    pub latency_was_asked: AtomicBool,
    names: Notice,
    values: Notice,
    state: Notice,
    pub restart: AtomicBool,
    /// A reset that came while a block was running.
    pub reset: AtomicBool,
}

impl Teller {
    /// A teller of what is new from now on, on the thread of the caller.
    pub(super) fn new(view: &Arc<dyn View>) -> Self {
        let changes = Changes {
            names: Notice::new(view.names_signature()),
            values: Notice::new(view.values_signature()),
            state: Notice::new(view.state_signature()),
            ..Changes::default()
        };
        Self {
            view: Arc::clone(view),
            main_thread: std::thread::current().id(),
            handler: Mutex::default(),
            wake: Mutex::default(),
            changes,
        }
    }

    /// The host's ear; none when it does not want to hear any more.
    pub(super) fn be_heard_by(&self, handler: Option<ComPtr<IComponentHandler>>) {
        let before = std::mem::replace(&mut *take(&self.handler), handler);
        shield((), || drop(before));
    }

    /// A window has opened or closed.
    pub(super) fn wake_by(&self, wake: Option<Arc<Wake>>) {
        *take(&self.wake) = wake;
    }

    /// Takes back what [`Teller::wake_by`] gave, if nothing else has come since.
    pub(super) fn wake_no_more_by(&self, wake: &Arc<Wake>) {
        take(&self.wake).take_if(|current| Arc::ptr_eq(current, wake));
    }

    /// Notices what changes with parameters, too; real-time safe.
    pub(super) fn notice(&self) {
        self.changes.names.see(self.view.names_signature());
        self.notice_own_changes();
    }

    /// Notices what the plugin does by itself, with any block: values and state; real-time safe.
    pub(super) fn notice_own_changes(&self) {
        self.changes.values.see(self.view.values_signature());
        self.changes.state.see(self.view.state_signature());
    }

    /// Tells the host what changed, if this is the thread to do it on; no lock may be held.
    pub(super) fn tell_host(&self) {
        if std::thread::current().id() != self.main_thread {
            return;
        }
        let mut flags = 0;
        if self.changes.names.take() {
            flags |= RestartFlags_::kParamTitlesChanged;
        }
        if self.changes.values.take() {
            flags |= RestartFlags_::kParamValuesChanged;
        }
        if self.changes.restart.swap(false, Ordering::Relaxed) {
            flags |= RestartFlags_::kLatencyChanged;
        }
        let is_dirty = self.changes.state.take();
        // Cloned, because the host may well call back.
        let Some(handler) = take(&self.handler).clone() else { return };
        if flags != 0 {
            // SAFETY: a live object of the host's, called on its main thread.
            unsafe { handler.restartComponent(flags) };
        }
        if is_dirty && let Some(handler) = handler.cast::<IComponentHandler2>() {
            // SAFETY: as above.
            unsafe { handler.setDirty(1) };
        }
    }
}

impl Bell for Teller {
    fn ring(&self) {
        self.notice();
        if std::thread::current().id() == self.main_thread {
            shield((), || self.tell_host());
        } else if let Some(wake) = &*take(&self.wake) {
            wake.call();
        }
    }
}
