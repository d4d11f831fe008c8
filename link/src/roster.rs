//! The members of a session as an engineer sees them: names, places in the worker, and trouble.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::board::{Board, Label, Seat, Sheet};
use crate::stamp::Place;
use crate::track::{MemberId, Track};

/// Time without new samples after which a member is reported as not playing.
const STILL: Duration = Duration::from_millis(500);
/// Largest time that a member is reported to be late. Beyond it, the member plays another part of
/// the timeline.
const LATE_S: f32 = 10.0;

/// State of one member.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum MemberState {
    /// Its samples arrive in time.
    Playing,
    /// It delivers no samples: its track is stopped, asleep, bypassed or frozen.
    Still,
    /// It delivers no samples, and those of its last playback stand in for them: the host renders
    /// other tracks.
    Kept,
    /// Its samples arrive too late by this time, in seconds.
    Late(f32),
    /// Its audio is later than that of the other members by this time, in seconds, or earlier if
    /// that is negative: the host does not make up for the delay of a plugin, or the recording is
    /// misplaced. Nothing is removed from it, and the others are cleaned without it. Of two members
    /// that differ from each other alone, the later one is named.
    Misaligned(f32),
    /// It plays, but not at the place of the other members.
    Elsewhere,
    /// Its host states no places, so its samples cannot be aligned.
    Unplaced,
    /// It has this sample rate, in Hz, and the session has another one.
    OtherRate(f32),
    /// The session has as many mics as the network takes. Nothing is removed from its track.
    NoRoom,
}

/// One member of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberInfo {
    /// Number of this member among all that are linked now.
    pub id: MemberId,
    /// Identity, settings, and number of late samples.
    pub sheet: Sheet,
    /// Name and colour of its track.
    pub label: Label,
    /// System's number of its process.
    pub process: u32,
    /// Number of sides of its track.
    pub num_sides: usize,
    /// Its mics among those of the worker: one as long as its sides do not differ, none if it is
    /// not used.
    pub mics: Range<usize>,
    /// State of its samples.
    pub state: MemberState,
    /// Place on the timeline in seconds from which it was rendered without any other member, and
    /// without the kept sound of one, since it last played together with one.
    pub alone_from_s: Option<f32>,
}

/// The time of each member's last sample.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    last: Vec<(MemberId, i64, Instant)>,
}

impl Pulse {
    /// Notes the number of samples that a member has delivered by `now`. Returns true if the last
    /// one is recent.
    fn beats(&mut self, id: MemberId, written: i64, now: Instant) -> bool {
        match self.last.iter_mut().find(|(of, ..)| *of == id) {
            Some((_, before, since)) => {
                if *before != written {
                    (*before, *since) = (written, now);
                }
                written > 0 && now.duration_since(*since) < STILL
            }
            None => {
                self.last.push((id, written, now));
                written > 0
            }
        }
    }

    fn keep(&mut self, members: &[MemberInfo]) {
        self.last.retain(|(id, ..)| members.iter().any(|member| member.id == *id));
    }
}

/// Describes the members of a session at `now`.
///
/// `tracks` are those that the worker uses. `end` is the place after the last hop.
pub(crate) fn describe(
    board: &Board,
    tracks: &[Track],
    end: Option<Place>,
    rate_hz: f32,
    pulse: &mut Pulse,
    now: Instant,
) -> Vec<MemberInfo> {
    let info = |seat: &Seat, mics, state| MemberInfo {
        id: seat.id(),
        sheet: seat.sheet().clone(),
        label: seat.label().unwrap_or_default(),
        process: seat.about().process,
        num_sides: seat.about().num_mics,
        mics,
        state,
        alone_from_s: None,
    };
    let mut members: Vec<MemberInfo> = Vec::new();
    let beats: Vec<bool> =
        tracks.iter().map(|track| pulse.beats(track.id, track.written, now)).collect();
    let is_any_there = beats.contains(&true);
    for (track, beats) in tracks.iter().zip(beats) {
        let state = if track.side.lacks_mic {
            MemberState::NoRoom
        } else if track.is_kept && is_any_there {
            MemberState::Kept
        } else if !beats {
            MemberState::Still
        } else if let Some(place) = track.end_place() {
            let behind =
                end.and_then(|end| end.since(place)).map(|samples| samples as f32 / rate_hz);
            match behind {
                _ if track.is_awaited => {
                    track.misaligned_s.map_or(MemberState::Playing, MemberState::Misaligned)
                }
                Some(behind) if (0.0..LATE_S).contains(&behind) => MemberState::Late(behind),
                _ => MemberState::Elsewhere,
            }
        } else {
            MemberState::Unplaced
        };
        let alone_from_s = track.alone_from.map(|sample| sample as f32 / rate_hz);
        members.extend(board.seat(track.id).map(|seat| {
            let info = info(seat, track.mics(), state);
            MemberInfo { alone_from_s, ..info }
        }));
    }
    let is_unused = |seat: &&Seat| tracks.iter().all(|track| track.id != seat.id());
    for seat in board.seats().iter().filter(is_unused) {
        let other_hz = seat.about().rate_hz;
        let state = if other_hz.to_bits() == rate_hz.to_bits() {
            MemberState::NoRoom
        } else {
            MemberState::OtherRate(other_hz)
        };
        members.push(info(seat, 0..0, state));
    }
    pulse.keep(&members);
    members
}
