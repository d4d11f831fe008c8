//! The sides of tracks that hosts pass in stereo, and the mics that these need.
//!
//! Many hosts pass every track in stereo. The second side of a mono recording is then the same as
//! the first one, or silent, and is no mic. A track has one mic until its sides differ.

use std::ops::Range;

use engine::MicControls;

use super::absent::do_overlap;
use super::places::{self, Holder};
use super::{Owner, Stream, set_mics, side_group};
use crate::ring::MAX_MEMBER_MICS;
use crate::stamp::MicSettings;
use crate::track::Track;

/// Largest difference between two sides of the same sound, as a share of the peak: -80 dB.
const SAME: f32 = 1e-4;
/// Hops after which the removed signal of a new mic counts, if its side had another one before:
/// more than the method's windows are long.
const WARM_UP: u32 = 8;

/// Removed signal of a track's second side in one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Second {
    /// The one of its own mic, if the track has two sides.
    Own,
    /// The one of the first side.
    Same,
    /// None.
    Silent,
    /// First the one of the first side, then that of its own mic.
    FromSame,
    /// First none, then that of its own mic.
    FromSilence,
}

/// State of the second side of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecondSide {
    /// True if it was silent when it was last no mic of its own.
    is_silent: bool,
    /// True if it needs a mic of its own and there is none.
    pub(crate) lacks_mic: bool,
    /// True if the track has had sound.
    is_heard: bool,
    /// Hops until the removed signal of its mic counts.
    warms_up: u32,
}

impl SecondSide {
    /// Returns the removed signal for a track with as many mics.
    pub(crate) fn removed(self, num_mics: usize) -> Second {
        match (num_mics, self.warms_up, self.is_silent) {
            (1, _, false) => Second::Same,
            (1, _, true) => Second::Silent,
            (_, 0, _) => Second::Own,
            (_, 1, false) => Second::FromSame,
            (_, 1, true) => Second::FromSilence,
            (_, _, false) => Second::Same,
            (_, _, true) => Second::Silent,
        }
    }

    /// Goes on to the next hop.
    pub(crate) fn go_on(&mut self) {
        self.warms_up = self.warms_up.saturating_sub(1);
    }
}

/// Relation of a track's second side to the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// Both are silent.
    Nothing,
    Same,
    Silent,
    Differs,
}

fn relation(first: &[f32], second: &[f32]) -> Relation {
    let peak = |side: &[f32]| side.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let apart = first.iter().zip(second).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    match (peak(first), peak(second)) {
        (0.0, 0.0) => Relation::Nothing,
        (_, 0.0) => Relation::Silent,
        (loudest, _) if apart <= SAME * loudest => Relation::Same,
        _ => Relation::Differs,
    }
}

/// Returns true if the second side of a track is a mic of its own.
pub(super) fn differ(first: &[f32], second: &[f32]) -> bool {
    relation(first, second) == Relation::Differs
}

/// The second side of an instance with one mic that needs another one.
pub(super) struct Widening {
    pub(super) of: Who,
    pub(super) samples: Vec<f32>,
    pub(super) settings: MicSettings,
}

/// An instance that has mics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The track at this index.
    Linked(usize),
    /// The instance with this identity, which is not linked at the moment.
    Absent(u128),
}

impl Stream {
    /// Returns the mics of all instances, those that are not linked at the moment included if
    /// `with_absent` is true. Tracks come first.
    fn holders(&self, with_absent: bool) -> Vec<Holder> {
        let tracks = self.tracks.iter();
        let tracks =
            tracks.map(|track| Holder { mics: track.mics(), num_sides: track.num_sides() });
        let absent = self.absent.iter().filter(|_| with_absent);
        let absent = absent.map(|Owner { mics, num_sides, .. }| Holder {
            mics: mics.clone(),
            num_sides: *num_sides,
        });
        tracks.chain(absent).collect()
    }

    /// Returns a mic for a new instance: one that no instance has, or without `with_absent`, one
    /// that no linked instance has.
    pub(super) fn free_mic(&self, num_sides: usize, with_absent: bool) -> Option<usize> {
        places::mic_for(&self.holders(with_absent), num_sides, self.num_mics)
    }

    /// Notes the relation of the sides of a track with one mic. Returns true if its second side,
    /// whose samples are `second`, needs a mic of its own.
    pub(super) fn compare_sides(&mut self, index: usize, second: &[f32]) -> bool {
        let first = &self.samples[self.tracks[index].mic * self.hop..][..self.hop];
        let relation = relation(first, second);
        if matches!(relation, Relation::Same | Relation::Silent) {
            let side = &mut self.tracks[index].side;
            side.is_silent = relation == Relation::Silent;
            self.update_due(index);
        }
        relation == Relation::Differs
    }

