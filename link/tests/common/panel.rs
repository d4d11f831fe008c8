//! Settings of a member in a test, which notes everything that its worker says.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::Estimates;
use link::{Console, Entry, Label, Lesson, Request, Sheet};

/// A console whose settings the test reads and writes.
#[derive(Debug, Default)]
pub(crate) struct Panel(Mutex<State>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) sheet: Sheet,
    /// Shared values are rounded to multiples of this step, if it is not 0.
    pub(crate) step: f32,
    pub(crate) num_adoptions: usize,
    pub(crate) num_renumberings: usize,
    pub(crate) requests: Vec<Request>,
    pub(crate) estimates: Estimates,
    pub(crate) label: Label,
    pub(crate) lesson: Option<Arc<Lesson>>,
    pub(crate) keeps: bool,
    pub(crate) kept_folder: Option<PathBuf>,
}

impl Panel {
    /// Creates a panel with one shared setting, of the value 0.
    pub(crate) fn new(identity: u128, claimed: u64) -> Arc<Self> {
        let panel = Self::default();
        panel.lock().sheet = Sheet { identity, claimed, ..Sheet::default() };
        panel.set(0.0);
        Arc::new(panel)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the shared setting, as an engineer does.
    pub(crate) fn set(&self, value: f32) {
        self.lock().sheet.shared = vec![Entry { code: 1, about: 0, value }];
    }

    /// Returns version and value of the shared setting.
    pub(crate) fn shared(&self) -> (u64, f32) {
        let state = self.lock();
        (state.sheet.version, state.sheet.shared[0].value)
    }
}

impl Console for Panel {
    fn identity(&self) -> u128 {
        self.lock().sheet.identity
    }

    fn keeps(&self, session: u8) -> bool {
        self.lock().keeps && session == 0
    }

    fn kept_folder(&self) -> Option<PathBuf> {
        self.lock().kept_folder.clone()
    }

    fn write(&self, sheet: &mut Sheet) {
        assert_eq!((&sheet.shared, &sheet.own), (&Vec::new(), &Vec::new()), "empty");
        sheet.clone_from(&self.lock().sheet);
    }

    fn label(&self) -> Label {
        self.lock().label.clone()
    }

    fn adopt(&self, version: u64, shared: &[Entry]) {
        let mut state = self.lock();
        let step = state.step;
        let round = |value: f32| if step > 0.0 { (value / step).round() * step } else { value };
        state.sheet.version = version;
        state.sheet.shared =
            shared.iter().map(|entry| Entry { value: round(entry.value), ..*entry }).collect();
        state.num_adoptions += 1;
    }

    fn renumber(&self, version: u64) {
        let mut state = self.lock();
        state.sheet.version = version;
        state.num_renumberings += 1;
    }

    fn request(&self, request: &Request) {
        self.lock().requests.push(request.clone());
    }

    fn yield_identity(&self, taken: u128) {
        let mut state = self.lock();
        assert_eq!(state.sheet.identity, taken);
        state.sheet.identity = taken + 1000;
    }

    fn lesson(&self) -> Option<Arc<Lesson>> {
        self.lock().lesson.clone()
    }

    fn learn(&self, lesson: &Arc<Lesson>) {
        self.lock().lesson = Some(Arc::clone(lesson));
    }

    fn estimates(&self) -> Estimates {
        self.lock().estimates
    }
}
