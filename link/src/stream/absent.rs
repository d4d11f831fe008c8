//! Keeps the sound of all tracks, and lets it stand in for those without samples.

use std::ops::Range;

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
        let linked = self.tracks.iter();
        let linked = linked.map(|track| Owner { identity: track.identity, mics: track.mics() });
        linked.chain(self.absent.iter().cloned()).collect()
    }

    /// Returns the first of `count` mics in a row for a new track: those that its instance had
    /// before, or free ones, or else those of instances that are not linked.
    pub(crate) fn mics_for(&self, identity: u128, count: usize) -> Option<usize> {
        let its = |owner: &&Owner| owner.identity == identity && owner.mics.len() == count;
        let before = self.absent.iter().find(its).map(|owner| owner.mics.start);
        before.or_else(|| self.free_mics(count)).or_else(|| self.unlinked_mics(count))
    }

    /// Returns the first of `count` mics in a row that nobody has.
    pub(crate) fn free_mics(&self, count: usize) -> Option<usize> {
        let is_free =
            |mics: &Range<usize>| !self.absent.iter().any(|owner| do_overlap(&owner.mics, mics));
        self.first_mics(count, is_free)
    }

    /// Returns the first of `count` mics in a row that no track has.
    fn unlinked_mics(&self, count: usize) -> Option<usize> {
        self.first_mics(count, |_| true)
    }

    fn first_mics(&self, count: usize, may_be: impl Fn(&Range<usize>) -> bool) -> Option<usize> {
        (0..(self.num_mics + 1).saturating_sub(count)).find(|&first| {
            let mics = first..first + count;
            !self.tracks.iter().any(|track| do_overlap(&track.mics(), &mics)) && may_be(&mics)
        })
    }

    /// Forgets the instances that had the mics of a new track, and its own earlier ones.
    pub(super) fn make_room(&mut self, track: &Track) {
        let is_its = |owner: &Owner| track.identity != 0 && owner.identity == track.identity;
        self.absent.retain(|owner| !is_its(owner) && !do_overlap(&owner.mics, &track.mics()));
    }

    /// Leaves the mics of a track that goes to its instance, which may come back.
    pub(super) fn keep_mics_of(&mut self, track: &Track) {
        if self.shelf.is_some() && track.identity != 0 {
            self.absent.push(Owner { identity: track.identity, mics: track.mics() });
        }
    }

    /// Updates the instances that have mics without being linked: those in this process whose
    /// sound is kept. Returns true if they have changed.
    pub(crate) fn call_absent(&mut self) -> bool {
        let Some(shelf) = &self.shelf else { return false };
        let kept = shelf.lock().kept_here(shelf.key());
        let before = self.absent.clone();
        let linked: Vec<u128> = self.tracks.iter().map(|track| track.identity).collect();
        self.absent.retain(|Owner { identity, mics }| {
            !linked.contains(identity) && kept.contains(&(*identity, mics.len()))
        });
        for (identity, count) in kept {
            let is_there = |owner: &Owner| owner.identity == identity;
            if linked.contains(&identity) || self.absent.iter().any(is_there) {
                continue;
            }
            if let Some(first) = self.free_mics(count) {
                self.absent.push(Owner { identity, mics: first..first + count });
            }
        }
        self.absent != before
    }

    /// Records the samples of all tracks in the hop. While a host renders, fills the mics of
    /// members without samples with those of their last playback.
    pub(super) fn keep(&mut self) {
        self.is_kept = false;
        self.tracks.iter_mut().for_each(|track| track.is_kept = false);
        let is_silent =
            |(track, covers): (&Track, &Vec<Cover>)| track.identity != 0 && covers.is_empty();
        let lacks_sound =
            !self.absent.is_empty() || self.tracks.iter().zip(&self.covers).any(is_silent);
        if self.is_offline && lacks_sound {
            self.play_kept();
        }
        let num_heard = self.covers.iter().filter(|covers| !covers.is_empty()).count();
        // The places of a track that is rendered alone may differ from those of the playback.
        if num_heard > 1 || !self.is_kept {
            self.record();
        }
    }

    /// Fills the mics of members without samples with those of their last playback.
    fn play_kept(&mut self) {
        self.find_shift();
        let Some(shelf) = &self.shelf else { return };
        let (hop, key, shift) = (self.hop, shelf.key(), self.shift.unwrap_or(0));
        let store = shelf.lock();
        let silent = self.tracks.iter_mut().zip(&self.covers);
        let silent = silent.filter(|(track, covers)| track.identity != 0 && covers.is_empty());
        let silent = silent.map(|(track, _)| {
            (Owner { identity: track.identity, mics: track.mics() }, Some(&mut track.is_kept))
        });
        let absent = self.absent.iter().map(|owner| (owner.clone(), None));
        for (Owner { identity, mics }, is_kept) in silent.chain(absent) {
            self.found.clear();
            for (piece, leader) in &self.pieces {
                let Some(place) = piece.place else { continue };
                let place = place.plus(to_i64(leader.offset) - to_i64(piece.offset) + shift);
                let Place { line: Line::Timeline, sample } = place else { continue };
                let sides = self.samples[mics.start * hop..mics.end * hop].chunks_exact_mut(hop);
                let mut sides: Vec<&mut [f32]> = sides
                    .map(|side| &mut side[leader.offset..leader.offset + leader.length])
                    .collect();
                store.play(key, identity, sample, &mut sides, &mut self.found);
            }
            if let Some(first) = self.found.first() {
                set_mics(&mut self.controls, &mics, &first.settings);
                self.is_kept = true;
                is_kept.into_iter().for_each(|is_kept| *is_kept = true);
            }
        }
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

    fn record(&mut self) {
        let Some(shelf) = &self.shelf else { return };
        let (hop, key) = (self.hop, shelf.key());
        let mut store = shelf.lock();
        let mut given_up = Vec::new();
        for (track, covers) in self.tracks.iter().zip(&self.covers) {
            if track.identity == 0 || track.misaligned_s.is_some() {
                continue;
            }
            for cover in covers {
                let Some(sample) = cover.on_timeline() else { continue };
                let mut mics: [&[f32]; MAX_MEMBER_MICS] = Default::default();
                for (slot, mic) in mics.iter_mut().zip(track.mics()) {
                    *slot = &self.samples[mic * hop + cover.offset..][..cover.length];
                }
                let mics = &mics[..track.mics().len()];
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

fn do_overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}
