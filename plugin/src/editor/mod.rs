//! The editor: shows the crosstalk between mics and its removal, and sets the parameters.
//!
//! It accesses the rest of the plugin only through host parameters (`edits`) and the session's
//! snapshots (`scene`). The audio thread does not depend on it.

mod controls;
#[cfg(test)]
mod cost_tests;
mod edits;
mod empty;
mod ending;
mod field;
mod header;
mod history;
mod icons;
mod labels;
mod levels;
mod matrix;
mod presets;
mod reorder;
mod scene;
mod spectrogram;
mod spectrum;
mod status;
mod strips;
#[cfg(test)]
mod tests;
mod theme;
#[cfg(test)]
mod ui_tests;
mod window;
#[cfg(target_os = "linux")]
mod x11;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{self, Key, KeyboardShortcut, Modifiers, Rect, Ui, Vec2, pos2, vec2};
use nice_plug::context::gui::GuiContext;

use crate::live::Live;
use crate::params::UnspillParams;

#[allow(unreachable_pub, reason = "the associated type of a public plugin")]
pub use window::UnspillEditor;
pub(crate) use window::create;

use controls::Typing;
use edits::Edits;
use labels::Renaming;
use reorder::Moving;
use scene::Scene;

/// Margin around strips and matrix, in points.
const MICS_MARGIN: Vec2 = vec2(12.0, 8.0);
/// Interval between pictures while something moves.
const MOVING: Duration = Duration::from_millis(33);
/// Interval between pictures while nothing moves.
const STILL: Duration = Duration::from_millis(250);
/// Time after the last pointer or keyboard event during which pictures are drawn at the
/// short interval.
const AWAKE_S: f64 = 1.0;

/// The state of one editor window, open or not.
#[derive(Debug)]
pub(super) struct Editor {
    is_open: bool,
    edits: Edits,
    scene: Scene,
    typing: Option<Typing>,
    renaming: Option<Renaming>,
    moving: Option<Moving>,
    /// The strip with the keyboard focus.
    focused: Option<usize>,
    /// Distance of the drag in progress, as a fraction of the range.
    dragged: f32,
    /// The strip whose spectrum is shown.
    selected: usize,
    /// Strips that move together; contains `selected`.
    together: Vec<usize>,
    /// True if inputs without a signal are also shown.
    show_all: bool,
    presets: presets::Presets,
    /// The last error, until the next action.
    message: Option<String>,
    /// Value of `Saved::changes` when the host was last notified.
    told: u64,
    /// Time of the last pointer or keyboard event.
    touched_s: f64,
}

impl Editor {
    fn new(params: &Arc<UnspillParams>, live: &Arc<Live>, preset_folder: Option<PathBuf>) -> Self {
        Self {
            is_open: false,
            edits: Edits::new(params),
            scene: Scene::new(params, live),
            typing: None,
            renaming: None,
            moving: None,
            focused: None,
            dragged: 0.0,
            selected: 0,
            together: vec![0],
            show_all: false,
            presets: presets::Presets::new(preset_folder),
            message: None,
            told: params.saved.changes(),
            touched_s: 0.0,
        }
    }

    /// Connects the editor to a window that has opened.
    fn open(&mut self, context: GuiContext) {
        self.is_open = true;
        self.edits.connect(Some(context));
        self.presets.refresh();
    }

    /// Disconnects from the closed window and stops watching the session.
    fn close(&mut self) {
        self.is_open = false;
        self.edits.connect(None);
        self.scene.close();
        self.typing = None;
        self.renaming = None;
        self.moving = None;
    }

    fn params(&self) -> Arc<UnspillParams> {
        Arc::clone(self.edits.params())
    }

    /// Draws one picture.
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
        // Mics have priority: the spectrum is lower if they need the room.
        let room = status.top() - header.bottom() - 2.0 * MICS_MARGIN.y;
        let left = room - self.height_of_all(area.width() - 2.0 * MICS_MARGIN.x);
        let spectrum_height = (area.height() * 0.27).clamp(130.0, 280.0).min(left.max(130.0));
        let spectrum = Rect::from_min_max(
            pos2(area.min.x, status.min.y - spectrum_height),
            pos2(area.max.x, status.min.y),
        );
        let mics = Rect::from_min_max(header.left_bottom(), spectrum.right_top());
        self.header(ui, header);
        self.mics(ui, mics.shrink2(MICS_MARGIN));
        self.spectrum(ui, spectrum);
        self.status(ui, status);

        // Names, order, links and passages are not parameters, so the host must be notified here.
        let unsaved = self.edits.params().saved.changes();
        if self.told != unsaved {
            self.told = unsaved;
            self.scene.tell_host();
        }

        // A still window may detect the pointer only with its next picture. Pointer motion
        // therefore shortens the interval before a button is pressed.
        if ui.input(|input| !input.events.is_empty()) {
            self.touched_s = time_s;
        }
        let is_touched = time_s - self.touched_s < AWAKE_S;
        let moving = is_touched || self.scene.is_moving(time_s) || !self.edits.is_settled();
        ui.ctx().request_repaint_after(if moving { MOVING } else { STILL });
    }

    fn shortcuts(&mut self, ui: &Ui) {
        let focused = self.focused.take();
        let is_typing = self.typing.is_some() || self.renaming.is_some();
        if is_typing || ui.ctx().text_edit_focused() {
            return;
        }
        let pressed = |modifiers: Modifiers, key: Key| {
            let shortcut = KeyboardShortcut::new(modifiers, key);
            ui.input_mut(|input| input.consume_shortcut(&shortcut))
        };
        // Longer shortcuts first: the shorter ones would match them, too.
        if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z) {
            self.edits.redo();
        } else if pressed(Modifiers::COMMAND, Key::Z) {
            self.edits.undo();
        } else if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::L) {
            self.unlink_chosen();
        } else if pressed(Modifiers::COMMAND, Key::L) {
            self.link_chosen();
        } else if pressed(Modifiers::ALT, Key::ArrowUp) {
            self.move_rows(focused.unwrap_or(self.selected), true);
        } else if pressed(Modifiers::ALT, Key::ArrowDown) {
            self.move_rows(focused.unwrap_or(self.selected), false);
        } else if pressed(Modifiers::NONE, Key::F2) {
            self.begin_renaming(focused.unwrap_or(self.selected));
        }
    }

    /// Selects strips as a click with these modifiers does.
    fn select_as(&mut self, strip: usize, held: Modifiers) {
        if held.shift {
            let rows = self.rows();
            let place = |strip: usize| rows.iter().position(|&row| row == strip);
            if let (Some(one), Some(other)) = (place(self.selected), place(strip)) {
                // Selects all rows from `selected` to `strip`; `selected` stays the anchor.
                self.together = rows[one.min(other)..=one.max(other)].to_vec();
            }
        } else {
            self.select(strip, held.command);
        }
    }

    /// Selects a strip. With `add`, toggles it in the selection.
    fn select(&mut self, strip: usize, add: bool) {
        if !add {
            self.together.clear();
        } else if self.together.contains(&strip) {
            if self.together.len() > 1 {
                self.together.retain(|&other| other != strip);
                if self.selected == strip {
                    self.selected = self.together[0];
                }
            }
            return;
        }
        self.together.push(strip);
        self.selected = strip;
    }
}
