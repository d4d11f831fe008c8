//! Export and import of the canceller's learned estimates.

use half::{bf16, f16};

use super::Canceller;
use crate::controls::Controls;
use crate::debleed::cancel::filters::{Filters, HOPS_PER_NEWS, MAX_SLOTS, Slots};
use crate::debleed::cancel::lanes::LANES;
use crate::debleed::cancel::learned::{Layout, Learned, LearnedMic, LearnedSlot, Setup, Unusable};
use crate::debleed::cancel::statistics::Crosstalk;
use crate::debleed::is_bleed;

/// Converts to half precision; values too small for it become 0 without a sign.
fn half(number: f32) -> f16 {
    let half = f16::from_f32(number);
    if half == f16::ZERO { f16::ZERO } else { half }
}

/// Share of the filters explained by chance below which they count as fully converged.
const GOOD_ENOUGH: f32 = 0.1;

impl Canceller {
    /// Returns the arrangement of the learned values.
    fn layout(&self) -> Layout {
        let taps = self.taps.iter().map(|&taps| u8::try_from(taps).unwrap_or(u8::MAX)).collect();
        Layout { num_bands: self.bands.num_bands(), taps }
    }

    /// Returns the controls of the last learned hop; `None` if no mic had sound since the
    /// last reset.
    pub(crate) fn controls_seen(&self) -> Option<&Controls> {
        self.controls_seen.as_deref().filter(|_| self.heard.contains(&true))
    }

    /// Returns true if all learned values are finite.
    pub(crate) fn is_sound(&self) -> bool {
        let finite = |values: &[f32]| values.iter().sum::<f32>().is_finite();
        let whole = |crosstalk: &Crosstalk| {
            finite(crosstalk.pairs()) && (0..self.num_mics).all(|mic| finite(crosstalk.means(mic)))
        };
        whole(&self.crosstalk)
            && whole(&self.leftover)
            && finite(self.interference.gains())
            && finite(&self.power)
            && self.parts.iter().all(|(_, filters)| {
                (0..self.taps.len())
                    .flat_map(|block| filters.block(block))
                    .all(|weight| finite(&weight.re.0) && finite(&weight.im.0))
            })
    }

    /// Returns the estimates learned so far.
    pub(crate) fn export(&self, setup: Setup) -> Learned {
        let halves = |values: &[f32]| values.iter().map(|&value| bf16::from_f32(value)).collect();
        let mic = |(mic, (slots, _)): (usize, &(Slots, Filters))| LearnedMic {
            heard_hops: self.crosstalk.all_heard_hops()[mic],
            means: self.crosstalk.means(mic).to_vec(),
            slots: (0..slots.0.len()).map(|slot| self.slot(&self.parts[mic], slot)).collect(),
            stage: self.stage.as_ref().filter(|stage| stage.is_known()).map_or_else(
                Vec::new,
                |stage| {
                    let part = &stage.parts[mic];
                    (0..part.0.0.len()).map(|slot| self.slot(part, slot)).collect()
                },
            ),
        };
        Learned {
            setup,
            layout: self.layout(),
            mics: self.parts.iter().enumerate().map(mic).collect(),
            crosstalk: halves(self.crosstalk.pairs()),
            leftover: halves(self.leftover.pairs()),
            interference: halves(self.interference.gains()),
        }
    }

    fn slot(&self, (slots, filters): &(Slots, Filters), slot: usize) -> LearnedSlot {
        let mut weights = Vec::new();
        for (block, &taps) in self.taps.iter().enumerate() {
            for weight in &filters.block(block)[slot * taps..(slot + 1) * taps] {
                weights.extend_from_slice(&weight.re.0);
                weights.extend_from_slice(&weight.im.0);
            }
        }
        let scale = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
        let part = if scale > 0.0 { scale.recip() } else { 0.0 };
        LearnedSlot {
            bleeder: u8::try_from(slots.0[slot]).unwrap_or(u8::MAX),
            scale,
            weights: weights.iter().map(|weight| half(weight * part)).collect(),
        }
    }

