//! The mics, one row each: name, role and group, levels, reduction, amounts; beside them their row of the matrix.

use egui::{
    Align2, Color32, Id, Painter, Popup, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2,
};
use nice_plug::prelude::Enum;

use super::controls::{Draggable, focus_ring, switch};
use super::scene::{self, Meter};
use super::{Editor, icons, theme};
use crate::names::mic_name;
use crate::params::{GroupChoice, Instrument, RoleChoice};

/// Where the parts of a row begin, from its left end.
const ICON: f32 = 10.0;
const NAME: f32 = 40.0;
const ROLE: f32 = 132.0;
const GROUP: f32 = 200.0;
const METERS: f32 = 234.0;
const METERS_WIDTH: f32 = 116.0;
const REDUCTION: f32 = 360.0;
const REDUCTION_WIDTH: f32 = 62.0;
const AMOUNT: f32 = 432.0;
const AMOUNT_WIDTH: f32 = 72.0;
const FLOOR: f32 = 510.0;
const FLOOR_WIDTH: f32 = 72.0;
const SOLO: f32 = 588.0;
const SOLO_WIDTH: f32 = 26.0;
/// Where the matrix begins.
pub(super) const MATRIX: f32 = 626.0;
const ROW_HEIGHTS: [f32; 2] = [32.0, 50.0];
const FOOT: f32 = 24.0;
/// Levels with a mark above the meters.
const MARKS_DB: [f32; 4] = [-48.0, -24.0, -12.0, 0.0];
/// The whole width of a reduction meter.
const LARGEST_REDUCTION_DB: f32 = 24.0;

impl Editor {
    /// The strips that have a row.
    pub(super) fn rows(&self) -> Vec<usize> {
        let strips = 0..self.edits.params().class.num_strips;
        strips
            .filter(|&strip| {
                self.scene.is_used(strip) || (self.show_all && self.scene.exists(strip))
            })
            .collect()
    }

    pub(super) fn name(&self, strip: usize) -> String {
        mic_name(self.edits.params(), strip)
    }

    pub(super) fn instrument(&self, strip: usize) -> Instrument {
        self.edits.params().mics[strip].instrument.value()
    }

    /// The colour of a strip's group.
    pub(super) fn group_colour(&self, strip: usize) -> Option<Color32> {
        let group = self.edits.params().mics[strip].group.value().to_index();
        group.checked_sub(1).map(|letter| theme::GROUPS[letter % theme::GROUPS.len()])
    }

