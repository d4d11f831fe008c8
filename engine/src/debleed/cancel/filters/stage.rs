//! A second stage of filters, whose guides are the outputs of the first stage and its masks.

use std::ops::Range;

use super::front::Front;
use super::pending::{Lesson, Pending};
use super::{Filters, MAX_SLOTS, Slots};
use crate::debleed::cancel::lanes::{Complex, LANES, Real};
use crate::stft::Spectrum;

/// Filters from every mic's output to the bleed in the other mics.
///
/// The guides of the first stage are cautious estimates; its outputs are far cleaner. Filters over
/// these outputs are weighted by each output's own power. They are learned from the same outputs
/// that they are applied to, and nothing feeds back. They keep to the bounds of the first stage:
/// held notes are few independent observations, and without bounds the filters of a clean mic in
/// dense music would remove its own sound.
///
/// # Invariants
///
/// The stage has no effect before [`Stage::enable`] or [`Stage::set_known`].
///
/// # Real-time
///
/// Worker or main thread only; allocates in `new` and in the first `reset_mic` of a mic.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) front: Front,
    pub(crate) parts: Vec<(Slots, Filters)>,
    pending: Pending,
    is_known: bool,
}

impl Stage {
    /// Creates a stage for blocks of `taps[block]` taps and at most `slots` bleeders per mic. Its
    /// equations take no memory before [`Stage::reset_mic`].
    pub(crate) fn new(num_mics: usize, taps: &[usize], slots: usize, num_bins: usize) -> Self {
        let most_taps = taps.iter().copied().max().unwrap_or(1);
        let part = |_| (Slots(Vec::with_capacity(slots)), Filters::new(taps, slots));
        Self {
            front: Front::new(num_mics, most_taps, num_bins),
            parts: (0..num_mics).map(part).collect(),
            pending: Pending::new(num_mics, taps.len()),
            is_known: false,
        }
    }

    /// Returns true if its filters are in use.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Enables its filters.
    pub(crate) fn set_known(&mut self) {
        self.is_known = true;
    }

    /// Copies the bleeders of the first stage. Must be called before the first hop that it
    /// learns from.
    pub(crate) fn follow_slots(&mut self, first: &[(Slots, Filters)]) {
        for ((slots, _), (chosen, _)) in self.parts.iter_mut().zip(first) {
            slots.0.clone_from(&chosen.0);
        }
    }

    /// Queues the newest hop of its front; `power_hops` are the hops in each mic's summed power,
    /// `[mic]`.
    pub(crate) fn queue(&mut self, power_hops: &[f32]) {
        self.pending.push(&self.front, power_hops);
    }

    /// Returns the blocks to learn after the newest hop.
    pub(crate) fn blocks_of_turn(&self) -> impl Iterator<Item = usize> + use<> {
        self.pending.blocks_of_turn()
    }

    /// Adds a block's queued hops to the equations; `power` is each mic's summed power,
    /// `[mic, bin]`.
    pub(crate) fn learn_block(&mut self, block: usize, power: &mut [f32]) {
        if !self.pending.is_waiting(block) {
            return;
        }
        let stride = power.len() / self.parts.len();
        for (mic, (slots, filters)) in self.parts.iter_mut().enumerate() {
            let lesson =
                Lesson { block, mic, slots, crosstalk: None, forget: 1.0, follows_power: false };
            let power = &mut power[mic * stride + block * LANES..][..LANES];
            self.pending.teach(&lesson, power, filters);
        }
        self.pending.learned(block);
    }

    /// Solves the filters of some mics in a block of bins, after its last hop is learned; `bound`
    /// returns the limit of the leakage of a pair, target and bleeder.
    pub(crate) fn solve_block(
        &mut self,
        block: usize,
        mics: Range<usize>,
        scratch: &mut [Complex],
        bound: impl Fn((usize, usize)) -> Real,
    ) {
        let mut bounds = [Real::ZERO; MAX_SLOTS];
        for (mic, (slots, filters)) in (mics.start..).zip(&mut self.parts[mics]) {
            for (allowed, &bleeder) in bounds.iter_mut().zip(&slots.0) {
                *allowed = bound((mic, bleeder));
            }
            filters.solve(block, &bounds[..slots.0.len()], scratch);
        }
    }

    /// Enables the filters, once all blocks are solved.
    pub(crate) fn enable(&mut self) {
        self.is_known = true;
    }

    /// Clears audio but keeps everything learned from it.
    pub(crate) fn forget_audio(&mut self) {
        self.front.reset();
        self.pending.clear();
    }

    /// Adds one hop of the mics and of the outputs of the first stage.
    pub(crate) fn take(&mut self, mics: &Spectrum, outputs: &Spectrum) {
        self.front.take(mics, outputs);
    }

    /// Stops the use of its filters and clears audio, before others are restored or learned.
    pub(crate) fn disable(&mut self) {
        self.forget_audio();
        self.is_known = false;
    }

    /// Clears the filters and equations of one mic.
    ///
    /// # Real-time
    ///
    /// Allocates the first time.
    pub(crate) fn reset_mic(&mut self, mic: usize) {
        let (slots, filters) = &mut self.parts[mic];
        slots.0.clear();
        filters.reset();
    }
}
