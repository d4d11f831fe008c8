//! The top lines: controls of the whole session.

use egui::{Align2, Id, Popup, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use nice_plug::prelude::Enum;

use super::access::Access;
use super::controls::{choices, focus_ring, name, switch};
use super::edits::Edits;
use super::handles::{Draggable, describe};
use super::presets::Presets;
use super::scene::Scene;
use super::theme;
use crate::live::LiveSession;
use crate::params::SessionChoice;

pub(super) const HEIGHT: f32 = 2.0 * (MARGIN + ROW) + GAP;
const ROW: f32 = 26.0;
const MARGIN: f32 = 10.0;
const GAP: f32 = 6.0;

/// The modes with their hints.
const MODES: [(&str, &str); 2] = [
    (
        "Live",
        "No lookahead, under 50 ms of latency. Takes effect when the host restarts the plugin.",
    ),
    (
        "Mix",
        "Lookahead for better cleaning, under 1 s of latency. Takes effect when the host restarts \
         the plugin.",
    ),
];
const MODES_OF_LINKED: [(&str, &str); 2] = [
    (
        "Live",
        "No lookahead, under 60 ms of latency, for all tracks. Takes effect when the host restarts \
         the plugins.",
    ),
    (
        "Mix",
        "Lookahead for better cleaning, under 1.2 s of latency, for all tracks. Takes effect when \
         the host restarts the plugins.",
    ),
];

/// The next place from left to right.
struct Places {
    x: f32,
    y: f32,
}

impl Places {
    fn next(&mut self, width: f32, gap: f32) -> Rect {
        let rect = Rect::from_min_size(pos2(self.x, self.y), vec2(width, ROW));
        self.x += width + gap;
        rect
    }
}

/// Draws the panel.
pub(super) fn show(ui: &mut Ui, rect: Rect, presets: &mut Presets, access: &mut Access<'_>) {
    ui.painter().rect_filled(rect, 0.0, theme::PANEL);
    ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, theme::LINE));
    let mut places = Places { x: rect.left() + 16.0, y: rect.top() + MARGIN };
    let Access { scene, edits, handles, .. } = access;
    let params = scene.params();
    title(ui, &mut places, params.class.name);

    let listen = edits.index(&params.listen);
    let names = [
        ("Clean", "Play the mics without bleed"),
        ("Removed", "Play the sound that is removed from the mics"),
        ("Dry", "Play the unprocessed mics"),
    ];
    let colour = |choice| [theme::KEEP, theme::BLEED, theme::TEXT][choice];
    let place = places.next(216.0, 8.0);
    let chosen = edits.choice(listen);
    if let Some(choice) = choices(ui, place, Id::unique("listen"), &names, chosen, colour) {
        edits.choose(listen, choice);
    }

    let bypass = edits.index(&params.bypass);
    let is_on = edits.value(bypass) > 0.5;
    let place = places.next(72.0, 20.0);
    let lit = is_on.then_some(theme::ALARM);
    let hint = "Pass all mics unchanged, delayed by the latency, without a click";
    if switch(ui, place, Id::unique("bypass"), "Bypass", lit).on_hover_text(hint).clicked() {
        edits.set(&[(bypass, if is_on { 0.0 } else { 1.0 })]);
    }

    let place = places.next(52.0, 4.0);
    let font = theme::regular(12.5);
    ui.painter().text(place.left_center(), Align2::LEFT_CENTER, "Amount", font, theme::DIM);
    let place = places.next(120.0, 20.0);
    let amount = Draggable {
        id: Id::unique("amount"),
        index: edits.index(&params.amount),
        along: &[],
        linked: &[],
        travel: vec2(place.width(), 0.0),
    };
    if let Some(response) = handles.bar(ui, place, &amount, theme::KEEP, edits) {
        describe(&response, amount.index, edits, || "Amount".to_owned());
        response.on_hover_text(
            "How much bleed is removed from all mics\n\
             Drag, double-click to type, right-click for 100 %",
        );
    }

    let mode = edits.index(&params.mode);
    let names = if scene.tracks().is_some() { MODES_OF_LINKED } else { MODES };
    let place = places.next(104.0, 8.0);
    let chosen = edits.choice(mode);
    if let Some(choice) = choices(ui, place, Id::unique("mode"), &names, chosen, |_| theme::DIM) {
        edits.choose(mode, choice);
    }
    if let Some(session) = scene.session() {
        latency(ui, places.next(62.0, 0.0), session);
    }

    let mut places = Places { x: rect.left() + 16.0, y: places.y + ROW + GAP };
    learning(ui, &mut places, scene, edits);
    session_choice(ui, &mut places, scene, edits);
    let right = 92.0 + 8.0 + 68.0 + 4.0 + 54.0 + 8.0 + 54.0 + 4.0 + 54.0;
    places.x = places.x.max(rect.right() - 16.0 - right);
    presets.show(ui, places.next(92.0, 8.0), edits);
    sides(ui, &mut places, edits);
    undo_and_redo(ui, &mut places, edits);
}

