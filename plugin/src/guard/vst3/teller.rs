//! What VST3 hosts must be told about a plugin that changes by itself, and how it comes to their main thread.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait,
    ParamID, ParamValue, RestartFlags_,
};
use vst3::Steinberg::{int32, kResultFalse, kResultOk, tresult};
use vst3::{Class, ComPtr};

use super::component::take;
use super::waiting::Waiting;
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
    /// What the framework has said on other threads and the host has yet to hear.
    waiting: Mutex<Vec<Said>>,
    /// Brings the host's main thread here, while a window is open whose host has a run loop.
    wake: Mutex<Option<Arc<Wake>>>,
    /// What the host need not give back.
    pub(super) edits: Waiting,
    /// What the host has yet to give back.
    pub(super) announced: Waiting,
    /// Whether the framework leaves parameters to the blocks.
    pub(super) is_processing: AtomicBool,
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
    /// A teller of what is new from now on, on the thread of the caller, of all parameters and of those that cannot be automated.
    pub(super) fn new(
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

    /// Notices what changes with parameters, too, and has the plugin follow them; real-time safe.
    pub(super) fn notice(&self) {
        self.view.follow();
        self.changes.names.see(self.view.names_signature());
        self.notice_own_changes();
    }

    /// Notices what the plugin does by itself, with any block: values and state; real-time safe.
    pub(super) fn notice_own_changes(&self) {
        self.changes.values.see(self.view.values_signature());
        self.changes.state.see(self.view.state_signature());
    }

    /// Notices that something is to be saved of which the host may not know; real-time safe.
    pub(super) fn notice_edit(&self) {
        self.changes.state.must_be_told();
    }

    fn is_main_thread(&self) -> bool {
        std::thread::current().id() == self.main_thread
    }

    /// Passes on what the framework says to the host: now, or when the main thread comes by, and always in order.
    fn pass_on(&self, said: Said) -> tresult {
        if !self.is_main_thread()
            && let Some(wake) = self.wake()
        {
            take(&self.waiting).push(said);
            wake.call();
            return kResultOk;
        }
        self.pass_on_waiting();
        self.say(said)
    }

    fn pass_on_waiting(&self) {
        let waiting = std::mem::take(&mut *take(&self.waiting));
        for said in waiting {
            self.say(said);
        }
    }

    /// Says it to the host, which may call back as it likes: no lock is held.
    fn say(&self, said: Said) -> tresult {
        self.handler().map_or(kResultFalse, |handler| said.to(&handler))
    }

    fn handler(&self) -> Option<ComPtr<IComponentHandler>> {
        take(&self.handler).clone()
    }

    fn wake(&self) -> Option<Arc<Wake>> {
        take(&self.wake).clone()
    }

    /// Tells the host what it has not heard yet, if this is the thread to do it on; no lock may be held.
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
        if self.is_main_thread() {
            shield((), || self.tell_host());
        } else if let Some(wake) = self.wake() {
            wake.call();
        }
    }
}

/// What a framework says to its host.
#[derive(Clone, Copy, Debug)]
enum Said {
    Begin(ParamID),
    Perform(ParamID, ParamValue),
    End(ParamID),
    Restart(int32),
}

impl Said {
    fn to(self, handler: &ComPtr<IComponentHandler>) -> tresult {
        // SAFETY: a live object of the host's; plain arguments.
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

/// The host's ear as the framework gets it. On Linux a window has a thread of its own, on which the framework says what is
/// done to parameters; hosts expect to hear that on their main thread.
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
