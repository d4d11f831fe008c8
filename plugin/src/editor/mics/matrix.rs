//! The bleed matrix: the crosstalk of each pair of mics, and the amount that is removed.

use egui::{
    Align2, Color32, Id, Rect, Response, Sense, Stroke, StrokeKind, Ui, epaint::TextShape, pos2,
    vec2,
};

use crate::editor::access::Access;
use crate::editor::controls::{focus_ring, name};
use crate::editor::handles::{Draggable, describe};
use crate::editor::scene::Scene;
use crate::editor::{icons, theme};
use crate::params::{GroupChoice, RoleChoice};

/// Crosstalk at the first and the last colour, in decibels.
const HEAT_DB: [f32; 2] = [-42.0, -4.0];
/// Least cell width for a horizontal name above it, in points.
const WIDE: f32 = 58.0;
const CELL_WIDTHS: [f32; 2] = [18.0, 84.0];
/// Height of a cell from which on it shows level and removal at once.
const TWO_LINES: f32 = 36.0;
/// Pointer travel for 100 %, in points.
const TRAVEL: f32 = 140.0;

/// Positions of the matrix columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    left: f32,
    width: f32,
    /// Height of the line of names, in points.
    pub(super) head: f32,
    pub(super) pointed: Pointed,
}

/// Row and column under the pointer.
pub(super) type Pointed = (Option<usize>, Option<usize>);

impl Columns {
    /// Returns the columns of `rows` between `left` and `right`.
    pub(super) fn new(left: f32, right: f32, rows: &[usize]) -> Self {
        let room = (right - left - 10.0).max(0.0) / rows.len() as f32;
        let width = room.clamp(CELL_WIDTHS[0], CELL_WIDTHS[1]).floor();
        Self { left, width, head: if width < WIDE { 94.0 } else { 46.0 }, pointed: (None, None) }
    }
}

/// Returns the row and the column under the pointer.
pub(super) fn pointed(
    ui: &Ui,
    all: Rect,
    height: f32,
    rows: &[usize],
    columns: &Columns,
) -> Pointed {
    let Some(at) = ui.input(|input| input.pointer.hover_pos()) else { return (None, None) };
    if !ui.clip_rect().contains(at)
        || ui.ctx().is_pointer_over_egui() && ui.ctx().layer_id_at(at) != Some(ui.layer_id())
    {
        return (None, None);
    }
    let find = |start: f32, size: f32, at: f32| {
        rows.iter().copied().enumerate().find_map(|(place, strip)| {
            let from = start + place as f32 * size;
            (from..from + size).contains(&at).then_some(strip)
        })
    };
    (find(all.top(), height, at.y), find(columns.left, columns.width, at.x))
}

/// Draws the names above the columns.
pub(super) fn head(
    ui: &mut Ui,
    rect: Rect,
    rows: &[usize],
    columns: &Columns,
    access: &mut Access<'_>,
) {
    let pointed = columns.pointed.1;
    let top = pos2(columns.left, rect.top() + 5.0);
    let title = "Bleed in each mic (row) from each source (column), in dB";
    let width = columns.width * rows.len() as f32;
    let galley = ui.painter().layout_no_wrap(title.to_owned(), theme::regular(11.0), theme::DIM);
    let title = if galley.rect.width() > width.max(rect.right() - top.x) {
        ui.painter().layout_no_wrap("Bleed, dB".to_owned(), theme::regular(11.0), theme::DIM)
    } else {
        galley
    };
    ui.painter().galley(top, title, theme::DIM);
    for (place, &strip) in rows.iter().enumerate() {
        let left = columns.left + place as f32 * columns.width;
        let cell =
            Rect::from_min_max(pos2(left, top.y + 16.0), pos2(left + columns.width, rect.bottom()));
        let response = ui.interact(cell, Id::unique(("column", strip)), Sense::click());
        name(&response, &format!("Column of {}", access.scene.name(strip)), false);
        if response.clicked() {
            access.rows.select_as(strip, ui.input(|input| input.modifiers), access.scene);
        }
        focus_ring(ui, cell.shrink(1.0), &response);
        let response = response.on_hover_text(format!(
            "Bleed of {} in each mic. Click to show its spectrum.",
            access.scene.name(strip)
        ));
        let ink =
            if pointed == Some(strip) || response.hovered() { theme::TEXT } else { theme::DIM };
        let painter = ui.painter();
        let name = access.scene.name(strip);
        let font = theme::regular(12.0);
        if columns.width >= WIDE {
            let place = Rect::from_min_max(cell.min + vec2(2.0, 0.0), cell.max - vec2(2.0, 5.0));
            theme::elided(painter, place, Align2::CENTER_BOTTOM, &name, font, ink);
        } else {
            let name = theme::elided_line(painter, cell.height() - 8.0, &name, font, ink);
            let x = cell.center().x - 0.5 * name.rect.height();
            let text = TextShape::new(pos2(x, cell.bottom() - 5.0), name, ink);
            painter.add(text.with_angle(-std::f32::consts::FRAC_PI_2));
        }
        if let Some(colour) = access.scene.group_colour(strip) {
            let line = Rect::from_min_max(
                pos2(cell.left() + 2.0, cell.bottom() - 3.0),
                pos2(cell.right() - 2.0, cell.bottom() - 1.0),
            );
            painter.rect_filled(line, 1.0, colour);
        }
    }
}

