//! What a passage taught: crosstalk and filters as a plain value, and what it can be used for.

use half::{bf16, f16};

use crate::controls::Controls;
use crate::debleed::is_bleed;
use crate::mode::Mode;
use crate::units::SampleRate;

/// What an engineer had the session learn from a passage, frozen.
///
/// Made by a session while its controls say [`Estimates::Learning`](crate::Estimates::Learning) and given to any later one of the same
/// set-up, whose first note is then as clean as the passage was in the end. Numbers are stored with
/// half the digits from the start, so that what is played, saved and loaded again is one and the same.
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
    /// What the guide knows of the latter, the same; empty where it does not look at it, or heard too little.
    pub(super) interference: Vec<bf16>,
}

/// What was learned about one mic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LearnedMic {
    /// Hops in which it had sound.
    pub(super) heard_hops: u32,
    /// Mean power, `[band]`.
    pub(super) means: Vec<f32>,
    /// The filters against its bleeders.
    pub(super) slots: Vec<LearnedSlot>,
    /// Those of the second stage, against the same bleeders; none without one.
    pub(super) stage: Vec<LearnedSlot>,
}

/// The filters against one bleeder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LearnedSlot {
    pub(super) bleeder: u8,
    /// The largest number of the filters.
    pub(super) scale: f32,
    /// Parts of it, `[block, tap, real and imaginary, lane]`.
    pub(super) weights: Vec<f16>,
}

/// What a session must be for what was learned to hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) rate_hz: f32,
    pub(super) mode: Mode,
    pub(super) num_mics: usize,
    /// Who can bleed into whom, which is what roles and groups say, `[target, bleeder]`.
    pub(super) routing: Vec<bool>,
}

/// How the engine arranges what it learns.
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
    /// Whether a session of this rate, mode and number of mics, at these roles and groups, can use it.
    ///
    /// # Errors
    ///
    /// The first reason why not.
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

/// Why a session does not use what was learned, and follows the music instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// Nothing was learned yet.
    Nothing,
    /// It was learned from another number of mics.
    NumMics,
    /// It was learned at another sample rate.
    Rate,
    /// It was learned in the other mode.
    Mode,
    /// Roles or groups were others: another set of mics can bleed into each other.
    Routing,
    /// The engine that learned it arranges bands or filters in another way.
    Layout,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing was learned yet",
            Self::NumMics => "learned from another number of mics",
            Self::Rate => "learned at another sample rate",
            Self::Mode => "learned in the other mode",
            Self::Routing => "learned with other roles or groups",
            Self::Layout => "learned by another version of the engine",
        })
    }
}

impl std::error::Error for Unusable {}
