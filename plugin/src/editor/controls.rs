//! Controls without state: switches, and rows of choices.

use egui::{
    self, Align2, Color32, Id, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    vec2,
};

use super::theme;

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
