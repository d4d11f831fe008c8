//! Replacements for the framework's view, as the host gets it, and for the host's frame, as the
//! framework gets it.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IRunLoop, IRunLoopTrait, ITimerHandler, TimerInterval,
};
use vst3::Steinberg::{
    FIDString, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupport_::ScaleFactor, IPlugViewContentScaleSupportTrait, IPlugViewTrait,
    TBool, ViewRect, char16, int16, kInternalError, kInvalidArgument, kResultFalse, kResultOk,
    tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::run_loop::{FrameworkHandler, RunLoop};
use super::teller::Teller;
use crate::guard::panics::shield;
use crate::sync::lock;

/// The proxy between a host and the framework's view.
pub(super) struct Window {
    /// `Some` until `drop`.
    framework: Option<ComPtr<IPlugView>>,
    /// The host's pointer to this view; holds no reference.
    own: AtomicPtr<IPlugView>,
    frame: Mutex<Option<FrameOfHost>>,
    /// Handlers of earlier frames that the framework may still use.
    retired: Mutex<Vec<Arc<FrameworkHandler>>>,
    teller: Arc<Teller>,
}

impl Class for Window {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport);
}

impl Window {
    /// Creates a view that replaces the framework's, as a pointer that the host owns.
    ///
    /// # Safety
    ///
    /// `framework` is null or a live view whose only reference passes to the new view.
    pub(super) unsafe fn around(framework: *mut IPlugView, teller: &Arc<Teller>) -> *mut IPlugView {
        // SAFETY: as the caller guarantees.
        let Some(framework) = (unsafe { ComPtr::from_raw(framework) }) else {
            return std::ptr::null_mut();
        };
        let window = ComWrapper::new(Self {
            framework: Some(framework),
            own: AtomicPtr::default(),
            frame: Mutex::default(),
            retired: Mutex::default(),
            teller: Arc::clone(teller),
        });
        let Some(view) = window.to_com_ptr::<IPlugView>() else { return std::ptr::null_mut() };
        window.own.store(view.as_ptr(), Ordering::Relaxed);
        view.into_raw()
    }

    /// Calls the framework's view.
    fn framework(&self, call: impl FnOnce(&ComPtr<IPlugView>) -> tresult) -> tresult {
        self.framework.as_ref().map_or(kInternalError, call)
    }

    /// Replaces the framework's frame, or removes it, and releases the handlers of the
    /// previous one.
    fn change_frame(&self, frame: Option<FrameOfHost>) -> tresult {
        let pointer = frame.as_ref().map_or(std::ptr::null_mut(), FrameOfHost::as_ptr);
        // The order matters: first the host, which must not watch descriptors that are about to
        // close; then the framework; then its handlers.
        let before = std::mem::replace(&mut *lock(&self.frame), frame);
        let handlers = before.as_ref().map(FrameOfHost::retire).unwrap_or_default();
        lock(&self.retired).extend(handlers);
        // SAFETY: a live view; null, or a frame that is kept as long as the framework has it.
        let result = self.framework(|view| unsafe { view.setFrame(pointer) });
        // Once the plugin is dropped, the framework's view releases its frame only on its own drop.
        if result == kResultOk {
            self.let_go();
        }
        self.teller.tell_host();
        result
    }
}

impl Window {
    /// Releases retired handlers, and with them the host's objects: no lock is held.
    fn let_go(&self) {
        let retired = std::mem::take(&mut *lock(&self.retired));
        drop(retired);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        shield((), || {
            self.change_frame(None);
            self.framework = None;
            self.let_go();
        });
    }
}

impl IPlugViewTrait for Window {
    unsafe fn isPlatformTypeSupported(&self, kind: FIDString) -> tresult {
        if kind.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the host's arguments, for the same method; so in all methods below.
        self.framework(|view| unsafe { view.isPlatformTypeSupported(kind) })
    }

    unsafe fn attached(&self, parent: *mut c_void, kind: FIDString) -> tresult {
        if parent.is_null() || kind.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: as above.
        self.framework(|view| unsafe { view.attached(parent, kind) })
    }

    unsafe fn removed(&self) -> tresult {
        // SAFETY: as above.
        let result = self.framework(|view| unsafe { view.removed() });
        // Reports the window's last changes.
        shield((), || self.teller.tell_host());
        result
    }

