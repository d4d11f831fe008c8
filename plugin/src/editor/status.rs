//! The status line: the network, its cost, and errors.

use egui::{self, Align, Align2, Id, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use engine::{GuideTrouble, LearnState, Mode, Pace};

use super::edits::Edits;
use super::scene::{READY, Scene};
use super::theme;
use super::tracks::{LEAST_HEARD_S, minutes, nothing_learned};
use crate::live::LiveSession;

pub(super) const HEIGHT: f32 = 30.0;
/// Load above which the worker is close to being late.
const HIGH_LOAD: f32 = 0.85;
const SCALES: [f32; 6] = [0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// Shortest learned passage in seconds without a message.
const SHORTEST_S: f32 = 5.0;
/// Beginning of the message about late hops.
const LATE: &str = "CPU overload";
const REMEDY: &str = "Choose a larger block in the host, use fewer mics, or Live instead of Mix. \
                      Click to count anew.";

/// Draws the panel.
pub(super) fn show(ui: &mut Ui, rect: Rect, scene: &mut Scene, edits: &Edits, time_s: f64) {
    ui.painter().rect_filled(rect, 0.0, theme::PANEL);
    ui.painter().hline(rect.x_range(), rect.top(), (1.0, theme::LINE));
    let inside = rect.shrink2(vec2(14.0, 0.0));
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::right_to_left(Align::Center));
    let mut line = ui.new_child(builder);
    line.spacing_mut().item_spacing.x = 18.0;
    scale_menu(&mut line);
    worker(&mut line, scene);
    facts(&mut line, scene);
    let left = line.min_rect().left();
    let text_area = Rect::from_min_max(inside.min, egui::pos2(left - 12.0, inside.max.y));
    let late_s = scene.health.late_s;
    if let Some((text, colour)) = news(scene, edits, time_s) {
        let from = text_area.left_center();
        ui.painter().circle_filled(from + vec2(4.0, 0.0), 4.0, colour);
        let place = Rect::from_min_max(text_area.min + vec2(15.0, 0.0), text_area.max);
        let font = theme::semibold(12.5);
        theme::elided(ui.painter(), place, Align2::LEFT_CENTER, &text, font, colour);
        let response = ui.interact(text_area, Id::unique("news"), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
        let is_late = late_s > 0.0 && text.starts_with(LATE);
        let response =
            response.on_hover_text(if is_late { format!("{text}. {REMEDY}") } else { text });
        if is_late && response.clicked() {
            scene.forgive_late();
        }
    }
}

/// Returns the current message, if any.
fn news(scene: &Scene, edits: &Edits, time_s: f64) -> Option<(String, egui::Color32)> {
    if let Some(trouble) = scene.link_trouble() {
        let text = format!("Not linked, so the track passes unchanged: {trouble}");
        return Some((text, theme::ALARM));
    }
    let health = &scene.health;
    if health.failed {
        let text = "Internal error: all mics pass unchanged. Load the session again.";
        return Some((text.to_owned(), theme::ALARM));
    }
    if health.late_s > 0.0 && scene.is_moving(time_s) {
        let late_s = health.late_s;
        let amount = if late_s < 1.0 {
            format!("{:.0} ms", 1000.0 * late_s)
        } else {
            format!("{late_s:.1} s")
        };
        return Some((format!("{LATE}: {amount} were played unchanged"), theme::ALARM));
    }
    if let Some(message) = &edits.message {
        return Some((message.clone(), theme::BLEED));
    }
    mode_news(scene)
        .or_else(|| link_news(scene))
        .or_else(|| network_news(scene))
        .or_else(|| learning_news(scene))
        .or_else(|| passage_news(scene))
        .or_else(|| twins_news(scene))
}

/// Returns the first problem of the linked tracks.
fn link_news(scene: &Scene) -> Option<(String, egui::Color32)> {
    Some((scene.tracks()?.problem()?, theme::BLEED))
}

/// Returns the message about two mics that carry the same sound.
fn twins_news(scene: &Scene) -> Option<(String, egui::Color32)> {
    let [first, second] = scene.twins?.map(|strip| scene.name(strip));
    let text = format!("{first} and {second} carry the same sound and count as one group");
    Some((text, theme::BLEED))
}

/// Returns a message while the running mode differs from the chosen one: not every host
/// restarts the plugin when its latency changes.
fn mode_news(scene: &Scene) -> Option<(String, egui::Color32)> {
    let name = |mode| if mode == Mode::Live { "Live" } else { "Mix" };
    let running = scene.session()?.mode;
    let chosen = scene.params().mode.value().into();
    (running != chosen).then(|| {
        let (running, chosen) = (name(running), name(chosen));
        let text = format!(
            "Running in {running}. For {chosen}, restart the plugin or load the session again"
        );
        (text, theme::BLEED)
    })
}

/// Returns a message while mics are cleaned without the network.
fn network_news(scene: &Scene) -> Option<(String, egui::Color32)> {
    let session = scene.session()?;
    let why = match (session.model, scene.trouble()) {
        (None, _) => "No network could be loaded".to_owned(),
        (_, None) => return None,
        (Some((id, version)), Some(GuideTrouble::Broken)) => {
            format!("Network {id} {version} does not work")
        }
        (Some((id, version)), Some(GuideTrouble::NoNumbers)) => {
            format!("Network {id} {version} returned invalid values")
        }
        (Some(_), Some(GuideTrouble::Mics { heard, most })) => {
            format!("{heard} mics have a signal, but the network supports at most {most}")
        }
    };
    Some((format!("{why}: using built-in rules instead; less bleed is removed"), theme::BLEED))
}

/// Returns a message about the learned estimates and the model.
pub(super) fn learning_news(scene: &Scene) -> Option<(String, egui::Color32)> {
    let kept = &scene.own().saved.kept;
    let state = scene.session().map(|session| session.learner.state());
    // A newly learned passage replaces estimates that could not be read.
    let is_made_good =
        matches!(state, Some(LearnState::Learning | LearnState::Refining | LearnState::Learned));
    if let Some(refused) = kept.refused().filter(|_| !is_made_good) {
        return Some((format!("Learned bleed map not loaded: {refused}"), theme::ALARM));
    }
    if let Some(LearnState::Unusable(why)) = state {
        return Some((format!("Following instead of the locked bleed map: {why}"), theme::BLEED));
    }
    let missing = kept.missing_model()?;
    let text =
        format!("Saved with network {missing}, which this version does not have; using the newest");
    Some((text, theme::BLEED))
}

/// Returns a message while a bleed map is used that was learned from too little sound.
fn passage_news(scene: &Scene) -> Option<(String, egui::Color32)> {
    let state = scene.session()?.learner.state();
    if !matches!(state, LearnState::Learned | LearnState::Refining) {
        return None;
    }
    let learned = scene.own().saved.kept.learned()?;
    let length_s = learned_s(scene);
    if length_s < SHORTEST_S {
        let text = format!(
            "The learned passage has only {length_s:.0} s of sound: learn ten seconds or more"
        );
        return Some((text, theme::BLEED));
    }
    if scene.tracks().is_some() {
        // Their own message names them.
        return None;
    }
    let is_unknown = |strip: &usize| {
        scene.was_heard(*strip)
            && scene.mics_of(*strip).all(|mic| learned.heard_s(mic) < LEAST_HEARD_S)
    };
    let names: Vec<String> = (0..scene.params().class.num_strips)
        .filter(is_unknown)
        .map(|strip| scene.name(strip))
        .collect();
    (!names.is_empty()).then(|| (nothing_learned(&names.join(", ")), theme::BLEED))
}

fn facts(line: &mut Ui, scene: &Scene) {
    let Some(session) = scene.session() else {
        fact(line, "not running", "The host has not started the plugin yet");
        return;
    };
    if let Some((text, hint)) = state(scene, session) {
        fact(line, &text, &hint);
    }
    if let Some(tracks) = scene.tracks() {
        fact(line, &format!("{} linked", tracks.roster().len()), &tracks.list());
    }
    let model = session
        .model
        .map_or_else(|| "no network".to_owned(), |(id, version)| format!("{id} {version}"));
    fact(line, &model, "Network that guides the bleed removal, and its version");
}

/// Returns the state of the bleed map with its explanation; `None` while a passage is learned. The
/// button shows its progress.
fn state(scene: &Scene, session: &LiveSession) -> Option<(String, String)> {
    let percent = |share: f32| format!("{:.0} %", 100.0 * share);
    match session.learner.state() {
        LearnState::Learning => None,
        LearnState::Refining => Some((
            format!("Refining {}", percent(session.learner.convergence())),
            "Processes the learned passage again in the background. The sound improves when this \
             is done."
                .to_owned(),
        )),
        LearnState::Learned => {
            let length_s = learned_s(scene);
            let hint = "The bleed map is that of a learned passage of this length.".to_owned();
            Some((format!("Learned from {}", minutes(length_s.round())), hint))
        }
        _ => {
            let share = scene.settled;
            let hint = format!(
                "{} of the bleed map stays within 0.5 dB. It is ready from {} on; press Learn to \
                 keep it.",
                percent(share),
                percent(READY)
            );
            let is_ready = share >= READY;
            let text =
                if is_ready { "Ready".to_owned() } else { format!("Listening {}", percent(share)) };
            Some((text, hint))
        }
    }
}

/// Returns the length of the learned passage: the longest time of sound in one mic.
fn learned_s(scene: &Scene) -> f32 {
    let learned = scene.own().saved.kept.learned();
    learned.map_or(0.0, |learned| {
        (0..learned.num_mics()).map(|mic| learned.heard_s(mic)).fold(0.0, f32::max)
    })
}

fn worker(line: &mut Ui, scene: &Scene) {
    let health = scene.health;
    let (rect, response) = line.allocate_exact_size(vec2(150.0, HEIGHT), Sense::hover());
    let high = health.load > HIGH_LOAD || health.is_late;
    let colour = if high { theme::ALARM } else { theme::DIM };
    let text = format!("Worker {:.0} %", 100.0 * health.load);
    let painter = line.painter();
    let font = theme::regular(12.0);
    let said = painter.text(rect.left_center(), Align2::LEFT_CENTER, text, font, colour);
    // A very high load has more digits, and a shorter bar.
    let left = (rect.left() + 84.0).max(said.right() + 6.0);
    let middle = rect.center().y;
    let well =
        Rect::from_min_max(egui::pos2(left, middle - 3.0), egui::pos2(rect.right(), middle + 3.0));
    painter.rect_filled(well, 2.0, theme::WELL);
    let mut filled = well;
    filled.set_width(well.width() * health.load.clamp(0.0, 1.0));
    painter.rect_filled(filled, 2.0, if high { theme::ALARM } else { theme::FAINT });
    let waits = match scene.session().map(|session| session.pace) {
        Some(Pace::Offline) => "The host renders, so Unspill waits for every hop",
        _ => "At 100 %, hops are late and played unchanged",
    };
    response.on_hover_text(format!(
        "Share of the available time used for cleaning. {waits}. Late hops so far: {}",
        health.late_hops
    ));
}

fn scale_menu(line: &mut Ui) {
    let current = line.ctx().zoom_factor();
    let label = format!("{:.0} %", 100.0 * current);
    let response = line.button(egui::RichText::new(label).size(12.0).color(theme::DIM));
    let response = response.on_hover_text("Scale of this window");
    egui::Popup::menu(&response).show(|ui| {
        for scale in SCALES {
            let label = format!("{:.0} %", 100.0 * scale);
            let response = ui.selectable_label((scale - current).abs() < 0.01, label);
            if response.on_hover_text("Saved with the session").clicked() {
                ui.ctx().set_zoom_factor(scale);
                ui.close();
            }
        }
    });
}

fn fact(line: &mut Ui, text: &str, hint: &str) {
    let text = egui::RichText::new(text).size(12.0).color(theme::DIM);
    line.add(egui::Label::new(text).sense(Sense::hover())).on_hover_text(hint);
}
