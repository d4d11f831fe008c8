//! All parameters and their permanent ids.
#![allow(unsafe_code, reason = "the framework takes parameters by pointer")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use nice_plug::prelude::{BoolParam, EnumParam, FloatParam, Param, ParamPtr, Params};

use crate::classes::{ClassDesc, Topology};
use crate::saved::Saved;

mod block;
mod choices;
mod kinds;

pub(crate) use block::BlockReport;
pub use choices::{
    EstimatesChoice, GroupChoice, Instrument, KeepChoice, ListenChoice, ModeChoice, RoleChoice,
    SessionChoice,
};
pub use kinds::NO_LIMIT_DB;
use kinds::{floor, percent, switch};

/// The parameters of one mic.
#[derive(Debug)]
pub struct MicParams {
    /// Label of the mic.
    pub instrument: EnumParam<Instrument>,
    /// Role of the mic.
    pub role: EnumParam<RoleChoice>,
    /// Group of mics that share its source.
    pub group: EnumParam<GroupChoice>,
    /// Parameters that only a mic with an output has.
    pub output: Option<OutputParams>,
}

/// The parameters of a mic that has an output.
#[derive(Debug)]
pub struct OutputParams {
    /// Amount of bleed that is removed, in percent.
    pub amount: FloatParam,
    /// Largest reduction of the mic, in dB; [`NO_LIMIT_DB`] for no limit.
    pub floor: FloatParam,
    /// Parameters for classes with several outputs. With one output, `listen` and the global bypass
    /// replace them.
    pub among_others: Option<AmongOthers>,
}

/// Monitoring of one mic among several with an output.
#[derive(Debug)]
pub struct AmongOthers {
    /// Outputs only the bleed that is removed from this mic.
    pub solo_removed: BoolParam,
    /// Mutes all mics that are not soloed.
    pub solo: BoolParam,
    /// Outputs this mic unprocessed, regardless of the others.
    pub bypass: BoolParam,
}

/// Amount of one mic's sound that is removed from another mic.
#[derive(Debug)]
pub struct PairParam {
    /// Target mic, from 0.
    pub target: usize,
    /// Mic whose sound is removed, from 0.
    pub bleeder: usize,
    /// Amount, in percent.
    pub amount: FloatParam,
}

/// All parameters of one instance.
pub struct UnspillParams {
    /// The class of the instance.
    pub class: &'static ClassDesc,
    /// Dry output with the same latency.
    pub bypass: BoolParam,
    /// Factor for all mics' amounts, in percent.
    pub amount: FloatParam,
    /// Trade-off between latency and quality: Live or Mix.
    pub mode: EnumParam<ModeChoice>,
    /// Signal at the outputs.
    pub listen: EnumParam<ListenChoice>,
    /// Source of the estimates: Adaptive or Learned.
    pub estimates: EnumParam<EstimatesChoice>,
    /// On while a passage is being learned.
    pub learn: BoolParam,
    /// Session of a linked instance; other classes have none.
    pub session: Option<EnumParam<SessionChoice>>,
    /// Place of the sound that a linked session keeps for tracks that are rendered alone; other
    /// classes have none.
    pub keep: Option<EnumParam<KeepChoice>>,
    /// One entry per mic of the class.
    pub mics: Vec<MicParams>,
    /// One entry per target and bleeder.
    pub pairs: Vec<PairParam>,
    /// Data that is saved with the parameters.
    pub(crate) saved: Saved,
    /// Number of times that the plugin itself has changed parameters.
    own_moves: AtomicU64,
    /// The host's report of its newest block.
    pub(crate) block: BlockReport,
}

impl std::fmt::Debug for UnspillParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnspillParams").field("class", &self.class.name).finish_non_exhaustive()
    }
}

/// Returns the name of a mic without a label.
pub(crate) fn unlabelled(class: &ClassDesc, index: usize) -> String {
    match (class.topology, index) {
        (Topology::Track, 0) => "Track".to_owned(),
        (Topology::Linked, 0) if class.num_strips == 1 => "Track".to_owned(),
        _ => format!("Mic {}", index + 1),
    }
}

impl MicParams {
    fn new(class: &ClassDesc, index: usize) -> Self {
        let name = |what: &str| format!("{} {what}", unlabelled(class, index));
        Self {
            instrument: EnumParam::new(name("Instrument"), Instrument::Other).non_automatable(),
            role: EnumParam::new(name("Role"), RoleChoice::Close).non_automatable(),
            group: EnumParam::new(name("Group"), GroupChoice::None).non_automatable(),
            output: (index < class.num_outputs).then(|| OutputParams {
                amount: percent(name("Amount")),
                floor: floor(name("Max Reduction")),
                among_others: (class.num_outputs > 1).then(|| AmongOthers {
                    solo_removed: switch(name("Solo Removed")),
                    solo: switch(name("Solo")),
                    bypass: switch(name("Bypass")),
                }),
            }),
        }
    }
}

