//! The panel of the mics, one row each: their strips and the matrix.

mod empty;
mod labels;
mod levels;
mod matrix;
mod reorder;
mod strips;

use egui::{Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};

use super::access::Access;
use super::rows::Rows;
use super::scene::Scene;
use empty::{advice, foot};
use matrix::Columns;
pub(super) use reorder::{link_chosen, move_rows, unlink_chosen};
use strips::{MATRIX, Strips};

#[cfg(test)]
pub(super) use strips::AMOUNT_WIDTH;

/// Smallest and largest row height. Sixteen of the smallest fit into a window of the default size.
const ROW_HEIGHTS: [f32; 2] = [23.0, 50.0];
const ROWS_MARGIN: f32 = 4.0;
const FOOT: f32 = 24.0;

/// The state of the panel.
#[derive(Debug, Default)]
pub(super) struct Mics {
    strips: Strips,
}

impl Mics {
    /// Returns true while the name of a mic is being typed.
    pub(super) fn is_renaming(&self) -> bool {
        self.strips.labels.is_renaming()
    }

    /// Ends what is being typed or dragged without a change.
    pub(super) fn close(&mut self) {
        self.strips.labels.close();
        self.strips.reorder.close();
    }

    /// Begins to type the name of a mic.
    pub(super) fn begin_renaming(&mut self, strip: usize, access: &mut Access<'_>) {
        self.strips.labels.begin_renaming(strip, access);
    }

    /// Draws the panel.
    pub(super) fn show(&mut self, ui: &mut Ui, rect: Rect, access: &mut Access<'_>) {
        let scene = access.scene;
        let rows = access.rows.shown(scene);
        let foot_area = Rect::from_min_max(pos2(rect.left(), rect.bottom() - FOOT), rect.max);
        foot(ui, foot_area, rows.len(), access);
        if rows.is_empty() {
            let middle = Rect::from_min_max(rect.min, pos2(rect.right(), foot_area.top()));
            advice(ui, middle, 0, scene);
            return;
        }
        if !rows.contains(&access.rows.selected) {
            access.rows.fall_back_to(rows[0]);
        }
        let mut columns = self::columns(rect, &rows);
        let head = Rect::from_min_size(rect.min, vec2(rect.width(), columns.head));
        let body = Rect::from_min_max(
            pos2(rect.left(), head.bottom()),
            pos2(rect.right(), foot_area.top()),
        );
        let fitting = (body.height() - ROWS_MARGIN) / rows.len() as f32;
        let height = fitting.clamp(ROW_HEIGHTS[0], ROW_HEIGHTS[1]).floor();

        let mut inside = ui.new_child(UiBuilder::new().max_rect(body));
        inside.set_clip_rect(body);
        let area = ScrollArea::vertical().auto_shrink([false, false]);
        area.show_viewport(&mut inside, |ui, _| {
            let total = height * rows.len() as f32;
            let (all, _) = ui.allocate_exact_size(vec2(body.width(), total), Sense::hover());
            let pointed = matrix::pointed(ui, all, height, &rows, &columns);
            columns.pointed = pointed;
            for (place, &strip) in rows.iter().enumerate() {
                let top = all.top() + place as f32 * height;
                let row = Rect::from_min_size(pos2(all.left(), top), vec2(all.width(), height));
                if ui.is_rect_visible(row) {
                    let is_pointed = pointed.0 == Some(strip);
                    self.strips.show(ui, row.shrink2(vec2(0.0, 1.0)), strip, is_pointed, access);
                    matrix::show(ui, row, strip, &rows, &columns, access);
                }
            }
            self.strips.reorder.show(ui, all, height, &rows, access.edits);
            self::head(ui, head, &rows, &columns, access);
        });
        let below = pos2(body.left(), body.top() + height * rows.len() as f32);
        advice(ui, Rect::from_min_max(below, body.max), rows.len(), scene);
    }
}

/// Returns the height of the panel at which all mics are visible, in a window of this width.
pub(super) fn height_of_all(width: f32, scene: &Scene, rows: &Rows) -> f32 {
    let rows = rows.shown(scene);
    let all = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 0.0));
    let head = if rows.is_empty() { 0.0 } else { columns(all, &rows).head };
    head + ROW_HEIGHTS[0] * rows.len() as f32 + ROWS_MARGIN + FOOT
}

fn columns(rect: Rect, rows: &[usize]) -> Columns {
    Columns::new(rect.left() + MATRIX, rect.right(), rows)
}

fn head(ui: &mut Ui, rect: Rect, rows: &[usize], columns: &Columns, access: &mut Access<'_>) {
    let mut head = ui.new_child(UiBuilder::new().max_rect(rect));
    head.set_clip_rect(rect.expand(2.0));
    strips::head(head.painter(), rect);
    matrix::head(&mut head, rect, rows, columns, access);
}
