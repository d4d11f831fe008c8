//! Keeps the sound of all tracks, and lets it stand in for those without samples.

use std::ops::Range;

use super::sides::{Who, Widening, differ};
use super::{Stream, set_mics};
use crate::kept::Shelf;
use crate::ring::MAX_MEMBER_MICS;
use crate::stamp::{Line, Place};
use crate::track::{Cover, MemberId, Track, to_i64};

/// The mics of an instance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owner {
    /// Identity of the instance; 0 for none.
    pub(crate) identity: u128,
    pub(crate) mics: Range<usize>,
    /// Number of sides of its track.
    pub(crate) num_sides: usize,
}

impl Owner {
    pub(crate) fn of(track: &Track) -> Self {
        Self { identity: track.identity, mics: track.mics(), num_sides: track.num_sides() }
    }
}

impl Stream {
    /// Keeps sound on `shelf` from now on, or none.
    pub(crate) fn keep_on(&mut self, shelf: Option<Shelf>) {
        self.shelf = shelf;
        if self.shelf.is_none() {
            self.absent.clear();
        }
    }

    /// Updates the identities of all tracks.
    pub(crate) fn identify(&mut self, identity: impl Fn(MemberId) -> u128) {
        self.tracks.iter_mut().for_each(|track| track.identity = identity(track.id));
    }

    /// Returns the owners of all mics, those that are not linked at the moment included.
    pub(crate) fn owners(&self) -> Vec<Owner> {
        let linked = self.tracks.iter().map(Owner::of);
        linked.chain(self.absent.iter().cloned()).collect()
    }

    /// Returns the mics for a new track: those that its instance had before, or a free one, or else
    /// one of an instance that is not linked.
    pub(crate) fn mics_for(&self, identity: u128, num_sides: usize) -> Option<Range<usize>> {
        let its = |owner: &&Owner| owner.identity == identity && owner.num_sides == num_sides;
        let before = self.absent.iter().find(its).map(|owner| owner.mics.clone());
        let free = |with_absent| self.free_mic(num_sides, with_absent).map(|mic| mic..mic + 1);
        before.or_else(|| free(true)).or_else(|| free(false))
    }

    /// Forgets the instances that had the mics of a new track, and its own earlier ones.
    pub(super) fn make_room(&mut self, track: &Track) {
        let is_its = |owner: &Owner| track.identity != 0 && owner.identity == track.identity;
        self.absent.retain(|owner| !is_its(owner) && !do_overlap(&owner.mics, &track.mics()));
    }

    /// Leaves the mics of a track that goes to its instance, which may come back.
    pub(super) fn keep_mics_of(&mut self, track: &Track) {
        if self.shelf.is_some() && track.identity != 0 {
            self.absent.push(Owner::of(track));
        }
    }

    /// Updates the instances that have mics without being linked: those in this process whose
    /// sound is kept. Returns true if they have changed.
    pub(crate) fn call_absent(&mut self) -> bool {
        let Some(shelf) = &self.shelf else { return false };
        let kept = shelf.lock().kept_here(shelf.key());
        let before = self.absent.clone();
        let linked: Vec<u128> = self.tracks.iter().map(|track| track.identity).collect();
        self.absent.retain(|Owner { identity, num_sides, .. }| {
            !linked.contains(identity) && kept.contains(&(*identity, *num_sides))
        });
        for (identity, num_sides) in kept {
            let is_there = |owner: &Owner| owner.identity == identity;
            if linked.contains(&identity) || self.absent.iter().any(is_there) {
                continue;
            }
            if let Some(mic) = self.free_mic(num_sides, true) {
                self.absent.push(Owner { identity, mics: mic..mic + 1, num_sides });
            }
        }
        self.absent != before
    }

    /// While a host renders, fills the mics of members without samples with those of their last
    /// playback. Returns the second sides that need mics of their own.
    pub(super) fn play_absent(&mut self) -> Vec<Widening> {
        self.is_kept = false;
        self.tracks.iter_mut().for_each(|track| track.is_kept = false);
        let is_silent =
            |(track, covers): (&Track, &Vec<Cover>)| track.identity != 0 && covers.is_empty();
        let lacks_sound =
            !self.absent.is_empty() || self.tracks.iter().zip(&self.covers).any(is_silent);
        if self.is_offline && lacks_sound { self.play_kept() } else { Vec::new() }
    }

    /// Records the samples of all tracks in the hop.
    pub(super) fn keep(&mut self) {
        let num_heard = self.covers.iter().filter(|covers| !covers.is_empty()).count();
        // The places of a track that is rendered alone may differ from those of the playback.
        if num_heard > 1 || !self.is_kept {
            self.record();
        }
    }