    /// Updates the parts that are due for a track that has had no sound: the removed signal begins
    /// before the sound.
    fn update_due(&mut self, index: usize) {
        let track = &self.tracks[index];
        if track.side.is_heard {
            return;
        }
        let second = track.side.removed(track.width);
        let parts = self.due.iter_mut().flat_map(|(_, parts)| parts);
        for (_, part) in parts.filter(|(id, _)| *id == track.id) {
            (part.mic, part.second) = (track.mic, second);
        }
    }

    /// Notes the tracks that have sound in this hop.
    pub(super) fn note_sound(&mut self) {
        for track in &mut self.tracks {
            let samples = &self.samples[track.mics().start * self.hop..track.mics().end * self.hop];
            track.side.is_heard |= samples.iter().any(|&sample| sample != 0.0);
        }
    }

    /// Returns the samples of both sides of a track in the hop. A second side without a mic of its
    /// own is that of the first one.
    pub(super) fn sides_of(&self, track: &Track) -> [&[f32]; MAX_MEMBER_MICS] {
        let Range { start, end } = track.mics();
        [start, end - 1].map(|mic| &self.samples[mic * self.hop..][..self.hop])
    }

    /// Gives second sides mics of their own. Returns true if mics have moved or were added.
    pub(super) fn widen(&mut self, widenings: Vec<Widening>) -> bool {
        let mut has_changed = false;
        for Widening { of, samples, settings } in widenings {
            let mics = self.add_mic(of);
            if let Who::Linked(index) = of {
                self.tracks[index].side.lacks_mic = mics.is_none();
            }
            let Some(mics) = mics else { continue };
            has_changed = true;
            self.samples[(mics.end - 1) * self.hop..mics.end * self.hop].copy_from_slice(&samples);
            set_mics(&mut self.controls, &mics, 2, &settings);
        }
        has_changed
    }

    /// Adds a mic to an instance that has one, if there is any way. Returns both.
    fn add_mic(&mut self, of: Who) -> Option<Range<usize>> {
        let is_meant = |absent: &Owner| Who::Absent(absent.identity) == of;
        let index = match of {
            Who::Linked(index) => index,
            Who::Absent(_) => self.tracks.len() + self.absent.iter().position(is_meant)?,
        };
        let plan = |with_absent| places::widen(&self.holders(with_absent), index, self.num_mics);
        // Instances that are not linked lose their mics to a track if there is no other way.
        let for_track = || matches!(of, Who::Linked(_)).then(|| plan(false)).flatten();
        let moves = plan(true).or_else(for_track)?;
        self.move_mics(&moves);
        if let Who::Linked(index) = of {
            let track = &mut self.tracks[index];
            track.width = 2;
            track.side.warms_up = if track.side.is_heard { WARM_UP } else { 0 };
            self.update_due(index);
            let tracks = &self.tracks;
            let is_lost = |mics: &Range<usize>| tracks.iter().any(|t| do_overlap(&t.mics(), mics));
            self.absent.retain(|owner| !is_lost(&owner.mics));
            Some(self.tracks[index].mics())
        } else {
            let mics = &mut self.absent.iter_mut().find(|absent| is_meant(absent))?.mics;
            mics.end = mics.start + 2;
            Some(mics.clone())
        }
    }

    /// Moves instances to other mics with their samples and controls of the hop. `moves` are their
    /// indexes among [`Self::holders`] and their first mics.
    fn move_mics(&mut self, moves: &[(usize, usize)]) {
        let hop = self.hop;
        let from: Vec<usize> = moves
            .iter()
            .map(|&(index, _)| match index.checked_sub(self.tracks.len()) {
                None => self.tracks[index].mic,
                Some(absent) => self.absent[absent].mics.start,
            })
            .collect();
        let take =
            |&mic: &usize| (self.samples[mic * hop..][..hop].to_vec(), self.controls.mics[mic]);
        let taken: Vec<(Vec<f32>, MicControls)> = from.iter().map(take).collect();
        for &mic in &from {
            self.samples[mic * hop..][..hop].fill(0.0);
            self.controls.mics[mic] = MicControls::default();
        }
        for ((&(index, to), from), (samples, mut controls)) in moves.iter().zip(from).zip(taken) {
            if controls.group == side_group(from) {
                controls.group = side_group(to);
            }
            self.samples[to * hop..][..hop].copy_from_slice(&samples);
            self.controls.mics[to] = controls;
            match index.checked_sub(self.tracks.len()) {
                None => {
                    self.tracks[index].mic = to;
                    self.update_due(index);
                }
                Some(absent) => self.absent[absent].mics = to..to + 1,
            }
        }
    }
}