    /// Strips and matrix.
    pub(super) fn mics(&mut self, ui: &mut Ui, rect: Rect) {
        let rows = self.rows();
        let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - FOOT), rect.max);
        self.foot(ui, foot, rows.len());
        if rows.is_empty() {
            let middle = Rect::from_min_max(rect.min, pos2(rect.right(), foot.top()));
            empty(ui, middle);
            return;
        }
        if !rows.contains(&self.selected) {
            self.select(rows[0], false);
        }
        let mut columns = self.columns(rect, &rows);
        let head = Rect::from_min_size(rect.min, vec2(rect.width(), columns.head));
        let body =
            Rect::from_min_max(pos2(rect.left(), head.bottom()), pos2(rect.right(), foot.top()));
        let fitting = (body.height() - 4.0) / rows.len() as f32;
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
            self.head(ui, head, &rows, &columns);
        });
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
        if whole.clicked() {
            let add = ui.input(|input| input.modifiers.command || input.modifiers.shift);
            self.select(strip, add);
        }
        let fill = match (is_selected, is_pointed || whole.hovered()) {
            (true, _) => theme::blend(theme::PANEL, theme::BUTTON_HOVERED, 0.65),
            (false, true) => theme::PANEL,
            (false, false) => theme::blend(theme::BACKGROUND, theme::PANEL, 0.55),
        };
        ui.painter().rect_filled(left, theme::CORNER, fill);
        if let Some(colour) = self.group_colour(strip) {
            let stripe = Rect::from_min_size(left.min, vec2(3.0, left.height()));
            ui.painter().rect_filled(stripe, 1.0, colour);
        }
        let at = |x: f32, width: f32, height: f32| {
            let top = rect.center().y - 0.5 * height;
            Rect::from_min_size(pos2(rect.left() + x, top), vec2(width, height))
        };
        self.instrument_button(ui, at(ICON, ROLE - ICON - 6.0, 24.0), strip);
        self.role_button(ui, at(ROLE, 62.0, 22.0), strip);
        self.group_button(ui, at(GROUP, 26.0, 22.0), strip);
        self.meters(ui, at(METERS, METERS_WIDTH, 19.0), strip);
        let Some(output) = &mic.output else { return };
        self.reduction(ui, at(REDUCTION, REDUCTION_WIDTH, 16.0), strip);

        let moving = |pick: &dyn Fn(usize) -> Option<super::edits::ParamIndex>| -> Vec<_> {
            if is_selected {
                self.together.iter().filter_map(|&other| pick(other)).collect()
            } else {
                Vec::new()
            }
        };
        let amounts = moving(&|other| {
            params.mics[other].output.as_ref().map(|output| self.edits.index(&output.amount))
        });
        let floors = moving(&|other| {
            params.mics[other].output.as_ref().map(|output| self.edits.index(&output.floor))
        });
        let name = self.name(strip);
        let place = at(AMOUNT, AMOUNT_WIDTH, 22.0);
        let amount = Draggable {
            id: Id::unique(("amount", strip)),
            index: self.edits.index(&output.amount),
            along: &amounts,
            travel: vec2(place.width(), 0.0),
        };
        if let Some(response) = self.bar(ui, place, &amount, theme::KEEP) {
            response.on_hover_text(format!("How much of the bleed found in {name} is removed\nDrag; double-click to type; right-click for 100 %"));
        }
        let place = at(FLOOR, FLOOR_WIDTH, 22.0);
        let floor = Draggable {
            id: Id::unique(("floor", strip)),
            index: self.edits.index(&output.floor),
            along: &floors,
            travel: vec2(place.width(), 0.0),
        };
        if let Some(response) = self.bar(ui, place, &floor, theme::DIM) {
            response.on_hover_text(format!("The most that anything in {name} is turned down\nDrag; double-click to type; right-click for no limit"));
        }
        if let Some(solo) = &output.solo {
            let index = self.edits.index(solo);
            let is_on = self.edits.value(index) > 0.5;
            let lit = is_on.then_some(theme::BLEED);
            let place = at(SOLO, SOLO_WIDTH, 22.0);
            let response = switch(ui, place, Id::unique(("solo", strip)), "R", lit);
            let hint = format!("Hear only what is removed from {name}");
            if response.on_hover_text(hint).clicked() {
                self.edits.set(&[(index, if is_on { 0.0 } else { 1.0 })]);
            }
        }
    }

    fn instrument_button(&mut self, ui: &mut Ui, rect: Rect, strip: usize) {
        let response = ui.interact(rect, Id::unique(("instrument", strip)), Sense::click());
        let is_selected = self.together.contains(&strip);
        let ink = if response.hovered() || is_selected {
            theme::TEXT
        } else {
            theme::blend(theme::DIM, theme::TEXT, 0.6)
        };
        let icon = Rect::from_min_size(rect.min, vec2(24.0, rect.height()));
        icons::draw(ui.painter(), icon.shrink(1.0), self.instrument(strip), ink);
        let painter = ui.painter().with_clip_rect(rect);
        let at = pos2(rect.left() + NAME - ICON, rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, self.name(strip), theme::semibold(13.0), ink);
        focus_ring(ui, rect, &response);
        let response =
            response.on_hover_text("What the mic stands at: names it everywhere. Click to choose");
        let index = self.edits.index(&self.params().mics[strip].instrument);
        let chosen = self.edits.choice(index);
        if response.clicked() {
            self.select(strip, false);
        }
        Popup::menu(&response).show(|ui| {
            ui.set_max_height(420.0);
            ScrollArea::vertical().max_height(400.0).show(ui, |ui| {
                for (choice, name) in Instrument::variants().iter().enumerate() {
                    if ui.selectable_label(choice == chosen, *name).clicked() {
                        self.edits.choose(index, choice);
                        ui.close();
                    }
                }
            });
        });
    }

    fn role_button(&mut self, ui: &mut Ui, rect: Rect, strip: usize) {
        let index = self.edits.index(&self.params().mics[strip].role);
        let chosen = self.edits.choice(index);
        let text = ["Close", "Room", "Room cl."][chosen.min(2)];
        let response = switch(ui, rect, Id::unique(("role", strip)), text, None).on_hover_text(
            "Close: at its own source. Room: hears everything and passes unchanged. Room cleaned: loses what the close mics hear",
        );
        Popup::menu(&response).show(|ui| {
            for (choice, name) in RoleChoice::variants().iter().enumerate() {
                if ui.selectable_label(choice == chosen, *name).clicked() {
                    self.edits.choose(index, choice);
                    ui.close();
                }
            }
        });
    }

    fn group_button(&mut self, ui: &mut Ui, rect: Rect, strip: usize) {
        let index = self.edits.index(&self.params().mics[strip].group);
        let chosen = self.edits.choice(index);
        let names = GroupChoice::variants();
        let text = if chosen == 0 { "\u{2013}" } else { names[chosen] };
        let lit = self.group_colour(strip);
        let response = switch(ui, rect, Id::unique(("group", strip)), text, lit).on_hover_text(
            "Mics of one source (top and bottom, in and out, left and right) belong in one group: they are never each other's bleed",
        );
        Popup::menu(&response).show(|ui| {
            for (choice, name) in names.iter().enumerate() {
                if ui.selectable_label(choice == chosen, *name).clicked() {
                    self.edits.choose(index, choice);
                    ui.close();
                }
            }
        });
    }

    fn meters(&self, ui: &mut Ui, rect: Rect, strip: usize) {
        let levels = self.scene.strips[strip];
        let has_output = self.edits.params().mics[strip].output.is_some();
        let half = vec2(rect.width(), 8.0);
        meter(ui.painter(), Rect::from_min_size(rect.min, half), levels.input, theme::DIM);
        if has_output {
            let below = pos2(rect.left(), rect.bottom() - 8.0);
            meter(ui.painter(), Rect::from_min_size(below, half), levels.output, theme::KEEP);
        }
        let text = |meter: Meter| {
            format!("{:.1} dBFS peak, {:.1} dBFS RMS", meter.peak_db(), meter.rms_db())
        };
        let response = ui.interact(rect, Id::unique(("meters", strip)), Sense::hover());
        response.on_hover_ui(|ui| {
            ui.label(format!("In: {}", text(levels.input)));
            if has_output {
                ui.label(format!("Out: {}", text(levels.output)));
            }
        });
    }

    fn reduction(&self, ui: &mut Ui, rect: Rect, strip: usize) {
        let db = self.scene.strips[strip].reduction_db();
        let painter = ui.painter();
        painter.rect_filled(rect, theme::CORNER, theme::WELL);
        let mut filled = rect.shrink(1.0);
        filled.set_width(filled.width() * (-db / LARGEST_REDUCTION_DB).clamp(0.0, 1.0));
        painter.rect_filled(filled, theme::CORNER, theme::blend(theme::WELL, theme::BLEED, 0.6));
        let text = if db > -0.05 { "0.0".to_owned() } else { format!("\u{2212}{:.1}", -db) };
        let at = rect.right_center() - vec2(5.0, 0.0);
        painter.text(at, Align2::RIGHT_CENTER, text, theme::regular(11.5), theme::TEXT);
        let response = ui.interact(rect, Id::unique(("reduction", strip)), Sense::hover());
        response.on_hover_text("How much quieter the mic is without its bleed, in dB");
    }

    fn foot(&mut self, ui: &mut Ui, rect: Rect, shown: usize) {
        let params = self.params();
        let there = (0..params.class.num_strips).filter(|&strip| self.scene.exists(strip)).count();
        let used = (0..there).filter(|&strip| self.scene.is_used(strip)).count();
        let at = rect.left_center() + vec2(ICON, 2.0);
        if used < there {
            let text = if self.show_all {
                "Hide inputs without a signal".to_owned()
            } else {
                format!("{} more inputs without a signal", there - shown)
            };
            let place = Rect::from_min_size(pos2(rect.left(), rect.top() + 3.0), vec2(210.0, 20.0));
            let response = ui.interact(place, Id::unique("show all"), Sense::click());
            let ink = if response.hovered() { theme::TEXT } else { theme::DIM };
            ui.painter().text(at, Align2::LEFT_CENTER, text, theme::regular(12.0), ink);
            focus_ring(ui, place, &response);
            if response.clicked() {
                self.show_all = !self.show_all;
            }
        }
        if used == 1 {
            let at = rect.left_center() + vec2(226.0, 2.0);
            ui.painter().text(at, Align2::LEFT_CENTER, ONE_MIC, theme::regular(12.0), theme::BLEED);
        }
    }
}

