//! The samples of all members, hop by hop: which belong together, and when a hop is complete.
//!
//! One local member *leads*: the stream follows its samples in their order, including its jumps.
//! The samples of the others are found by their place. A hop is complete when every awaited track
//! has delivered it, or when a local track is ahead of it by its tolerance. Nothing depends on the
//! time or on the order in which a host calls its plugins.
//!
//! Hops begin at multiples of their length on the line of the places, from a reset on. A jump
//! without a reset continues the hops.

mod absent;
mod aligned;
mod places;
mod sides;

use std::collections::VecDeque;
use std::ops::Range;

use engine::{Controls, GroupId, HopRunner};

use crate::align::Watcher;
use crate::kept::{Found, Shelf};
use crate::stamp::{MicSettings, Place};
use crate::track::{Cover, MemberId, Part, Piece, Track, to_i64};

pub(crate) use absent::Owner;
pub(crate) use sides::{Second, SecondSide};
use sides::{Who, Widening};

/// Groups of the two sides of stereo tracks begin here; the groups that engineers choose lie below.
const SIDES: u8 = 128;
/// Hops of a track in real time after which it no longer waits for one that is rendered.
const RENDER_HOPS: i64 = 100;

/// State after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A hop was processed.
    Done,
    /// The next hop is complete, and a host renders it. The controls may be changed before the next
    /// step processes it.
    Gathered,
    /// The same, rendered or not: tracks have other mics in it, or more.
    Moved,
    /// No hop is complete.
    Idle,
}

/// Joins the members' samples, runs the method, and sends each local member its removed signal.
#[derive(Debug)]
pub(crate) struct Stream {
    runner: HopRunner,
    hop: usize,
    /// Hops from the input to the removed signal.
    lag: i64,
    tracks: Vec<Track>,
    leader: Option<MemberId>,
    /// True if the leader is rendered.
    renders: bool,
    /// Count of the leader's sample at the start of the next hop.
    at: i64,
    /// Samples of the next hop that lie before the leader's first one.
    lead_in: i64,
    /// Place after the last hop.
    end: Option<Place>,
    /// Number of the next hop since the last reset.
    index: i64,
    epoch: u64,
    /// Parts whose removed signal is not there yet, by the number of their hop.
    due: VecDeque<(i64, Vec<(MemberId, Part)>)>,
    /// True if a host renders the last hop.
    is_offline: bool,
    /// Samples of a hop, `[mic, hop]`.
    samples: Vec<f32>,
    /// A hop of zeros.
    silence: Vec<f32>,
    /// The removed signal of a second side that begins, `[hop]`.
    begun: Vec<f32>,
    /// True if the samples of the next hop are gathered.
    is_gathered: bool,
    controls: Controls,
    num_mics: usize,
    /// Finds misaligned tracks.
    watcher: Option<Watcher>,
    /// The sound that stands in for members without samples, if it is kept.
    shelf: Option<Shelf>,
    /// Instances with mics that are not linked at the moment.
    absent: Vec<Owner>,
    found: Vec<Found>,
    /// True if kept sound stood in for a member in the last hop.
    is_kept: bool,
    /// Samples from a place that the host states for a rendered track to the same sound of the last
    /// playback; `None` as long as it is not known.
    shift: Option<i64>,
    pieces: Vec<(Piece, Cover)>,
    covers: Vec<Vec<Cover>>,
}

impl Stream {
    /// Begins a stream of `num_mics` mics. `runner` has as many.
    pub(crate) fn new(runner: HopRunner, num_mics: usize) -> Self {
        let hop = runner.hop_samples();
        Self {
            lag: to_i64(runner.latency_samples() / hop),
            runner,
            hop,
            tracks: Vec::new(),
            leader: None,
            renders: false,
            at: 0,
            lead_in: 0,
            end: None,
            index: 0,
            epoch: 0,
            due: VecDeque::new(),
            is_offline: false,
            samples: vec![0.0; num_mics * hop],
            silence: vec![0.0; hop],
            begun: vec![0.0; hop],
            is_gathered: false,
            controls: Controls::default(),
            num_mics,
            watcher: None,
            shelf: None,
            absent: Vec::new(),
            found: Vec::new(),
            is_kept: false,
            shift: None,
            pieces: Vec::new(),
            covers: Vec::new(),
        }
    }

