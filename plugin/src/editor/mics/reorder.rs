//! Moving of rows and linking of mics. Both change only the window's arrangement.

use egui::{
    Color32, CornerRadius, CursorIcon, EventFilter, Id, Key, Painter, Rect, Sense, Stroke,
    StrokeKind, Ui, pos2, vec2,
};

use crate::editor::access::Access;
use crate::editor::controls::{focus_ring, name, switch};
use crate::editor::edits::Edits;
use crate::editor::theme;

/// Rows that are being dragged.
#[derive(Debug)]
struct Moving {
    strips: Vec<usize>,
    /// Target position: above this one of the shown rows, or below the last.
    place: usize,
}

/// The moving of rows.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    moving: Option<Moving>,
}

impl Reorder {
    /// Ends the drag in progress without a change.
    pub(super) fn close(&mut self) {
        self.moving = None;
    }

    /// Draws the handle by which a row is dragged.
    pub(super) fn grip(
        &mut self,
        ui: &Ui,
        rect: Rect,
        strip: usize,
        is_bright: bool,
        access: &mut Access<'_>,
    ) {
        let id = Id::unique(("grip", strip));
        let response = ui.interact(rect, id, Sense::drag());
        name(&response, &format!("Place of {}", access.scene.name(strip)), false);
        access.rows.note_focus(&response, strip);
        let is_held = self.moving.as_ref().is_some_and(|moving| moving.strips.contains(&strip));
        let ink = if is_held || response.hovered() || response.has_focus() {
            theme::TEXT
        } else if is_bright {
            theme::DIM
        } else {
            theme::FAINT
        };
        for row in [-5.0, 0.0, 5.0] {
            for column in [-2.0, 2.0] {
                ui.painter().circle_filled(rect.center() + vec2(column, row), 1.0, ink);
            }
        }
        focus_ring(ui, rect, &response);
        if response.drag_started() {
            access.edits.finish();
            self.moving = Some(Moving { strips: access.rows.carried(strip), place: 0 });
        }
        if response.has_focus() {
            let arrows = EventFilter { vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
            let pressed = |key| ui.input(|input| input.key_pressed(key) && !input.modifiers.any());
            let (up, down) = (pressed(Key::ArrowUp), pressed(Key::ArrowDown));
            if up != down {
                move_rows(strip, up, access);
            }
        }
        response.on_hover_cursor(CursorIcon::Grab).on_hover_text(
            "Drag to reorder the mics, or press Alt with the arrow keys. Affects only the window.",
        );
    }

    /// Draws the target position of dragged rows, and moves them when they are dropped.
    pub(super) fn show(
        &mut self,
        ui: &Ui,
        all: Rect,
        height: f32,
        rows: &[usize],
        edits: &mut Edits,
    ) {
        let Some(moving) = &mut self.moving else { return };
        let Some(at) = ui.input(|input| input.pointer.latest_pos()) else { return };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "one of a few rows"
        )]
        let place = ((at.y - all.top()) / height).round().max(0.0) as usize;
        moving.place = place.min(rows.len());
        let y = all.top() + moving.place as f32 * height;
        ui.painter().hline(all.x_range(), y, (2.0, theme::KEEP));
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.moving = None;
        } else if ui.input(|input| input.pointer.any_released() || !input.pointer.any_down()) {
            let Moving { strips, place } = moving;
            // The next row that is not moved.
            let above = rows[*place..].iter().find(|row| !strips.contains(row));
            let below = rows[..*place].iter().rfind(|row| !strips.contains(row));
            let beside = above.map(|&row| (row, false)).or(below.map(|&row| (row, true)));
            let strips = std::mem::take(strips);
            self.moving = None;
            if let Some((other, is_below)) = beside {
                edits.arrange(|to| to.move_beside(&strips, other, is_below));
            }
        }
    }
}

/// Moves a row, or the selection with it, past the next one.
pub(crate) fn move_rows(strip: usize, up: bool, access: &mut Access<'_>) {
    let rows = access.rows.shown(access.scene);
    let moved = access.rows.carried(strip);
    let is_moved = |row: &&usize| moved.contains(row);
    let other = if up {
        let first = rows.iter().position(|row| moved.contains(row));
        first.and_then(|first| rows[..first].last())
    } else {
        let last = rows.iter().rposition(|row| moved.contains(row));
        last.and_then(|last| rows[last + 1..].first())
    };
    if let Some(&other) = other.filter(|row| !is_moved(row)) {
        access.edits.arrange(|to| to.move_beside(&moved, other, !up));
    }
}