/// Draws the latency of the running mode.
fn latency(ui: &mut Ui, place: Rect, session: &LiveSession) {
    let latency_ms = 1000.0 * session.latency_samples as f32 / session.rate_hz;
    let text = if latency_ms < 1000.0 {
        format!("{latency_ms:.1} ms")
    } else {
        format!("{:.2} s", latency_ms / 1000.0)
    };
    let font = theme::regular(12.5);
    ui.painter().text(place.left_center(), Align2::LEFT_CENTER, &text, font, theme::DIM);
    let response = ui.interact(place, Id::unique("latency"), Sense::hover());
    let label = format!("Latency {text}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
    response.on_hover_text(format!(
        "Latency of the running mode: {} samples at {:.1} kHz, reported to the host, which \
         compensates for it",
        session.latency_samples,
        session.rate_hz / 1000.0
    ));
}

fn title(ui: &mut Ui, places: &mut Places, class: &str) {
    let painter = ui.painter();
    let (first, rest) = class.split_once(' ').unwrap_or((class, ""));
    let at = pos2(places.x, places.y + 0.5 * ROW);
    let drawn = painter.text(at, Align2::LEFT_CENTER, first, theme::semibold(18.0), theme::TEXT);
    let at = pos2(drawn.right() + 6.0, at.y + 1.0);
    let rest = painter.text(at, Align2::LEFT_CENTER, rest, theme::regular(14.0), theme::DIM);
    places.x = rest.right() + 22.0;
}

/// Draws the choice of Follow or Locked, and the switch that starts a passage.
fn learning(ui: &mut Ui, places: &mut Places, scene: &Scene, edits: &mut Edits) {
    let params = scene.params();
    let estimates = edits.index(&params.estimates);
    let is_learning = edits.is_learning();

    let place = places.next(62.0, 4.0);
    let font = theme::regular(12.5);
    ui.painter().text(place.left_center(), Align2::LEFT_CENTER, "Bleed map", font, theme::DIM);
    let names = [
        (
            "Follow",
            "Follows the bleed during playback. Starts from nothing at every start of playback.",
        ),
        (
            "Locked",
            "Uses the bleed map of a learned passage, which is saved with the session. Clean from \
             the first note, and the same in every bounce.",
        ),
    ];
    let place = places.next(152.0, 8.0);
    let chosen = edits.choice(estimates);
    if let Some(choice) =
        choices(ui, place, Id::unique("estimates"), &names, chosen, |_| theme::DIM)
        // While a passage is learned, the map stays at Locked.
        && !is_learning
    {
        edits.choose(estimates, choice);
    }

    let place = places.next(124.0, 20.0);
    let hint = if is_learning {
        "How far the bleed map is known. Press again when it stops rising to keep and use the new \
         map; Undo discards it."
    } else {
        "Press, play a passage in which everybody plays, and press again. The new bleed map \
         replaces the old one; Undo restores it."
    };
    if learn_button(ui, place, is_learning, scene).on_hover_text(hint).clicked() {
        if is_learning {
            edits.end_passage();
        } else {
            edits.begin_passage();
        }
    }
}

/// Draws the choice of a linked instance's session.
fn session_choice(ui: &mut Ui, places: &mut Places, scene: &Scene, edits: &mut Edits) {
    let Some(session) = &scene.params().session else { return };
    let index = edits.index(session);
    let chosen = edits.choice(index);
    let names = SessionChoice::variants();
    let text = format!("Session {}", names[chosen]);
    let response = switch(ui, places.next(86.0, 20.0), Id::unique("session"), &text, None)
        .on_hover_text(
            "Only tracks of one session hear each other. Give each kit or band of a project its \
             own. Takes effect when the host restarts the plugin.",
        );
    Popup::menu(&response).show(|ui| {
        for (choice, name) in names.iter().enumerate() {
            if ui.selectable_label(choice == chosen, *name).clicked() {
                edits.choose(index, choice);
                ui.close();
            }
        }
        keep_choice(ui, scene, edits);
    });
}

/// Draws the choices of *Keep Neighbours* in the menu of a linked instance's session.
fn keep_choice(ui: &mut Ui, scene: &Scene, edits: &mut Edits) {
    let Some(keep) = &scene.params().keep else { return };
    ui.separator();
    let index = edits.index(keep);
    let chosen = edits.choice(index);
    let choices = [
        ("Keep no neighbours", "A track that is frozen or exported alone stays unchanged"),
        (
            "Keep neighbours in memory",
            "Remembers the last playback of all tracks, up to 1 GiB, so that a track which is \
             frozen or exported alone is cleaned as in the mix",
        ),
        (
            "Keep neighbours on disk",
            "The same, also after the project was closed and opened again; up to 4 GiB for all \
             projects",
        ),
    ];
    for (choice, (text, hint)) in choices.into_iter().enumerate() {
        if ui.selectable_label(choice == chosen, text).on_hover_text(hint).clicked() {
            edits.choose(index, choice);
            ui.close();
        }
    }
}

/// Draws a switch that fills up as the filters converge.
fn learn_button(ui: &mut Ui, place: Rect, is_learning: bool, scene: &Scene) -> Response {
    let id = Id::unique("learn");
    if !is_learning {
        return switch(ui, place, id, "Learn", None);
    }
    let session = scene.session();
    let convergence = session.map_or(0.0, |session| session.learner.convergence());
    let response = ui.interact(place, id, Sense::click());
    name(&response, "Learning", true);
    let painter = ui.painter();
    painter.rect_filled(place, theme::CORNER, theme::WELL);
    let mut filled = place.shrink(1.0);
    filled.set_width(filled.width() * convergence.clamp(0.0, 1.0));
    painter.rect_filled(filled, theme::CORNER, theme::blend(theme::WELL, theme::KEEP, 0.46));
    let text = format!("Learning {:.0} %", 100.0 * convergence);
    let font = theme::semibold(12.0);
    painter.text(place.center(), Align2::CENTER_CENTER, text, font, theme::TEXT);
    focus_ring(ui, place, &response);
    response
}

fn sides(ui: &mut Ui, places: &mut Places, edits: &mut Edits) {
    let names = [
        ("A", "The first of two settings to compare"),
        ("B", "The second of two settings to compare"),
    ];
    let place = places.next(68.0, 4.0);
    let side = edits.side();
    if let Some(side) = choices(ui, place, Id::unique("sides"), &names, side, |_| theme::DIM) {
        edits.go_to_side(side);
    }
    let (text, hint) =
        if side == 0 { ("A \u{2192} B", "Copy A to B") } else { ("B \u{2192} A", "Copy B to A") };
    let copy = switch(ui, places.next(54.0, 8.0), Id::unique("copy side"), text, None);
    if copy.on_hover_text(hint).clicked() {
        edits.copy_to_other_side();
    }
}

fn undo_and_redo(ui: &mut Ui, places: &mut Places, edits: &mut Edits) {
    for (text, keys, step) in
        [("Undo", "Ctrl+Z", edits.undone_next()), ("Redo", "Ctrl+Shift+Z", edits.redone_next())]
    {
        let place = places.next(54.0, 4.0);
        let hint = match &step {
            Some(step) => format!("{text}: {step} ({keys})"),
            None => format!("{text} the last change ({keys})"),
        };
        if step.is_some() {
            let response = switch(ui, place, Id::unique(text), text, None);
            if response.on_hover_text(hint).clicked() {
                if text == "Undo" { edits.undo() } else { edits.redo() }
            }
        } else {
            let painter = ui.painter();
            painter.rect_filled(
                place,
                theme::CORNER,
                theme::blend(theme::PANEL, theme::BUTTON, 0.5),
            );
            let font = theme::regular(12.0);
            painter.text(place.center(), Align2::CENTER_CENTER, text, font, theme::DIM);
            ui.interact(place, Id::unique(text).with("off"), Sense::hover()).on_hover_text(hint);
        }
    }
}
