//! The editor's interface to the framework. Windows open at the size at which they were closed.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use egui::{Context, Rgba, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{
    Editor as FrameworkEditor, EditorHandle, HostMethods, Modifiers, ParentWindowHandle,
    ResizeHint, SpawnedEditor, VirtualKeyCode,
};
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp,
    RepaintNotifier, create_egui_editor,
};

use super::ending::{End, WindowThread};
use super::{Editor, presets, theme};
use crate::live::Live;
use crate::params::UnspillParams;
use crate::saved::window::{LARGEST, SMALLEST, can_be_drawn, host_scale};
use crate::sync::lock;

/// The editor of one instance; opens windows.
pub struct UnspillEditor {
    params: Arc<UnspillParams>,
    desk: Arc<Desk>,
    /// The adapter of the window that was opened last.
    adapter: Mutex<Option<(Arc<EguiEditorState>, EguiEditor<App>)>>,
}

impl std::fmt::Debug for UnspillEditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnspillEditor").finish_non_exhaustive()
    }
}

/// Creates the editor of an instance with these parameters.
pub(crate) fn create(params: &Arc<UnspillParams>, live: &Arc<Live>) -> Option<UnspillEditor> {
    Some(UnspillEditor {
        params: Arc::clone(params),
        desk: Arc::new(Desk::new(Editor::new(params, live, presets::user_folder()))),
        adapter: Mutex::new(None),
    })
}

impl UnspillEditor {
    /// Creates the adapter of one window. Every window needs a new one: its initial size is
    /// known only after the host has loaded its session, and the framework requires an editor
    /// before that.
    fn adapter(
        &self,
        thread: &WindowThread,
        system_scale: Option<f64>,
    ) -> Option<(Arc<EguiEditorState>, EguiEditor<App>)> {
        let [width, height] = self.params.saved.window.size_at(system_scale);
        let state = EguiEditorState::from_size(
            LogicalSize::new(width, height),
            self.params.saved.window.scale(),
        );
        let settings = EguiNiceSettings::new()
            .with_tile(self.params.class.name)
            .with_resize_hint(self.resize_hint());
        let app = App {
            params: Arc::clone(&self.params),
            desk: Arc::clone(&self.desk),
            thread: thread.clone(),
            broken: false,
        };
        let adapter =
            create_egui_editor(Arc::clone(&state), RepaintNotifier::new(), settings, app)?;
        Some((state, adapter))
    }
}

impl FrameworkEditor for UnspillEditor {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        let thread = WindowThread::default();
        let scale = host_scale(fallback_scale_factor);
        let (state, adapter) = self.adapter(&thread, scale).ok_or("no adapter")?;
        let spawned = adapter.spawn(parent, wait_for_parent, scale, gui_context, host);
        let spawned = spawned.inspect_err(|_| thread.ends_unseen())?;
        *lock(&self.adapter) = Some((state, adapter));
        let handle = Handle { adapter: spawned.handle, desk: Arc::clone(&self.desk) };
        let window = OpenWindow { window: spawned.window, end: thread.end() };
        Ok(SpawnedEditor { handle, window })
    }

    fn size(&self) -> NativeSize<u32> {
        match &*lock(&self.adapter) {
            Some((state, adapter)) if state.is_open() => adapter.size(),
            _ => {
                let remembered = &self.params.saved.window;
                let ([width, height], scale) = (remembered.size_at(None), remembered.scale());
                let size = LogicalSize::new(width * scale, height * scale);
                NativeSize::from_size(Size::from(size), 1.0)
            }
        }
    }

    fn resize_hint(&self) -> ResizeHint {
        let size = |[width, height]: [f32; 2]| Some(LogicalSize::new(width, height));
        ResizeHint::resizable().with_min_max_logical_size(size(SMALLEST), size(LARGEST))
    }

    #[allow(unsafe_code, reason = "the trait's; there is no standalone program")]
    unsafe fn assume_standalone_in_process(&self) {}
}

/// The editor, shared by the code that runs in a window and the code that closes the window.
///
/// While a window runs, it may report an edit to the host. The host may then close the
/// window before that call returns, on the same thread or on another thread that the call
/// waits for. Closing therefore never waits: if the editor is locked, the holder of the lock
/// closes it afterwards.
struct Desk {
    editor: Mutex<Editor>,
    is_closing: AtomicBool,
}

impl Desk {
    fn new(editor: Editor) -> Self {
        Self { editor: Mutex::new(editor), is_closing: AtomicBool::new(false) }
    }

    /// Runs `part` with the editor.
    fn run<T>(&self, part: impl FnOnce(&mut Editor) -> T) -> T {
        let mut editor = lock(&self.editor);
        self.close_if_asked(&mut editor);
        let result = part(&mut editor);
        self.close_if_asked(&mut editor);
        drop(editor);
        // A request may have come while the editor was still locked.
        self.try_to_close();
        result
    }

    /// Requests the end of the window; never waits.
    fn close(&self) {
        // Sequentially consistent: the next thread that unlocks the editor reads the request.
        self.is_closing.store(true, Ordering::SeqCst);
        self.try_to_close();
    }

