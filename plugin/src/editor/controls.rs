//! Controls: bars that can be dragged and typed into, switches, rows of choices.

use egui::{
    self, Align2, Color32, CursorIcon, EventFilter, Id, Key, PointerButton, Rect, Response, Role,
    Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use super::edits::ParamIndex;
use super::field::{Field, Typed};
use super::{Editor, theme};

/// A value that is being typed.
#[derive(Debug)]
pub(super) struct Typing {
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

impl Editor {
    /// Makes `rect` the handle of a value. While the value is typed, draws the text field instead
    /// and returns `None`: nothing else should be drawn there.
    pub(super) fn handle(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        value: &Draggable<'_>,
    ) -> Option<Response> {
        if self.typing.as_ref().is_some_and(|typing| typing.index == value.index) {
            self.type_value(ui, rect, value);
            return None;
        }
        let response = ui.interact(rect, value.id, Sense::click_and_drag());
        let indices = value.all();
        if response.drag_started_by(PointerButton::Primary) {
            self.message = None;
            self.dragged = 0.0;
            self.edits.begin(&indices);
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
            self.edits.drag_by(self.dragged);
        }
        if response.drag_stopped_by(PointerButton::Primary) {
            self.edits.finish();
        }
        if response.secondary_clicked() {
            self.put_back(&indices);
        }
        if response.double_clicked() {
            self.begin_typing(value.index);
        }
        if response.has_focus() {
            self.keys(ui, value, &indices);
        }
        let cursor = if value.travel.x > 0.0 {
            CursorIcon::ResizeHorizontal
        } else {
            CursorIcon::ResizeVertical
        };
        Some(response.on_hover_cursor(cursor))
    }

    fn begin_typing(&mut self, index: ParamIndex) {
        self.edits.finish();
        let text = self.edits.text(index, self.edits.value(index));
        self.typing = Some(Typing { index, field: Field::new(text) });
    }

    fn keys(&mut self, ui: &Ui, value: &Draggable<'_>, indices: &[ParamIndex]) {
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
            let moved =
                |&index: &ParamIndex| (index, (self.edits.value(index) + step).clamp(0.0, 1.0));
            let values: Vec<_> = indices.iter().map(moved).collect();
            self.edits.set(&values);
        }
        if pressed(Key::Delete) || pressed(Key::Backspace) {
            self.put_back(indices);
        } else if pressed(Key::Enter) {
            self.begin_typing(value.index);
        }
    }

    /// Resets values to their defaults.
    fn put_back(&mut self, indices: &[ParamIndex]) {
        let values: Vec<_> =
            indices.iter().map(|&index| (index, self.edits.default_value(index))).collect();
        self.edits.set(&values);
    }

    fn type_value(&mut self, ui: &mut Ui, rect: Rect, value: &Draggable<'_>) {
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
        match self.edits.parse(index, text) {
            Some(typed) if typed.is_finite() => {
                self.message = None;
                let way = typed - self.edits.value(index);
                let to = |other: ParamIndex| {
                    if other == index || value.along.contains(&other) {
                        typed
                    } else {
                        (self.edits.value(other) + way).clamp(0.0, 1.0)
                    }
                };
                let values: Vec<_> =
                    value.all().into_iter().map(|other| (other, to(other))).collect();
                self.edits.set(&values);
            }
            _ => {
                let example = self.edits.text(index, self.edits.value(index));
                self.message = Some(format!(
                    "\u{201c}{text}\u{201d} is not a valid value. Example: {example}"
                ));
            }
        }
    }

    /// Describes a handle for screen readers.
    pub(super) fn describe(
        &self,
        response: &Response,
        index: ParamIndex,
        name: impl Fn() -> String,
    ) {
        response.widget_info(|| {
            let value = self.edits.value(index);
            let mut info = WidgetInfo::slider(true, f64::from(value), name());
            info.current_text_value = Some(self.edits.text(index, value));
            info
        });
    }

    /// Draws a horizontal bar with its value in it.
    pub(super) fn bar(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        value: &Draggable<'_>,
        fill: Color32,
    ) -> Option<Response> {
        let response = self.handle(ui, rect, value)?;
        let position = self.edits.value(value.index);
        let painter = ui.painter();
        painter.rect_filled(rect, theme::CORNER, theme::WELL);
        let mut filled = rect.shrink(1.0);
        filled.set_width(filled.width() * position);
        let strength = if response.hovered() || response.dragged() { 0.62 } else { 0.46 };
        painter.rect_filled(filled, theme::CORNER, theme::blend(theme::WELL, fill, strength));
        let text = self.edits.text(value.index, position);
        painter.text(rect.center(), Align2::CENTER_CENTER, text, theme::regular(12.0), theme::TEXT);
        focus_ring(ui, rect, &response);
        Some(response)
    }
}

/// Marks the control with the keyboard focus.
pub(super) fn focus_ring(ui: &Ui, rect: Rect, response: &Response) {
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect.expand(1.0),
            theme::CORNER,
            Stroke::new(1.0, theme::KEEP),
            StrokeKind::Outside,
        );
    }
}

/// Describes a button for screen readers.
pub(super) fn name(response: &Response, text: &str, is_on: bool) {
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_on, text));
}

/// Draws a button at a fixed place; `lit` is its colour while it is on.
pub(super) fn switch(
    ui: &mut Ui,
    rect: Rect,
    id: Id,
    text: &str,
    lit: Option<Color32>,
) -> Response {
    let response = ui.interact(rect, id, Sense::click());
    name(&response, text, lit.is_some());
    let (fill, ink) = match (lit, response.hovered()) {
        (Some(colour), _) => (colour, theme::BACKGROUND),
        (None, true) => (theme::BUTTON_HOVERED, theme::TEXT),
        (None, false) => (theme::BUTTON, theme::DIM),
    };
    ui.painter().rect_filled(rect, theme::CORNER, fill);
    let font = if lit.is_some() { theme::semibold(12.0) } else { theme::regular(12.0) };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, ink);
    focus_ring(ui, rect, &response);
    response
}

/// Draws choices side by side, one of them chosen. Returns the one that was pressed.
pub(super) fn choices(
    ui: &mut Ui,
    rect: Rect,
    id: Id,
    names: &[(&str, &str)],
    chosen: usize,
    colour: impl Fn(usize) -> Color32,
) -> Option<usize> {
    ui.painter().rect_filled(rect, theme::CORNER, theme::BUTTON);
    let width = rect.width() / names.len() as f32;
    let mut pressed = None;
    for (place, (name, hint)) in names.iter().enumerate() {
        let left = rect.left() + place as f32 * width;
        let cell = Rect::from_min_size([left, rect.top()].into(), vec2(width, rect.height()));
        let response = ui.interact(cell, id.with(place), Sense::click());
        let is_chosen = place == chosen;
        self::name(&response, name, is_chosen);
        if is_chosen {
            ui.painter().rect_filled(cell, theme::CORNER, colour(place));
        } else if response.hovered() {
            ui.painter().rect_filled(cell, theme::CORNER, theme::BUTTON_HOVERED);
        }
        let ink = match (is_chosen, response.hovered()) {
            (true, _) => theme::BACKGROUND,
            (false, true) => theme::TEXT,
            (false, false) => theme::DIM,
        };
        let font = if is_chosen { theme::semibold(12.5) } else { theme::regular(12.5) };
        ui.painter().text(cell.center(), Align2::CENTER_CENTER, name, font, ink);
        focus_ring(ui, cell, &response);
        if response.on_hover_text(*hint).clicked() {
            pressed = Some(place);
        }
    }
    pressed
}