    pub(crate) fn runner(&mut self) -> &mut HopRunner {
        &mut self.runner
    }

    /// Returns true if a host renders the last hop and may wait for the next one.
    pub(crate) fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// Returns the place after the last hop.
    pub(crate) fn end(&self) -> Option<Place> {
        self.end
    }

    pub(crate) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Returns the tracks, and the controls from the next hop on.
    pub(crate) fn tracks_and_controls(&mut self) -> (&[Track], &mut Controls) {
        (&self.tracks, &mut self.controls)
    }

    /// Adds a track on mics from [`Self::mics_for`].
    pub(crate) fn add(&mut self, track: Track) {
        self.make_room(&track);
        self.tracks.push(track);
        self.covers.push(Vec::new());
    }

    pub(crate) fn remove(&mut self, id: MemberId) {
        if let Some(index) = self.tracks.iter().position(|track| track.id == id) {
            let track = self.tracks.remove(index);
            self.covers.remove(index);
            self.keep_mics_of(&track);
        }
        if self.leader == Some(id) {
            self.leader = None;
        }
        for (_, parts) in &mut self.due {
            parts.retain(|(owner, _)| *owner != id);
        }
    }

    /// Processes the next hop if it is complete.
    pub(crate) fn step(&mut self) -> Step {
        if std::mem::take(&mut self.is_gathered) {
            self.process();
            return Step::Done;
        }
        self.tracks.iter_mut().for_each(Track::refresh);
        self.pass_by();
        let Some(leader) = self.leading() else { return Step::Idle };
        let hop = to_i64(self.hop);
        let mut pieces = std::mem::take(&mut self.pieces);
        let reset = self.tracks[leader].pieces(self.at, hop, self.lead_in, &mut pieces);
        self.pieces = pieces;
        if let Some(count) = reset {
            self.jump_to(leader, count);
            return self.step();
        }
        if !self.is_complete(leader) {
            return Step::Idle;
        }
        let has_moved = self.gather();
        self.is_gathered = has_moved || self.is_offline;
        if self.is_gathered {
            return if has_moved { Step::Moved } else { Step::Gathered };
        }
        self.process();
        Step::Done
    }

    /// Returns the index of the track that leads the next hop: the present leader, or another one
    /// if that has no more samples and a local track waits.
    fn leading(&mut self) -> Option<usize> {
        let hop = to_i64(self.hop);
        let index_of = |id| self.tracks.iter().position(|track| track.id == id);
        let is_rendered = self.tracks.iter().any(|track| track.waits(hop) && track.renders());
        if let Some(leader) = self.leader.and_then(index_of) {
            let track = &self.tracks[leader];
            let first = track.run_at(self.at + self.lead_in);
            let has_place = first.is_none_or(|run| run.place.is_some());
            self.renders = first.map_or(self.renders, |run| run.is_offline);
            if self.renders || !is_rendered {
                if has_place && track.written >= self.at + hop {
                    return Some(leader);
                }
                if has_place && !self.tracks.iter().any(|track| self.is_held_up(track)) {
                    return None;
                }
            }
            self.tracks[leader].lose();
            self.leader = None;
        }
        self.elect(is_rendered)
    }

    /// Returns true if a leader without samples for the next hop holds a track up.
    fn is_held_up(&self, track: &Track) -> bool {
        let hop = to_i64(self.hop);
        track.waits(hop)
            && (!self.comes_after_leader(track)
                || track.outwaits(patience(track, self.renders, hop)))
    }