    fn try_to_close(&self) {
        if !self.is_closing.load(Ordering::SeqCst) {
            return;
        }
        match self.editor.try_lock() {
            Ok(mut editor) => self.close_if_asked(&mut editor),
            Err(TryLockError::Poisoned(poisoned)) => {
                self.close_if_asked(&mut poisoned.into_inner())
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn close_if_asked(&self, editor: &mut Editor) {
        if self.is_closing.swap(false, Ordering::SeqCst) {
            editor.close();
        }
    }
}

/// The content of one window.
struct App {
    params: Arc<UnspillParams>,
    desk: Arc<Desk>,
    thread: WindowThread,
    /// True after a panic: the window shows a message and does nothing else.
    broken: bool,
}

impl App {
    /// Runs a part of the editor; a panic must not reach the host.
    fn run(&mut self, part: impl FnOnce(&mut Editor)) {
        let desk = &self.desk;
        self.broken |= catch_unwind(AssertUnwindSafe(|| desk.run(part))).is_err();
    }
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        context: Context,
        gui: GuiContext,
        window: &mut Frame,
    ) -> Result<(), HandlerError> {
        theme::apply(&context);
        self.thread.is_this();
        #[cfg(target_os = "linux")]
        // Without it, the window may still be drawn.
        let _ = super::x11::listen(window.baseview_window());
        window.set_clear_color(Rgba::from(theme::BACKGROUND));
        self.run(|editor| editor.open(gui));
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _window: &mut Frame) {
        if self.broken {
            ui.centered_and_justified(|ui| {
                ui.label(
                    "Internal error in this window. The sound is not affected. Close the window \
                     and open it again.",
                );
            });
            return;
        }
        self.run(|editor| editor.ui(ui));
    }

    fn resized(&mut self, size: WindowSize) {
        #[allow(clippy::cast_possible_truncation, reason = "sizes of windows")]
        let size = [size.logical.width as f32, size.logical.height as f32];
        self.params.saved.window.set_size(size);
    }

    fn zoom_factor_changed(&mut self, scale: f32) {
        self.params.saved.window.set_scale(scale);
    }
}

/// The framework's window. The order of the fields matters: `window` is dropped first.
pub struct OpenWindow {
    window: <EguiEditorHandle as EditorHandle>::Window,
    end: End,
}

impl std::fmt::Debug for OpenWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenWindow").finish_non_exhaustive()
    }
}

/// One open window. Closes the editor on drop, because the adapter does not report the end of
/// the window.
pub struct Handle {
    adapter: EguiEditorHandle,
    desk: Arc<Desk>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A panic that interrupted the editor is no reason to keep the window open.
        let _ = catch_unwind(AssertUnwindSafe(|| self.desk.close()));
    }
}

/// A failed request of the host to a window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The system's error.
    #[error("{0}")]
    System(<EguiEditorHandle as EditorHandle>::Error),
    /// The window would be too large to draw, or have no size.
    #[error("invalid window size")]
    Size,
}

impl EditorHandle for Handle {
    type Window = OpenWindow;
    type Error = WindowError;

    fn run_until_closed(window: Self::Window) -> Result<(), Self::Error> {
        let OpenWindow { window, end } = window;
        let result = EguiEditorHandle::run_until_closed(window);
        drop(end);
        result.map_err(WindowError::System)
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &Self::Window,
    ) -> Result<(), Self::Error> {
        self.adapter.set_parent(parent, &window.window).map_err(WindowError::System)
    }

    fn show(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.adapter.show(&window.window).map_err(WindowError::System)
    }

    fn hide(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.adapter.hide(&window.window).map_err(WindowError::System)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Self::Window) -> Result<(), Self::Error> {
        if !can_be_drawn([f64::from(size.width), f64::from(size.height)]) {
            return Err(WindowError::Size);
        }
        self.adapter.set_size(size, &window.window).map_err(WindowError::System)
    }

    fn host_main_thread_callback(&self, window: &Self::Window) {
        self.adapter.host_main_thread_callback(&window.window);
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &Self::Window) -> Option<NativeSize<u32>> {
        self.adapter.adjust_size(size, &window.window)
    }

    fn set_fallback_scale_factor(
        &self,
        scale_factor: f64,
        window: &Self::Window,
    ) -> Result<(), Self::Error> {
        let scale = host_scale(Some(scale_factor)).ok_or(WindowError::Size)?;
        let size = window.window.size().logical;
        if !can_be_drawn([size.width * scale, size.height * scale]) {
            return Err(WindowError::Size);
        }
        self.adapter.set_fallback_scale_factor(scale, &window.window).map_err(WindowError::System)
    }

    fn on_virtual_key_from_host(
        &self,
        key: VirtualKeyCode,
        is_down: bool,
        modifiers: Modifiers,
    ) -> bool {
        self.adapter.on_virtual_key_from_host(key, is_down, modifiers)
    }

    fn state_changed(&self) {
        self.adapter.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized_value: f32) {
        self.adapter.param_value_changed(id, normalized_value);
    }

    fn param_modulation_changed(&self, id: &str, offset: f32) {
        self.adapter.param_modulation_changed(id, offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, UnspillTrack};

    fn desk() -> Desk {
        let params = Arc::new(UnspillParams::new(&UnspillTrack::DESC));
        Desk::new(Editor::new(&params, &Arc::default(), None))
    }

    /// A host on one thread closes the window when it receives an edit.
    #[test]
    fn a_window_closed_in_the_middle_of_its_work_is_closed_after_it() {
        let desk = Arc::new(desk());
        let (done, is_done) = std::sync::mpsc::channel();
        let at_work = Arc::clone(&desk);
        std::thread::spawn(move || {
            at_work.run(|editor| {
                editor.is_open = true;
                at_work.close();
                assert!(editor.is_open, "closed under its own hands");
            });
            done.send(at_work.run(|editor| editor.is_open)).unwrap();
        });
        let is_open = is_done.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(is_open, Ok(false));
    }

    #[test]
    fn a_window_that_nobody_works_in_is_closed_at_once_and_the_next_one_opens() {
        let desk = desk();
        desk.run(|editor| editor.is_open = true);
        desk.close();
        assert!(!lock(&desk.editor).is_open);
        desk.run(|editor| editor.is_open = true);
        assert!(desk.run(|editor| editor.is_open));
    }
}