/// Draws a mic's row.
pub(super) fn show(
    ui: &mut Ui,
    row: Rect,
    target: usize,
    rows: &[usize],
    columns: &Columns,
    access: &mut Access<'_>,
) {
    let pointed = columns.pointed;
    for (place, &bleeder) in rows.iter().enumerate() {
        let left = columns.left + place as f32 * columns.width;
        let whole = Rect::from_min_size(pos2(left, row.top()), vec2(columns.width, row.height()));
        if pointed.0.is_some()
            && pointed.1.is_some()
            && (pointed.0 == Some(target)) != (pointed.1 == Some(bleeder))
        {
            ui.painter().rect_filled(
                whole,
                0.0,
                theme::blend(theme::BACKGROUND, theme::BUTTON, 0.8),
            );
        }
        let cell = whole.shrink(1.5);
        let are_grouped = are_grouped(target, bleeder, access.scene);
        if are_grouped {
            block(ui, whole, rows, (target, bleeder), access.scene);
        }
        if target == bleeder {
            own_cell(ui, cell, target, access.scene);
        } else if are_grouped {
            grouped_cell(ui, cell, target, bleeder, access.scene);
        } else {
            pair_cell(ui, cell, target, bleeder, access);
        }
    }
}

/// Draws a cell's part of its group's block. Adjacent cells of one group form one area with
/// one outline.
fn block(ui: &Ui, whole: Rect, rows: &[usize], (target, bleeder): (usize, usize), scene: &Scene) {
    let Some(colour) = scene.group_colour(target) else { return };
    let painter = ui.painter();
    painter.rect_filled(whole, 0.0, theme::blend(theme::BACKGROUND, colour, 0.22));
    let beside = |strip: usize, before: bool| {
        let place = rows.iter().position(|&row| row == strip)?;
        let other = if before { place.checked_sub(1)? } else { place + 1 };
        rows.get(other).copied()
    };
    let goes_on = |strip: usize, before: bool| {
        beside(strip, before).is_some_and(|other| are_grouped(strip, other, scene))
    };
    let line = Stroke::new(1.5, colour);
    let edge = whole.shrink(0.75);
    if !goes_on(target, true) {
        painter.hline(whole.x_range(), edge.top(), line);
    }
    if !goes_on(target, false) {
        painter.hline(whole.x_range(), edge.bottom(), line);
    }
    if !goes_on(bleeder, true) {
        painter.vline(edge.left(), whole.y_range(), line);
    }
    if !goes_on(bleeder, false) {
        painter.vline(edge.right(), whole.y_range(), line);
    }
}

fn are_grouped(one: usize, other: usize, scene: &Scene) -> bool {
    let group = |strip: usize| scene.params().mics[strip].group.value();
    group(one) == group(other) && group(one) != GroupChoice::None
}

fn own_cell(ui: &Ui, cell: Rect, strip: usize, scene: &Scene) {
    if scene.group_colour(strip).is_none() {
        ui.painter().rect_filled(cell, theme::CORNER, theme::PANEL);
    }
    let side = cell.height().min(cell.width()).min(24.0) - 6.0;
    let icon = Rect::from_center_size(cell.center(), vec2(side, side));
    icons::draw(ui.painter(), icon, scene.instrument(strip), theme::FAINT);
}

fn grouped_cell(ui: &Ui, cell: Rect, target: usize, bleeder: usize, scene: &Scene) {
    let response = ui.interact(cell, Id::unique(("grouped", target, bleeder)), Sense::hover());
    response.on_hover_text(format!(
        "{} and {} are in one group, so nothing is removed",
        scene.name(target),
        scene.name(bleeder)
    ));
}

/// Returns the reason why nothing is removed for a pair regardless of its amount, if there
/// is one.
fn idle_because(target: usize, bleeder: usize, scene: &Scene) -> Option<&'static str> {
    let role = |strip: usize| scene.params().mics[strip].role.value();
    if role(target) == RoleChoice::Room {
        Some("room mics pass unchanged")
    } else if role(bleeder) != RoleChoice::Close {
        Some("room mics are not sources of bleed")
    } else {
        None
    }
}