    /// Makes another local track the leader: one that has the samples after the last hop, or else
    /// one of the largest part of the tracks. A track that is rendered comes before those that play
    /// in real time.
    fn elect(&mut self, is_rendered: bool) -> Option<usize> {
        let hop = to_i64(self.hop);
        let may_lead = |track: &Track| track.local.is_some() && (!is_rendered || track.renders());
        self.renders = is_rendered;
        let continuing = self.end.and_then(|place| {
            let piece = Piece { offset: 0, length: self.hop, place: Some(place) };
            self.tracks.iter().enumerate().find_map(|(index, track)| {
                let run = track.run_at(track.next).filter(|_| may_lead(track))?;
                let behind = piece.place?.since(run.place?.plus(track.next - run.start))?;
                let count = track.next + behind;
                let is_there = behind >= 0 && track.written >= count + hop;
                (is_there && track.run_at(count)?.start == run.start).then_some((index, count))
            })
        });
        if let Some((leader, count)) = continuing {
            self.leader = Some(self.tracks[leader].id);
            (self.at, self.lead_in) = (count, 0);
            return Some(leader);
        }
        let candidates = self.tracks.iter().enumerate().filter(|(_, track)| may_lead(track));
        let (leader, count) = candidates
            .filter_map(|(index, track)| Some((index, track.first_placed(track.next)?.0)))
            .max_by_key(|&(index, count)| {
                let track = &self.tracks[index];
                // The largest part of the tracks may have stopped within a hop.
                let has_hop = track.written >= count + hop;
                (has_hop, self.company(index), track.written - track.next)
            })?;
        self.leader = Some(self.tracks[leader].id);
        self.jump_to(leader, count);
        (self.tracks[leader].written >= self.at + hop).then_some(leader)
    }

    /// Begins hops anew at a sample of the leader, at a multiple of the hop.
    fn jump_to(&mut self, leader: usize, count: i64) {
        let track = &mut self.tracks[leader];
        let Some(run) = track.run_at(count) else { return };
        let sample = run.place.map_or(0, |place| place.sample.saturating_add(count - run.start));
        self.lead_in = sample.rem_euclid(to_i64(self.hop));
        self.shift = None;
        self.at = count - self.lead_in;
        self.end = None;
        track.next = count;
        let known = track.epoch.or(track.lost_epoch.take());
        let was_reset = known.is_some_and(|epoch| epoch != run.epoch);
        track.epoch = Some(run.epoch);
        self.tracks.iter_mut().for_each(|track| track.is_awaited = true);
        if was_reset || self.epoch == 0 {
            self.epoch += 1;
            self.index = 0;
            self.cancel_due(None);
        }
        if was_reset {
            let others = self.tracks.iter_mut().enumerate().filter(|(index, _)| *index != leader);
            others.for_each(|(_, track)| track.expect_reset());
        }
    }

    /// Sends what is due as dry, for one track or for all: local tracks may go on although the
    /// leader was reset, or has gone.
    fn cancel_due(&mut self, only: Option<MemberId>) {
        for (_, parts) in &mut self.due {
            for (id, part) in parts.extract_if(.., |(id, _)| only.is_none_or(|only| *id == only)) {
                let track = self.tracks.iter_mut().find(|track| track.id == id);
                if let Some(local) = track.and_then(|track| track.local.as_mut()) {
                    local.send(&Part { offset: None, ..part }, &[]);
                }
            }
        }
        if only.is_none() {
            self.due.clear();
        }
    }

    /// Returns the number of tracks that are about where this one is.
    fn company(&self, of: usize) -> usize {
        let Some(place) = self.tracks[of].end_place() else { return 0 };
        let tolerance = self.tracks[of].local.as_ref().map_or(0, |local| local.tolerance);
        let reach = tolerance + to_i64(self.hop);
        let is_near = |track: &&Track| {
            let apart = track.end_place().and_then(|other| other.since(place));
            apart.is_some_and(|apart| apart.abs() <= reach)
        };
        self.tracks.iter().filter(is_near).count()
    }

    /// Returns true if the leader's samples have a jump or a reset before their end.
    fn leader_will_jump(&self) -> bool {
        let leader = self.tracks.iter().find(|track| Some(track.id) == self.leader);
        leader.is_some_and(|leader| leader.jumps_after(self.at + self.lead_in))
    }

