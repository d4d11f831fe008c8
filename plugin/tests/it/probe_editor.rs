//! The probes' window. It has no content, but changes a parameter as a user would.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{
    DummyEditorError, EditorHandle, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor,
};
use nice_plug::prelude::{BoolParam, Editor, Param, ParamPtr, Params};

/// The parameters of a probe.
pub struct ProbeParams {
    pub label: BoolParam,
}

// SAFETY: the pointer points into `self`, which the framework keeps.
unsafe impl Params for ProbeParams {
    fn param_map(&self) -> Vec<(String, ParamPtr, String)> {
        vec![("label".to_owned(), self.label.as_ptr(), String::new())]
    }
}

/// Access to the window that was opened last; every case runs in a process of its own.
static HAND: Mutex<Option<Hand>> = Mutex::new(None);

/// The objects that an open window keeps.
#[derive(Clone)]
pub struct Hand {
    context: GuiContext,
    label: ParamPtr,
    host: Arc<Mutex<Option<HostMethods>>>,
    _params: Arc<ProbeParams>,
}

impl Hand {
    /// Returns the access to the window that was opened last.
    pub fn of_window() -> Option<Self> {
        HAND.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a gesture on the probe's parameter.
    pub fn begin(&self) {
        // SAFETY: points into the parameters, which the window keeps.
        unsafe { self.context.raw_begin_set_parameter(self.label) };
    }

    /// Moves the parameter, `0.0 ..= 1.0`.
    pub fn set(&self, value: f32) {
        // SAFETY: as above.
        unsafe { self.context.raw_set_parameter_normalized(self.label, value) };
    }

    /// Requests another size.
    pub fn resize(&self) {
        let mut host = self.host.lock().unwrap();
        let size = LogicalSize::new(320.0_f32, 240.0);
        host.as_mut().unwrap().callbacks.request_resize(Size::from(size), 1.0).unwrap();
    }

    /// Ends the gesture.
    pub fn end(&self) {
        // SAFETY: as above.
        unsafe { self.context.raw_end_set_parameter(self.label) };
    }
}

/// The editor of a probe.
pub struct ProbeEditor(pub Arc<ProbeParams>);

impl Editor for ProbeEditor {
    type Handle = ProbeHandle;

    fn spawn(
        &self,
        _parent: Option<ParentWindowHandle>,
        _wait_for_parent: bool,
        _fallback_scale_factor: Option<f64>,
        context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<ProbeHandle>, Box<dyn Error>> {
        let label = self.0.label.as_ptr();
        #[allow(clippy::arc_with_non_send_sync, reason = "a hand as a whole goes to other threads")]
        let host = Arc::new(Mutex::new(host));
        let hand = Hand { context, label, host, _params: Arc::clone(&self.0) };
        *HAND.lock().unwrap_or_else(PoisonError::into_inner) = Some(hand.clone());
        Ok(SpawnedEditor { handle: ProbeHandle(hand), window: () })
    }

    fn size(&self) -> NativeSize<u32> {
        NativeSize { width: 300, height: 200 }
    }

    fn resize_hint(&self) -> ResizeHint {
        ResizeHint::resizable()
    }
}

/// An open window.
pub struct ProbeHandle(Hand);

impl Drop for ProbeHandle {
    /// Ends the gesture in progress.
    fn drop(&mut self) {
        self.0.end();
        *HAND.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

// SAFETY: the pointer points into parameters that are kept, and they may be used on any thread.
unsafe impl Send for Hand {}

impl EditorHandle for ProbeHandle {
    type Window = ();
    type Error = DummyEditorError;

    fn run_until_closed((): ()) -> Result<(), DummyEditorError> {
        Ok(())
    }

    fn set_parent(&self, _parent: ParentWindowHandle, (): &()) -> Result<(), DummyEditorError> {
        Ok(())
    }

    fn show(&self, (): &()) -> Result<(), DummyEditorError> {
        Ok(())
    }

    fn hide(&self, (): &()) -> Result<(), DummyEditorError> {
        Ok(())
    }

    fn set_size(&self, _size: NativeSize<u32>, (): &()) -> Result<(), DummyEditorError> {
        Ok(())
    }

    fn host_main_thread_callback(&self, (): &()) {}

    fn param_value_changed(&self, _id: &str, _normalized_value: f32) {}

    fn param_modulation_changed(&self, _id: &str, _offset: f32) {}
}
