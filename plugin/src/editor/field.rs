//! A text field in place of the text that it edits.

use egui::text::{CCursor, CCursorRange};
use egui::{Align2, Id, Key, Rect, TextEdit, Ui, vec2};

use super::theme;

/// The current text.
#[derive(Debug)]
pub(super) struct Field {
    text: String,
    /// True once the field has had the keyboard focus.
    begun: bool,
}

/// State of the typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Going,
    /// The text is accepted.
    Done,
    /// The text is discarded.
    Left,
}

impl Field {
    pub(super) fn new(text: String) -> Self {
        Self { text, begun: false }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Draws the field. Enter and a click elsewhere accept the text, Escape discards it.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        id: Id,
        align: Align2,
        hint: &str,
    ) -> Typed {
        let edit = TextEdit::singleline(&mut self.text)
            .id(id)
            .font(theme::regular(12.0))
            .margin(vec2(3.0, 1.0))
            .hint_text(hint)
            .align(align);
        let response = ui.put(rect, edit);
        if !self.begun {
            self.begun = true;
            response.request_focus();
            let end = CCursor::new(self.text.chars().count());
            if let Some(mut state) = TextEdit::load_state(ui.ctx(), id) {
                state.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(0), end)));
                state.store(ui.ctx(), id);
            }
            return Typed::Going;
        }
        if !response.lost_focus() {
            Typed::Going
        } else if ui.input(|input| input.key_pressed(Key::Escape)) {
            Typed::Left
        } else {
            Typed::Done
        }
    }
}
