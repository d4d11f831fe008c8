//! Tests of the editor's logic without a window.

use std::sync::{Arc, Mutex};

use egui::{Context, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2};
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::plugin::PluginState;
use nice_plug::prelude::{Param, ParamPtr};

use super::presets::take_ensemble;
use super::status::learning_news;
use super::{Editor, theme};
use crate::classes::{Class, Unspill8, UnspillLink};
use crate::live::Live;
use crate::params::{GroupChoice, Instrument, RoleChoice, UnspillParams};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    Begin(ParamPtr),
    Set(ParamPtr, f32),
    End(ParamPtr),
}

/// A host that records all calls and applies them.
#[derive(Default)]
pub(super) struct Noting(Mutex<Vec<Told>>);

impl Noting {
    /// Returns the calls since the last query.
    pub(super) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn note(&self, told: Told) {
        self.0.lock().unwrap().push(told);
    }
}

#[allow(unsafe_code, reason = "the framework's interface")]
impl GuiContextInner for Noting {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.note(Told::Begin(param));
    }
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.note(Told::Set(param, normalized));
        // SAFETY: points into parameters that outlive the editor.
        unsafe { param._internal_set_normalized_value(normalized) };
    }
    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.note(Told::End(param));
    }
    fn get_state(&self) -> PluginState {
        unreachable!("the editor asks no host for states")
    }
    fn set_state(&self, _state: PluginState) {
        unreachable!("states set by editors block the audio thread")
    }
    fn request_restart(&self) {}
}

struct Desk {
    editor: Editor,
    host: Arc<Noting>,
    context: Context,
    folder: std::path::PathBuf,
    time_s: f64,
}

impl Desk {
    fn new(name: &str) -> Self {
        let params = Arc::new(UnspillParams::new(&Unspill8::DESC));
        let folder = std::env::temp_dir().join(format!("unspill-{name}-{}", std::process::id()));
        let mut editor = Editor::new(&params, &Arc::new(Live::default()), Some(folder.clone()));
        let host = Arc::new(Noting::default());
        editor.open(GuiContext::new(Arc::clone(&host) as Arc<dyn GuiContextInner>));
        let context = Context::default();
        theme::apply(&context);
        Self { editor, host, context, folder, time_s: 0.0 }
    }

    fn draw(&mut self, events: Vec<Event>) {
        self.time_s += 0.05;
        let screen = Rect::from_min_size(Pos2::ZERO, [1180.0, 760.0].into());
        let input = RawInput {
            screen_rect: Some(screen),
            time: Some(self.time_s),
            events,
            ..RawInput::default()
        };
        let mut output = self.context.run_ui(input, |ui| self.editor.ui(ui));
        // Nothing is painted.
        output.textures_delta.clear();
    }

    fn button(&mut self, pos: Pos2, pressed: bool) {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        self.draw(vec![Event::PointerButton { pos, button, pressed, modifiers }]);
    }

