//! The settings of a linked instance, as the windows of other instances see and change them.
#![allow(unsafe_code, reason = "the framework gives parameters by pointer")]

use std::path::PathBuf;
use std::sync::Arc;

use engine::Estimates;
use link::{Console, Entry, Label, Lesson, PAIR_CODE, Request, Sheet};
use nice_plug::prelude::{Enum, ParamPtr};

use crate::guard::param_id_hash;
use crate::linking;
use crate::live::Live;
use crate::params::{EstimatesChoice, KeepChoice, UnspillParams};

/// Parameters that all instances of a session have in common.
pub(crate) const SHARED: [&str; 4] = ["mode", "estimates", "learn", "keep"];

/// Parameters of one instance that the windows of all instances show.
pub(crate) const OWN: [&str; 8] = [
    "bypass",
    "amount",
    "listen",
    "mic1_instrument",
    "mic1_role",
    "mic1_group",
    "mic1_amount",
    "mic1_floor",
];

/// Code of a request that names the track. It is no parameter's.
pub(crate) const NAME_CODE: u32 = 0x4e41_4d45;

/// Code of the row of the track among all rows, from 0. It is no parameter's.
pub(crate) const ROW_CODE: u32 = 0x524f_5720;

/// A linked instance's settings; on the worker and the main thread.
#[derive(Debug)]
pub(crate) struct LinkConsole {
    params: Arc<UnspillParams>,
    live: Arc<Live>,
    /// Folder of the sound that is kept on disk.
    kept_folder: Option<PathBuf>,
    /// Codes and pointers of [`SHARED`]; `params` keeps the parameters alive.
    shared: Vec<(u32, ParamPtr)>,
    /// Those of [`OWN`].
    own: Vec<(u32, ParamPtr)>,
}

impl LinkConsole {
    pub(crate) fn new(params: &Arc<UnspillParams>, live: &Arc<Live>) -> Self {
        let entries = params.entries();
        let with = |ids: &[&str]| {
            let listed = entries.iter().filter(|(id, ..)| ids.contains(&id.as_str()));
            listed.map(|(id, pointer, _)| (param_id_hash(id), *pointer)).collect()
        };
        Self {
            shared: with(&SHARED),
            own: with(&OWN),
            params: Arc::clone(params),
            live: Arc::clone(live),
            kept_folder: linking::kept_folder(),
        }
    }

    /// Sets one of the parameters. Returns true if its value has changed.
    fn set(parameters: &[(u32, ParamPtr)], entry: &Entry) -> bool {
        let Some((_, pointer)) = parameters.iter().find(|(code, _)| *code == entry.code) else {
            return false;
        };
        if !entry.value.is_finite() {
            return false;
        }
        // SAFETY: points into `params`; values are atomics.
        unsafe {
            let before = pointer.unmodulated_normalized_value();
            pointer._internal_set_normalized_value(entry.value.clamp(0.0, 1.0));
            pointer.unmodulated_normalized_value().to_bits() != before.to_bits()
        }
    }

    /// Makes the host read the values again, and mark its project as modified.
    fn tell_host(&self) {
        self.params.has_moved();
        self.live.ring();
    }
}

/// Returns the values of parameters as entries.
fn entries(parameters: &[(u32, ParamPtr)]) -> impl Iterator<Item = Entry> + '_ {
    parameters.iter().map(|&(code, pointer)| {
        // SAFETY: points into the parameters of the console.
        let value = unsafe { pointer.unmodulated_normalized_value() };
        Entry { code, about: 0, value }
    })
}

impl Console for LinkConsole {
    fn write(&self, sheet: &mut Sheet) {
        let Some(linked) = &self.params.saved.linked else { return };
        (sheet.identity, sheet.claimed) = linked.identity();
        sheet.version = linked.version();
        sheet.shared.clear();
        sheet.shared.extend(entries(&self.shared));
        sheet.own.clear();
        sheet.own.extend(entries(&self.own));
        let row = linked.row().map(|value| Entry { code: ROW_CODE, about: 0, value });
        sheet.own.extend(row);
        let cells = linked.cells().into_iter();
        sheet.own.extend(cells.map(|(about, value)| Entry { code: PAIR_CODE, about, value }));
    }

    fn label(&self) -> Label {
        let arranged = &self.params.saved.arranged;
        let typed = arranged.now().name(0).map(str::to_owned);
        let name = typed.or_else(|| arranged.track()).unwrap_or_default();
        let colour = arranged.colour();
        Label { name, colour }
    }

    fn adopt(&self, version: u64, shared: &[Entry]) {
        let Some(linked) = &self.params.saved.linked else { return };
        linked.set_version(version);
        let mut has_changed = false;
        for entry in shared {
            has_changed |= Self::set(&self.shared, entry);
        }
        if has_changed {
            self.tell_host();
        }
    }

    fn renumber(&self, version: u64) {
        if let Some(linked) = &self.params.saved.linked {
            linked.set_version(version);
        }
    }

