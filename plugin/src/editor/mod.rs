//! The editor: who leaks into whom, how much of it goes, and the hand on it.
//!
//! It talks to the rest of the plugin through two things only: host parameters (`edits`) and the
//! session's snapshots (`scene`). The audio thread does not know that it exists.

mod controls;
mod edits;
mod header;
mod icons;
mod matrix;
mod presets;
mod remembered;
mod scene;
mod spectrogram;
mod spectrum;
mod status;
mod strips;
#[cfg(test)]
mod tests;
mod theme;
mod window;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{self, Rect, Ui, pos2, vec2};
use nice_plug::context::gui::GuiContext;

use crate::live::Live;
use crate::params::UnspillParams;

pub(crate) use remembered::Remembered;
#[allow(unreachable_pub, reason = "the associated type of a public plugin")]
pub use window::UnspillEditor;
pub(crate) use window::create;

use controls::Typing;
use edits::Edits;
use scene::Scene;

/// How often a moving picture is drawn.
const MOVING: Duration = Duration::from_millis(33);
/// How often a still one looks whether something moves.
const STILL: Duration = Duration::from_millis(250);

/// Everything behind one editor window, open or not.
#[derive(Debug)]
pub(super) struct Editor {
    is_open: bool,
    edits: Edits,
    scene: Scene,
    typing: Option<Typing>,
    /// How far the drag in progress has come, as a part of the range.
    dragged: f32,
    /// The strip whose spectrum is shown.
    selected: usize,
    /// Strips that move together; holds `selected`.
    together: Vec<usize>,
    /// Show inputs that nothing was heard on, too.
    show_all: bool,
    presets: presets::Presets,
    /// What went wrong last, until the next action.
    message: Option<String>,
}

impl Editor {
    fn new(params: &Arc<UnspillParams>, live: &Arc<Live>, preset_folder: Option<PathBuf>) -> Self {
        Self {
            is_open: false,
            edits: Edits::new(params),
            scene: Scene::new(params, live),
            typing: None,
            dragged: 0.0,
            selected: 0,
            together: vec![0],
            show_all: false,
            presets: presets::Presets::new(preset_folder),
            message: None,
        }
    }

    /// A window has opened.
    fn open(&mut self, context: GuiContext) {
        self.is_open = true;
        self.edits.connect(Some(context));
        self.presets.refresh();
    }

    /// The window has closed: nothing is watched, kept or paid for any more.
    fn close(&mut self) {
        self.is_open = false;
        self.edits.connect(None);
        self.scene.close();
        self.typing = None;
    }

    fn params(&self) -> Arc<UnspillParams> {
        Arc::clone(self.edits.params())
    }

    /// One picture.
    fn ui(&mut self, ui: &mut Ui) {
        // A window may draw once more while it closes.
        if !self.is_open {
            return;
        }
        let now = Instant::now();
        self.edits.settle(now);
        let time_s = ui.input(|input| input.time);
        self.scene.poll(self.selected, time_s, ui.ctx());
        self.shortcuts(ui);

        let area = ui.max_rect();
        ui.painter().rect_filled(area, 0.0, theme::BACKGROUND);
        let header = Rect::from_min_size(area.min, vec2(area.width(), header::HEIGHT));
        let status = Rect::from_min_max(pos2(area.min.x, area.max.y - status::HEIGHT), area.max);
        let spectrum_height = (area.height() * 0.27).clamp(130.0, 280.0);
        let spectrum = Rect::from_min_max(
            pos2(area.min.x, status.min.y - spectrum_height),
            pos2(area.max.x, status.min.y),
        );
        let mics = Rect::from_min_max(header.left_bottom(), spectrum.right_top());
        self.header(ui, header);
        self.mics(ui, mics.shrink2(vec2(12.0, 8.0)));
        self.spectrum(ui, spectrum);
        self.status(ui, status);

        let moving = self.scene.is_moving(time_s) || !self.edits.is_settled();
        ui.ctx().request_repaint_after(if moving { MOVING } else { STILL });
    }

    fn shortcuts(&mut self, ui: &Ui) {
        if self.typing.is_some() || ui.ctx().egui_wants_keyboard_input() {
            return;
        }
        let undo = egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::Z);
        let with_shift = egui::Modifiers::COMMAND | egui::Modifiers::SHIFT;
        let redo = egui::KeyboardShortcut::new(with_shift, egui::Key::Z);
        if ui.input_mut(|input| input.consume_shortcut(&redo)) {
            self.edits.redo();
        } else if ui.input_mut(|input| input.consume_shortcut(&undo)) {
            self.edits.undo();
        }
    }

    /// Chooses a strip; with `add`, beside those chosen already.
    fn select(&mut self, strip: usize, add: bool) {
        if !add {
            self.together.clear();
        } else if self.together.len() > 1 && self.together.contains(&strip) {
            self.together.retain(|&other| other != strip);
            if self.selected == strip {
                self.selected = self.together[0];
            }
            return;
        }
        self.together.push(strip);
        self.selected = strip;
    }
}
