//! The line of the first steps, and settings that one click accepts.

use egui::{Align2, Color32, Id, Painter, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};
use nice_plug::prelude::Enum;

use super::access::Access;
use super::controls::switch;
use super::rows::Rows;
use super::scene::{READY, Scene};
use super::theme;
use super::tracks::is_nameless;
use crate::params::Instrument;
use crate::suggested::{Suggested, by_names};

pub(super) const HEIGHT: f32 = 26.0;

/// Width of the number or the tick before a step, in points.
const MARK: f32 = 16.0;

/// One of the first steps.
#[derive(Debug)]
struct Step {
    text: &'static str,
    hint: &'static str,
    is_done: bool,
}

/// The state of the line.
#[derive(Debug, Default)]
pub(super) struct Guide {
    /// The settings that the names of the shown mics suggest.
    suggested: Suggested,
    /// Everything that they depend on.
    known: Vec<u64>,
}

impl Guide {
    /// Returns true if the line is shown: until the last step is done or the user hides it, and
    /// while the names of mics suggest settings.
    pub(super) fn is_shown(&mut self, scene: &Scene, rows: &Rows) -> bool {
        if scene.own().saved.window.hides_steps() {
            return false;
        }
        self.update(scene, rows);
        !self.suggested.positions.is_empty() || steps(scene).iter().any(|step| !step.is_done)
    }

    /// Looks at the names again after a change.
    fn update(&mut self, scene: &Scene, rows: &Rows) {
        let params = scene.params();
        let shown = rows.shown(scene);
        let mics = shown.iter().flat_map(|&strip| {
            let mic = &params.mics[strip];
            let settings = [
                mic.instrument.value().to_index(),
                mic.role.value().to_index(),
                mic.group.value().to_index(),
            ];
            std::iter::once(strip).chain(settings).map(|number| number as u64)
        });
        let known: Vec<u64> = mics.chain([params.saved.arranged.renames()]).collect();
        if self.known != known {
            self.suggested = by_names(params, &shown);
            self.known = known;
        }
    }
}

fn steps(scene: &Scene) -> [Step; 4] {
    let params = scene.params();
    let strips = 0..params.class.num_strips;
    let num_heard = strips.clone().filter(|&strip| scene.was_heard(strip)).count();
    let is_linked = scene.tracks().is_some();
    let used: Vec<usize> = strips.filter(|&strip| scene.is_used(strip)).collect();
    let is_named = |strip: &usize| {
        params.mics[*strip].instrument.value() != Instrument::Other
            || params.saved.arranged.now().name(*strip).is_some_and(|name| !is_nameless(name))
    };
    let is_learning = params.learn.value();
    let is_learned = !is_learning && scene.own().saved.kept.learned().is_some();
    [
        Step {
            text: "Route",
            hint: if is_linked {
                "Put Unspill Link on the track of each mic of the room, first in the chain"
            } else {
                "Send each mic of the room to an input of its own, and start playback"
            },
            is_done: if is_linked { used.len() > 1 } else { num_heard > 1 },
        },
        Step {
            text: "Name the mics",
            hint: "Choose the ensemble under Presets, or click the icon of each mic",
            is_done: used.len() > 1 && used.iter().all(is_named),
        },
        Step {
            text: "Play",
            hint: "Play until the line at the bottom says Ready",
            is_done: is_learning || is_learned || (num_heard > 1 && scene.settled >= READY),
        },
        Step {
            text: "Learn",
            hint: if is_learning {
                "Play until everybody has played, and press Learn again"
            } else {
                "Press Learn, play a passage in which everybody plays, and press Learn again"
            },
            is_done: is_learned,
        },
    ]
}

/// Draws a tick with its left end at `at`.
fn tick(painter: &Painter, at: Pos2, ink: Color32) {
    let points = [vec2(0.0, 0.0), vec2(3.5, 3.5), vec2(10.0, -4.5)].map(|way| at + way);
    painter.line(points.to_vec(), Stroke::new(1.8, ink));
}

/// Draws the line.
pub(super) fn show(ui: &mut Ui, rect: Rect, guide: &Guide, access: &mut Access<'_>) {
    let scene = access.scene;
    let inside = rect.shrink2(vec2(14.0, 3.0));
    ui.painter().rect_filled(rect, 0.0, theme::blend(theme::BACKGROUND, theme::PANEL, 0.55));
    let hide = Rect::from_min_max(pos2(inside.right() - 44.0, inside.top()), inside.max);
    let hint = "Hides this line for this session";
    if switch(ui, hide, Id::unique("hide steps"), "Hide", None).on_hover_text(hint).clicked() {
        scene.own().saved.window.set_hides_steps(true);
    }
    let mut right = hide.left() - 8.0;

    let suggested = &guide.suggested;
    if !suggested.positions.is_empty() {
        let place =
            Rect::from_min_max(pos2(right - 124.0, inside.top()), pos2(right, inside.bottom()));
        right = place.left() - 8.0;
        let lit = Some(theme::KEEP);
        let response = switch(ui, place, Id::unique("use names"), "Settings by name", lit);
        let response = response.on_hover_ui(|ui| {
            ui.label("Sets what the names of the mics tell:");
            for line in &suggested.lines {
                ui.colored_label(theme::DIM, line);
            }
        });
        if response.clicked() {
            let values: Vec<_> = suggested
                .positions
                .iter()
                .map(|&(param, value)| (access.edits.place(param), value))
                .collect();
            access.edits.set(&values);
        }
    }

    let steps = steps(scene);
    let next = steps.iter().position(|step| !step.is_done);
    let painter = ui.painter();
    let mut x = inside.left();
    let middle = inside.center().y;
    for (place, step) in steps.iter().enumerate() {
        let is_next = Some(place) == next;
        let ink = match (step.is_done, is_next) {
            (true, _) => theme::KEEP,
            (false, true) => theme::TEXT,
            (false, false) => theme::DIM,
        };
        let font = if is_next { theme::semibold(12.5) } else { theme::regular(12.5) };
        if step.is_done {
            tick(painter, pos2(x, middle), ink);
        } else {
            let number = (place + 1).to_string();
            painter.text(pos2(x, middle), Align2::LEFT_CENTER, number, font.clone(), ink);
        }
        let at = pos2(x + MARK, middle);
        let drawn = painter.text(at, Align2::LEFT_CENTER, step.text, font, ink);
        let state = if step.is_done { "done" } else { "to do" };
        let label = format!("Step {}, {}: {state}", place + 1, step.text);
        let response = ui.interact(drawn, Id::unique(("step", place)), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &label));
        response.on_hover_text(step.hint);
        x = drawn.right() + 22.0;
    }
    if let Some(next) = next {
        let place = Rect::from_min_max(pos2(x, inside.top()), pos2(right, inside.bottom()));
        let font = theme::regular(12.5);
        theme::elided(painter, place, Align2::LEFT_CENTER, steps[next].hint, font, theme::DIM);
    }
}