    /// Fills the mics of members without samples with those of their last playback. Returns the
    /// second sides that need mics of their own.
    fn play_kept(&mut self) -> Vec<Widening> {
        self.find_shift();
        let Some(shelf) = self.shelf.clone() else { return Vec::new() };
        let shift = self.shift.unwrap_or(0);
        let store = shelf.lock();
        let silent = self.tracks.iter().zip(&self.covers).enumerate();
        let silent = silent.filter(|(_, (track, covers))| track.identity != 0 && covers.is_empty());
        let silent = silent.map(|(index, (track, _))| (Who::Linked(index), Owner::of(track)));
        let absent = self.absent.iter().map(|owner| (Who::Absent(owner.identity), owner.clone()));
        let all: Vec<(Who, Owner)> = silent.chain(absent).collect();
        let mut widenings = Vec::new();
        for (who, Owner { identity, mics, num_sides }) in all {
            let mut sides = vec![0.0; num_sides * self.hop];
            self.found.clear();
            for (piece, leader) in &self.pieces {
                let Some(place) = piece.place else { continue };
                let place = place.plus(to_i64(leader.offset) - to_i64(piece.offset) + shift);
                let Place { line: Line::Timeline, sample } = place else { continue };
                let piece = leader.offset..leader.offset + leader.length;
                let sides = sides.chunks_exact_mut(self.hop).map(|side| &mut side[piece.clone()]);
                let mut sides: Vec<&mut [f32]> = sides.collect();
                store.play(shelf.key(), identity, sample, &mut sides, &mut self.found);
            }
            let Some(first) = self.found.first() else { continue };
            let settings = first.settings;
            set_mics(&mut self.controls, &mics, num_sides, &settings);
            self.is_kept = true;
            if let Who::Linked(index) = who {
                self.tracks[index].is_kept = true;
            }
            let (here, second) = sides.split_at(mics.len() * self.hop);
            self.samples[mics.start * self.hop..mics.end * self.hop].copy_from_slice(here);
            if !second.is_empty() && differ(here, second) {
                widenings.push(Widening { of: who, samples: second.to_vec(), settings });
            }
        }
        widenings
    }

    /// Finds how far the places that a host states for a rendered track lie after those of the last
    /// playback, from the leader's own sound. Ardour states the places of a playback earlier by the
    /// plugin's latency, and those of a bounce as they are.
    fn find_shift(&mut self) {
        let leader = self.tracks.iter().zip(&self.covers);
        let leader = leader.filter(|(track, _)| Some(track.id) == self.leader).last();
        let (Some(shelf), Some((track, covers))) = (&self.shelf, leader) else { return };
        let Some(cover) = covers.first().filter(|_| self.shift.is_none()) else { return };
        let Some(sample) = cover.on_timeline() else { return };
        let samples = &self.samples[track.mic * self.hop + cover.offset..][..cover.length];
        self.shift = shelf.lock().shift(shelf.key(), track.identity, sample, samples);
    }

    fn record(&self) {
        let Some(shelf) = &self.shelf else { return };
        let key = shelf.key();
        let mut store = shelf.lock();
        let mut given_up = Vec::new();
        for (track, covers) in self.tracks.iter().zip(&self.covers) {
            if track.identity == 0 || track.misaligned_s.is_some() {
                continue;
            }
            for cover in covers {
                let Some(sample) = cover.on_timeline() else { continue };
                let sides: [&[f32]; MAX_MEMBER_MICS] =
                    self.sides_of(track).map(|side| &side[cover.offset..][..cover.length]);
                let mics = &sides[..track.num_sides()];
                let settings = cover.run.settings;
                given_up.extend(store.record(key, track.identity, sample, mics, settings));
            }
        }
        drop(store);
        // Freed without the lock.
        drop(given_up);
    }

    /// Notes whether the only track with samples in the hop is rendered without its neighbours.
    pub(super) fn note_lone_track(&mut self) {
        let hop = self.hop;
        let num_owners = self.tracks.len() + self.absent.len();
        let num_heard = self.covers.iter().filter(|covers| !covers.is_empty()).count();
        for (track, covers) in self.tracks.iter_mut().zip(&self.covers) {
            let Some(first) = covers.first() else { continue };
            if num_heard > 1 {
                track.alone_from = None;
                continue;
            }
            let Some(sample) = first.on_timeline() else { continue };
            let samples = &self.samples[track.mics().start * hop..track.mics().end * hop];
            if self.is_offline
                && !self.is_kept
                && num_owners > 1
                && track.alone_from.is_none()
                && samples.iter().any(|&sample| sample != 0.0)
            {
                track.alone_from = Some(sample);
            }
        }
    }
}

pub(super) fn do_overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}
