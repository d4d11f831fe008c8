//! A mic's strip, the left part of its row: name, role and group, levels, reduction, amounts.

use egui::{
    Align2, Color32, Id, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use nice_plug::prelude::FloatParam;

use super::labels::{Labels, group_button, instrument_button, role_button};
use super::levels::{MARKS_DB, meters, reduction};
use super::reorder::{Reorder, link_mark, moved_with};
use crate::editor::access::Access;
use crate::editor::controls::{focus_ring, name, switch};
use crate::editor::edits::ParamIndex;
use crate::editor::handles::{Draggable, describe};
use crate::editor::scene::LOWEST_DB;
use crate::editor::theme;
use crate::editor::tracks::{self, Row};
use crate::params::{AmongOthers, OutputParams};

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
pub(crate) const AMOUNT_WIDTH: f32 = 66.0;
const FLOOR: f32 = 503.0;
const FLOOR_WIDTH: f32 = 66.0;
const LISTEN: f32 = 575.0;
const LISTEN_WIDTH: f32 = 22.0;
const LISTEN_STEP: f32 = 24.0;
/// Left edge of the matrix.
pub(super) const MATRIX: f32 = 655.0;

/// The strips of all mics.
#[derive(Debug, Default)]
pub(super) struct Strips {
    pub(super) labels: Labels,
    pub(super) reorder: Reorder,
}

impl Strips {
    /// Draws a mic's row.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        strip: usize,
        is_pointed: bool,
        access: &mut Access<'_>,
    ) {
        let scene = access.scene;
        let params = scene.params();
        let mic = &params.mics[strip];
        let is_selected = access.rows.together.contains(&strip);
        let left = Rect::from_min_max(rect.min, pos2(rect.left() + MATRIX - 8.0, rect.bottom()));
        let whole = ui.interact(left, Id::unique(("strip", strip)), Sense::click());
        name(&whole, &scene.name(strip), is_selected);
        access.rows.note_focus(&whole, strip);
        if whole.clicked() {
            access.rows.select_as(strip, ui.input(|input| input.modifiers), scene);
        }
        self.labels.menu(&whole, strip, access);
        let whole = whole.on_hover_text("Click to show its spectrum, right-click for more");
        let fill = match (is_selected, is_pointed || whole.hovered()) {
            (true, _) => theme::blend(theme::PANEL, theme::BUTTON_HOVERED, 0.35),
            (false, true) => theme::PANEL,
            (false, false) => theme::blend(theme::BACKGROUND, theme::PANEL, 0.55),
        };
        ui.painter().rect_filled(left, theme::CORNER, fill);
        if let Some(colour) = scene.group_colour(strip) {
            let stripe = Rect::from_min_size(left.min, vec2(3.0, left.height()));
            ui.painter().rect_filled(stripe, 1.0, colour);
        }
        let at = |x: f32, width: f32, height: f32| {
            let height = height.min(rect.height() - 4.0);
            let top = rect.center().y - 0.5 * height;
            Rect::from_min_size(pos2(rect.left() + x, top), vec2(width, height))
        };
        focus_ring(ui, left, &whole);
        let track = scene.tracks().and_then(|tracks| tracks.row(strip));
        if let Some(track) = &track {
            mark_track(ui.painter(), left, track);
        }
        let is_bright = is_selected || is_pointed || whole.hovered();
        self.reorder.grip(ui, at(GRIP, ICON - GRIP, 24.0), strip, is_bright, access);
        instrument_button(ui, at(ICON, 24.0, 24.0), strip, access);
        let is_linked = params.saved.arranged.now().link_of(strip).is_some();
        let room = ROLE - NAME - 6.0 - if is_linked { LINK_WIDTH } else { 0.0 };
        self.labels.show(ui, at(NAME, room, 24.0), strip, is_selected, access);
        link_mark(ui, at(ROLE - 4.0 - LINK_WIDTH, LINK_WIDTH, 24.0), strip, access);
        role_button(ui, at(ROLE, 62.0, 22.0), strip, access);
        group_button(ui, at(GROUP, 26.0, 22.0), strip, access);
        let is_still = track.as_ref().is_some_and(tracks::Row::is_still);
        match track.as_ref().and_then(|track| tracks::trouble_of(&track.member)) {
            Some(trouble) => {
                let place = at(METERS, METERS_WIDTH, 19.0);
                let font = theme::regular(12.0);
                let ink = if is_still { theme::DIM } else { theme::BLEED };
                theme::elided(ui.painter(), place, Align2::LEFT_CENTER, &trouble, font, ink);
            }
            None => meters(ui, at(METERS, METERS_WIDTH, 19.0), strip, scene),
        }
        let Some(output) = &mic.output else { return };
        if !is_still {
            reduction(ui, at(REDUCTION, REDUCTION_WIDTH, 16.0), strip, scene);
        }

        let name = scene.name(strip);
        let place = at(AMOUNT, AMOUNT_WIDTH, 22.0);
        if let Some(response) = bar(ui, place, strip, Bar::Amount, access) {
            response.on_hover_text(format!(
                "How much bleed is removed from {name}\n\
                 Drag, double-click to type, right-click for 100 %"
            ));
        }
        let place = at(FLOOR, FLOOR_WIDTH, 22.0);
        if let Some(response) = bar(ui, place, strip, Bar::Floor, access) {
            response.on_hover_text(format!(
                "Largest reduction of any part of {name}\n\
                 Drag, double-click to type, right-click for no limit"
            ));
        }
        if let Some(among) = &output.among_others {
            let place = at(LISTEN, 2.0 * LISTEN_STEP + LISTEN_WIDTH, 22.0);
            listening(ui, place, strip, among, access);
        }
    }
}

