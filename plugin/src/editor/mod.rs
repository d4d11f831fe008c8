//! The editor: shows the crosstalk between mics and its removal, and sets the parameters.
//!
//! It accesses the rest of the plugin only through host parameters (`edits`) and the session's
//! snapshots (`scene`). The audio thread does not depend on it.

mod access;
mod controls;
#[cfg(test)]
mod cost_tests;
mod edits;
mod ending;
mod field;
mod guide;
mod handles;
mod header;
mod icons;
mod mics;
mod presets;
mod rows;
mod scene;
mod spectra;
mod spectrogram;
mod spectrum;
mod status;
#[cfg(test)]
mod tests;
mod theme;
mod tracks;
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

use crate::classes::Topology;
use crate::live::Live;
use crate::params::UnspillParams;

#[allow(unreachable_pub, reason = "the associated type of a public plugin")]
pub use window::UnspillEditor;
pub(crate) use window::create;

use access::Access;
use edits::Edits;
use guide::Guide;
use handles::Handles;
use mics::Mics;
use presets::Presets;
use rows::Rows;
use scene::Scene;
use spectra::Spectra;
use tracks::Tracks;

/// Margin around strips and matrix, in points.
const MICS_MARGIN: Vec2 = vec2(12.0, 8.0);
/// Smallest height of the spectrum, in points.
const LEAST_SPECTRUM: f32 = 112.0;
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
    spectra: Spectra,
    handles: Handles,
    rows: Rows,
    mics: Mics,
    presets: Presets,
    guide: Guide,
    /// Value of `Saved::changes` when the host was last notified.
    told: u64,
    /// Time of the last pointer or keyboard event.
    touched_s: f64,
}

impl Editor {
    fn new(params: &Arc<UnspillParams>, live: &Arc<Live>, preset_folder: Option<PathBuf>) -> Self {
        let tracks = (params.class.topology == Topology::Linked)
            .then(|| Arc::new(Tracks::new(params, live)));
        let tracks = tracks.as_ref();
        Self {
            is_open: false,
            edits: Edits::new(params, tracks),
            scene: Scene::new(params, live, tracks),
            spectra: Spectra::default(),
            handles: Handles::default(),
            rows: Rows::default(),
            mics: Mics::default(),
            presets: Presets::new(preset_folder),
            guide: Guide::default(),
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
        self.spectra.close();
        self.handles.close();
        self.mics.close();
    }

    #[cfg(test)]
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
        self.rows.follow_own(&self.scene);
        self.scene.poll(self.rows.selected, &mut self.spectra, time_s, ui.ctx());
        self.shortcuts(ui);

        let area = ui.max_rect();
        ui.painter().rect_filled(area, 0.0, theme::BACKGROUND);
        let header = Rect::from_min_size(area.min, vec2(area.width(), header::HEIGHT));
        let status = Rect::from_min_max(pos2(area.min.x, area.max.y - status::HEIGHT), area.max);
        // Mics have priority: the spectrum is lower if they need the room.
        let has_guide = self.guide.is_shown(&self.scene, &self.rows);
        let guide_height = if has_guide { guide::HEIGHT } else { 0.0 };
        let top = header.bottom() + guide_height;
        let guide = Rect::from_min_max(header.left_bottom(), pos2(area.max.x, top));
        let room = status.top() - top - 2.0 * MICS_MARGIN.y;
        let width = area.width() - 2.0 * MICS_MARGIN.x;
        let left = room - mics::height_of_all(width, &self.scene, &self.rows);
        let spectrum_height =
            (area.height() * 0.27).clamp(LEAST_SPECTRUM, 280.0).min(left.max(LEAST_SPECTRUM));
        let spectrum = Rect::from_min_max(
            pos2(area.min.x, status.min.y - spectrum_height),
            pos2(area.max.x, status.min.y),
        );
        let mics = Rect::from_min_max(guide.left_bottom(), spectrum.right_top());
        let Self { edits, scene, handles, rows, .. } = self;
        let mut access = Access { scene, edits, handles, rows };
        header::show(ui, header, &mut self.presets, &mut access);
        if has_guide {
            guide::show(ui, guide, &self.guide, &mut access);
        }
        self.mics.show(ui, mics.shrink2(MICS_MARGIN), &mut access);
        spectrum::show(ui, spectrum, &mut self.spectra, &self.scene, &self.rows);
        status::show(ui, status, &mut self.scene, &self.edits, time_s);

        // Names, order, links and passages are not parameters, so the host must be notified here.
        let unsaved = self.edits.own().saved.changes();
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
        let Self { edits, scene, handles, rows, mics, .. } = self;
        let mut access = Access { scene, edits, handles, rows };
        let focused = access.rows.take_focused();
        let is_typing = access.handles.is_typing() || mics.is_renaming();
        if is_typing || ui.ctx().text_edit_focused() {
            return;
        }
        let strip = focused.unwrap_or(access.rows.selected);
        // Rows of linked tracks move together only while they are selected.
        let is_table = access.scene.tracks().is_some();
        let pressed = |modifiers: Modifiers, key: Key| {
            let shortcut = KeyboardShortcut::new(modifiers, key);
            ui.input_mut(|input| input.consume_shortcut(&shortcut))
        };
        // Longer shortcuts first: the shorter ones would match them, too.
        if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z) {
            access.edits.redo();
        } else if pressed(Modifiers::COMMAND, Key::Z) {
            access.edits.undo();
        } else if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::L) && !is_table {
            mics::unlink_chosen(&mut access);
        } else if pressed(Modifiers::COMMAND, Key::L) && !is_table {
            mics::link_chosen(&mut access);
        } else if pressed(Modifiers::ALT, Key::ArrowUp) {
            mics::move_rows(strip, true, &mut access);
        } else if pressed(Modifiers::ALT, Key::ArrowDown) {
            mics::move_rows(strip, false, &mut access);
        } else if pressed(Modifiers::NONE, Key::F2) {
            mics.begin_renaming(strip, &mut access);
        }
    }
}
