//! Parameter names that follow the names of the mics.

use std::collections::HashMap;

use nice_plug::prelude::Enum;

use crate::classes::Topology;
use crate::guard::param_id_hash;
use crate::params::{Instrument, UnspillParams, unlabelled};

/// The mic or the pair of mics that a parameter belongs to.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Mic { index: usize, what: &'static str },
    Pair { target: usize, bleeder: usize },
}

/// The live names of one instance's parameters, by numeric id.
#[derive(Debug)]
pub(crate) struct Names(HashMap<u32, Subject>);

impl Names {
    pub(crate) fn new(params: &UnspillParams) -> Self {
        let mut subjects = HashMap::new();
        for index in 0..params.mics.len() {
            // The instrument parameter keeps its fixed name: its value already shows the label.
            for (id, what) in [
                ("role", "Role"),
                ("group", "Group"),
                ("amount", "Amount"),
                ("floor", "Max Reduction"),
                ("solo", "Solo Removed"),
                ("alone", "Solo"),
                ("bypass", "Bypass"),
            ] {
                let hash = param_id_hash(&format!("mic{}_{id}", index + 1));
                subjects.insert(hash, Subject::Mic { index, what });
            }
        }
        for pair in &params.pairs {
            let (target, bleeder) = (pair.target, pair.bleeder);
            let hash = param_id_hash(&format!("pair{}_{}", target + 1, bleeder + 1));
            subjects.insert(hash, Subject::Pair { target, bleeder });
        }
        Self(subjects)
    }

    /// Returns the live name of a parameter, or `None` if it keeps its fixed name.
    pub(crate) fn name(&self, params: &UnspillParams, id: u32) -> Option<String> {
        Some(match *self.0.get(&id)? {
            Subject::Mic { index, what } => format!("{} {what}", mic_name(params, index)),
            Subject::Pair { target, bleeder } => {
                format!("Remove {} from {}", mic_name(params, bleeder), mic_name(params, target))
            }
        })
    }
}

/// Returns the name that the user gave the mic, or one made from its label.
pub(crate) fn mic_name(params: &UnspillParams, index: usize) -> String {
    let given = params.saved.arranged.now().name(index).map(str::to_owned);
    given.unwrap_or_else(|| label_name(params, index))
}

/// Returns a name made from the mic's label: "Kick", "Tom 2" if there is another tom, or "Mic 3"
/// without a label.
///
/// The only cleaned mic of [`Topology::Track`] takes the name of its track if it has no label and
/// the host reports the track's name. In [`Topology::Linked`], the name of the track comes before
/// the label: it tells the tracks of a session apart.
pub(crate) fn label_name(params: &UnspillParams, index: usize) -> String {
    let label = |index: usize| params.mics[index].instrument.value();
    let own = label(index);
    let track = || params.saved.arranged.track().filter(|_| index == 0);
    let track = match params.class.topology {
        Topology::Track if own == Instrument::Other => track(),
        Topology::Linked => track(),
        _ => None,
    };
    if let Some(track) = track {
        return track;
    }
    if own == Instrument::Other {
        return unlabelled(params.class, index);
    }
    let word = Instrument::variants()[own.to_index()];
    let same = |range: std::ops::Range<usize>| range.filter(|&other| label(other) == own).count();
    if same(0..params.mics.len()) == 1 {
        word.to_owned()
    } else {
        format!("{word} {}", same(0..index + 1))
    }
}