    /// Notes that nothing is removed from samples of local tracks that no leader will reach.
    fn pass_by(&mut self) {
        let hop = to_i64(self.hop);
        let leader = self.tracks.iter().position(|track| Some(track.id) == self.leader);
        let with_leader = leader.map_or(0, |leader| self.company(leader));
        let next = leader.and_then(|leader| self.tracks[leader].place_of(self.at + self.lead_in));
        let leader = leader.map(|leader| (self.tracks[leader].id, self.tracks[leader].written));
        self.tracks.iter_mut().for_each(|track| track.note_leader(leader));
        if (next.is_some() && next != self.end) || self.leader_will_jump() {
            // The leader jumps, perhaps to where the others are.
            return;
        }
        for index in 0..self.tracks.len() {
            let track = &self.tracks[index];
            let (id, Some(local)) = (track.id, &track.local) else { continue };
            let tolerance = local.tolerance;
            let is_due = |track: &Track| track.written - track.next >= tolerance + hop;
            if Some(id) == self.leader
                || !is_due(track)
                || !track.is_elsewhere(
                    self.end,
                    tolerance + hop,
                    patience(track, self.renders, hop),
                )
            {
                continue;
            }
            // The larger part of the tracks follows the smaller one only if that is rendered.
            let will_lead = !self.renders && track.renders();
            let is_in_the_way = self.comes_after_leader(track);
            if will_lead || (!is_in_the_way && self.company(index) > with_leader) {
                continue;
            }
            self.cancel_due(Some(id));
            let track = &mut self.tracks[index];
            while is_due(track) {
                let length = track.written - track.next - tolerance;
                let Some(part) = track.pass_over(length) else { break };
                if let Some(local) = &mut track.local {
                    local.send(&part, &[]);
                }
            }
        }
    }

    /// Returns true if the leader is rendered and this track is not.
    fn comes_after_leader(&self, track: &Track) -> bool {
        self.renders && !track.renders()
    }

    /// Finds the samples of all tracks for the next hop. Returns false if one is to be waited for.
    fn is_complete(&mut self, leader: usize) -> bool {
        let hop = to_i64(self.hop);
        let tolerances =
            self.tracks.iter().filter_map(|track| Some(track.local.as_ref()?.tolerance));
        let tolerance = tolerances.min().unwrap_or(0);
        let end =
            self.pieces.last().and_then(|(piece, _)| Some(piece.place?.plus(to_i64(piece.length))));
        let mut is_overdue = self.tracks[leader].written - (self.at + hop) >= tolerance;
        let mut missing = false;
        for (index, (track, covers)) in self.tracks.iter_mut().zip(&mut self.covers).enumerate() {
            if index == leader {
                covers.clear();
                covers.extend(self.pieces.iter().map(|(_, cover)| *cover));
                track.is_missing = false;
                continue;
            }
            track.look_for(end, tolerance);
            let is_far_ahead = end
                .and_then(|end| track.end_place()?.since(end))
                .is_some_and(|ahead| ahead >= tolerance);
            if track.is_before_reset() && !is_overdue && !is_far_ahead {
                // Its next samples may lie at the same places and be those before the reset.
                covers.clear();
                track.is_missing = true;
                missing |= track.is_awaited;
                continue;
            }
            let is_whole = track.covers(&self.pieces, covers);
            // A track at another place waits for hops that come after this one.
            is_overdue |= !is_whole && track.waits(hop) && (!self.renders || track.renders());
            track.is_missing = !is_whole;
            missing |= !is_whole && track.is_awaited && !track.is_past(end, tolerance + hop);
            if let (Some(local), true, Some(last)) = (&track.local, is_whole, covers.last()) {
                let ahead = track.written - (last.count + to_i64(last.length));
                is_overdue |= ahead >= local.tolerance;
            }
        }
        if missing && !is_overdue {
            return false;
        }
        for (track, covers) in self.tracks.iter_mut().zip(&self.covers) {
            let reaches_end =
                covers.last().is_some_and(|last| last.offset + last.length == self.hop);
            if !reaches_end && track.is_awaited && !track.is_past(end, tolerance + hop) {
                track.lose();
                // A reset that the leader has not followed is this track's own.
                track.lost_epoch = track.epoch.take().or(track.lost_epoch);
            }
        }
        self.end = end;
        true
    }

