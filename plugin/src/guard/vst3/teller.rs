//! Reports of the plugin's own changes to VST3 hosts, on their main thread.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::ThreadId;

use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait,
    ParamID, ParamValue, RestartFlags_,
};
use vst3::Steinberg::{int32, kResultFalse, kResultOk, tresult};
use vst3::{Class, ComPtr};

use super::asleep;
use super::waiting::Waiting;
use super::wake::Wake;
use crate::guard::notice::Notice;
use crate::guard::panics::shield;
use crate::guard::{HostBell, View};
use crate::sync::lock;

/// Detects changes on any thread and reports them on the main thread.
pub(super) struct Teller {
    /// The teller itself.
    me: Weak<Self>,
    view: Arc<dyn View>,
    /// The thread that made the object; the only one that reports changes to the host.
    main_thread: ThreadId,
    handler: Mutex<Option<ComPtr<IComponentHandler>>>,
    /// Calls of the framework on other threads, not yet forwarded to the host.
    waiting: Mutex<Vec<Said>>,
    /// Wakes the host's main thread. Present while a window is open and its host has a run loop.
    wake: Mutex<Option<Arc<Wake>>>,
    /// Edits of parameters that cannot be automated. The host may not return them with a block.
    pub(super) edits: Waiting,
    /// Values set by the host that no block has brought yet.
    pub(super) announced: Waiting,
    /// True while the plugin processes. Values set by the host then wait for a block.
    pub(super) is_processing: AtomicBool,
    pub(super) changes: Changes,
}

/// Changes, and the values that the host last received.
///
/// All orderings are relaxed: every value is independent, and a change that is seen one call later
/// is reported one call later.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The latency of the running activation, in samples.
    pub latency: AtomicU32,
    /// The latency that the host was last given, in samples.
    pub told_latency: AtomicU32,
    /// The latency of the last request for a restart, in samples.
    pub wanted_latency: AtomicU32,
    /// True if the host has ever queried the latency.
    pub latency_was_asked: AtomicBool,
    names: Notice,
    values: Notice,
    state: Notice,
    pub restart: AtomicBool,
    /// Set if a reset was requested while a block was running.
    pub reset: AtomicBool,
}

impl Teller {
    /// Creates a teller that reports the changes from now on. The caller's thread becomes its
    /// main thread. `all` are the ids of all parameters, `fixed` those of parameters that cannot
    /// be automated.
    pub(super) fn new(
        me: &Weak<Self>,
        view: &Arc<dyn View>,
        all: impl IntoIterator<Item = ParamID>,
        fixed: impl IntoIterator<Item = ParamID>,
    ) -> Self {
        let changes = Changes {
            names: Notice::new(view.names_signature()),
            values: Notice::new(view.values_signature()),
            state: Notice::new(view.state_signature()),
            ..Changes::default()
        };
        Self {
            me: Weak::clone(me),
            view: Arc::clone(view),
            main_thread: std::thread::current().id(),
            handler: Mutex::default(),
            waiting: Mutex::default(),
            wake: Mutex::default(),
            edits: Waiting::of(fixed),
            announced: Waiting::of(all),
            is_processing: AtomicBool::new(false),
            changes,
        }
    }

    /// Replaces the host's handler; `None` if the host removes it.
    pub(super) fn be_heard_by(&self, handler: Option<ComPtr<IComponentHandler>>) {
        let before = std::mem::replace(&mut *lock(&self.handler), handler);
        shield((), || drop(before));
    }

    /// Replaces the wake-up when a window opens or closes.
    pub(super) fn wake_by(&self, wake: Option<Arc<Wake>>) {
        if let Some(wake) = &wake {
            asleep::opens(self.main_thread, wake);
        }
        *lock(&self.wake) = wake;
    }

    /// Removes the wake-up of [`Teller::wake_by`] unless it has been replaced since.
    pub(super) fn wake_no_more_by(&self, wake: &Arc<Wake>) {
        lock(&self.wake).take_if(|current| Arc::ptr_eq(current, wake));
    }

