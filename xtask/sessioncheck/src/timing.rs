//! Mics that are later or earlier than the others by more than a room explains.

use crate::Place;
use crate::paths::{Paths, ROOM_S};
use crate::votes::{Rules, Vote, decide};

const LEAST_HEIGHT: f32 = 10.0;
/// Least height with only one other mic, as no further mic confirms the delay.
const LEAST_ALONE: f32 = 15.0;
/// In 30 ms sound travels ten metres.
const RULES: Rules = Rules {
    least: 0.03,
    tolerance: 0.01,
    tolerance_part: 0.0,
    least_votes: 1,
    least_agreement: 0.6,
};

/// A mic that is late or early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    /// Mic index.
    pub mic: usize,
    /// Delay after the other mics in seconds; negative if it is early.
    pub late_s: f64,
}

/// Returns the mics that are late or early, without mics with another clock and known room mics.
pub(crate) fn find(
    paths: &Paths,
    places: &[Place],
    has_other_clock: impl Fn(usize) -> bool,
) -> Vec<Late> {
    let is_judged = |mic: usize| !has_other_clock(mic) && !places[mic].is_room;
    let least = if paths.num_mics == 2 { LEAST_ALONE } else { LEAST_HEIGHT };
    let mut votes = Vec::new();
    for from in (0..paths.num_mics).filter(|&mic| is_judged(mic)) {
        for to in (from + 1..paths.num_mics).filter(|&mic| is_judged(mic)) {
            let delay_s = delay_s(paths, from, to, least);
            votes.extend(delay_s.map(|value| Vote { from, to, value }));
        }
    }
    let late = decide(paths.num_mics, votes, &RULES);
    late.into_iter().map(|(mic, late_s)| Late { mic, late_s }).collect()
}

/// Returns half the difference of the delays there and back, in which distances cancel.
fn delay_s(paths: &Paths, from: usize, to: usize, least_height: f32) -> Option<f64> {
    let (there, back) = (paths.way(from, to)?.main, paths.way(to, from)?.main);
    match (there.height > least_height, back.height > least_height) {
        (true, true) => Some((there.lag_s - back.lag_s) / 2.0),
        (false, false) => None,
        (only_there, _) => {
            // One way alone cannot separate distance from delay, unless it exceeds a room.
            let lag_s = if only_there { there.lag_s } else { -back.lag_s };
            Some(if lag_s.abs() > ROOM_S { lag_s } else { 0.0 })
        }
    }
}
