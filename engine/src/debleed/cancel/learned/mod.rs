//! Learned crosstalk and filters as a plain value, and the sessions that can use it.

mod arranged;
mod bytes;
mod learner;
#[cfg(test)]
mod learner_tests;
mod passage;
mod study;

use half::{bf16, f16};

use crate::controls::Controls;
use crate::debleed::is_bleed;
use crate::mode::Mode;
use crate::sync;
use crate::units::SampleRate;

pub use bytes::LearnedError;
pub(super) use learner::{Given, Publisher};
pub use learner::{LearnState, Learner};
pub(super) use passage::Passage;
pub(super) use study::Study;

/// Estimates learned from a passage, frozen.
///
/// A session publishes them while its controls request
/// [`Estimates::Learning`](crate::Estimates::Learning). Any later session of the same set-up
/// can use them, so that its first note is as clean as the end of the passage. Crosstalk and
/// filters are stored in half precision from the start, so that played, saved and loaded values
/// are identical.
///
/// # Real-time
///
/// Up to a megabyte; main and worker threads only.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    pub(super) setup: Setup,
    pub(super) layout: Layout,
    pub(super) mics: Vec<LearnedMic>,
    /// Crosstalk before and after cancellation, `[target, bleeder, band]`, power ratios.
    pub(super) crosstalk: Vec<bf16>,
    pub(super) leftover: Vec<bf16>,
    /// Power gains after cancellation found with the guide's masks, `[target, bleeder, band]`;
    /// empty if the guide does not use them or there were too few hops.
    pub(super) interference: Vec<bf16>,
}

/// Learned estimates of one mic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LearnedMic {
    /// Number of hops in which the mic had sound.
    pub(super) heard_hops: u32,
    /// Mean power, `[band]`.
    pub(super) means: Vec<f32>,
    /// Filters against its bleeders.
    pub(super) slots: Vec<LearnedSlot>,
    /// Filters of the second stage against the same bleeders; empty without one.
    pub(super) stage: Vec<LearnedSlot>,
}

/// Filters against one bleeder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LearnedSlot {
    pub(super) bleeder: u8,
    /// Largest absolute value of the filters.
    pub(super) scale: f32,
    /// Values relative to `scale`, `[block, tap, real and imaginary, lane]`.
    pub(super) weights: Vec<f16>,
}

/// Properties that a session must share to use learned estimates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) rate_hz: f32,
    pub(super) mode: Mode,
    pub(super) num_mics: usize,
    /// Pairs in which the mic can bleed into the target, from roles and
    /// groups, `[target, bleeder]`.
    pub(super) routing: Vec<bool>,
}

/// Arrangement of the learned values in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) num_bands: usize,
    /// Taps of each block of bins.
    pub(super) taps: Vec<u8>,
}

impl Setup {
    pub(super) fn new(rate: SampleRate, mode: Mode, num_mics: usize, controls: &Controls) -> Self {
        let pairs = (0..num_mics).flat_map(|target| (0..num_mics).map(move |from| (target, from)));
        let routing = pairs.map(|(target, from)| is_bleed(controls, target, from)).collect();
        Self { rate_hz: rate.hz(), mode, num_mics, routing }
    }
}

impl Learned {
    /// Checks that a session of this rate, mode and number of mics, with these roles and groups,
    /// can use it.
    ///
    /// # Errors
    ///
    /// The first mismatch found.
    ///
    /// # Real-time
    ///
    /// Safe on any thread: no allocation.
    pub fn fits(
        &self,
        rate: SampleRate,
        mode: Mode,
        num_mics: usize,
        controls: &Controls,
    ) -> Result<(), Unusable> {
        let Setup { rate_hz, mode: learned_mode, num_mics: learned_mics, routing } = &self.setup;
        if *learned_mics != num_mics {
            return Err(Unusable::NumMics);
        }
        if rate_hz.to_bits() != rate.hz().to_bits() {
            return Err(Unusable::Rate);
        }
        if *learned_mode != mode {
            return Err(Unusable::Mode);
        }
        let same = routing.iter().enumerate().all(|(pair, &learned)| {
            learned == is_bleed(controls, pair / num_mics, pair % num_mics)
        });
        if same { Ok(()) } else { Err(Unusable::Routing) }
    }
}

/// Reason why a session does not use learned estimates and adapts to the music instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// Nothing is learned yet.
    #[error("nothing has been learned yet")]
    Nothing,
    /// The number of mics differs.
    #[error("learned with a different number of mics")]
    NumMics,
    /// The sample rate differs.
    #[error("learned at a different sample rate")]
    Rate,
    /// The mode differs.
    #[error("learned in the other mode")]
    Mode,
    /// Roles or groups differ, so other pairs of mics can bleed into each other.
    #[error("learned with different roles or groups")]
    Routing,
    /// The engine that learned it has other bands or filters.
    #[error("learned with a different version of the engine")]
    Layout,
}
