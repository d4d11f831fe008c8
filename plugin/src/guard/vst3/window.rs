//! The window as VST3 hosts see it: the framework's view behind one of ours, and the host's window behind another.
//!
//! The framework (nice-plug 0.4.2) never lets go of the event handler that it gives to a host's run loop: the handler holds a
//! reference to itself, and what would unregister it is what runs when the last reference goes. So the host would go on
//! watching the sockets of windows long closed, and each would leave them and a queue of 0.2 MB behind. Here the host gets
//! handlers of ours, which are taken out of its run loop when the window goes; then the framework's are let go of.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler,
    TimerInterval,
};
use vst3::Steinberg::{
    FIDString, FUnknown, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupport_::ScaleFactor, IPlugViewContentScaleSupportTrait, IPlugViewTrait,
    TBool, ViewRect, char16, int16, kInternalError, kInvalidArgument, kResultFalse, kResultOk,
    tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::component::take;
use super::teller::Teller;
use super::wake::Wake;
use crate::guard::panics::shield;

/// Stands between a host and the framework's view.
pub(super) struct Window {
    /// Always there until `drop`.
    framework: Option<ComPtr<IPlugView>>,
    /// What the host knows this by; holds no reference.
    own: AtomicPtr<IPlugView>,
    frame: Mutex<Option<FrameOfHost>>,
    /// Handlers of frames that the framework may still have.
    retired: Mutex<Vec<Arc<FrameworkHandler>>>,
    teller: Arc<Teller>,
}

impl Class for Window {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport);
}

