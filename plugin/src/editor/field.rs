//! A text that is typed in place of what it is about.

use egui::text::{CCursor, CCursorRange};
use egui::{Align2, Id, Key, Rect, TextEdit, Ui, vec2};

use super::theme;

/// The text so far.
#[derive(Debug)]
pub(super) struct Field {
    text: String,
    /// The field has had the keyboard already.
    begun: bool,
}

/// How far the typing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Going,
    /// The text is to be taken.
    Done,
    /// Everything is to stay as it was.
    Left,
}

impl Field {
    pub(super) fn new(text: String) -> Self {
        Self { text, begun: false }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Enter and a click elsewhere take the text, Escape does not.
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
