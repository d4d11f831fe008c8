//! One member as a worker sees it: which of its samples belong to a place.

use std::collections::VecDeque;
use std::ops::Range;

use engine::{Inlet, Removal};

use crate::ring::{Reader, Run, SHAPE};
use crate::stamp::{Line, Place};
use crate::stream::{Second, SecondSide};

/// Largest count and place: 190,000 years at 192 kHz.
const MAX_COUNT: i64 = 1 << 60;
/// Largest number of runs that are kept, as many as there are in the table.
const MAX_RUNS: usize = 1024;

/// Identity of a member among all members of the user.
pub(crate) type MemberId = u128;

/// A stretch of samples that a host states the place of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    /// Offset of the first sample in its hop.
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) place: Option<Place>,
}

/// Samples of a track that belong to a piece of a hop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cover {
    /// Offset of the first sample in the hop.
    pub(crate) offset: usize,
    pub(crate) length: usize,
    /// The track's count of the first sample.
    pub(crate) count: i64,
    pub(crate) run: Run,
}

impl Cover {
    /// Returns the place of the first sample on the host's timeline.
    pub(crate) fn on_timeline(&self) -> Option<i64> {
        let place = self.run.place.filter(|place| place.line == Line::Timeline)?;
        Some(place.plus(self.count - self.run.start).sample)
    }
}

/// A stretch of a local track's samples whose removed signal is due with a hop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) count: i64,
    pub(crate) length: usize,
    /// Offset of the first sample in the hop; `None` if nothing is removed.
    pub(crate) offset: Option<usize>,
    pub(crate) epoch: u32,
    /// True if the removed signal has risen from zero by itself before the first sample.
    pub(crate) rises: bool,
    /// First of the worker's mics with the removed signal.
    pub(crate) mic: usize,
    /// Removed signal of the second side.
    pub(crate) second: Second,
}

/// The output of a member of this process.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) inlet: Inlet,
    /// Samples that other tracks may be behind this one.
    pub(crate) tolerance: i64,
}

impl Local {
    /// Sends the removed signal of a part of a hop, whose mics' removed signals are `hop`. If the
    /// outlet has returned no removal, the part is late there.
    pub(crate) fn send(&mut self, part: &Part, hop: &[&[f32]]) {
        let Some(mut removal) = self.inlet.take() else {
            return;
        };
        let Removal { start, length, epoch, is_dry, rises, samples } = &mut removal;
        (*start, *length, *epoch) = (part.count, part.length, u64::from(part.epoch));
        (*is_dry, *rises) = (part.offset.is_none(), part.rises);
        if let (Some(offset), Some(mic)) = (part.offset, hop.first()) {
            for (to, from) in samples.chunks_exact_mut(mic.len()).zip(hop) {
                to[..part.length].copy_from_slice(&from[offset..offset + part.length]);
            }
        }
        self.inlet.send(removal);
    }
}

/// A member's samples and runs, as far as they are still of use.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: MemberId,
    /// Identity of the instance, which outlasts its membership; 0 for none.
    pub(crate) identity: u128,
    pub(crate) reader: Reader,
    /// First of the worker's mics that this member has.
    pub(crate) mic: usize,
    /// Number of its mics: one as long as its sides do not differ.
    pub(crate) width: usize,
    /// State of its second side.
    pub(crate) side: SecondSide,
    /// Output, for a member of this process.
    pub(crate) local: Option<Local>,
    /// Runs from the one with the sample `next` on.
    runs: VecDeque<Run>,
    next_run: u64,
    pub(crate) written: i64,
    /// Samples before this count are over.
    pub(crate) next: i64,
    /// Number of resets before the sample at `next`, once a hop had samples of this track.
    pub(crate) epoch: Option<u32>,
    /// The same when this track was lost.
    pub(crate) lost_epoch: Option<u32>,
    /// Number of resets before the leader's last one, until this track follows or goes on.
    old_epoch: Option<u32>,
    /// True if hops wait for this track.
    pub(crate) is_awaited: bool,
    /// Delay of its audio after that of the others in seconds, if it is more than a room explains:
    /// the method hears silence then, and nothing is removed.
    pub(crate) misaligned_s: Option<f32>,
    /// True if the next hop lacks samples of this track.
    pub(crate) is_missing: bool,
    /// True if kept samples stood in for this track in the last hop.
    pub(crate) is_kept: bool,
    /// Place on the timeline from which this track was rendered without any other, real or kept,
    /// since it last played together with one.
    pub(crate) alone_from: Option<i64>,
    /// True if the samples before `next` were passed over.
    is_passed: bool,
    /// `written` when the last hop went on without this track.
    lost_at: i64,
    /// The leader with its last new count of samples, and `written` at that time.
    leader_at: (Option<(MemberId, i64)>, i64),
}