    /// Processes the hop whose samples were gathered.
    fn process(&mut self) {
        self.note_sound();
        self.keep();
        self.note_lone_track();
        self.listen();
        if self.is_offline {
            self.runner.complete(&self.controls, |_| false);
        }
        self.note_parts();
        let start = self.index * to_i64(self.hop);
        let took = self.runner.process(&mut self.samples, &self.controls, start, self.epoch);
        self.send(self.index - self.lag);
        self.runner.count(took);
        self.index += 1;
        self.at += to_i64(self.hop);
        self.lead_in = 0;
    }

    /// Copies the samples of all tracks into the hop, and their settings into the controls. Returns
    /// true if tracks have got other mics, or more.
    fn gather(&mut self) -> bool {
        let hop = self.hop;
        self.is_offline = (self.tracks.iter().zip(&self.covers)).any(|(track, covers)| {
            track.local.is_some() && covers.iter().any(|cover| cover.run.is_offline)
        });
        self.samples.fill(0.0);
        let mut widenings = Vec::new();
        for index in 0..self.tracks.len() {
            let (track, covers) = (&self.tracks[index], &self.covers[index]);
            let Some(settings) = covers.first().map(|first| first.run.settings) else { continue };
            for (side, mic) in track.mics().enumerate() {
                read(track, side, covers, &mut self.samples[mic * hop..][..hop]);
            }
            set_mics(&mut self.controls, &track.mics(), track.num_sides(), &settings);
            if track.mics().len() < track.num_sides() {
                let mut samples = vec![0.0; hop];
                read(track, 1, covers, &mut samples);
                if self.compare_sides(index, &samples) {
                    widenings.push(Widening { of: Who::Linked(index), samples, settings });
                }
            }
        }
        widenings.extend(self.play_absent());
        self.widen(widenings)
    }

    /// Notes which samples of the local tracks this hop's removed signal belongs to.
    fn note_parts(&mut self) {
        let hop = to_i64(self.hop);
        let mut parts = Vec::new();
        let mut before: Vec<(MemberId, Part)> = Vec::new();
        for (track, covers) in self.tracks.iter_mut().zip(&self.covers) {
            let mic = track.mic;
            let second = track.side.removed(track.width);
            track.side.go_on();
            if let (Some(_), Some(first)) = (&track.local, covers.first()) {
                let begins = self.index == 0 && first.count == first.run.start;
                if begins {
                    // The removed signal begins before the first sample.
                    let count = first.count - to_i64(first.offset);
                    let part = Part {
                        count,
                        length: self.hop,
                        offset: Some(0),
                        epoch: first.run.epoch,
                        rises: true,
                        mic,
                        second,
                    };
                    before.push((track.id, part));
                    let length = first.offset;
                    parts.push((track.id, Part { length, ..part }));
                }
                parts.extend(covers.iter().map(|cover| {
                    let Cover { count, length, offset, run } = *cover;
                    let rises = begins && count == first.count;
                    let offset = Some(offset);
                    let epoch = run.epoch;
                    (track.id, Part { count, length, offset, epoch, rises, mic, second })
                }));
            }
            if let Some(last) = covers.last() {
                track.go_on_after(last);
            }
        }
        self.spare(&mut before);
        self.spare(&mut parts);
        if self.index == 0 {
            for hops in (1..=self.lag).rev() {
                let earlier = before
                    .iter()
                    .map(|&(id, part)| (id, Part { count: part.count - hops * hop, ..part }));
                self.due.push_back((-hops, earlier.collect()));
            }
        }
        self.due.push_back((self.index, parts));
        self.pass_over();
    }

