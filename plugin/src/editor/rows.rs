//! The rows of the mics: those that are shown, selected, or have the keyboard focus.

use egui::{Modifiers, Response};

use super::scene::Scene;
use super::tracks::Tracks;

/// The state of the rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// The strip with the keyboard focus.
    focused: Option<usize>,
    /// The strip whose spectrum is shown.
    pub(super) selected: usize,
    /// Strips that move together; contains `selected`.
    pub(super) together: Vec<usize>,
    /// True if inputs without a signal are also shown.
    pub(super) show_all: bool,
    /// True if the user has selected a row.
    is_chosen: bool,
}

impl Default for Rows {
    fn default() -> Self {
        Self { focused: None, selected: 0, together: vec![0], show_all: false, is_chosen: false }
    }
}

impl Rows {
    /// Returns the strips that have a row, from the top.
    pub(super) fn shown(&self, scene: &Scene) -> Vec<usize> {
        let mut rows = scene.params().saved.arranged.now().order().to_vec();
        rows.retain(|&strip| scene.is_used(strip) || (self.show_all && scene.exists(strip)));
        rows
    }

    /// Selects the window's own track among linked ones, until the user selects another.
    pub(super) fn follow_own(&mut self, scene: &Scene) {
        if let Some(own) = scene.tracks().and_then(Tracks::own_strip).filter(|_| !self.is_chosen) {
            self.fall_back_to(own);
        }
    }

    /// Selects a strip that the user has not chosen.
    pub(super) fn fall_back_to(&mut self, strip: usize) {
        self.selected = strip;
        self.together = vec![strip];
    }

    /// Stores the strip if a control of it has the keyboard focus.
    pub(super) fn note_focus(&mut self, response: &Response, strip: usize) {
        if response.has_focus() {
            self.focused = Some(strip);
        }
    }

    /// Returns the strip that had the keyboard focus in the last picture.
    pub(super) fn take_focused(&mut self) -> Option<usize> {
        self.focused.take()
    }

    /// Returns the rows that a drag or a key on a row moves: the row, or the whole selection if it
    /// contains the row.
    pub(super) fn carried(&self, strip: usize) -> Vec<usize> {
        if self.together.contains(&strip) { self.together.clone() } else { vec![strip] }
    }

    /// Selects strips as a click with these modifiers does.
    pub(super) fn select_as(&mut self, strip: usize, held: Modifiers, scene: &Scene) {
        if held.shift {
            let rows = self.shown(scene);
            let place = |strip: usize| rows.iter().position(|&row| row == strip);
            if let (Some(one), Some(other)) = (place(self.selected), place(strip)) {
                // Selects all rows from `selected` to `strip`; `selected` stays the anchor.
                self.together = rows[one.min(other)..=one.max(other)].to_vec();
            }
        } else {
            self.select(strip, held.command);
        }
    }

    /// Selects a strip unless it is already in the selection.
    pub(super) fn select_if_apart(&mut self, strip: usize) {
        if !self.together.contains(&strip) {
            self.select(strip, false);
        }
    }

    /// Selects a strip. With `add`, toggles it in the selection.
    pub(super) fn select(&mut self, strip: usize, add: bool) {
        self.is_chosen = true;
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
