//! The mics, one row each: name, role and group, levels, reduction, amounts, and their row of
//! the matrix.

use egui::{Align2, Color32, Id, Rect, Response, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};
use nice_plug::prelude::{Enum, FloatParam};

use super::controls::{Draggable, focus_ring, name, switch};
use super::edits::ParamIndex;
use super::levels::MARKS_DB;
use super::{Editor, scene, theme};
use crate::names::mic_name;
use crate::params::{AmongOthers, Instrument, OutputParams};

/// Left edges and widths of the parts of a row, in points from its left end.
const GRIP: f32 = 3.0;
pub(super) const ICON: f32 = 14.0;
const NAME: f32 = 42.0;
const LINK_WIDTH: f32 = 16.0;
const ROLE: f32 = 132.0;
const GROUP: f32 = 200.0;
const METERS: f32 = 234.0;
const METERS_WIDTH: f32 = 116.0;
const REDUCTION: f32 = 360.0;
const REDUCTION_WIDTH: f32 = 62.0;
const AMOUNT: f32 = 432.0;
pub(super) const AMOUNT_WIDTH: f32 = 66.0;
const FLOOR: f32 = 503.0;
const FLOOR_WIDTH: f32 = 66.0;
const LISTEN: f32 = 575.0;
const LISTEN_WIDTH: f32 = 22.0;
const LISTEN_STEP: f32 = 24.0;
/// Left edge of the matrix.
pub(super) const MATRIX: f32 = 655.0;
/// Smallest and largest row height. Sixteen of the smallest fit into a window of the default size.
const ROW_HEIGHTS: [f32; 2] = [24.0, 50.0];
const ROWS_MARGIN: f32 = 4.0;
const FOOT: f32 = 24.0;

impl Editor {
    /// Returns the strips that have a row, from the top.
    pub(super) fn rows(&self) -> Vec<usize> {
        let mut rows = self.edits.params().saved.arranged.now().order().to_vec();
        rows.retain(|&strip| {
            self.scene.is_used(strip) || (self.show_all && self.scene.exists(strip))
        });
        rows
    }