impl Window {
    /// A view that stands in for the framework's, as a pointer that the host owns.
    ///
    /// # Safety
    ///
    /// `framework` is null or a live view, whose only reference becomes this one's.
    pub(super) unsafe fn around(framework: *mut IPlugView, teller: &Arc<Teller>) -> *mut IPlugView {
        // SAFETY: the caller's promise.
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

    /// Gives the framework another frame, or none, and lets go of what belonged to the last one.
    fn change_frame(&self, frame: Option<FrameOfHost>) -> tresult {
        let pointer = frame.as_ref().map_or(std::ptr::null_mut(), FrameOfHost::as_ptr);
        // First the host, which must not watch what is about to be closed; then the framework; then its handlers.
        if let Some(before) = std::mem::replace(&mut *take(&self.frame), frame) {
            take(&self.retired).extend(before.retire(&self.teller));
        }
        // SAFETY: a live view; null, or a frame that is kept as long as the framework has it.
        let result = self.framework(|view| unsafe { view.setFrame(pointer) });
        // Once the plugin is gone, the framework's view lets go of nothing before it goes itself.
        if result == kResultOk {
            let retired = std::mem::take(&mut *take(&self.retired));
            drop(retired);
        }
        result
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        shield((), || {
            self.change_frame(None);
            self.framework = None;
            take(&self.retired).clear();
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
        self.framework(|view| unsafe { view.removed() })
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
            // SAFETY: null or a live object of the host's.
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

/// The host's window as the framework gets it: with a run loop if the host has one.
enum FrameOfHost {
    Plain(ComWrapper<Frame<()>>),
    WithRunLoop(ComWrapper<Frame<RunLoop>>),
}

/// The host's window, which is to hear of the view that it knows.
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

    /// Takes out of the host's run loop what was put there, and returns the framework's part of it.
    fn retire(&self, teller: &Teller) -> Vec<Arc<FrameworkHandler>> {
        match self {
            Self::Plain(frame) => {
                frame.view.store(std::ptr::null_mut(), Ordering::Relaxed);
                Vec::new()
            }
            Self::WithRunLoop(frame) => {
                frame.view.store(std::ptr::null_mut(), Ordering::Relaxed);
                frame.run_loop.retire(teller)
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
        // SAFETY: the host's object; its window's view, which takes itself out of here when it goes.
        unsafe { self.host.resizeView(view, size) }
    }
}

/// The host's run loop, and what the guard has put into it.
struct RunLoop {
    host: ComPtr<IRunLoop>,
    handlers: Mutex<Vec<(Arc<FrameworkHandler>, Option<Registration>)>>,
    /// The guard's own.
    wake: Mutex<Option<(Arc<Wake>, Registration)>>,
    teller: Arc<Teller>,
}

impl RunLoop {
    fn new(host: ComPtr<IRunLoop>, teller: &Arc<Teller>) -> Self {
        let wake = Wake::new().map(Arc::new);
        let wake = wake.and_then(|wake| {
            let (heard, teller) = (Arc::clone(&wake), Arc::clone(teller));
            let hear = move |_: FileDescriptor| {
                heard.settle();
                teller.tell_host();
            };
            let registration = Registration::new(&host, wake.descriptor(), Arc::new(hear))?;
            Some((wake, registration))
        });
        teller.wake_by(wake.as_ref().map(|(wake, _)| Arc::clone(wake)));
        let teller = Arc::clone(teller);
        Self { host, handlers: Mutex::default(), wake: Mutex::new(wake), teller }
    }

    fn retire(&self, teller: &Teller) -> Vec<Arc<FrameworkHandler>> {
        let wake = take(&self.wake).take();
        if let Some((wake, registration)) = wake {
            teller.wake_no_more_by(&wake);
            drop(registration);
        }
        let handlers = std::mem::take(&mut *take(&self.handlers));
        handlers.into_iter().map(|(handler, _registration)| handler).collect()
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
            let handler = Arc::new(FrameworkHandler(handler.to_com_ptr()));
            let (called, teller) = (Arc::clone(&handler), Arc::clone(&self.run_loop.teller));
            let hear = move |descriptor: FileDescriptor| {
                // SAFETY: kept alive by this closure.
                unsafe { called.0.onFDIsSet(descriptor) };
                teller.tell_host();
            };
            let host = &self.run_loop.host;
            let registration = Registration::new(host, descriptor, Arc::new(hear));
            take(&self.run_loop.handlers).push((handler, registration));
            // Whatever the host says: the framework aborts the host where it is refused.
            kResultOk
        })
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        shield(kInternalError, || {
            let mut handlers = take(&self.run_loop.handlers);
            let known = handlers.iter_mut().find(|(known, _)| known.0.as_ptr() == handler);
            let Some((_, registration)) = known else { return kResultFalse };
            let registration = registration.take();
            drop(handlers);
            drop(registration);
            kResultOk
        })
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

/// The framework's event handler, which holds a reference to itself.
struct FrameworkHandler(ComPtr<IEventHandler>);

impl Drop for FrameworkHandler {
    /// Takes that reference from it. This comes when the framework has let go of its own one, so besides the one here no
    /// other is left; in a framework without the defect there is none at all.
    fn drop(&mut self) {
        let unknown: *mut FUnknown = self.0.as_ptr().cast();
        // SAFETY: alive, as `self.0` holds a reference, which is never touched here.
        unsafe {
            let table = &*(*unknown).vtbl;
            (table.addRef)(unknown);
            let count = (table.release)(unknown);
            if count > 1 {
                (table.release)(unknown);
            }
        }
    }
}

/// What is done when a descriptor can be read.
type Hear = dyn Fn(FileDescriptor);

/// An event handler in a host's run loop, until it is dropped.
struct Registration {
    host: ComPtr<IRunLoop>,
    listener: ComWrapper<Listener>,
}

/// A handler as the host has it; deaf when it is no longer registered, however long the host keeps it.
struct Listener(Mutex<Option<Arc<Hear>>>);

impl Class for Listener {
    type Interfaces = (IEventHandler,);
}

impl IEventHandlerTrait for Listener {
    unsafe fn onFDIsSet(&self, descriptor: FileDescriptor) {
        let hear = take(&self.0).clone();
        if let Some(hear) = hear {
            shield((), || hear(descriptor));
        }
    }
}

impl Registration {
    /// Nothing if the host refuses.
    fn new(host: &ComPtr<IRunLoop>, descriptor: FileDescriptor, hear: Arc<Hear>) -> Option<Self> {
        let listener = ComWrapper::new(Listener(Mutex::new(Some(hear))));
        let handler = listener.as_com_ref::<IEventHandler>()?;
        // SAFETY: a live host; the handler lives until it is unregistered, and longer if the host keeps it.
        let result = unsafe { host.registerEventHandler(handler.as_ptr(), descriptor) };
        (result == kResultOk).then(|| Self { host: host.clone(), listener })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(handler) = self.listener.as_com_ref::<IEventHandler>() {
            // SAFETY: as above.
            unsafe { self.host.unregisterEventHandler(handler.as_ptr()) };
        }
        let heard = take(&self.listener.0).take();
        drop(heard);
    }
}
