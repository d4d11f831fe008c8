//! The editor of a VST3 plugin in an X11 window of the host, with the run loop that such
//! plugins need.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;

use anyhow::{Context, Result, ensure};
use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler,
    TimerInterval,
};
use vst3::Steinberg::Vst::{IEditController, IEditControllerTrait, ViewType};
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupportTrait, IPlugViewTrait, ViewRect, kInvalidArgument, kNotImplemented,
    kPlatformTypeX11EmbedWindowID, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::ok;

/// The host's frame around the plugin's view.
#[derive(Default)]
pub(super) struct PlugFrame {
    handlers: RefCell<Vec<(ComPtr<IEventHandler>, FileDescriptor)>>,
    wanted: Cell<Option<[u32; 2]>>,
}

impl Class for PlugFrame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for PlugFrame {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        // SAFETY: each is null or an object of the plugin that is alive during the call.
        let (Some(view), Some(size)) =
            (unsafe { ComRef::from_raw(view) }, unsafe { size.as_mut() })
        else {
            return kInvalidArgument;
        };
        self.wanted.set(Some(size_of_view(*size)));
        // SAFETY: as above.
        unsafe { view.onSize(size) }
    }
}

impl IRunLoopTrait for PlugFrame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        descriptor: FileDescriptor,
    ) -> tresult {
        // SAFETY: null, or an object of the plugin that is alive until it unregisters.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else { return kInvalidArgument };
        self.handlers.borrow_mut().push((handler.to_com_ptr(), descriptor));
        kResultOk
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        self.handlers.borrow_mut().retain(|(known, _)| known.as_ptr() != handler);
        kResultOk
    }

    unsafe fn registerTimer(&self, _timer: *mut ITimerHandler, _ms: TimerInterval) -> tresult {
        kNotImplemented
    }

    unsafe fn unregisterTimer(&self, _timer: *mut ITimerHandler) -> tresult {
        kNotImplemented
    }
}

/// An open editor.
pub(super) struct OpenView {
    view: ComPtr<IPlugView>,
    plug_frame: ComWrapper<PlugFrame>,
}

impl OpenView {
    pub(super) fn open(
        controller: &ComPtr<IEditController>,
        window: u32,
        scale: Option<f64>,
    ) -> Result<(Self, [u32; 2])> {
        // SAFETY: initialised; the name is a terminated string, and the host must release the view.
        let view = unsafe { ComPtr::from_raw(controller.createView(ViewType::kEditor)) };
        let view = view.context("the view was not created")?;
        let kind = kPlatformTypeX11EmbedWindowID;
        let plug_frame = ComWrapper::new(PlugFrame::default());
        let interface = plug_frame.as_com_ref::<IPlugFrame>().context("no window")?;
        // SAFETY: a new view; the window outlives it.
        unsafe {
            ok(view.isPlatformTypeSupported(kind), "isPlatformTypeSupported")?;
            ok(view.setFrame(interface.as_ptr()), "setFrame")?;
        }
        let size = size_of(&view)?;
        let parent = std::ptr::without_provenance_mut::<c_void>(window as usize);
        // SAFETY: as above; an X11 window is passed as a pointer with its number.
        ok(unsafe { view.attached(parent, kind) }, "attached")?;
        let open = Self { view, plug_frame };
        if let Some(scale) = scale {
            let scaled = open.view.cast::<IPlugViewContentScaleSupport>();
            let scaled = scaled.context("the view cannot be scaled")?;
            #[allow(clippy::cast_possible_truncation, reason = "the format's type")]
            // SAFETY: attached.
            ok(unsafe { scaled.setContentScaleFactor(scale as f32) }, "setContentScaleFactor")?;
        }
        Ok((open, size))
    }

    /// Sets a size without a previous request; returns true if the plugin accepts it.
    pub(super) fn force_size(&self, [width, height]: [u32; 2]) -> Result<bool> {
        let (right, bottom) = (i32::try_from(width)?, i32::try_from(height)?);
        let mut rect = ViewRect { left: 0, top: 0, right, bottom };
        // SAFETY: attached; the rectangle outlives the call.
        Ok(unsafe { self.view.onSize(&raw mut rect) } == kResultOk)
    }

    /// Sets a scale in the open editor; returns true if the plugin accepts it.
    pub(super) fn set_scale(&self, scale: f64) -> Result<bool> {
        let scaled = self.view.cast::<IPlugViewContentScaleSupport>();
        let scaled = scaled.context("the view cannot be scaled")?;
        #[allow(clippy::cast_possible_truncation, reason = "the format's type")]
        // SAFETY: attached.
        Ok(unsafe { scaled.setContentScaleFactor(scale as f32) } == kResultOk)
    }

    /// Requests a size and returns the size that the plugin adjusts it to.
    pub(super) fn resize(&self, [width, height]: [u32; 2]) -> Result<[u32; 2]> {
        let mut rect = ViewRect {
            left: 0,
            top: 0,
            right: i32::try_from(width)?,
            bottom: i32::try_from(height)?,
        };
        // SAFETY: attached; the rectangle outlives the calls.
        unsafe {
            ok(self.view.canResize(), "canResize")?;
            ok(self.view.checkSizeConstraint(&raw mut rect), "checkSizeConstraint")?;
            ok(self.view.onSize(&raw mut rect), "onSize")?;
        }
        Ok(size_of_view(rect))
    }

    pub(super) fn take_wanted_size(&self) -> Option<[u32; 2]> {
        self.plug_frame.wanted.take()
    }

    /// Runs the plugin's event handlers for the main thread.
    pub(super) fn idle(&self) {
        let handlers = self.plug_frame.handlers.borrow().clone();
        let watch =
            |&(_, fd): &(_, FileDescriptor)| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut watched: Vec<_> = handlers.iter().map(watch).collect();
        let count = libc::nfds_t::try_from(watched.len()).unwrap_or(0);
        // SAFETY: `count` is the length of the array, and the plugin keeps registered
        // descriptors open.
        unsafe { libc::poll(watched.as_mut_ptr(), count, 0) };
        for ((handler, descriptor), seen) in handlers.iter().zip(&watched) {
            if seen.revents != 0 {
                // SAFETY: kept alive by the list.
                unsafe { handler.onFDIsSet(*descriptor) };
            }
        }
    }

    pub(super) fn close(self) -> Result<()> {
        // SAFETY: attached, and never used again.
        unsafe {
            let removed = self.view.removed();
            let _ = self.view.setFrame(std::ptr::null_mut());
            ok(removed, "removed")?;
        }
        let left = self.plug_frame.handlers.borrow().len();
        ensure!(left == 0, "{left} event handlers remain in the run loop after closing");
        Ok(())
    }
}

fn size_of(view: &ComPtr<IPlugView>) -> Result<[u32; 2]> {
    let mut rect = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
    // SAFETY: alive; the rectangle is writable.
    ok(unsafe { view.getSize(&raw mut rect) }, "getSize")?;
    let size = size_of_view(rect);
    ensure!(size[0] > 0 && size[1] > 0, "the view is {} x {}", size[0], size[1]);
    Ok(size)
}

fn size_of_view(rect: ViewRect) -> [u32; 2] {
    let length = |from: i32, to: i32| u32::try_from(to - from).unwrap_or(0);
    [length(rect.left, rect.right), length(rect.top, rect.bottom)]
}
