//! Everything an engineer can move while audio runs.

use crate::{Decibels, GroupId, MAX_MICS};

/// What one mic's output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Listen {
    /// The mic without its bleed.
    #[default]
    Clean,
    /// What was taken out: `Clean + Removed = Dry`.
    Removed,
    /// The mic as it came in, delayed by the session's latency.
    Dry,
    /// Silence, for a mic beside a soloed one.
    Mute,
}

/// Where crosstalk, filters and what else is known about the mics come from.
///
/// A method that follows nothing while it plays does not care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Estimates {
    /// They follow the music, from the last reset on.
    #[default]
    Adaptive,
    /// They start from nothing and follow a passage that is to be learned; a reset forgets none of it.
    Learning,
    /// They are what was learned, frozen; `Adaptive` where that cannot be used.
    Learned,
}

/// What a mic stands for in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Role {
    /// Stands close to its own source; is cleaned, and its source is removed from the others.
    #[default]
    Close,
    /// Hears everything (overhead, room): is passed through untouched and predicts nobody's bleed.
    Room,
    /// Hears everything, and is cleaned of the close mics' sources because the engineer asked.
    CleanedRoom,
}

/// One mic's part of [`Controls`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MicControls {
    /// How much of the found bleed is removed, `0.0 ..= 1.0`.
    pub amount: f32,
    /// The most a bin may be turned down; [`Decibels::NEG_INFINITY`] sets no limit.
    pub floor: Decibels,
    /// What this mic's output carries.
    pub listen: Listen,
    /// What the mic stands for.
    pub role: Role,
    /// Mics of one group share a source and are never each other's bleed; `None` stands alone.
    pub group: Option<GroupId>,
}

impl Default for MicControls {
    fn default() -> Self {
        Self {
            amount: 1.0,
            floor: Decibels::NEG_INFINITY,
            listen: Listen::Clean,
            role: Role::Close,
            group: None,
        }
    }
}

/// The position of every control of a session.
///
/// Plain data of a fixed size, so that it is copied between threads without allocation. A change
/// given to `Session::set_controls` before a block takes effect on the very sample that came in
/// first in that block, when it leaves `latency_samples` later.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Scales every mic's amount, `0.0 ..= 1.0`.
    pub global_amount: f32,
    /// Where estimates come from.
    pub estimates: Estimates,
    /// One entry per mic; entries beyond the session's mics are ignored.
    pub mics: [MicControls; MAX_MICS],
    /// `pair_amount[target][bleeder]`: how much of that bleeder's sound is removed from that
    /// target, `0.0 ..= 1.0`.
    pub pair_amount: [[f32; MAX_MICS]; MAX_MICS],
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            global_amount: 1.0,
            estimates: Estimates::Adaptive,
            mics: [MicControls::default(); MAX_MICS],
            pair_amount: [[1.0; MAX_MICS]; MAX_MICS],
        }
    }
}

impl Controls {
    /// Brings every number into its range: what is no number becomes no amount and no limit.
    ///
    /// Every session does this with what it is given, so that a method never gets to see anything else.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn make_sound(&mut self) {
        let bound = |amount: &mut f32| {
            *amount = if amount.is_nan() { 0.0 } else { amount.clamp(0.0, 1.0) };
        };
        bound(&mut self.global_amount);
        for mic in &mut self.mics {
            bound(&mut mic.amount);
            if mic.floor.0.is_nan() {
                mic.floor = Decibels::NEG_INFINITY;
            }
            mic.floor.0 = mic.floor.0.min(0.0);
        }
        self.pair_amount.as_flattened_mut().iter_mut().for_each(bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_range_stays_and_everything_else_is_brought_there() {
        let mut controls = Controls { global_amount: f32::NAN, ..Controls::default() };
        controls.mics[3].amount = 7.0;
        controls.mics[4].amount = 0.3;
        controls.mics[3].floor = Decibels(f32::NAN);
        controls.mics[4].floor = Decibels(12.0);
        controls.mics[5].floor = Decibels(-12.0);
        controls.pair_amount[1][2] = f32::NAN;
        controls.pair_amount[2][1] = f32::NEG_INFINITY;
        controls.make_sound();
        let mut expected = Controls { global_amount: 0.0, ..Controls::default() };
        expected.mics[4].amount = 0.3;
        expected.mics[4].floor = Decibels(0.0);
        expected.mics[5].floor = Decibels(-12.0);
        expected.pair_amount[1][2] = 0.0;
        expected.pair_amount[2][1] = 0.0;
        assert_eq!(controls, expected);
    }
}