impl Track {
    pub(crate) fn new(
        id: MemberId,
        reader: Reader,
        mics: Range<usize>,
        local: Option<Local>,
    ) -> Self {
        // A member that plays already is heard from now on.
        let next = if local.is_some() { 0 } else { reader.written().min(MAX_COUNT) };
        Self {
            id,
            identity: 0,
            reader,
            mic: mics.start,
            width: mics.len(),
            side: SecondSide::default(),
            local,
            runs: VecDeque::new(),
            next_run: 0,
            written: next,
            next,
            epoch: None,
            lost_epoch: None,
            old_epoch: None,
            is_awaited: true,
            misaligned_s: None,
            is_missing: false,
            is_kept: false,
            alone_from: None,
            is_passed: false,
            lost_at: 0,
            leader_at: (None, next),
        }
    }

    /// Returns the track as that of the instance with this identity.
    pub(crate) fn of(self, identity: u128) -> Self {
        Self { identity, ..self }
    }

    /// Returns true if the track is local and has so many samples that the removed signal of the
    /// next ones is due.
    pub(crate) fn waits(&self, hop: i64) -> bool {
        let tolerance = self.local.as_ref().map(|local| local.tolerance);
        tolerance.is_some_and(|tolerance| self.written - self.next >= tolerance + hop)
    }

    /// Returns true if the track is local and its next sample is rendered.
    pub(crate) fn renders(&self) -> bool {
        self.local.is_some() && self.run_at(self.next).is_some_and(|run| run.is_offline)
    }

    pub(crate) fn mics(&self) -> Range<usize> {
        self.mic..self.mic + self.width
    }

    /// Returns the number of sides of the track: mics of their own, if they differ.
    pub(crate) fn num_sides(&self) -> usize {
        self.reader.about().num_mics
    }

    /// Reads the member's new counts and runs.
    pub(crate) fn refresh(&mut self) {
        // First: the runs read next include those of all these samples.
        self.written = self.reader.written().clamp(self.written, MAX_COUNT);
        let num_runs = self.reader.num_runs();
        self.next_run = self.next_run.max(self.reader.oldest_run(num_runs));
        while self.next_run < num_runs {
            if let Some(run) = self.reader.run(self.next_run).map(within_limits) {
                // Counts never go back; those of a foreign writer may.
                if self.runs.back().is_none_or(|last| last.start < run.start) {
                    self.runs.push_back(run);
                }
            }
            self.next_run += 1;
        }
        self.follow_reset();
        if self.local.is_none() {
            // No worker passes over samples of others that no hop had; these are overwritten.
            let capacity = SHAPE.samples / self.reader.about().num_mics;
            self.next = self.next.max(self.written - to_i64(capacity));
        }
        while self.runs.len() > MAX_RUNS
            || self.runs.get(1).is_some_and(|second| second.start <= self.next)
        {
            self.runs.pop_front();
        }
    }

