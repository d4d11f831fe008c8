//! Tests of clicks, drags, typing and texts in the window, without a screen.

use std::collections::BTreeSet;
use std::sync::Arc;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, Node};
use engine::network::{Model, ModelSource};
use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::prelude::Param;
use test_signals::Noise;

use super::edits::ParamIndex;
use super::mics::AMOUNT_WIDTH;
use super::tests::{Noting, Told};
use super::{Editor, theme};
use crate::buses::MicMap;
use crate::classes::{Class, ClassDesc, Unspill8, Unspill16, UnspillTrack};
use crate::live::{Live, LiveSession};
use crate::params::UnspillParams;
use crate::testing::set_by_id;

const MICS: [&str; 4] = ["Kick", "Snare", "Hi-hat", "Bass"];

/// An open editor with its host and its session.
struct Desk {
    window: Harness<'static, Editor>,
    host: Arc<Noting>,
    params: Arc<UnspillParams>,
    live: Arc<Live>,
}

impl Desk {
    /// Opens an editor with these labels of the mics.
    fn new(class: &'static ClassDesc, labels: &[&str]) -> Self {
        let params = Arc::new(UnspillParams::new(class));
        for (number, label) in (1..).zip(labels) {
            set_by_id(&params, &format!("mic{number}_instrument"), label);
        }
        let (live, host) = (Arc::<Live>::default(), Arc::<Noting>::default());
        let mut editor = Editor::new(&params, &live, None);
        editor.open(GuiContext::new(Arc::clone(&host) as Arc<dyn GuiContextInner>));
        let window = Harness::builder()
            .with_size([1196.0, 776.0])
            .with_step_dt(0.1)
            .with_context_setup(theme::apply)
            .build_ui_state(|ui, editor: &mut Editor| editor.ui(ui), editor);
        let mut desk = Self { window, host, params, live };
        desk.window.run_steps(2);
        desk
    }

    fn node<'a>(&'a self, label: &'a str) -> Node<'a> {
        self.window.get_by_label(label)
    }

    fn middle(&self, label: &str) -> Pos2 {
        self.node(label).rect().center()
    }

    fn is_said(&self, text: &str) -> bool {
        self.window.query_all_by_label_contains(text).next().is_some()
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.window.run_steps(3);
    }

    fn click(&mut self, label: &str, modifiers: Modifiers) {
        self.node(label).click_modifiers(modifiers);
        self.window.run_steps(3);
        // The next click must not make a double click.
        self.window.run_steps(8);
    }

    fn button(&mut self, pos: Pos2, pressed: bool) {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        self.window.event(Event::PointerButton { pos, button, pressed, modifiers });
        self.window.run_steps(1);
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        self.window.hover_at(from);
        self.window.run_steps(1);
        self.button(from, true);
        for part in [0.25, 0.5, 1.0] {
            self.window.hover_at(from + part * (to - from));
            self.window.run_steps(1);
        }
        self.button(to, false);
        self.window.run_steps(2);
    }

    /// Types into the field with the keyboard focus.
    fn type_text(&mut self, text: &str) {
        self.press(Modifiers::COMMAND, Key::A);
        self.press(Modifiers::NONE, Key::Delete);
        self.window.event(Event::Text(text.to_owned()));
        self.window.run_steps(2);
        self.press(Modifiers::NONE, Key::Enter);
    }

    fn amount(&self, strip: usize) -> ParamIndex {
        let output = self.params.mics[strip].output.as_ref().unwrap();
        self.window.state().edits.index(&output.amount)
    }

    fn value(&self, index: ParamIndex) -> f32 {
        self.window.state().edits.value(index)
    }

    fn name(&self, strip: usize) -> String {
        self.window.state().scene.name(strip)
    }

    /// Returns the names of the mics in the order of their rows.
    fn shown(&self) -> Vec<String> {
        let top =
            |strip: &usize| self.node(&format!("Place of {}", self.name(*strip))).rect().top();
        let mut rows: Vec<_> =
            (0..MICS.len()).map(|strip| (top(&strip), self.name(strip))).collect();
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        rows.into_iter().map(|(_, name)| name).collect()
    }