/// Returns a number that changes whenever a name or a label changes; real-time safe.
pub(crate) fn signature(params: &UnspillParams) -> u64 {
    // FNV-1a over the labels and the number of renames.
    let labels = params.mics.iter().map(|mic| mic.instrument.value().to_index() as u64);
    labels.chain([params.saved.arranged.renames()]).fold(0xCBF2_9CE4_8422_2325, |hash, number| {
        (hash ^ number).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, Unspill8, UnspillLink, UnspillTrack};
    use crate::testing::set_by_id;

    fn name(params: &UnspillParams, id: &str) -> Option<String> {
        Names::new(params).name(params, param_id_hash(id))
    }

    #[test]
    fn an_unlabelled_mic_is_called_by_its_number() {
        let params = UnspillParams::new(&Unspill8::DESC);
        assert_eq!(name(&params, "mic3_amount").as_deref(), Some("Mic 3 Amount"));
        assert_eq!(name(&params, "pair1_8").as_deref(), Some("Remove Mic 8 from Mic 1"));
        assert_eq!(name(&params, "bypass"), None);
        assert_eq!(name(&params, "mic3_instrument"), None);
    }

    #[test]
    fn a_label_names_all_of_a_mics_parameters() {
        let params = UnspillParams::new(&Unspill8::DESC);
        let before = signature(&params);
        set_by_id(&params, "mic1_instrument", "Kick");
        assert_ne!(signature(&params), before);
        assert_eq!(name(&params, "mic1_amount").as_deref(), Some("Kick Amount"));
        assert_eq!(name(&params, "mic1_floor").as_deref(), Some("Kick Max Reduction"));
        assert_eq!(name(&params, "pair2_1").as_deref(), Some("Remove Kick from Mic 2"));
    }

    #[test]
    fn a_name_of_its_own_is_a_mics_name_and_without_one_it_is_called_as_before() {
        let params = UnspillParams::new(&Unspill8::DESC);
        set_by_id(&params, "mic1_instrument", "Kick");
        let before = signature(&params);
        let rename = |name: &str| {
            let mut arrangement = params.saved.arranged.now().clone();
            arrangement.rename(0, name);
            params.saved.arranged.change(arrangement);
        };
        rename("Bassdrum");
        assert_ne!(signature(&params), before);
        assert_eq!(name(&params, "mic1_amount").as_deref(), Some("Bassdrum Amount"));
        assert_eq!(name(&params, "pair2_1").as_deref(), Some("Remove Bassdrum from Mic 2"));
        rename("");
        assert_eq!(name(&params, "mic1_amount").as_deref(), Some("Kick Amount"));
    }

    #[test]
    fn a_track_is_called_as_the_host_calls_it_until_somebody_knows_better() {
        let track = UnspillParams::new(&UnspillTrack::DESC);
        let before = signature(&track);
        track.saved.arranged.track_is("Snare top");
        assert_ne!(signature(&track), before);
        assert_eq!(name(&track, "mic1_amount").as_deref(), Some("Snare top Amount"));
        assert_eq!(name(&track, "pair1_2").as_deref(), Some("Remove Mic 2 from Snare top"));
        set_by_id(&track, "mic1_instrument", "Snare");
        assert_eq!(name(&track, "mic1_amount").as_deref(), Some("Snare Amount"));
        let mut arrangement = track.saved.arranged.now().clone();
        arrangement.rename(0, "Mine");
        track.saved.arranged.change(arrangement);
        assert_eq!(name(&track, "mic1_amount").as_deref(), Some("Mine Amount"));
        // A linked track is called as in the host, whatever its label is.
        let linked = UnspillParams::new(&UnspillLink::DESC);
        linked.saved.arranged.track_is("SN top 57");
        set_by_id(&linked, "mic1_instrument", "Snare");
        assert_eq!(name(&linked, "mic1_amount").as_deref(), Some("SN top 57 Amount"));
        // A class with several mics ignores the track's name.
        let eight = UnspillParams::new(&Unspill8::DESC);
        eight.saved.arranged.track_is("Drums");
        assert_eq!(name(&eight, "mic1_amount").as_deref(), Some("Mic 1 Amount"));
    }

    #[test]
    fn two_mics_of_one_label_are_numbered() {
        let params = UnspillParams::new(&UnspillTrack::DESC);
        set_by_id(&params, "mic2_instrument", "Tom");
        assert_eq!(name(&params, "mic2_role").as_deref(), Some("Tom Role"));
        set_by_id(&params, "mic5_instrument", "Tom");
        assert_eq!(name(&params, "mic2_role").as_deref(), Some("Tom 1 Role"));
        assert_eq!(name(&params, "pair1_5").as_deref(), Some("Remove Tom 2 from Track"));
    }
}