    fn told(&self) -> Vec<Told> {
        self.host.told()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A slow host: it receives all calls and does not apply them yet.
struct Slow;

#[allow(unsafe_code, reason = "the framework's interface")]
impl GuiContextInner for Slow {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {}
    unsafe fn raw_set_parameter_normalized(&self, _param: ParamPtr, _normalized: f32) {}
    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {}
    fn get_state(&self) -> PluginState {
        unreachable!("the editor asks no host for states")
    }
    fn set_state(&self, _state: PluginState) {
        unreachable!("states set by editors block the audio thread")
    }
    fn request_restart(&self) {}
}

#[test]
fn an_edit_is_there_to_be_saved_before_the_host_has_taken_it() {
    let params = Arc::new(UnspillParams::new(&Unspill8::DESC));
    let mut editor = Editor::new(&params, &Arc::new(Live::default()), None);
    editor.open(GuiContext::new(Arc::new(Slow)));
    let amount = editor.edits.index(&params.amount);
    editor.edits.set(&[(amount, 0.25)]);
    assert_eq!(params.amount.unmodulated_normalized_value(), 0.25);
    editor.edits.undo();
    assert_eq!(params.amount.unmodulated_normalized_value(), 1.0);
}

#[test]
fn a_click_is_one_gesture() {
    let mut desk = Desk::new("click");
    desk.draw(Vec::new());
    let dry = pos2(310.0, 23.0);
    desk.draw(vec![Event::PointerMoved(dry)]);
    desk.button(dry, true);
    desk.button(dry, false);
    desk.draw(Vec::new());
    let listen = desk.editor.params().listen.as_ptr();
    let expected = [Told::Begin(listen), Told::Set(listen, 1.0), Told::End(listen)];
    assert_eq!(desk.told(), expected);
}

#[test]
fn every_edit_can_be_undone_and_done_again() {
    let mut desk = Desk::new("undo");
    let params = desk.editor.params();
    let amount = desk.editor.edits.index(&params.amount);
    desk.editor.edits.begin(&[amount]);
    desk.editor.edits.drag_by(-0.25);
    desk.editor.edits.drag_by(-0.5);
    desk.editor.edits.finish();
    assert_eq!(desk.editor.edits.value(amount), 0.5);
    desk.editor.edits.undo();
    assert_eq!(desk.editor.edits.value(amount), 1.0);
    assert!(!desk.editor.edits.can_undo());
    desk.editor.edits.redo();
    assert_eq!(desk.editor.edits.value(amount), 0.5);
    assert!(!desk.editor.edits.can_redo());
    // Every gesture is complete.
    let told = desk.told();
    let count = |wanted: fn(&Told) -> bool| told.iter().filter(|told| wanted(told)).count();
    assert_eq!(count(|told| matches!(told, Told::Begin(_))), 3);
    assert_eq!(count(|told| matches!(told, Told::End(_))), 3);
    assert_eq!(count(|told| matches!(told, Told::Set(..))), 4);
}

#[test]
fn mics_chosen_together_keep_their_distances_while_dragged() {
    let mut desk = Desk::new("together");
    let params = desk.editor.params();
    let amount = |mic: usize| {
        let output = params.mics[mic].output.as_ref().unwrap();
        desk.editor.edits.index(&output.amount)
    };
    let (first, second) = (amount(0), amount(1));
    desk.editor.edits.set(&[(second, 0.75)]);
    desk.editor.edits.begin(&[first, second]);
    desk.editor.edits.drag_by(-0.5);
    desk.editor.edits.finish();
    let edits = &desk.editor.edits;
    assert_eq!((edits.value(first), edits.value(second)), (0.5, 0.25));
}

#[test]
fn a_and_b_are_settings_of_their_own() {
    let mut desk = Desk::new("sides");
    let params = desk.editor.params();
    let edits = &mut desk.editor.edits;
    let amount = edits.index(&params.amount);
    edits.set(&[(amount, 0.5)]);
    edits.go_to_side(1);
    assert_eq!(edits.value(amount), 0.5);
    edits.set(&[(amount, 0.25)]);
    edits.go_to_side(0);
    assert_eq!(edits.value(amount), 0.5);
    edits.go_to_side(1);
    assert_eq!(edits.value(amount), 0.25);
    edits.copy_to_other_side();
    edits.go_to_side(0);
    assert_eq!(edits.value(amount), 0.25);
    // Adaptive and Learned can be compared, but neither side begins or ends a passage.
    let (learn, estimates) = (edits.index(&params.learn), edits.index(&params.estimates));
    edits.begin_passage();
    edits.go_to_side(1);
    edits.end_passage();
    edits.set(&[(estimates, 0.0)]);
    edits.go_to_side(0);
    assert_eq!((edits.value(learn), edits.value(estimates)), (0.0, 1.0));
}

#[test]
fn an_ensemble_labels_groups_and_gives_roles() {
    let mut desk = Desk::new("ensemble");
    take_ensemble(0, &mut desk.editor.edits);
    let params = desk.editor.params();
    let edits = &desk.editor.edits;
    let mic = |number: usize| &params.mics[number];
    let chosen = |param| edits.choice(param);
    assert_eq!(chosen(edits.index(&mic(0).instrument)), Instrument::Kick as usize);
    assert_eq!(chosen(edits.index(&mic(1).group)), GroupChoice::A as usize);
    assert_eq!(chosen(edits.index(&mic(2).group)), GroupChoice::B as usize);
    assert_eq!(chosen(edits.index(&mic(7).role)), RoleChoice::Close as usize);
    // The drum kit for eight mics.
    take_ensemble(1, &mut desk.editor.edits);
    let edits = &desk.editor.edits;
    let chosen = |param| edits.choice(param);
    assert_eq!(chosen(edits.index(&mic(1).group)), GroupChoice::A as usize);
    assert_eq!(chosen(edits.index(&mic(7).role)), RoleChoice::Room as usize);
}

#[test]
fn learn_is_pressed_with_mouse_or_keyboard_and_undo_forgets_the_passage() {
    let mut desk = Desk::new("learn");
    desk.draw(Vec::new());
    let params = desk.editor.params();
    let (learn, estimates) = (params.learn.as_ptr(), params.estimates.as_ptr());
    let button = pos2(280.0, 55.0);
    desk.draw(vec![Event::PointerMoved(button)]);
    desk.button(button, true);
    desk.button(button, false);
    desk.draw(Vec::new());
    let expected = [
        Told::Begin(learn),
        Told::Begin(estimates),
        Told::Set(learn, 1.0),
        Told::Set(estimates, 1.0),
        Told::End(learn),
        Told::End(estimates),
    ];
    assert_eq!(desk.told(), expected);
    // Estimates cannot be set to Adaptive before the passage ends.
    let adaptive = pos2(90.0, 55.0);
    desk.draw(vec![Event::PointerMoved(adaptive)]);
    desk.button(adaptive, true);
    desk.button(adaptive, false);
    assert_eq!(desk.told(), []);

    desk.context.memory_mut(|memory| memory.request_focus(egui::Id::unique("learn")));
    let (key, modifiers) = (egui::Key::Space, Modifiers::NONE);
    let space = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
    desk.draw(vec![space(true), space(false)]);
    desk.draw(Vec::new());
    assert_eq!(desk.told(), [Told::Begin(learn), Told::Set(learn, 0.0), Told::End(learn)]);
    // The beginning of the passage is one step.
    desk.editor.edits.undo();
    assert!(!desk.editor.edits.can_undo());
    let expected = [Told::Begin(estimates), Told::Set(estimates, 0.0), Told::End(estimates)];
    assert_eq!(desk.told(), expected);
    desk.editor.edits.redo();
    assert_eq!(desk.editor.edits.value(desk.editor.edits.index(&params.estimates)), 1.0);
    assert!(!desk.editor.edits.is_learning(), "redo begins no passage");
}

#[test]
fn undo_brings_back_what_a_passage_has_replaced() {
    let mut desk = Desk::new("undo-learn");
    let params = desk.editor.params();
    let before = crate::saved::learned::learned_by_a_newer_version();
    params.saved.kept.read(Some(&before), None);
    let edits = &mut desk.editor.edits;
    // A passage undone while it is learned cannot be redone.
    edits.begin_passage();
    edits.undo();
    assert!(!edits.is_learning() && !edits.can_redo());
    assert_eq!(params.saved.kept.text().as_ref(), Some(&before));
    // A passage undone after its end.
    edits.begin_passage();
    edits.end_passage();
    params.saved.kept.read(None, None);
    let news = params.saved.kept.news();
    edits.undo();
    assert_eq!(params.saved.kept.text().as_ref(), Some(&before));
    assert_ne!(params.saved.kept.news(), news, "the host has something to save");
    edits.redo();
    assert_eq!(params.saved.kept.text(), None);
}

#[test]
fn what_a_session_lacks_is_said() {
    let desk = Desk::new("news");
    let kept = &desk.editor.params().saved.kept;
    let news = || learning_news(&desk.editor.scene).map(|(text, _)| text);
    assert_eq!(news(), None);
    kept.read(Some("no base64"), Some(("band-z", "9.1.0")));
    assert_eq!(news().as_deref(), Some("Learned bleed map not loaded: the data is damaged"));
    kept.read(None, Some(("band-z", "9.1.0")));
    let expected =
        "Saved with network band-z 9.1.0, which this version does not have; using the newest";
    assert_eq!(news().as_deref(), Some(expected));
}

#[test]
fn a_preset_begins_no_passage_and_holds_nothing_learned() {
    let mut desk = Desk::new("preset-learn");
    let params = desk.editor.params();
    params.saved.kept.read(Some(&crate::saved::learned::learned_by_a_newer_version()), None);
    crate::testing::set_by_id(&params, "learn", "On");
    crate::testing::set_by_id(&params, "estimates", "Locked");
    crate::testing::set_by_id(&params, "amount", "50");
    desk.editor.presets.name_for_tests("Mine");
    desk.editor.presets.save(&mut desk.editor.edits);
    assert_eq!(desk.editor.edits.message, None);
    let text = std::fs::read_to_string(desk.folder.join("Mine.unspill.json")).unwrap();
    assert!(!text.contains("\"learned\":"), "{text}");
    for (id, value) in [("learn", "Off"), ("estimates", "Follow"), ("amount", "100")] {
        crate::testing::set_by_id(&params, id, value);
    }
    desk.editor.presets.load("Mine", &mut desk.editor.edits);
    let edits = &desk.editor.edits;
    assert_eq!(edits.value(edits.index(&params.amount)), 0.5);
    assert_eq!(edits.value(edits.index(&params.learn)), 0.0);
    assert_eq!(edits.value(edits.index(&params.estimates)), 0.0);
}

#[test]
fn a_preset_comes_back_as_it_was_saved() {
    let mut desk = Desk::new("preset");
    let params = desk.editor.params();
    crate::testing::set_by_id(&params, "mic2_amount", "40");
    crate::testing::set_by_id(&params, "mic3_instrument", "Tom");
    crate::testing::set_by_id(&params, "bypass", "On");
    desk.editor.presets.name_for_tests("Mine");
    desk.editor.presets.save(&mut desk.editor.edits);
    assert_eq!(desk.editor.edits.message, None);
    crate::testing::set_by_id(&params, "mic2_amount", "100");
    crate::testing::set_by_id(&params, "mic3_instrument", "Kick");
    desk.editor.presets.load("Mine", &mut desk.editor.edits);
    let edits = &desk.editor.edits;
    let amount = edits.index(&params.mics[1].output.as_ref().unwrap().amount);
    let instrument = edits.index(&params.mics[2].instrument);
    assert!((edits.value(amount) - 0.4).abs() < 1e-6, "{}", edits.value(amount));
    assert_eq!(edits.choice(instrument), Instrument::Tom as usize);
    assert!(edits.can_undo());
    // An invalid preset changes nothing, and the message names it.
    std::fs::write(desk.folder.join("Broken.unspill.json"), "{").unwrap();
    desk.told();
    desk.editor.presets.load("Broken", &mut desk.editor.edits);
    assert!(desk.editor.edits.message.as_ref().unwrap().contains("Broken.unspill.json"));
    assert_eq!(desk.told(), []);
}

#[test]
fn a_preset_leaves_a_linked_track_in_its_session() {
    let folder = tempfile::tempdir().unwrap();
    let params = Arc::new(UnspillParams::new(&UnspillLink::DESC));
    let mut editor = Editor::new(&params, &Arc::default(), Some(folder.path().to_owned()));
    let table = editor.params();
    crate::testing::set_by_id(&table, "session", "B");
    crate::testing::set_by_id(&table, "mic2_amount", "40");
    editor.presets.name_for_tests("Mine");
    editor.presets.save(&mut editor.edits);
    crate::testing::set_by_id(&table, "session", "A");
    crate::testing::set_by_id(&table, "mic2_amount", "100");
    editor.presets.load("Mine", &mut editor.edits);
    let amount = editor.edits.index(&table.mics[1].output.as_ref().unwrap().amount);
    let session = editor.edits.index(table.session.as_ref().unwrap());
    assert!((editor.edits.value(amount) - 0.4).abs() < 1e-6);
    assert_eq!(editor.edits.value(session), 0.0);
}

#[test]
fn closing_stops_everything() {
    let mut desk = Desk::new("closing");
    desk.draw(Vec::new());
    let listen = desk.editor.edits.index(&desk.editor.params().listen);
    let dry = pos2(310.0, 23.0);
    let press = |desk: &mut Desk| {
        desk.draw(vec![Event::PointerMoved(dry)]);
        desk.button(dry, true);
        desk.button(dry, false);
        desk.draw(Vec::new());
    };
    desk.editor.close();
    press(&mut desk);
    assert_eq!(desk.editor.edits.value(listen), 0.0);
    assert_eq!(desk.told(), []);
}