    /// Notes that nothing is removed from local samples that no hop will have.
    fn pass_over(&mut self) {
        let hop = to_i64(self.hop);
        if self.leader_will_jump() {
            return;
        }
        for (track, covers) in self.tracks.iter_mut().zip(&self.covers) {
            let (id, next, written) = (track.id, track.next, track.written);
            let (Some(local), true) = (&track.local, covers.is_empty()) else { continue };
            let length = written - next - local.tolerance;
            let patience = patience(track, self.renders, hop);
            if length < hop || !track.is_elsewhere(self.end, local.tolerance + hop, patience) {
                continue;
            }
            let Some(part) = track.pass_over(length) else { continue };
            let has_part = |(_, parts): &&mut (i64, Vec<(MemberId, Part)>)| {
                parts.iter().any(|(owner, _)| *owner == id)
            };
            // In the order of the samples: after everything that is due earlier.
            match self.due.iter_mut().rev().find(has_part) {
                Some((_, parts)) => parts.push((id, part)),
                None => {
                    if let Some(local) = &mut track.local {
                        local.send(&part, &[]);
                    }
                }
            }
        }
    }

    /// Sends the parts of the hop `index`, whose removed signal is in `samples`.
    fn send(&mut self, index: i64) {
        while self.due.front().is_some_and(|(due, _)| *due <= index) {
            let Some((_, parts)) = self.due.pop_front() else { break };
            for (id, part) in parts {
                let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) else {
                    continue;
                };
                let num_sides = track.num_sides();
                let row = |mic: usize| self.samples.get(mic * self.hop..(mic + 1) * self.hop);
                let first = row(part.mic).unwrap_or(&self.silence);
                let own = row(part.mic + 1).unwrap_or(&self.silence);
                let second = match part.second {
                    Second::Own => own,
                    Second::Same => first,
                    Second::Silent => &self.silence,
                    Second::FromSame => crossfade(first, own, &mut self.begun),
                    Second::FromSilence => crossfade(&self.silence, own, &mut self.begun),
                };
                if let Some(local) = &mut track.local {
                    local.send(&part, &[first, second][..num_sides]);
                }
            }
        }
    }
}

/// Returns the samples of a track after which a leader without new ones no longer goes on. The
/// leader may be rendered.
fn patience(track: &Track, leader_renders: bool, hop: i64) -> i64 {
    let tolerance = track.local.as_ref().map_or(0, |local| local.tolerance);
    let hops = if leader_renders && !track.renders() { RENDER_HOPS } else { 1 };
    tolerance + hops * hop
}

/// Reads one side of a track where it has samples.
fn read(track: &Track, side: usize, covers: &[Cover], hop: &mut [f32]) {
    for cover in covers {
        let place = &mut hop[cover.offset..][..cover.length];
        if !track.reader.read(side, cover.count, place) {
            place.fill(0.0);
        }
    }
}

/// Fades from one signal to another one.
fn crossfade<'a>(from: &[f32], to: &[f32], out: &'a mut [f32]) -> &'a [f32] {
    let length = out.len() as f32;
    for (n, ((out, from), to)) in out.iter_mut().zip(from).zip(to).enumerate() {
        *out = from + (to - from) * (n as f32 / length);
    }
    out
}

/// Sets the controls of a track's mics.
fn set_mics(
    controls: &mut Controls,
    mics: &Range<usize>,
    num_sides: usize,
    settings: &MicSettings,
) {
    // Also as long as the track has one mic, so that a second one changes nothing for it.
    let sides = (num_sides > 1).then(|| side_group(mics.start)).flatten();
    for mic in &mut controls.mics[mics.clone()] {
        mic.role = settings.role;
        mic.floor = settings.floor;
        mic.group = settings.group.or(sides);
    }
}

fn side_group(mic: usize) -> Option<GroupId> {
    u8::try_from(mic).ok()?.checked_add(SIDES).map(GroupId)
}
