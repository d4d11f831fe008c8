//! Handles: values that can be dragged, typed, reset, and moved with the arrow keys.

use egui::{
    self, Align2, Color32, CursorIcon, EventFilter, Id, Key, PointerButton, Rect, Response, Sense,
    Ui, WidgetInfo, vec2,
};

use super::controls::focus_ring;
use super::edits::{Edits, ParamIndex};
use super::field::{Field, Typed};
use super::theme;

/// A value that is being typed.
#[derive(Debug)]
struct Typing {
    index: ParamIndex,
    field: Field,
}

/// Factor of a drag with Shift.
const FINE: f32 = 0.2;
/// Step of an arrow key.
const KEY_STEP: f32 = 0.01;

/// A value that can be dragged, typed, reset, and moved with the arrow keys.
#[derive(Debug)]
pub(super) struct Draggable<'a> {
    pub(super) id: Id,
    pub(super) index: ParamIndex,
    /// Parameters that move along, and get the same value if one is typed; may contain `index`.
    pub(super) along: &'a [ParamIndex],
    /// Parameters that move along and always keep their distance; may contain some of the above.
    pub(super) linked: &'a [ParamIndex],
    /// Pointer travel over the whole range, in points: to the right, or upwards.
    pub(super) travel: egui::Vec2,
}

impl Draggable<'_> {
    /// Returns all parameters that move, each once, `index` first.
    fn all(&self) -> Vec<ParamIndex> {
        let mut all = vec![self.index];
        for &other in self.along.iter().chain(self.linked) {
            if !all.contains(&other) {
                all.push(other);
            }
        }
        all
    }
}

/// The state of all handles in the window.
#[derive(Debug, Default)]
pub(super) struct Handles {
    typing: Option<Typing>,
    /// Distance of the drag in progress, as a fraction of the range.
    dragged: f32,
}

impl Handles {
    pub(super) fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    /// Discards the text that is being typed.
    pub(super) fn close(&mut self) {
        self.typing = None;
    }

    /// Makes `rect` the handle of a value. While the value is typed, draws the text field instead
    /// and returns `None`: nothing else should be drawn there.
    pub(super) fn handle(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        value: &Draggable<'_>,
        edits: &mut Edits,
    ) -> Option<Response> {
        if self.typing.as_ref().is_some_and(|typing| typing.index == value.index) {
            self.type_value(ui, rect, value, edits);
            return None;
        }
        let response = ui.interact(rect, value.id, Sense::click_and_drag());
        let indices = value.all();
        if response.drag_started_by(PointerButton::Primary) {
            edits.message = None;
            self.dragged = 0.0;
            edits.begin(&indices);
        }
        if response.dragged_by(PointerButton::Primary) {
            let delta = response.drag_delta();
            let part = [(delta.x, value.travel.x), (-delta.y, value.travel.y)];
            let part: f32 = part
                .iter()
                .filter(|(_, travel)| *travel > 0.0)
                .map(|(way, travel)| way / travel)
                .sum();
            let fine = if ui.input(|input| input.modifiers.shift) { FINE } else { 1.0 };
            self.dragged += part * fine;
            edits.drag_by(self.dragged);
        }
        if response.drag_stopped_by(PointerButton::Primary) {
            edits.finish();
        }
        if response.secondary_clicked() {
            put_back(&indices, edits);
        }
        if response.double_clicked() {
            self.begin_typing(value.index, edits);
        }
        if response.has_focus() {
            self.keys(ui, value, &indices, edits);
        }
        let cursor = if value.travel.x > 0.0 {
            CursorIcon::ResizeHorizontal
        } else {
            CursorIcon::ResizeVertical
        };
        Some(response.on_hover_cursor(cursor))
    }

    fn begin_typing(&mut self, index: ParamIndex, edits: &mut Edits) {
        edits.finish();
        let text = edits.text(index, edits.value(index));
        self.typing = Some(Typing { index, field: Field::new(text) });
    }

    fn keys(&mut self, ui: &Ui, value: &Draggable<'_>, indices: &[ParamIndex], edits: &mut Edits) {
        let arrows = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(value.id, arrows));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let up = pressed(Key::ArrowUp) || pressed(Key::ArrowRight);
        let down = pressed(Key::ArrowDown) || pressed(Key::ArrowLeft);
        if up != down {
            let step = if up { KEY_STEP } else { -KEY_STEP };
            let moved = |&index: &ParamIndex| (index, (edits.value(index) + step).clamp(0.0, 1.0));
            let values: Vec<_> = indices.iter().map(moved).collect();
            edits.set(&values);
        }
        if pressed(Key::Delete) || pressed(Key::Backspace) {
            put_back(indices, edits);
        } else if pressed(Key::Enter) {
            self.begin_typing(value.index, edits);
        }
    }

    fn type_value(&mut self, ui: &mut Ui, rect: Rect, value: &Draggable<'_>, edits: &mut Edits) {
        let Some(typing) = &mut self.typing else { return };
        let wider = rect.expand2(vec2(if rect.width() < 56.0 { 14.0 } else { 0.0 }, 0.0));
        let id = value.id.with("typing");
        let typed = typing.field.show(ui, wider, id, egui::Align2::CENTER_CENTER, "value");
        if typed == Typed::Going {
            return;
        }
        let Some(Typing { index, field }) = self.typing.take() else { return };
        if typed == Typed::Left {
            return;
        }
        let text = field.text();
        match edits.parse(index, text) {
            Some(typed) if typed.is_finite() => {
                edits.message = None;
                let way = typed - edits.value(index);
                let to = |other: ParamIndex| {
                    if other == index || value.along.contains(&other) {
                        typed
                    } else {
                        (edits.value(other) + way).clamp(0.0, 1.0)
                    }
                };
                let values: Vec<_> =
                    value.all().into_iter().map(|other| (other, to(other))).collect();
                edits.set(&values);
            }
            _ => {
                let example = edits.text(index, edits.value(index));
                edits.message = Some(format!(
                    "\u{201c}{text}\u{201d} is not a valid value. Example: {example}"
                ));
            }
        }
    }

    /// Draws a horizontal bar with its value in it.
    pub(super) fn bar(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        value: &Draggable<'_>,
        fill: Color32,
        edits: &mut Edits,
    ) -> Option<Response> {
        let response = self.handle(ui, rect, value, edits)?;
        let position = edits.value(value.index);
        let painter = ui.painter();
        painter.rect_filled(rect, theme::CORNER, theme::WELL);
        let mut filled = rect.shrink(1.0);
        filled.set_width(filled.width() * position);
        let strength = if response.hovered() || response.dragged() { 0.62 } else { 0.46 };
        painter.rect_filled(filled, theme::CORNER, theme::blend(theme::WELL, fill, strength));
        let text = edits.text(value.index, position);
        painter.text(rect.center(), Align2::CENTER_CENTER, text, theme::regular(12.0), theme::TEXT);
        focus_ring(ui, rect, &response);
        Some(response)
    }
}

/// Describes a handle for screen readers.
pub(super) fn describe(
    response: &Response,
    index: ParamIndex,
    edits: &Edits,
    name: impl Fn() -> String,
) {
    response.widget_info(|| {
        let value = edits.value(index);
        let mut info = WidgetInfo::slider(true, f64::from(value), name());
        info.current_text_value = Some(edits.text(index, value));
        info
    });
}

/// Resets values to their defaults.
fn put_back(indices: &[ParamIndex], edits: &mut Edits) {
    let values: Vec<_> = indices.iter().map(|&index| (index, edits.default_value(index))).collect();
    edits.set(&values);
}
