//! All values that an engineer can change while audio runs.

use crate::{Decibels, GroupId, MAX_MICS};

/// Signal at a mic's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Listen {
    /// The mic without its bleed.
    #[default]
    Clean,
    /// The removed signal: `Clean + Removed = Dry`.
    Removed,
    /// The input, delayed by the session's latency.
    Dry,
    /// Silence, for a mic that is not soloed while another one is.
    Mute,
}

/// Source of the estimates of crosstalk, filters and other properties of the mics.
///
/// Methods that do not adapt during playback ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Estimates {
    /// Estimates that follow the music since the last reset.
    #[default]
    Adaptive,
    /// Estimates that start empty and follow the passage being learned. A reset discards nothing of
    /// the passage.
    Learning,
    /// Learned estimates, frozen. `Adaptive` is the fallback if they cannot be used.
    Learned,
}

/// Role of a mic in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Role {
    /// Mic close to its own source. It is cleaned, and its source is removed from the other mics.
    #[default]
    Close,
    /// Overhead or room mic that picks up all sources. It passes unchanged and predicts no bleed.
    Room,
    /// Overhead or room mic that the engineer wants cleaned of the close mics' sources.
    CleanedRoom,
}

/// Controls of one mic, part of [`Controls`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MicControls {
    /// Fraction of the detected bleed that is removed, `0.0 ..= 1.0`.
    pub amount: f32,
    /// Lower limit of a bin's gain. [`Decibels::NEG_INFINITY`] sets no limit.
    pub floor: Decibels,
    /// Signal at this mic's output.
    pub listen: Listen,
    /// Role of the mic.
    pub role: Role,
    /// Group of the mic. Mics of one group share a source and are never each other's bleed. `None`
    /// for a mic without a group.
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

/// All controls of a session.
///
/// Plain data of a fixed size, so copying it between threads needs no allocation. A change passed
/// to `Session::set_controls` before a block takes effect exactly at the block's first sample, when
/// that sample leaves `latency_samples` later.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Factor of every mic's amount, `0.0 ..= 1.0`.
    pub global_amount: f32,
    /// Source of the estimates.
    pub estimates: Estimates,
    /// Controls of each mic, `[mic]`. Entries beyond the session's mics are ignored.
    pub mics: [MicControls; MAX_MICS],
    /// Fraction of a bleeder's sound that is removed from a target, `0.0 ..= 1.0`,
    /// as `pair_amount[target][bleeder]`.
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
    /// Clamps every number to its range. An amount that is NaN becomes 0, a floor that is NaN
    /// becomes no limit.
    ///
    /// Every session applies this to its controls, so methods receive valid values only.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn make_sound(&mut self) {
        let bound = |amount: &mut f32| *amount = clamped(*amount);
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

    /// Returns the fraction of a bleeder's sound that is removed from a target, clamped to
    /// `0.0 ..= 1.0`; 0 for NaN.
    ///
    /// # Panics
    ///
    /// If an index is not below [`MAX_MICS`].
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[inline]
    #[must_use]
    pub fn pair(&self, target: usize, bleeder: usize) -> f32 {
        clamped(self.pair_amount[target][bleeder])
    }
}

/// Clamps an amount to its range. NaN becomes 0.
#[inline]
pub(crate) fn clamped(amount: f32) -> f32 {
    if amount.is_nan() { 0.0 } else { amount.clamp(0.0, 1.0) }
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

    #[test]
    fn the_amount_of_a_pair_is_in_range_and_0_for_nan() {
        let mut controls = Controls::default();
        for (amount, expected) in [(0.3, 0.3), (7.0, 1.0), (-0.5, 0.0), (f32::NAN, 0.0)] {
            controls.pair_amount[2][1] = amount;
            assert_eq!((controls.pair(2, 1), controls.pair(1, 2)), (expected, 1.0));
        }
    }
}