/// Marks the row of a linked track: its colour in the host, and the window's own track.
fn mark_track(painter: &Painter, left: Rect, track: &Row) {
    if let Some(colour) = track.colour() {
        let at = pos2(left.left() + 4.0, left.top() + 3.0);
        let stripe = Rect::from_min_size(at, vec2(3.0, left.height() - 6.0));
        painter.rect_filled(stripe, 1.0, colour);
    }
    if track.is_own {
        let line = Stroke::new(1.0, theme::KEEP.gamma_multiply(0.7));
        painter.rect_stroke(left, theme::CORNER, line, StrokeKind::Inside);
    }
}

/// Draws the names of a row's parts above the rows.
pub(super) fn head(painter: &Painter, rect: Rect) {
    let y = rect.bottom() - 7.0;
    let label = |x: f32, text: &str, align: Align2| {
        painter.text(pos2(rect.left() + x, y), align, text, theme::regular(11.0), theme::DIM);
    };
    label(NAME, "Mic", Align2::LEFT_BOTTOM);
    label(ROLE, "Role", Align2::LEFT_BOTTOM);
    label(GROUP, "Group", Align2::LEFT_BOTTOM);
    label(REDUCTION, "Bleed", Align2::LEFT_BOTTOM);
    label(AMOUNT + 0.5 * AMOUNT_WIDTH, "Amount", Align2::CENTER_BOTTOM);
    label(FLOOR + 0.5 * FLOOR_WIDTH, "Max reduction", Align2::CENTER_BOTTOM);
    for db in MARKS_DB {
        let x = METERS + METERS_WIDTH * (1.0 - db / LOWEST_DB);
        let text = if db < 0.0 { format!("\u{2212}{:.0}", -db) } else { "0".to_owned() };
        let align = if db < 0.0 { Align2::CENTER_BOTTOM } else { Align2::RIGHT_BOTTOM };
        if db < -12.0 || db == 0.0 {
            label(x, &text, align);
        }
    }
}

/// Draws the monitoring switches of a mic: solo, solo of the removed signal, bypass.
fn listening(ui: &mut Ui, rect: Rect, strip: usize, among: &AmongOthers, access: &mut Access<'_>) {
    let Access { scene, edits, rows, .. } = access;
    let name = scene.name(strip);
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
    // The host has a solo for its tracks.
    let first = usize::from(scene.tracks().is_some());
    for (letter, what, param, colour, hint) in switches.into_iter().skip(first) {
        let index = edits.index(param);
        let is_on = edits.value(index) > 0.5;
        let lit = is_on.then_some(colour);
        let response = switch(ui, place, Id::unique((what, strip)), letter, lit);
        self::name(&response, &format!("{name} {what}"), is_on);
        rows.note_focus(&response, strip);
        if response.on_hover_text(hint).clicked() {
            edits.set(&[(index, if is_on { 0.0 } else { 1.0 })]);
        }
        place = place.translate(vec2(LISTEN_STEP, 0.0));
    }
}

/// Draws a bar of one of a strip's values, which also moves those of the selected and the
/// linked strips.
fn bar(
    ui: &mut Ui,
    place: Rect,
    strip: usize,
    bar: Bar,
    access: &mut Access<'_>,
) -> Option<Response> {
    let moved = moved_with(strip, access);
    let Access { scene, edits, handles, rows } = access;
    let params = scene.params();
    let index = |other: usize| -> Option<ParamIndex> {
        params.mics[other].output.as_ref().map(|output| edits.index(bar.param(output)))
    };
    let [along, linked] =
        moved.map(|strips| strips.into_iter().filter_map(index).collect::<Vec<_>>());
    let value = Draggable {
        id: Id::unique((bar.name(), strip)),
        index: index(strip)?,
        along: &along,
        linked: &linked,
        travel: vec2(place.width(), 0.0),
    };
    let response = handles.bar(ui, place, &value, bar.colour(), edits)?;
    rows.note_focus(&response, strip);
    describe(&response, value.index, edits, || format!("{} {}", scene.name(strip), bar.name()));
    Some(response)
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
