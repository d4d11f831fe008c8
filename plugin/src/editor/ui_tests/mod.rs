//! Tests of clicks, drags, typing and texts in the window, without a screen.

mod contrast;
mod controls;
mod guide;
mod linked;
mod rows;
mod spectra;
mod texts;

use std::sync::Arc;

use egui::{Event, Key, Modifiers, PointerButton, Pos2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, Node};
use engine::network::Model;
use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use nice_plug::context::gui::{GuiContext, GuiContextInner};

use super::edits::ParamIndex;
use super::tests::Noting;
use super::{Editor, theme};
use crate::buses::MicMap;
use crate::classes::{Class, ClassDesc, Unspill8};
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
        Self::of(params, Arc::default())
    }

    /// Opens the editor of an instance.
    fn of(params: Arc<UnspillParams>, live: Arc<Live>) -> Self {
        let host = Arc::<Noting>::default();
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