impl UnspillParams {
    /// Creates the parameters of a class at their defaults.
    #[must_use]
    pub fn new(class: &'static ClassDesc) -> Self {
        let pairs = (0..class.num_outputs).flat_map(|target| {
            (0..class.num_strips).filter(move |&bleeder| bleeder != target).map(move |bleeder| {
                let from = unlabelled(class, target);
                let name = format!("Remove {} from {from}", unlabelled(class, bleeder));
                PairParam { target, bleeder, amount: percent(name) }
            })
        });
        Self {
            class,
            bypass: switch("Bypass").make_bypass(),
            amount: percent("Amount".to_owned()),
            mode: EnumParam::new("Mode", ModeChoice::Live).non_automatable(),
            listen: EnumParam::new("Listen", ListenChoice::Clean),
            estimates: EnumParam::new("Bleed Map", EstimatesChoice::Adaptive).non_automatable(),
            learn: switch("Learn").non_automatable(),
            session: (class.topology == Topology::Linked)
                .then(|| EnumParam::new("Session", SessionChoice::A).non_automatable()),
            keep: (class.topology == Topology::Linked)
                .then(|| EnumParam::new("Keep Neighbours", KeepChoice::Memory).non_automatable()),
            mics: (0..class.num_strips).map(|index| MicParams::new(class, index)).collect(),
            pairs: pairs.collect(),
            saved: Saved::new(class),
            own_moves: AtomicU64::new(0),
            block: BlockReport::default(),
        }
    }

    /// Switches Estimates to Learned while Learn is on, so that a learned passage is used at once;
    /// real-time safe.
    pub(crate) fn follow_learn(&self) {
        if self.learn.value() && self.estimates.value() != EstimatesChoice::Learned {
            // SAFETY: the pointer points into `self`.
            unsafe { self.estimates.as_ptr()._internal_set_normalized_value(1.0) };
            self.has_moved();
        }
    }

    /// Makes hosts read the values again after the plugin itself has changed some; real-time safe.
    pub(crate) fn has_moved(&self) {
        // Relaxed: a plain counter that is read after the block.
        self.own_moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns a number that changes whenever the plugin itself changes a parameter;
    /// real-time safe.
    pub(crate) fn own_moves(&self) -> u64 {
        self.own_moves.load(Ordering::Relaxed)
    }

    /// Returns every parameter with its permanent id and its display group.
    pub(crate) fn entries(&self) -> Vec<(String, ParamPtr, String)> {
        fn entry(id: &str, param: &impl Param, group: &str) -> (String, ParamPtr, String) {
            (id.to_owned(), param.as_ptr(), group.to_owned())
        }
        let mut all = vec![
            entry("bypass", &self.bypass, ""),
            entry("amount", &self.amount, ""),
            entry("mode", &self.mode, ""),
            entry("listen", &self.listen, ""),
            entry("estimates", &self.estimates, ""),
            entry("learn", &self.learn, ""),
        ];
        all.extend(self.session.iter().map(|session| entry("session", session, "")));
        all.extend(self.keep.iter().map(|keep| entry("keep", keep, "")));
        for (mic, number) in self.mics.iter().zip(1..) {
            let group = unlabelled(self.class, number - 1);
            let id = |what: &str| format!("mic{number}_{what}");
            all.push(entry(&id("instrument"), &mic.instrument, &group));
            all.push(entry(&id("role"), &mic.role, &group));
            all.push(entry(&id("group"), &mic.group, &group));
            if let Some(output) = &mic.output {
                all.push(entry(&id("amount"), &output.amount, &group));
                all.push(entry(&id("floor"), &output.floor, &group));
                if let Some(among) = &output.among_others {
                    all.push(entry(&id("solo"), &among.solo_removed, &group));
                    all.push(entry(&id("alone"), &among.solo, &group));
                    all.push(entry(&id("bypass"), &among.bypass, &group));
                }
            }
        }
        for pair in &self.pairs {
            let (target, bleeder) = (pair.target + 1, pair.bleeder + 1);
            let id = format!("pair{target}_{bleeder}");
            all.push(entry(
                &id,
                &pair.amount,
                &format!("{}/Bleed", unlabelled(self.class, pair.target)),
            ));
        }
        all
    }
}

// SAFETY: the pointers point into `self`, which lives in an `Arc` that the framework keeps as long
// as it uses them. No parameter moves after `new`, because the two lists never grow.
unsafe impl Params for UnspillParams {
    fn param_map(&self) -> Vec<(String, ParamPtr, String)> {
        self.entries()
    }

    fn serialize_fields(&self) -> BTreeMap<String, String> {
        self.saved.kept.collect(self.learn.value());
        self.saved.fields()
    }

    fn deserialize_fields(&self, fields: &BTreeMap<String, String>) {
        self.saved.load(fields, self.class.num_strips);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::ALL;
    use crate::guard::param_id_hash;
    use std::collections::HashSet;

    /// Ids are permanent: only add lines to the file, never change them.
    #[test]
    fn the_ids_are_the_committed_ones() {
        let mut listed = String::new();
        for class in ALL {
            listed += &format!("[{}]\n", class.clap_id);
            for (id, ..) in UnspillParams::new(class).entries() {
                listed += &format!("{id}\n");
            }
        }
        let committed = include_str!("../../tests/fixtures/parameters.txt");
        for (line, (now, then)) in (1..).zip(listed.lines().zip(committed.lines())) {
            assert_eq!(now, then, "line {line} of plugin/tests/fixtures/parameters.txt");
        }
        assert_eq!(listed.lines().count(), committed.lines().count());
    }

    #[test]
    fn no_two_ids_of_a_class_are_one_number_to_hosts() {
        for class in ALL {
            let entries = UnspillParams::new(class).entries();
            let numbers: HashSet<_> = entries.iter().map(|(id, ..)| param_id_hash(id)).collect();
            assert_eq!(numbers.len(), entries.len(), "{}", class.name);
        }
    }
}