    /// Returns the height of strips and matrix at which all mics are visible, in a window of
    /// this width.
    pub(super) fn height_of_all(&self, width: f32) -> f32 {
        let rows = self.rows();
        let all = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 0.0));
        let head = if rows.is_empty() { 0.0 } else { self.columns(all, &rows).head };
        head + ROW_HEIGHTS[0] * rows.len() as f32 + ROWS_MARGIN + FOOT
    }

    pub(super) fn name(&self, strip: usize) -> String {
        mic_name(self.edits.params(), strip)
    }

    pub(super) fn instrument(&self, strip: usize) -> Instrument {
        self.edits.params().mics[strip].instrument.value()
    }

    /// Returns the colour of a strip's group.
    pub(super) fn group_colour(&self, strip: usize) -> Option<Color32> {
        let group = self.edits.params().mics[strip].group.value().to_index();
        group.checked_sub(1).map(|letter| theme::GROUPS[letter % theme::GROUPS.len()])
    }

    /// Draws strips and matrix.
    pub(super) fn mics(&mut self, ui: &mut Ui, rect: Rect) {
        let rows = self.rows();
        let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - FOOT), rect.max);
        self.foot(ui, foot, rows.len());
        if rows.is_empty() {
            let middle = Rect::from_min_max(rect.min, pos2(rect.right(), foot.top()));
            self.advice(ui, middle, 0);
            return;
        }
        if !rows.contains(&self.selected) {
            self.select(rows[0], false);
        }
        let mut columns = self.columns(rect, &rows);
        let head = Rect::from_min_size(rect.min, vec2(rect.width(), columns.head));
        let body =
            Rect::from_min_max(pos2(rect.left(), head.bottom()), pos2(rect.right(), foot.top()));
        let fitting = (body.height() - ROWS_MARGIN) / rows.len() as f32;
        let height = fitting.clamp(ROW_HEIGHTS[0], ROW_HEIGHTS[1]).floor();

        let mut inside = ui.new_child(UiBuilder::new().max_rect(body));
        inside.set_clip_rect(body);
        let area = ScrollArea::vertical().auto_shrink([false, false]);
        area.show_viewport(&mut inside, |ui, _| {
            let total = height * rows.len() as f32;
            let (all, _) = ui.allocate_exact_size(vec2(body.width(), total), Sense::hover());
            let pointed = self.pointed(ui, all, height, &rows, &columns);
            columns.pointed = pointed;
            for (place, &strip) in rows.iter().enumerate() {
                let top = all.top() + place as f32 * height;
                let row = Rect::from_min_size(pos2(all.left(), top), vec2(all.width(), height));
                if ui.is_rect_visible(row) {
                    self.strip(ui, row.shrink2(vec2(0.0, 1.0)), strip, pointed.0 == Some(strip));
                    self.matrix_row(ui, row, strip, &rows, &columns);
                }
            }
            self.moving_rows(ui, all, height, &rows);
            self.head(ui, head, &rows, &columns);
        });
        let below = pos2(body.left(), body.top() + height * rows.len() as f32);
        self.advice(ui, Rect::from_min_max(below, body.max), rows.len());
    }

    fn head(&mut self, ui: &mut Ui, rect: Rect, rows: &[usize], columns: &super::matrix::Columns) {
        let mut head = ui.new_child(UiBuilder::new().max_rect(rect));
        head.set_clip_rect(rect.expand(2.0));
        let painter = head.painter().clone();
        let y = rect.bottom() - 7.0;
        let label = |x: f32, text: &str, align: Align2| {
            painter.text(pos2(rect.left() + x, y), align, text, theme::regular(11.0), theme::DIM);
        };
        label(NAME, "Mic", Align2::LEFT_BOTTOM);
        label(ROLE, "Role", Align2::LEFT_BOTTOM);
        label(GROUP, "Group", Align2::LEFT_BOTTOM);
        label(REDUCTION, "Reduction", Align2::LEFT_BOTTOM);
        label(AMOUNT + 0.5 * AMOUNT_WIDTH, "Amount", Align2::CENTER_BOTTOM);
        label(FLOOR + 0.5 * FLOOR_WIDTH, "Max reduction", Align2::CENTER_BOTTOM);
        for db in MARKS_DB {
            let x = METERS + METERS_WIDTH * (1.0 - db / scene::LOWEST_DB);
            let text = if db < 0.0 { format!("\u{2212}{:.0}", -db) } else { "0".to_owned() };
            let align = if db < 0.0 { Align2::CENTER_BOTTOM } else { Align2::RIGHT_BOTTOM };
            if db < -12.0 || db == 0.0 {
                label(x, &text, align);
            }
        }
        self.matrix_head(&mut head, rect, rows, columns);
    }

    fn strip(&mut self, ui: &mut Ui, rect: Rect, strip: usize, is_pointed: bool) {
        let params = self.params();
        let mic = &params.mics[strip];
        let is_selected = self.together.contains(&strip);
        let left = Rect::from_min_max(rect.min, pos2(rect.left() + MATRIX - 8.0, rect.bottom()));
        let whole = ui.interact(left, Id::unique(("strip", strip)), Sense::click());
        name(&whole, &self.name(strip), is_selected);
        self.note_focus(&whole, strip);
        if whole.clicked() {
            self.select_as(strip, ui.input(|input| input.modifiers));
        }
        self.strip_menu(&whole, strip);
        let whole = whole.on_hover_text("Click to show its spectrum, right-click for more");
        let fill = match (is_selected, is_pointed || whole.hovered()) {
            (true, _) => theme::blend(theme::PANEL, theme::BUTTON_HOVERED, 0.35),
            (false, true) => theme::PANEL,
            (false, false) => theme::blend(theme::BACKGROUND, theme::PANEL, 0.55),
        };
        ui.painter().rect_filled(left, theme::CORNER, fill);
        if let Some(colour) = self.group_colour(strip) {
            let stripe = Rect::from_min_size(left.min, vec2(3.0, left.height()));
            ui.painter().rect_filled(stripe, 1.0, colour);
        }
        let at = |x: f32, width: f32, height: f32| {
            let height = height.min(rect.height() - 4.0);
            let top = rect.center().y - 0.5 * height;
            Rect::from_min_size(pos2(rect.left() + x, top), vec2(width, height))
        };
        focus_ring(ui, left, &whole);
        let is_bright = is_selected || is_pointed || whole.hovered();
        self.grip(ui, at(GRIP, ICON - GRIP, 24.0), strip, is_bright);
        self.instrument_button(ui, at(ICON, 24.0, 24.0), strip);
        let is_linked = params.saved.arranged.now().link_of(strip).is_some();
        let room = ROLE - NAME - 6.0 - if is_linked { LINK_WIDTH } else { 0.0 };
        self.name_label(ui, at(NAME, room, 24.0), strip, is_selected);
        self.link_mark(ui, at(ROLE - 4.0 - LINK_WIDTH, LINK_WIDTH, 24.0), strip);
        self.role_button(ui, at(ROLE, 62.0, 22.0), strip);
        self.group_button(ui, at(GROUP, 26.0, 22.0), strip);
        self.meters(ui, at(METERS, METERS_WIDTH, 19.0), strip);
        let Some(output) = &mic.output else { return };
        self.reduction(ui, at(REDUCTION, REDUCTION_WIDTH, 16.0), strip);

        let name = self.name(strip);
        let place = at(AMOUNT, AMOUNT_WIDTH, 22.0);
        if let Some(response) = self.strip_bar(ui, place, strip, Bar::Amount) {
            response.on_hover_text(format!("How much bleed is removed from {name}\nDrag, double-click to type, right-click for 100 %"));
        }
        let place = at(FLOOR, FLOOR_WIDTH, 22.0);
        if let Some(response) = self.strip_bar(ui, place, strip, Bar::Floor) {
            response.on_hover_text(format!("Largest reduction of any part of {name}\nDrag, double-click to type, right-click for no limit"));
        }
        if let Some(among) = &output.among_others {
            let place = at(LISTEN, 2.0 * LISTEN_STEP + LISTEN_WIDTH, 22.0);
            self.listening(ui, place, strip, among);
        }
    }

    /// Draws the monitoring switches of a mic: solo, solo of the removed signal, bypass.
    fn listening(&mut self, ui: &mut Ui, rect: Rect, strip: usize, among: &AmongOthers) {
        let name = self.name(strip);
        let switches = [
            (
                "S",
                "Solo",
                &among.solo,
                theme::KEEP,
                format!("Play {name} alone, or together with other soloed mics"),
            ),
            (
                "R",
                "Solo Removed",
                &among.solo_removed,
                theme::BLEED,
                format!("Play only the sound removed from {name}"),
            ),
            (
                "B",
                "Bypass",
                &among.bypass,
                theme::ALARM,
                format!("Pass {name} unchanged. The other mics are still cleaned of it."),
            ),
        ];
        let mut place = Rect::from_min_size(rect.min, vec2(LISTEN_WIDTH, rect.height()));
        for (letter, what, param, colour, hint) in switches {
            let index = self.edits.index(param);
            let is_on = self.edits.value(index) > 0.5;
            let lit = is_on.then_some(colour);
            let response = switch(ui, place, Id::unique((what, strip)), letter, lit);
            self::name(&response, &format!("{name} {what}"), is_on);
            self.note_focus(&response, strip);
            if response.on_hover_text(hint).clicked() {
                self.edits.set(&[(index, if is_on { 0.0 } else { 1.0 })]);
            }
            place = place.translate(vec2(LISTEN_STEP, 0.0));
        }
    }

    /// Draws a bar of one of a strip's values, which also moves those of the selected and the
    /// linked strips.
    fn strip_bar(&mut self, ui: &mut Ui, place: Rect, strip: usize, bar: Bar) -> Option<Response> {
        let params = self.params();
        let index = |other: usize| -> Option<ParamIndex> {
            params.mics[other].output.as_ref().map(|output| self.edits.index(bar.param(output)))
        };
        let [along, linked] = self
            .moved_with(strip)
            .map(|strips| strips.into_iter().filter_map(index).collect::<Vec<_>>());
        let value = Draggable {
            id: Id::unique((bar.name(), strip)),
            index: index(strip)?,
            along: &along,
            linked: &linked,
            travel: vec2(place.width(), 0.0),
        };
        let response = self.bar(ui, place, &value, bar.colour())?;
        self.note_focus(&response, strip);
        self.describe(&response, value.index, || format!("{} {}", self.name(strip), bar.name()));
        Some(response)
    }
}

/// One of a mic's two bars.
#[derive(Clone, Copy, Debug)]
enum Bar {
    Amount,
    Floor,
}

impl Bar {
    fn name(self) -> &'static str {
        match self {
            Self::Amount => "Amount",
            Self::Floor => "Max Reduction",
        }
    }

    fn colour(self) -> Color32 {
        match self {
            Self::Amount => theme::KEEP,
            Self::Floor => theme::DIM,
        }
    }

    fn param(self, output: &OutputParams) -> &FloatParam {
        match self {
            Self::Amount => &output.amount,
            Self::Floor => &output.floor,
        }
    }
}