    fn request(&self, request: &Request) {
        let entry = &request.entry;
        match entry.code {
            PAIR_CODE => {
                if let Some(linked) = &self.params.saved.linked {
                    linked.set_cell(entry.about, entry.value);
                }
            }
            ROW_CODE => {
                if let Some(linked) = &self.params.saved.linked {
                    linked.set_row(entry.value);
                }
            }
            NAME_CODE => {
                let mut arrangement = self.params.saved.arranged.now().clone();
                arrangement.rename(0, &request.text);
                self.params.saved.arranged.change(arrangement);
            }
            _ if !Self::set(&self.own, entry) => return,
            _ => {}
        }
        self.tell_host();
    }

    fn yield_identity(&self, taken: u128) {
        if let Some(linked) = &self.params.saved.linked {
            linked.give_up(taken);
            self.live.ring();
        }
    }

    fn lesson(&self) -> Option<Arc<Lesson>> {
        self.params.saved.kept.lesson()
    }

    fn learn(&self, lesson: &Arc<Lesson>) {
        self.params.saved.kept.learn(lesson);
        self.live.ring();
    }

    fn identity(&self) -> u128 {
        self.params.saved.linked.as_ref().map_or(0, |linked| linked.identity().0)
    }

    fn keeps(&self, session: u8) -> bool {
        let UnspillParams { session: own, keep, .. } = &*self.params;
        own.as_ref().is_some_and(|own| own.value().to_index() == usize::from(session))
            && keep.as_ref().is_some_and(|keep| keep.value() != KeepChoice::Off)
    }

    fn kept_folder(&self) -> Option<PathBuf> {
        let keep = self.params.keep.as_ref()?.value();
        self.kept_folder.clone().filter(|_| keep == KeepChoice::Disk)
    }

    fn estimates(&self) -> Estimates {
        match self.params.estimates.value() {
            _ if self.params.learn.value() => Estimates::Learning,
            EstimatesChoice::Adaptive => Estimates::Adaptive,
            EstimatesChoice::Learned => Estimates::Learned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, UnspillLink};
    use crate::params::{ListenChoice, ModeChoice};
    use crate::testing::set_by_id;

    fn console() -> LinkConsole {
        let params = Arc::new(UnspillParams::new(&UnspillLink::DESC));
        LinkConsole::new(&params, &Arc::default())
    }

    fn sheet(console: &LinkConsole) -> Sheet {
        let mut sheet = Sheet::default();
        console.write(&mut sheet);
        sheet
    }

    fn request(code: u32, about: u128, value: f32) -> Request {
        Request { target: 0, entry: Entry { code, about, value }, text: String::new() }
    }

    #[test]
    fn every_parameter_but_the_session_is_on_the_sheet_once() {
        let console = console();
        let listed: Vec<_> = console.shared.iter().chain(&console.own).map(|of| of.0).collect();
        let ids = console.params.entries().into_iter().map(|(id, ..)| id);
        let expected: Vec<_> =
            ids.filter(|id| id != "session").map(|id| param_id_hash(&id)).collect();
        assert_eq!(listed.len(), expected.len());
        assert!(expected.iter().all(|code| listed.contains(code)));
        assert!(![PAIR_CODE, NAME_CODE, ROW_CODE].iter().any(|code| listed.contains(code)));
    }

    #[test]
    fn another_instance_takes_the_shared_settings_and_keeps_its_own() {
        let (one, other) = (console(), console());
        set_by_id(&one.params, "mode", "Mix");
        set_by_id(&one.params, "listen", "Removed");
        other.adopt(5, &sheet(&one).shared);
        assert_eq!(other.params.mode.value(), ModeChoice::Mix);
        assert_eq!(other.params.listen.value(), ListenChoice::Clean);
        assert_eq!((sheet(&other).version, other.params.own_moves()), (5, 1));
        other.adopt(6, &sheet(&one).shared);
        assert_eq!(other.params.own_moves(), 1, "nothing has changed for the host");
    }

    #[test]
    fn requests_change_the_instance_and_its_host_is_told() {
        let console = console();
        let changes = || console.params.saved.changes();
        console.request(&request(param_id_hash("mic1_amount"), 0, 0.25));
        assert_eq!(
            (
                console.params.mics[0].output.as_ref().unwrap().amount.value(),
                console.params.own_moves()
            ),
            (25.0, 1)
        );
        let before = changes();
        console.request(&request(PAIR_CODE, 7, 0.5));
        assert_ne!(changes(), before);
        assert!(sheet(&console).own.contains(&Entry { code: PAIR_CODE, about: 7, value: 0.5 }));
        let named = Request { text: "Snare".to_owned(), ..request(NAME_CODE, 0, 0.0) };
        console.request(&named);
        assert_eq!(console.label().name, "Snare");
        let moves = console.params.own_moves();
        for nonsense in [
            request(1, 0, 0.5),
            request(param_id_hash("mode"), 0, 1.0),
            request(param_id_hash("amount"), 0, f32::NAN),
        ] {
            console.request(&nonsense);
        }
        assert_eq!(
            (console.params.own_moves(), console.params.mode.value()),
            (moves, ModeChoice::Live)
        );
    }
}