    /// Runs a session in which the first `num_heard` mics have a signal.
    fn hear(&mut self, num_heard: usize, host_name: &str) -> Session {
        self.live.run_by(host_name);
        let mut session = running(self.params.class, &self.live);
        for _ in 0..16 {
            play(&mut session, self.params.class, |mic| if mic < num_heard { 0.25 } else { 0.0 });
        }
        self.window.run_steps(3);
        session
    }
}

/// Starts a session that an editor finds in `live`.
pub(super) fn running(class: &'static ClassDesc, live: &Live) -> Session {
    running_by(class, live, None)
}

/// Starts a session with a network that may be invalid.
fn running_by(class: &'static ClassDesc, live: &Live, model: Option<&Model>) -> Session {
    let map = MicMap::new(class, &class.layouts[0]);
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics: map.num_mics(),
        mode: Mode::Live,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    let session = Session::prepare(
        &config,
        &Controls::default(),
        SessionMethod::Own { model, learned: None },
    )
    .unwrap();
    live.replace(Some(LiveSession {
        stats: session.stats(),
        monitor: session.monitor(),
        learner: session.learner(),
        latency_samples: session.latency_samples(),
        rate_hz: 48_000.0,
        pace: Pace::Offline,
        mode: Mode::Live,
        map,
        model: Some(("band-t", "1.2.3")),
    }));
    session
}

/// Processes one block of 512 samples; `sample` returns each sample of a mic.
pub(super) fn play(
    session: &mut Session,
    class: &'static ClassDesc,
    mut sample: impl FnMut(usize) -> f32,
) {
    let num_mics = MicMap::new(class, &class.layouts[0]).num_mics();
    let mut mics: Vec<Vec<f32>> =
        (0..num_mics).map(|mic| (0..512).map(|_| sample(mic)).collect()).collect();
    let mut slices: Vec<_> = mics.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
}

fn kit() -> Desk {
    Desk::new(&Unspill8::DESC, &MICS)
}

/// Returns all controls that the keyboard reaches, with their positions.
fn reached_with_tab(desk: &mut Desk) -> Vec<(String, Pos2)> {
    let mut reached: Vec<(String, Pos2)> = Vec::new();
    for _ in 0..120 {
        desk.press(Modifiers::NONE, Key::Tab);
        let focused = desk.window.query_by(|node| node.is_focused());
        let named =
            focused.and_then(|node| Some((node.accesskit_node().label()?, node.rect().center())));
        reached.extend(named.filter(|new| !reached.contains(new)));
    }
    reached
}

#[test]
fn every_control_is_reached_with_tab() {
    let mut desk = kit();
    let reached: BTreeSet<_> =
        reached_with_tab(&mut desk).into_iter().map(|(label, _)| label).collect();
    for label in [
        "Live",
        "Mix",
        "Clean",
        "Removed",
        "Dry",
        "Amount",
        "Bypass",
        "Adaptive",
        "Learned",
        "Learn",
        "Presets",
        "A",
        "B",
        "Snare",
        "Place of Snare",
        "Snare Instrument",
        "Snare Role: Close",
        "Snare Group: \u{2013}",
        "Snare Amount",
        "Snare Max Reduction",
        "Snare Solo",
        "Snare Solo Removed",
        "Snare Bypass",
        "Column of Snare",
        "Before",
        "Remove Kick from Snare",
        "4 more inputs without a signal",
        "100 %",
    ] {
        assert!(reached.contains(label), "{label} is not among {reached:?}");
    }
}

/// Returns all texts in the window.
fn written(desk: &Desk) -> BTreeSet<String> {
    let nodes = desk.window.query_all_by(|_| true);
    let texts = nodes.flat_map(|node| [node.accesskit_node().label(), node.value()]);
    texts.flatten().collect()
}

#[test]
fn every_control_has_a_tooltip() {
    let mut desk = kit();
    let controls = reached_with_tab(&mut desk);
    assert!(controls.len() > 70, "{} controls", controls.len());
    for (label, at) in controls {
        desk.window.hover_at(Pos2::new(1100.0, 400.0));
        desk.window.run_steps(3);
        let before = written(&desk);
        desk.window.hover_at(at);
        desk.window.run_steps(8);
        let new = written(&desk).difference(&before).count();
        assert!(new > 0, "nothing is said of {label} at {at:?}");
    }
}