const ONE_MIC: &str = "Only one mic is heard. Bleed is found by comparing mics: send the others of the room here, too";

/// What to do when nothing is heard yet.
fn empty(ui: &Ui, rect: Rect) {
    let painter = ui.painter();
    let middle = rect.center();
    painter.text(
        middle - vec2(0.0, 24.0),
        Align2::CENTER_CENTER,
        "Nothing is heard yet",
        theme::semibold(18.0),
        theme::TEXT,
    );
    for (line, text) in [
        "Route every mic of the room to an input of its own, before any compressor, gate or equaliser,",
        "and play: each mic shows up here as soon as it is heard.",
    ]
    .iter()
    .enumerate()
    {
        let at = middle + vec2(0.0, 6.0 + 20.0 * line as f32);
        painter.text(at, Align2::CENTER_CENTER, text, theme::regular(13.5), theme::DIM);
    }
}

/// One horizontal level.
fn meter(painter: &Painter, rect: Rect, meter: Meter, colour: Color32) {
    painter.rect_filled(rect, 2.0, theme::WELL);
    let part = |db: f32| (1.0 - db / scene::LOWEST_DB).clamp(0.0, 1.0);
    let mut filled = rect;
    filled.set_width(rect.width() * part(meter.rms_db()));
    painter.rect_filled(filled, 2.0, theme::blend(theme::WELL, colour, 0.85));
    let peak = part(meter.peak_db());
    if peak > 0.0 {
        let x = rect.left() + rect.width() * peak;
        let is_over = meter.peak_db() > -0.1;
        let ink = if is_over { theme::ALARM } else { theme::TEXT };
        painter.vline(x.min(rect.right() - 0.75), rect.y_range(), (1.5, ink));
    }
    for db in MARKS_DB {
        let x = rect.left() + rect.width() * part(db);
        if db < 0.0 {
            painter.vline(x, rect.y_range(), (1.0, theme::BACKGROUND.gamma_multiply(0.5)));
        }
    }
}