    /// Returns true if [`Canceller::restore`] accepts `learned`.
    pub(crate) fn takes(&self, learned: &Learned) -> bool {
        let fits = |slots: &[LearnedSlot]| {
            slots.len() <= MAX_SLOTS.min(self.num_mics.saturating_sub(1))
                && slots.iter().all(|slot| usize::from(slot.bleeder) < self.num_mics)
        };
        learned.mics.len() == self.num_mics
            && learned.layout == self.layout()
            && learned.mics.iter().all(|mic| fits(&mic.slots) && fits(&mic.stage))
            && (self.stage.is_some() || learned.mics.iter().all(|mic| mic.stage.is_empty()))
    }

    /// Replaces all learned estimates; audio and the guides' state stay.
    ///
    /// The estimates are frozen from then on: [`Canceller::adapt`] must not follow without a reset.
    pub(crate) fn restore(&mut self, learned: &Learned) -> Result<(), Unusable> {
        if !self.takes(learned) {
            return Err(Unusable::Layout);
        }
        let wide = |halves: &[bf16]| -> Vec<f32> { halves.iter().map(|x| x.to_f32()).collect() };
        let heard_hops: Vec<u32> = learned.mics.iter().map(|mic| mic.heard_hops).collect();
        let means: Vec<f32> = learned.mics.iter().flat_map(|mic| mic.means.clone()).collect();
        self.crosstalk.restore(&wide(&learned.crosstalk), &means, &heard_hops);
        self.leftover.restore(&wide(&learned.leftover), &means, &heard_hops);
        self.interference.restore(&wide(&learned.interference));
        self.adapts = false;
        if let Some(stage) = &mut self.stage {
            stage.disable();
        }
        for (mic, from) in learned.mics.iter().enumerate() {
            put_back(&mut self.parts[mic], &from.slots, &self.taps);
            if let Some(stage) = &mut self.stage {
                put_back(&mut stage.parts[mic], &from.stage, &self.taps);
            }
            self.heard[mic] = from.heard_hops > 0;
            self.unknown[mic] = from.heard_hops == 0;
        }
        if let Some(stage) = &mut self.stage
            && learned.mics.iter().any(|mic| !mic.stage.is_empty())
        {
            stage.set_known();
        }
        self.follow_paths();
        Ok(())
    }

    /// Returns the convergence of the filters, 0 to 1. It is the mean, over the mics that bleed
    /// reaches, of the part of the filters that chance does not explain, times the confidence of
    /// the crosstalk.
    pub(crate) fn convergence(&self, controls: &Controls) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0_f32);
        for (mic, (slots, filters)) in self.parts.iter().enumerate() {
            let heard = |&bleeder: &usize| self.heard[bleeder] && is_bleed(controls, mic, bleeder);
            let bleeders = (0..self.num_mics).filter(heard);
            let (sure, pairs) = bleeders.fold((0.0, 0.0_f32), |(sure, pairs), bleeder| {
                (sure + self.crosstalk.confidence(mic, bleeder), pairs + 1.0)
            });
            let (mut certain, mut blocks) = (0.0, 0.0_f32);
            for (block, &taps) in self.taps.iter().enumerate() {
                let hops = filters.hops(block);
                if hops > 0.0 {
                    let unknowns = (slots.0.len() * taps) as f32;
                    let news = (hops / HOPS_PER_NEWS - unknowns).max(1.0);
                    certain += (1.0 - unknowns / news).max(0.0) / (1.0 - GOOD_ENOUGH);
                    blocks += 1.0;
                }
            }
            if self.heard[mic] && pairs > 0.0 && blocks > 0.0 {
                sum += (certain / blocks).min(1.0) * sure / pairs;
                count += 1.0;
            }
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

/// Restores the filters of one mic.
fn put_back((slots, filters): &mut (Slots, Filters), from: &[LearnedSlot], taps: &[usize]) {
    slots.0.clear();
    slots.0.extend(from.iter().map(|slot| usize::from(slot.bleeder)));
    filters.clear_filters();
    for (slot, from) in from.iter().enumerate() {
        let mut weights = from.weights.chunks_exact(2 * LANES);
        for (block, &taps) in taps.iter().enumerate() {
            let filter = &mut filters.block_mut(block)[slot * taps..(slot + 1) * taps];
            for (weight, halves) in filter.iter_mut().zip(&mut weights) {
                let numbers = weight.re.0.iter_mut().chain(&mut weight.im.0);
                for (number, half) in numbers.zip(halves) {
                    *number = half.to_f32() * from.scale;
                }
            }
        }
    }
}