    /// Returns every run with the count after its last sample.
    fn stretches(&self) -> impl Iterator<Item = (Run, i64)> + '_ {
        self.runs.iter().enumerate().map(|(index, run)| {
            let end = self.runs.get(index + 1).map_or(self.written, |next| next.start);
            (*run, end.min(self.written))
        })
    }

    /// Returns the first sample at or after `from` that has a place, and its run.
    pub(crate) fn first_placed(&self, from: i64) -> Option<(i64, Run)> {
        self.stretches()
            .find(|(run, end)| run.place.is_some() && *end > from.max(run.start))
            .map(|(run, _)| (run.start.max(from), run))
    }

    /// Returns the run of the sample at `count`.
    pub(crate) fn run_at(&self, count: i64) -> Option<Run> {
        let mut stretches = self.stretches();
        stretches.find(|(run, end)| (run.start..*end).contains(&count)).map(|(run, _)| run)
    }

    /// Returns the place of a sample, if it is there and has one.
    pub(crate) fn place_of(&self, count: i64) -> Option<Place> {
        let run = self.run_at(count)?;
        Some(run.place?.plus(count - run.start))
    }

    /// Returns true if there is a jump or a reset after the sample at `count`.
    pub(crate) fn jumps_after(&self, count: i64) -> bool {
        let pairs = self.runs.iter().zip(self.runs.iter().skip(1));
        let jumps = |(run, next): (&Run, &Run)| {
            let goes_on = run.place.map(|place| place.plus(next.start - run.start));
            next.start > count && (next.epoch != run.epoch || next.place != goes_on)
        };
        pairs.into_iter().any(jumps)
    }

    /// Returns the place after the newest sample.
    pub(crate) fn end_place(&self) -> Option<Place> {
        let run = self.runs.back()?;
        Some(run.place?.plus(self.written - run.start))
    }

    /// Returns the pieces of this track's own samples from `count` on, one hop long, or the count
    /// of a sample that follows a reset. The hop's first `lead_in` samples lie before the first
    /// sample.
    pub(crate) fn pieces(
        &self,
        count: i64,
        hop: i64,
        lead_in: i64,
        pieces: &mut Vec<(Piece, Cover)>,
    ) -> Option<i64> {
        pieces.clear();
        let epoch = self.epoch.or_else(|| Some(self.run_at(count + lead_in)?.epoch));
        let mut at = count + lead_in;
        for (run, end) in self.stretches() {
            let end = end.min(count + hop);
            if end <= at || run.start > at {
                continue;
            }
            if Some(run.epoch) != epoch {
                return Some(at);
            }
            let is_first = at == count + lead_in;
            let from = if is_first { count } else { at };
            let place = run.place.map(|place| place.plus(from - run.start));
            let piece =
                Piece { offset: to_usize(from - count), length: to_usize(end - from), place };
            let cover =
                Cover { offset: to_usize(at - count), length: to_usize(end - at), count: at, run };
            pieces.push((piece, cover));
            at = end;
        }
        None
    }

    /// Returns the track's samples for pieces of another track, in the order of the pieces, and
    /// true if none is missing at the end.
    pub(crate) fn covers(&self, pieces: &[(Piece, Cover)], covers: &mut Vec<Cover>) -> bool {
        covers.clear();
        let mut from = self.next;
        let mut is_whole = false;
        for (piece, leader) in pieces {
            let Some(place) = piece.place else {
                is_whole = true;
                continue;
            };
            let mut done = 0;
            while done < piece.length {
                let left = piece.length - done;
                let Some((skipped, count, length, run)) =
                    self.find(place.plus(to_i64(done)), left, from)
                else {
                    break;
                };
                if self.strays(&run, &leader.run) {
                    break;
                }
                let offset = piece.offset + done + skipped;
                covers.push(Cover { offset, length, count, run });
                from = count + to_i64(length);
                done += skipped + length;
            }
            is_whole = done == piece.length;
        }
        is_whole
    }

    /// Returns true if this track was reset at a jump that the leader has not made, so that the
    /// leader is likely to follow.
    fn strays(&self, run: &Run, leader: &Run) -> bool {
        let is_reset = self.epoch.is_some_and(|epoch| epoch != run.epoch);
        if !self.is_awaited || !is_reset || run.place == leader.place {
            return false;
        }
        let last = self.stretches().take_while(|(earlier, _)| earlier.start < run.start).last();
        let end = last.and_then(|(last, end)| Some(last.place?.plus(end - last.start)));
        end != run.place
    }

    /// Returns the first stretch of samples, at or after the count `from`, whose places lie within
    /// `length` samples from `place` on: the samples before it, its count, length and run.
    fn find(&self, place: Place, length: usize, from: i64) -> Option<(usize, i64, usize, Run)> {
        self.stretches().find_map(|(run, end)| {
            let start = run.start.max(from);
            // Place of the first sample, relative to `place`.
            let relative = run.place?.plus(start - run.start).since(place)?;
            let skipped = relative.max(0);
            let begin = start.checked_add(skipped - relative)?;
            let most = to_i64(length) - skipped;
            let found = most.min(end.checked_sub(begin)?);
            (found > 0).then(|| (to_usize(skipped), begin, to_usize(found), run))
        })
    }

    /// Notes that the leader was reset: a host is likely to reset this track too.
    pub(crate) fn expect_reset(&mut self) {
        let known = self.epoch.or(self.lost_epoch);
        self.old_epoch = known.or_else(|| Some(self.run_at(self.next)?.epoch));
    }

    /// Leaves out the samples before this track's reset, if it followed that of the leader.
    fn follow_reset(&mut self) {
        let Some(old) = self.old_epoch else { return };
        let reset = self.stretches().find(|(run, end)| run.epoch != old && *end > self.next);
        if let Some((run, _)) = reset {
            self.next = self.next.max(run.start);
            self.old_epoch = None;
        }
    }

    /// Returns true if the leader was reset and this track was not.
    pub(crate) fn is_before_reset(&self) -> bool {
        self.old_epoch.is_some()
    }

    /// Notes the last samples of a hop.
    pub(crate) fn go_on_after(&mut self, last: &Cover) {
        self.next = last.count + to_i64(last.length);
        self.is_passed = false;
        self.epoch = Some(last.run.epoch);
        (self.lost_epoch, self.old_epoch) = (None, None);
    }

    /// Notes the leader's number and count of samples.
    pub(crate) fn note_leader(&mut self, leader: Option<(MemberId, i64)>) {
        if self.leader_at.0 != leader {
            self.leader_at = (leader, self.written);
        }
    }

    /// Returns true if this track does not wait for the leader: if its next sample has no place, or
    /// lies neither at `end`, where a leader with hops goes on, nor up to `reach` samples later. A
    /// leader without new samples in `patience` samples of this track does not go on.
    pub(crate) fn is_elsewhere(&self, end: Option<Place>, reach: i64, patience: i64) -> bool {
        let next = self.place_of(self.next);
        let (Some(next), (Some(_), _)) = (next, self.leader_at) else { return next.is_none() };
        let Some(end) = end else { return false };
        let is_ahead = next.since(end).is_some_and(|ahead| (0..=reach).contains(&ahead));
        !is_ahead && !self.outwaits(patience)
    }

    /// Returns true if the leader had no new samples in `patience` samples of this track.
    pub(crate) fn outwaits(&self, patience: i64) -> bool {
        self.written - self.leader_at.1 >= patience
    }

    /// Passes over samples, all of one epoch and at most `length`. Returns them as a dry part.
    pub(crate) fn pass_over(&mut self, length: i64) -> Option<Part> {
        let run = self.run_at(self.next)?;
        let is_later = |other: &&Run| other.start > self.next && other.epoch != run.epoch;
        let other = self.runs.iter().find(is_later);
        let most = other.map_or(length, |other| length.min(other.start - self.next));
        let part = Part {
            count: self.next,
            length: to_usize(most),
            offset: None,
            epoch: run.epoch,
            rises: false,
            mic: self.mic,
            second: Second::Own,
        };
        self.next += most;
        self.is_passed = true;
        Some(part)
    }

    /// Returns true if all samples before `end` were passed over, and the next one lies at most
    /// `reach` later: this track is ahead, and hops up to there are complete without it.
    pub(crate) fn is_past(&self, end: Option<Place>, reach: i64) -> bool {
        let Some(run) = self.run_at(self.next).filter(|_| self.is_passed) else { return false };
        let is_newest = self.runs.back().is_some_and(|newest| newest.start == run.start);
        let ahead = || self.place_of(self.next)?.since(end?);
        is_newest && ahead().is_some_and(|ahead| (0..=reach).contains(&ahead))
    }

    /// Ends the wait for this track.
    pub(crate) fn lose(&mut self) {
        self.is_awaited = false;
        self.lost_at = self.written;
    }

    /// Lets hops wait for a lost track that has caught up: its newest sample lies at most
    /// `tolerance` samples before `end`.
    pub(crate) fn look_for(&mut self, end: Option<Place>, tolerance: i64) {
        if self.is_awaited || self.written == self.lost_at {
            return;
        }
        let behind = end.and_then(|end| end.since(self.end_place()?));
        self.is_awaited = behind.is_some_and(|behind| behind <= tolerance);
    }
}

/// Limits a run that another program may have written, so that no sum of two numbers overflows.
fn within_limits(run: Run) -> Run {
    let place =
        run.place.map(|place| Place { sample: place.sample.clamp(-MAX_COUNT, MAX_COUNT), ..place });
    Run { start: run.start.clamp(0, MAX_COUNT), place, ..run }
}

pub(crate) fn to_i64(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

/// Converts a number of samples; negative ones become 0.
pub(crate) fn to_usize(samples: i64) -> usize {
    usize::try_from(samples).unwrap_or(0)
}