    unsafe fn onWheel(&self, distance: f32) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.onWheel(distance) })
    }

    unsafe fn onKeyDown(&self, key: char16, code: int16, modifiers: int16) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.onKeyDown(key, code, modifiers) })
    }

    unsafe fn onKeyUp(&self, key: char16, code: int16, modifiers: int16) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.onKeyUp(key, code, modifiers) })
    }

    unsafe fn getSize(&self, size: *mut ViewRect) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.getSize(size) })
    }

    unsafe fn onSize(&self, size: *mut ViewRect) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.onSize(size) })
    }

    unsafe fn onFocus(&self, state: TBool) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.onFocus(state) })
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        shield(kInternalError, || {
            // SAFETY: null or a live object of the host.
            let frame = unsafe { ComRef::from_raw(frame) };
            let own = self.own.load(Ordering::Relaxed);
            self.change_frame(frame.map(|frame| FrameOfHost::new(frame, own, &self.teller)))
        })
    }

    unsafe fn canResize(&self) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.canResize() })
    }

    unsafe fn checkSizeConstraint(&self, rect: *mut ViewRect) -> tresult {
        // SAFETY: as above.
        self.framework(|view| unsafe { view.checkSizeConstraint(rect) })
    }
}

impl IPlugViewContentScaleSupportTrait for Window {
    unsafe fn setContentScaleFactor(&self, factor: ScaleFactor) -> tresult {
        self.framework(|view| match view.cast::<IPlugViewContentScaleSupport>() {
            // SAFETY: as above.
            Some(view) => unsafe { view.setContentScaleFactor(factor) },
            None => kResultFalse,
        })
    }
}

/// The host's frame as the framework gets it: with a run loop if the host has one.
enum FrameOfHost {
    Plain(ComWrapper<Frame<()>>),
    WithRunLoop(ComWrapper<Frame<RunLoop>>),
}

/// The host's frame. `resizeView` passes it the guard's view, not the framework's.
struct Frame<L> {
    host: ComPtr<IPlugFrame>,
    /// Null once the window has another frame.
    view: AtomicPtr<IPlugView>,
    run_loop: L,
}

impl Class for Frame<()> {
    type Interfaces = (IPlugFrame,);
}

impl Class for Frame<RunLoop> {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl FrameOfHost {
    fn new(host: ComRef<'_, IPlugFrame>, view: *mut IPlugView, teller: &Arc<Teller>) -> Self {
        let (run_loop, view) = (host.cast::<IRunLoop>(), AtomicPtr::new(view));
        let host = host.to_com_ptr();
        match run_loop {
            Some(run_loop) => {
                let run_loop = RunLoop::new(run_loop, teller);
                Self::WithRunLoop(ComWrapper::new(Frame { host, view, run_loop }))
            }
            None => Self::Plain(ComWrapper::new(Frame { host, view, run_loop: () })),
        }
    }

    fn as_ptr(&self) -> *mut IPlugFrame {
        let interface = match self {
            Self::Plain(frame) => frame.as_com_ref::<IPlugFrame>(),
            Self::WithRunLoop(frame) => frame.as_com_ref::<IPlugFrame>(),
        };
        interface.map_or(std::ptr::null_mut(), |frame| frame.as_ptr())
    }

    /// Detaches the frame from the window and from the host's run loop. Returns the
    /// framework's handlers.
    fn retire(&self) -> Vec<Arc<FrameworkHandler>> {
        match self {
            Self::Plain(frame) => {
                frame.view.store(std::ptr::null_mut(), Ordering::Relaxed);
                Vec::new()
            }
            Self::WithRunLoop(frame) => {
                frame.view.store(std::ptr::null_mut(), Ordering::Relaxed);
                frame.run_loop.retire()
            }
        }
    }
}

impl<L> IPlugFrameTrait for Frame<L>
where
    Self: Class,
{
    unsafe fn resizeView(&self, _view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        let view = self.view.load(Ordering::Relaxed);
        if view.is_null() {
            return kResultFalse;
        }
        // SAFETY: the host's object, and its window's view, which clears this pointer before it
        // is dropped.
        unsafe { self.host.resizeView(view, size) }
    }
}

impl IRunLoopTrait for Frame<RunLoop> {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        descriptor: FileDescriptor,
    ) -> tresult {
        shield(kInternalError, || {
            // SAFETY: null or the framework's, alive during this call.
            let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else {
                return kInvalidArgument;
            };
            self.run_loop.register(handler, descriptor);
            // Success even if the host refuses: the framework would abort the host.
            kResultOk
        })
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        let is_known = shield(false, || self.run_loop.unregister(handler));
        if is_known { kResultOk } else { kResultFalse }
    }

    unsafe fn registerTimer(&self, timer: *mut ITimerHandler, every_ms: TimerInterval) -> tresult {
        // SAFETY: the framework's arguments, for the same method.
        unsafe { self.run_loop.host.registerTimer(timer, every_ms) }
    }

    unsafe fn unregisterTimer(&self, timer: *mut ITimerHandler) -> tresult {
        // SAFETY: as above.
        unsafe { self.run_loop.host.unregisterTimer(timer) }
    }
}