#[test]
fn tooltips_say_what_things_do() {
    let mut desk = kit();
    for (label, said) in [
        ("Snare Amount", "How much bleed is removed from Snare"),
        ("Name of Snare", "Double-click or F2 to rename"),
        ("Place of Snare", "Affects only the window"),
        ("Remove Kick from Snare", "Kick in Snare: no bleed found yet"),
        ("Learn", "Undo restores them"),
    ] {
        assert!(!desk.is_said(said));
        desk.node(label).hover();
        desk.window.run_steps(8);
        assert!(desk.is_said(said), "{label}");
        desk.window.hover_at(Pos2::new(1100.0, 400.0));
        desk.window.run_steps(3);
    }
}

#[test]
fn values_are_typed_with_and_without_their_units() {
    let mut desk = kit();
    let floor =
        desk.window.state().edits.index(&desk.params.mics[1].output.as_ref().unwrap().floor);
    for (label, index, typed, shown) in [
        ("Snare Amount", desk.amount(1), "40 %", "40.0 %"),
        ("Snare Amount", desk.amount(1), "62.5", "62.5 %"),
        ("Snare Max Reduction", floor, "24 dB", "-24.0 dB"),
        ("Snare Max Reduction", floor, "no limit", "No limit"),
    ] {
        desk.node(label).focus();
        desk.window.run_steps(2);
        desk.press(Modifiers::NONE, Key::Enter);
        desk.type_text(typed);
        let edits = &desk.window.state().edits;
        assert_eq!(edits.text(index, edits.value(index)), shown, "{typed}");
        assert_eq!(desk.window.state().edits.message, None);
    }
    desk.node("Snare Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.type_text("loud");
    assert_eq!(desk.value(desk.amount(1)), 0.625);
    let message = desk.window.state().edits.message.clone().unwrap();
    assert!(
        message.contains("\u{201c}loud\u{201d} is not a valid value. Example: 62.5 %"),
        "{message}"
    );
    desk.node("Snare Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::ArrowDown);
    assert!((desk.value(desk.amount(1)) - 0.615).abs() < 1e-6);
    desk.press(Modifiers::NONE, Key::Delete);
    assert_eq!(desk.value(desk.amount(1)), 1.0);
}

#[test]
fn a_mic_is_renamed_by_double_click_and_f2_and_an_empty_name_is_taken_back() {
    let mut desk = kit();
    let at = desk.middle("Name of Snare");
    for pressed in [true, false, true, false] {
        desk.button(at, pressed);
    }
    desk.window.run_steps(2);
    desk.type_text("Snare oben");
    assert_eq!(desk.name(1), "Snare oben");
    assert!(desk.is_said("Remove Kick from Snare oben"), "the matrix follows");
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("Snare  unten ");
    assert_eq!(desk.name(1), "Snare unten");
    desk.press(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.name(1), "Snare oben");
    // Escape discards the text.
    desk.press(Modifiers::NONE, Key::F2);
    desk.window.event(Event::Text("nothing".to_owned()));
    desk.window.run_steps(1);
    desk.press(Modifiers::NONE, Key::Escape);
    assert_eq!(desk.name(1), "Snare oben");
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("");
    assert_eq!(desk.name(1), "Snare");
    assert_eq!(desk.params.saved.arranged.now().name(1), None);
    assert_eq!(desk.host.told(), [], "no parameter is touched");
}

#[test]
fn rows_are_moved_with_pointer_and_keys_and_nothing_else_changes() {
    let mut desk = kit();
    assert_eq!(desk.shown(), MICS);
    let (from, to) = (desk.middle("Place of Bass"), desk.middle("Place of Snare"));
    desk.drag(from, to - vec2(0.0, 10.0));
    assert_eq!(desk.shown(), ["Kick", "Bass", "Snare", "Hi-hat"]);
    let column = |desk: &Desk, name: &str| desk.middle(&format!("Column of {name}")).x;
    assert!(column(&desk, "Bass") < column(&desk, "Snare"), "the matrix follows");
    // The first row is selected.
    desk.press(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(desk.shown(), ["Bass", "Kick", "Snare", "Hi-hat"]);
    desk.node("Place of Hi-hat").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(desk.shown(), ["Bass", "Kick", "Hi-hat", "Snare"]);
    for order in [["Bass", "Kick", "Snare", "Hi-hat"], ["Kick", "Bass", "Snare", "Hi-hat"], MICS] {
        desk.press(Modifiers::COMMAND, Key::Z);
        assert_eq!(desk.shown(), order);
    }
    assert_eq!(desk.host.told(), [], "no parameter is touched");
}

#[test]
fn linked_mics_keep_their_distance_and_are_held_together() {
    let mut desk = kit();
    desk.click("Name of Kick", Modifiers::NONE);
    desk.click("Name of Hi-hat", Modifiers::COMMAND);
    desk.press(Modifiers::COMMAND, Key::L);
    desk.click("Name of Bass", Modifiers::NONE);
    set_by_id(&desk.params, "mic3_amount", "80");
    assert_eq!(desk.host.told(), []);
    let at = desk.middle("Kick Amount");
    desk.drag(at, at - vec2(0.5 * AMOUNT_WIDTH, 0.0));
    let (kick, hat) = (desk.value(desk.amount(0)), desk.value(desk.amount(2)));
    assert!((kick - 0.5).abs() < 1e-3 && (hat - 0.3).abs() < 1e-3, "{kick} {hat}");
    assert_eq!(desk.value(desk.amount(1)), 1.0);
    let told = desk.host.told();
    let both =
        [0, 2].map(|strip: usize| desk.params.mics[strip].output.as_ref().unwrap().amount.as_ptr());
    assert_eq!(told[..2], both.map(Told::Begin));
    assert_eq!(told[told.len() - 2..], both.map(Told::End));
    assert!(told[2..told.len() - 2].iter().all(|told| matches!(told, Told::Set(..))), "{told:?}");
    // A typed value moves the other by the same distance.
    desk.node("Hi-hat Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.type_text("35");
    assert!((desk.value(desk.amount(0)) - 0.55).abs() < 1e-3);
    // A click on the mark removes the link.
    desk.click("Unlink Kick", Modifiers::NONE);
    assert_eq!(desk.params.saved.arranged.now().link_of(2), None);
}

#[test]
fn chosen_mics_are_dragged_together() {
    let mut desk = kit();
    desk.click("Name of Snare", Modifiers::NONE);
    desk.click("Name of Bass", Modifiers::SHIFT);
    assert_eq!(desk.window.state().rows.together, [1, 2, 3]);
    desk.click("Name of Hi-hat", Modifiers::COMMAND);
    assert_eq!(desk.window.state().rows.together, [1, 3]);
    let at = desk.middle("Bass Amount");
    desk.drag(at, at - vec2(0.5 * AMOUNT_WIDTH, 0.0));
    let amounts = [0, 1, 2, 3].map(|strip| (100.0 * desk.value(desk.amount(strip))).round());
    assert_eq!(amounts, [100.0, 50.0, 100.0, 50.0]);
    let told = desk.host.told();
    let begins = told.iter().take_while(|told| matches!(told, Told::Begin(_))).count();
    let ends = told.iter().rev().take_while(|told| matches!(told, Told::End(_))).count();
    assert_eq!((begins, ends), (2, 2), "{told:?}");
    // A typed value applies to all selected mics.
    desk.node("Bass Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.type_text("20");
    let amounts = [0, 1, 2, 3].map(|strip| (100.0 * desk.value(desk.amount(strip))).round());
    assert_eq!(amounts, [100.0, 20.0, 100.0, 20.0]);
}

#[test]
fn a_and_b_have_names_and_orders_of_their_own() {
    let mut desk = kit();
    desk.press(Modifiers::ALT, Key::ArrowDown);
    desk.click("B", Modifiers::NONE);
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("Bassdrum");
    desk.click("A", Modifiers::NONE);
    assert_eq!(desk.shown(), ["Snare", "Kick", "Hi-hat", "Bass"]);
    desk.click("B", Modifiers::NONE);
    assert_eq!(desk.shown(), ["Snare", "Bassdrum", "Hi-hat", "Bass"]);
}

#[test]
fn with_fewer_than_two_mics_the_window_says_how_to_route_more() {
    let mut desk = Desk::new(&Unspill8::DESC, &[]);
    assert!(desk.is_said("No signal yet"));
    assert!(desk.is_said("Send every mic of the room to an input of its own"));
    let _session = desk.hear(1, "REAPER");
    assert!(desk.is_said("Only one mic has a signal"));
    assert!(desk.is_said("REAPER: give this track a channel for every mic"));
    let _session = desk.hear(2, "REAPER");
    assert!(!desk.is_said("Only one mic has a signal") && !desk.is_said("REAPER"));

    let mut desk = Desk::new(&UnspillTrack::DESC, &[]);
    // Both sides of a stereo track are one mic.
    let _session = desk.hear(2, "Ableton Live 12 Suite");
    assert!(desk.is_said("Only one mic has a signal"));
    assert!(desk.is_said("Live: open the device\u{2019}s \u{201c}side-chain section\u{201d}"));
}

#[test]
fn it_is_said_when_rules_clean_in_the_networks_place() {
    let mut desk = kit();
    let _session = desk.hear(MICS.len(), "");
    assert!(!desk.is_said("built-in rules"));

    let model = Model::new(ModelSource {
        id: "band-t".into(),
        version: "1.2.3".into(),
        config: models::released().unwrap().model.config(),
        mics: 1..=16,
        weights: b"no weights".as_slice().into(),
    });
    let mut session = running_by(desk.params.class, &desk.live, Some(&model.unwrap()));
    // From here on the session is watched.
    desk.window.run_steps(1);
    for _ in 0..16 {
        play(&mut session, desk.params.class, |_| 0.25);
    }
    desk.window.run_steps(3);
    let said =
        "Network band-t 1.2.3 does not work: using built-in rules instead; less bleed is removed";
    assert!(desk.is_said(said));

    let without = desk.live.session().map(|session| LiveSession { model: None, ..session });
    desk.live.replace(without);
    desk.window.run_steps(2);
    assert!(desk.is_said("No network could be loaded: using built-in rules instead"));
    assert!(desk.is_said("no network"));
}

#[test]
fn two_mics_of_the_same_sound_are_named() {
    let mut desk = kit();
    let mut session = desk.hear(MICS.len(), "");
    let mut noise: [Noise; 16] =
        std::array::from_fn(|mic| Noise::new(if mic == 2 { 7 } else { 1 }));
    for _ in 0..16 {
        play(&mut session, desk.params.class, |mic| {
            let sample = 0.5 * noise[mic].draw();
            // The second and the fourth mic have the same signal; the third has another.
            if (1..=3).contains(&mic) { sample } else { 0.0 }
        });
    }
    desk.window.run_steps(3);
    let names = [1, 3].map(|strip| desk.name(strip));
    let [second, fourth] = names;
    assert!(desk.is_said(&format!("{second} and {fourth} carry the same sound")));
}

#[test]
fn it_is_said_while_another_mode_runs_than_was_chosen() {
    let mut desk = kit();
    let _session = desk.hear(MICS.len(), "");
    assert!(!desk.is_said("Running in"));
    set_by_id(&desk.params, "mode", "Mix");
    desk.window.run_steps(2);
    assert!(desk.is_said("Running in Live. Mix takes effect when the host restarts the plugin"));
    let anew = desk.live.session().map(|session| LiveSession { mode: Mode::Mix, ..session });
    desk.live.replace(anew);
    desk.window.run_steps(2);
    assert!(!desk.is_said("Running in"));
}

#[test]
fn sixteen_mics_are_seen_at_once_in_a_window_as_it_opens() {
    const KIT: [&str; 16] = [
        "Kick",
        "Kick",
        "Snare",
        "Snare",
        "Hi-hat",
        "Tom",
        "Tom",
        "Tom",
        "Ride",
        "Cymbals",
        "Overhead",
        "Overhead",
        "Room",
        "Room",
        "Percussion",
        "Vocal",
    ];
    let desk = Desk::new(&Unspill16::DESC, &KIT);
    let spectrum = desk.window.get_all_by_label("Removed").map(|node| node.rect().top());
    let spectrum = spectrum.fold(0.0, f32::max);
    for strip in 0..KIT.len() {
        let row = desk.node(&format!("Place of {}", desk.name(strip))).rect();
        assert!(row.bottom() < spectrum && row.height() > 15.0, "{strip}: {row:?} of {spectrum}");
    }
}
