//! The frame that the tests' VST3 host provides for windows.

use std::cell::{Cell, RefCell};

use vst3::Steinberg::Linux::*;
use vst3::Steinberg::Vst::{IEditControllerTrait, ViewType};
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::vst3_handler::Handler;
use super::vst3_host::Vst3Host;

/// A host's frame with a run loop. Each of its functions calls the plugin back.
#[derive(Default)]
pub struct Frame {
    pub handler: RefCell<Option<ComWrapper<Handler>>>,
    /// Number of requests for another size.
    pub resizes: Cell<usize>,
    pub handlers: RefCell<Vec<(ComPtr<IEventHandler>, FileDescriptor)>>,
    /// All handlers that were ever registered, for a host that never releases them.
    pub hoarded: RefCell<Vec<ComPtr<IEventHandler>>>,
    pub refuses: Cell<bool>,
    pub hoards: Cell<bool>,
}

impl Class for Frame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for Frame {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        self.call_back();
        // SAFETY: the plugin's view and size, alive during this call.
        unsafe {
            let view = ComRef::from_raw(view).unwrap();
            let mut now = *size;
            assert_eq!(view.canResize(), kResultOk);
            assert_eq!(view.getSize(&raw mut now), kResultOk);
            view.checkSizeConstraint(size);
            assert_eq!(view.onSize(size), kResultOk);
        }
        self.resizes.set(self.resizes.get() + 1);
        kResultOk
    }
}

impl IRunLoopTrait for Frame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        descriptor: FileDescriptor,
    ) -> tresult {
        self.call_back();
        if self.refuses.get() {
            return kResultFalse;
        }
        // SAFETY: alive during this call.
        let handler = unsafe { ComRef::from_raw(handler) }.unwrap().to_com_ptr();
        if self.hoards.get() {
            self.hoarded.borrow_mut().push(handler.clone());
        }
        self.handlers.borrow_mut().push((handler, descriptor));
        kResultOk
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        self.call_back();
        let mut handlers = self.handlers.borrow_mut();
        let before = handlers.len();
        handlers.retain(|(known, _)| known.as_ptr() != handler);
        if handlers.len() < before { kResultOk } else { kInvalidArgument }
    }

    unsafe fn registerTimer(&self, _timer: *mut ITimerHandler, _ms: TimerInterval) -> tresult {
        self.call_back();
        kNotImplemented
    }

    unsafe fn unregisterTimer(&self, _timer: *mut ITimerHandler) -> tresult {
        self.call_back();
        kNotImplemented
    }
}

impl Frame {
    fn call_back(&self) {
        let handler = self.handler.borrow();
        if let Some(handler) = &*handler {
            handler.call_back();
        }
    }

    /// Runs the host's main loop once: calls every handler.
    pub fn run(&self) {
        let handlers = self.handlers.borrow().clone();
        for (handler, descriptor) in handlers {
            // SAFETY: kept alive by the list.
            unsafe { handler.onFDIsSet(descriptor) };
        }
    }
}

pub fn view_of(host: &Vst3Host) -> ComPtr<IPlugView> {
    // SAFETY: initialised; the caller owns the view's reference.
    unsafe { ComPtr::from_raw(host.controller.createView(ViewType::kEditor)) }.unwrap()
}

pub fn set_frame(view: &ComPtr<IPlugView>, frame: Option<&ComWrapper<Frame>>) -> tresult {
    let frame = frame.map(|frame| frame.as_com_ref::<IPlugFrame>().unwrap().as_ptr());
    // SAFETY: null or a live frame.
    unsafe { view.setFrame(frame.unwrap_or(std::ptr::null_mut())) }
}