fn pair_cell(ui: &mut Ui, cell: Rect, target: usize, bleeder: usize, access: &mut Access<'_>) {
    let Access { scene, edits, handles, .. } = access;
    let params = scene.params();
    let pair = params.pairs.iter().find(|pair| pair.target == target && pair.bleeder == bleeder);
    let heard_db = scene.crosstalk_db(target, bleeder);
    let idle = idle_because(target, bleeder, scene);
    let Some(pair) = pair else {
        draw_cell(ui, cell, heard_db, None, false);
        let response = ui.interact(cell, Id::unique(("heard", target, bleeder)), Sense::hover());
        explain(response, (target, bleeder), None, idle, scene);
        return;
    };
    let value = Draggable {
        id: Id::unique(("pair", target, bleeder)),
        index: edits.index(&pair.amount),
        along: &[],
        linked: &[],
        travel: vec2(0.0, TRAVEL),
    };
    let Some(response) = handles.handle(ui, cell, &value, edits) else { return };
    describe(&response, value.index, edits, || {
        format!("Remove {} from {}", scene.name(bleeder), scene.name(target))
    });
    let amount = edits.value(value.index);
    let active = response.hovered() || response.dragged();
    let shown_db = if idle.is_some() { None } else { heard_db };
    draw_cell(ui, cell, shown_db, idle.is_none().then_some(amount), active);
    if response.dragged() || response.has_focus() {
        let line = Stroke::new(1.5, theme::KEEP);
        ui.painter().rect_stroke(cell, theme::CORNER, line, StrokeKind::Inside);
    }
    explain(response, (target, bleeder), Some(amount), idle, scene);
}

fn draw_cell(ui: &Ui, cell: Rect, heard_db: Option<f32>, amount: Option<f32>, active: bool) {
    let painter = ui.painter();
    let heat = heard_db.map_or(0.0, |db| (db - HEAT_DB[0]) / (HEAT_DB[1] - HEAT_DB[0]));
    let fill = heat_colour(heat);
    painter.rect_filled(cell, theme::CORNER, fill);
    let ink = heat_ink(heat);
    let lowered = amount.filter(|&amount| active || amount < 0.9995);
    let level = match heard_db {
        Some(db) if db > -0.5 => "0".to_owned(),
        Some(db) => format!("\u{2212}{:.0}", -db),
        None => String::new(),
    };
    let share = lowered.map(|amount| format!("{:.0} %", 100.0 * amount));
    let has_room = cell.width() >= 34.0 && cell.height() >= TWO_LINES;
    let size = if cell.width() < 26.0 { 10.0 } else { 12.0 };
    let write = |text: String, size: f32, up: f32| {
        let at = cell.center() - vec2(0.0, up);
        painter.text(at, Align2::CENTER_CENTER, text, theme::regular(size), ink);
    };
    match share {
        // Level and removal, if there is room for both.
        Some(share) if has_room => {
            write(level, size, 9.0);
            write(share, 10.0, -3.0);
        }
        Some(share) if active || cell.width() >= 30.0 && cell.height() < 30.0 => {
            write(share, size, 3.0);
        }
        Some(_) => write(level, size, 3.0),
        None => write(level, size, 0.0),
    }
    let Some(amount) = lowered else { return };
    let well = Rect::from_min_max(
        pos2(cell.left() + 4.0, cell.bottom() - 6.0),
        pos2(cell.right() - 4.0, cell.bottom() - 3.0),
    );
    painter.rect_filled(well, 1.0, theme::BACKGROUND);
    let mut filled = well;
    filled.set_width(well.width() * amount);
    painter.rect_filled(filled, 1.0, theme::KEEP);
}

fn explain(
    response: Response,
    (target, bleeder): (usize, usize),
    amount: Option<f32>,
    idle: Option<&'static str>,
    scene: &Scene,
) {
    let (from, to) = (scene.name(bleeder), scene.name(target));
    let heard = match scene.crosstalk_db(target, bleeder) {
        Some(db) if db > -0.05 => "0.0 dB".to_owned(),
        Some(db) => format!("\u{2212}{:.1} dB", -db),
        None => "no bleed found yet".to_owned(),
    };
    let what = match (idle, amount) {
        (Some(why), _) => format!("{from} in {to}: nothing is removed, because {why}"),
        (None, Some(amount)) => {
            format!("{from} in {to}: {heard}, removing {:.0} %", 100.0 * amount)
        }
        (None, None) => format!("{from} in {to}: {heard}"),
    };
    response.on_hover_ui(|ui| {
        ui.label(what);
        if amount.is_some() && idle.is_none() {
            let hint = "Drag up or down, double-click to type, right-click for 100 %";
            ui.colored_label(theme::DIM, hint);
        }
    });
}

/// Returns the colour of a number on the colour of `heat`.
fn heat_ink(heat: f32) -> Color32 {
    theme::legible(theme::blend(theme::DIM, theme::TEXT, heat * 1.6), heat_colour(heat))
}

/// Returns a colour from a dark well through amber to nearly white.
fn heat_colour(heat: f32) -> Color32 {
    if heat < 0.75 {
        theme::blend(
            theme::blend(theme::WELL, theme::PANEL, 0.5),
            theme::BLEED,
            (heat / 0.75).max(0.0).powf(1.2),
        )
    } else {
        theme::blend(theme::BLEED, Color32::from_rgb(255, 226, 178), (heat - 0.75) / 0.25)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_legible_on_every_colour_of_a_cell() {
        for step in 0..=1_000 {
            let heat = step as f32 / 1_000.0;
            let contrast = theme::contrast(heat_ink(heat), heat_colour(heat));
            assert!(contrast >= theme::LEAST_CONTRAST, "{heat}: {contrast}");
        }
    }
}