    /// Detects all changes, including those that follow from parameter changes, and updates
    /// dependent parameters; real-time safe.
    pub(super) fn notice(&self) {
        self.view.follow();
        self.changes.names.see(self.view.names_signature());
        self.notice_own_changes();
    }

    /// Detects the plugin's own changes of values and state, with any block; real-time safe.
    pub(super) fn notice_own_changes(&self) {
        self.changes.values.see(self.view.values_signature());
        self.changes.state.see(self.view.state_signature());
    }

    /// Marks the state as changed by an edit that the host may not know; real-time safe.
    pub(super) fn notice_edit(&self) {
        self.changes.state.must_be_told();
    }

    pub(super) fn main_thread(&self) -> ThreadId {
        self.main_thread
    }

    fn is_main_thread(&self) -> bool {
        std::thread::current().id() == self.main_thread
    }

    /// Forwards a call of the framework to the host, in order: at once, or when the host's main
    /// thread wakes.
    fn pass_on(&self, said: Said) -> tresult {
        if !self.is_main_thread()
            && let Some(wake) = self.wake()
        {
            lock(&self.waiting).push(said);
            wake.call();
            return kResultOk;
        }
        self.pass_on_waiting();
        self.say(said)
    }

    fn pass_on_waiting(&self) {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        for said in waiting {
            self.say(said);
        }
    }

    /// Forwards a call. The host may call back, so no lock is held.
    fn say(&self, said: Said) -> tresult {
        self.handler().map_or(kResultFalse, |handler| said.to(&handler))
    }

    fn handler(&self) -> Option<ComPtr<IComponentHandler>> {
        lock(&self.handler).clone()
    }

    fn wake(&self) -> Option<Arc<Wake>> {
        lock(&self.wake).clone()
    }

    /// Reports all pending changes to the host, on the main thread only; no lock may be held.
    pub(super) fn tell_host(&self) {
        if !self.is_main_thread() {
            return;
        }
        self.pass_on_waiting();
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
        let Some(handler) = self.handler() else { return };
        if flags != 0 {
            // SAFETY: a live object of the host, called on its main thread.
            unsafe { handler.restartComponent(flags) };
        }
        if is_dirty && let Some(handler) = handler.cast::<IComponentHandler2>() {
            // SAFETY: as above.
            unsafe { handler.setDirty(1) };
        }
    }
}

impl HostBell for Teller {
    fn ring(&self) {
        self.notice();
        if self.is_main_thread() {
            shield((), || self.tell_host());
        } else {
            let wake = self.wake().or_else(|| asleep::wake_for(&self.me, self.main_thread));
            if let Some(wake) = wake {
                wake.call();
            }
        }
    }
}

/// A call of the framework to its host.
#[derive(Clone, Copy, Debug)]
enum Said {
    Begin(ParamID),
    Perform(ParamID, ParamValue),
    End(ParamID),
    Restart(int32),
}

impl Said {
    fn to(self, handler: &ComPtr<IComponentHandler>) -> tresult {
        // SAFETY: a live object of the host; plain arguments.
        unsafe {
            match self {
                Self::Begin(id) => handler.beginEdit(id),
                Self::Perform(id, value) => handler.performEdit(id, value),
                Self::End(id) => handler.endEdit(id),
                Self::Restart(flags) => handler.restartComponent(flags),
            }
        }
    }
}

/// The handler that the framework gets. On Linux a window has a thread of its own, on which the
/// framework reports edits. Hosts require these calls on their main thread.
pub(super) struct Ear(pub(super) Arc<Teller>);

impl Class for Ear {
    type Interfaces = (IComponentHandler,);
}

impl IComponentHandlerTrait for Ear {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        shield(kResultFalse, || self.0.pass_on(Said::Begin(id)))
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        shield(kResultFalse, || {
            self.0.edits.set(id, value);
            self.0.pass_on(Said::Perform(id, value))
        })
    }

    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        shield(kResultFalse, || self.0.pass_on(Said::End(id)))
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        shield(kResultFalse, || self.0.pass_on(Said::Restart(flags)))
    }
}