/// Returns the strips whose values move with this one's: the selection, and the strips that are
/// linked with any of it.
pub(super) fn moved_with(strip: usize, access: &Access<'_>) -> [Vec<usize>; 2] {
    let chosen = access.rows.carried(strip);
    let arrangement = access.scene.params().saved.arranged.now();
    let linked = chosen.iter().flat_map(|&one| arrangement.linked_with(one)).collect();
    [chosen, linked]
}

/// Links the selected mics.
pub(crate) fn link_chosen(access: &mut Access<'_>) {
    if access.rows.together.len() > 1 {
        let strips = access.rows.together.clone();
        access.edits.arrange(|arrangement| arrangement.link(&strips));
    }
}

/// Unlinks the selected mics.
pub(crate) fn unlink_chosen(access: &mut Access<'_>) {
    let strips = access.rows.together.clone();
    access.edits.arrange(|arrangement| arrangement.unlink(&strips));
}

/// Draws the button that links the selected mics, or unlinks them if they all are in one link.
pub(super) fn link_button(ui: &mut Ui, foot: Rect, access: &mut Access<'_>) {
    let count = access.rows.together.len();
    if count < 2 {
        return;
    }
    let is_one_link = {
        let arrangement = access.scene.params().saved.arranged.now();
        let first = arrangement.link_of(access.rows.together[0]);
        first.is_some() && access.rows.together.iter().all(|&one| arrangement.link_of(one) == first)
    };
    let (text, hint) = if is_one_link {
        (format!("Unlink {count} mics"), "Unlink the selected mics (Ctrl+Shift+L)")
    } else {
        (
            format!("Link {count} mics"),
            "Amount and Max reduction of linked mics move together by the same difference (Ctrl+L)",
        )
    };
    let size = vec2(108.0, 20.0);
    let place = Rect::from_min_size(pos2(foot.right() - size.x, foot.top() + 4.0), size);
    let lit = is_one_link.then_some(theme::DIM);
    if switch(ui, place, Id::unique("link"), &text, lit).on_hover_text(hint).clicked() {
        if is_one_link { unlink_chosen(access) } else { link_chosen(access) }
    }
}

/// Draws the mark of a linked mic; a click unlinks the mic.
pub(super) fn link_mark(ui: &Ui, rect: Rect, strip: usize, access: &mut Access<'_>) {
    let (link, others) = {
        let arrangement = access.scene.params().saved.arranged.now();
        let Some(link) = arrangement.link_of(strip) else { return };
        (link, arrangement.linked_with(strip))
    };
    let response = ui.interact(rect, Id::unique(("linked", strip)), Sense::click());
    name(&response, &format!("Unlink {}", access.scene.name(strip)), true);
    access.rows.note_focus(&response, strip);
    let ink = if response.hovered() { theme::TEXT } else { theme::KEEP };
    chain(ui.painter(), rect, ink);
    let number = rect.center() + vec2(0.0, 9.5);
    let font = theme::regular(9.0);
    ui.painter().text(number, egui::Align2::CENTER_CENTER, link, font, ink);
    focus_ring(ui, rect, &response);
    let names =
        others.iter().filter(|&&other| other != strip).map(|&other| access.scene.name(other));
    let names = names.collect::<Vec<_>>().join(", ");
    let hint =
        format!("Linked with {names}: Amount and Max reduction move together. Click to unlink.");
    if response.on_hover_text(hint).clicked() {
        access.edits.arrange(|arrangement| arrangement.unlink(&[strip]));
    }
}

/// Draws two links of a chain.
fn chain(painter: &Painter, rect: Rect, ink: Color32) {
    for side in [-2.5, 2.5] {
        let link = Rect::from_center_size(rect.center() + vec2(side, 0.0), vec2(7.5, 5.0));
        let corner = CornerRadius::same(2);
        painter.rect_stroke(link, corner, Stroke::new(1.2, ink), StrokeKind::Middle);
    }
}
