//! Features of a hop for a guide: for every mic and band, its relation to the other mics.

use super::arrival::{Arrival, NUM_ARRIVAL_FEATURES};
use crate::controls::Controls;
use crate::debleed::cancel::bands::{Bands, NUM_BANDS};
use crate::debleed::cancel::gains::guide_gain;
use crate::debleed::cancel::statistics::{Crosstalk, Interference, Proof};
use crate::debleed::is_bleed;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Number of features of every mic and band: base-10 logarithms of power ratios, those of
/// `Arrival`, the ratio to the bleed that `Interference` explains and whether that is known, and
/// four more power ratios.
///
/// New features are only added at the end: a network trained with fewer reads the first ones.
pub const NUM_FEATURES: usize = NUM_UNPROVED + NUM_PROVED;

const NUM_RATIOS: usize = 8;
/// Features without interference.
pub(super) const NUM_SIMPLE: usize = NUM_RATIOS + NUM_ARRIVAL_FEATURES;
const NUM_EXPLAINED: usize = 2;
/// Ratios of the mic to the limit of its bleed from the bands around, before and
/// after cancellation.
const NUM_BOUNDED: usize = 2;
/// Features before the proved ones.
const NUM_UNPROVED: usize = NUM_SIMPLE + NUM_EXPLAINED + NUM_BOUNDED;
/// Ratios of the mic to the bleed that its filters predict on average, and of the mic after
/// cancellation to the leftover that the canceller's own rules trust. Powers alone do not separate
/// two sources of similar level from bleed; waveforms do.
const NUM_PROVED: usize = 2;

/// Limits of the ratios, as powers of ten.
const LEAST: f32 = -5.0;
const MOST: f32 = 4.0;
/// Power that counts as zero, relative to a mic's mean.
const NOTHING: f32 = 1e-7;
/// Hops at which the age feature reaches 1: about two minutes.
const OLD_HOPS: f32 = 1e4;

/// Input of the features.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) num_mics: usize,
    /// Mics that had sound so far, in the order of sums.
    pub(crate) order: &'a [usize],
    pub(crate) controls: &'a Controls,
    /// The hop before and after cancellation.
    pub(crate) mics: &'a Spectrum,
    pub(crate) cancelled: &'a Spectrum,
    pub(crate) crosstalk: &'a Crosstalk,
    pub(crate) leftover: &'a Crosstalk,
    pub(crate) interference: &'a Interference,
    pub(crate) proof: &'a Proof,
    /// True if nothing is known beyond the hops so far.
    pub(crate) adapts: bool,
}

/// Band powers of one hop, `[mic, band]` each.
#[derive(Debug)]
pub(super) struct Features {
    before: Vec<f32>,
    after: Vec<f32>,
    predicted: Vec<f32>,
    /// Level of every band relative to its mean, `[mic, band]`.
    relative: Vec<f32>,
    removed: Vec<realfft::num_complex::Complex32>,
    /// `None` if the guide does not read its features, which are then 0.
    arrival: Option<Arrival>,
    /// Power of each mic's own source, `[mic, band]`; `None` if the guide does not read the proved
    /// features, which are then 0.
    own: Option<Vec<f32>>,
    /// `[mic, feature, band]`.
    values: Vec<f32>,
}

impl Features {
    pub(super) fn new(
        geometry: Geometry,
        rate: SampleRate,
        bands: &Bands,
        (num_mics, num_features): (usize, usize),
    ) -> Self {
        let per_band = || vec![0.0; num_mics * NUM_BANDS];
        Self {
            before: per_band(),
            after: per_band(),
            predicted: per_band(),
            relative: per_band(),
            removed: vec![realfft::num_complex::Complex32::ZERO; geometry.num_bins()],
            arrival: (num_features > NUM_RATIOS)
                .then(|| Arrival::new(geometry, rate, bands, num_mics)),
            own: (num_features > NUM_UNPROVED).then(per_band),
            values: vec![0.0; num_mics * NUM_FEATURES * NUM_BANDS],
        }
    }

    /// Returns the features, `[mic, feature, band]`; rows of silent mics hold the lowest value.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns the band powers of a mic before cancellation, `[band]`.
    pub(super) fn before(&self, mic: usize) -> &[f32] {
        &self.before[mic * NUM_BANDS..][..NUM_BANDS]
    }

    /// Returns the band powers of a mic after cancellation, `[band]`.
    pub(super) fn after(&self, mic: usize) -> &[f32] {
        &self.after_all()[mic * NUM_BANDS..][..NUM_BANDS]
    }

    /// Returns the band powers of all mics after cancellation, `[mic, band]`.
    pub(super) fn after_all(&self) -> &[f32] {
        &self.after
    }

    /// Computes the features of one hop.
    pub(super) fn compute(&mut self, bands: &Bands, seen: &Seen<'_>) {
        let active = |mic: usize| seen.mics.is_active(mic);
        for mic in (0..seen.num_mics).filter(|&mic| active(mic)) {
            let range = mic * NUM_BANDS..(mic + 1) * NUM_BANDS;
            let (before, after) = (seen.mics.mic(mic), seen.cancelled.mic(mic));
            bands.power_into(before, &mut self.before[range.clone()]);
            bands.power_into(after, &mut self.after[range.clone()]);
            for ((removed, before), after) in self.removed.iter_mut().zip(before).zip(after) {
                *removed = before - after;
            }
            bands.power_into(&self.removed, &mut self.predicted[range.clone()]);
            let means = &seen.crosstalk.means(mic);
            let stored = self.relative[range.clone()].iter_mut().zip(&self.before[range]);
            for ((relative, &power), &mean) in stored.zip(*means) {
                *relative = ratio(power, mean, NOTHING * mean);
            }
        }
        if let Some(arrival) = &mut self.arrival {
            arrival.update(seen.mics);
        }
        self.find_own(seen);
        for mic in 0..seen.num_mics {
            self.compute_mic(mic, seen);
        }
    }

    /// Computes the power of each mic's own source after cancellation, by the canceller's
    /// own rules.
    fn find_own(&mut self, seen: &Seen<'_>) {
        let Some(own) = &mut self.own else { return };
        for mic in (0..seen.num_mics).filter(|&mic| seen.mics.is_active(mic)) {
            let own = &mut own[mic * NUM_BANDS..][..NUM_BANDS];
            own.fill(0.0);
            for &other in seen.order {
                if seen.mics.is_active(other) && is_bleed(seen.controls, mic, other) {
                    let power = &self.after[other * NUM_BANDS..][..NUM_BANDS];
                    let pair = seen.leftover.pair(mic, other);
                    for ((bleed, leftover), power) in own.iter_mut().zip(pair).zip(power) {
                        *bleed += leftover * power;
                    }
                }
            }
            for (own, &power) in own.iter_mut().zip(&self.after[mic * NUM_BANDS..]) {
                *own = power * guide_gain(power, *own);
            }
        }
    }

    /// Clears all hops.
    pub(super) fn reset(&mut self) {
        if let Some(arrival) = &mut self.arrival {
            arrival.reset();
        }
    }

    fn compute_mic(&mut self, mic: usize, seen: &Seen<'_>) {
        let size = NUM_FEATURES * NUM_BANDS;
        let values = &mut self.values[mic * size..(mic + 1) * size];
        if !seen.mics.is_active(mic) {
            values.fill(LEAST);
            return;
        }
        let (values, explained) = values.split_at_mut(NUM_SIMPLE * NUM_BANDS);
        let (explained, bounded) = explained.split_at_mut(NUM_EXPLAINED * NUM_BANDS);
        let (bounded, proved) = bounded.split_at_mut(NUM_BOUNDED * NUM_BANDS);
        let (values, of_arrival) = values.split_at_mut(NUM_RATIOS * NUM_BANDS);
        let is_bleeder =
            |&other: &usize| seen.mics.is_active(other) && is_bleed(seen.controls, mic, other);
        let bleeders = || seen.order.iter().copied().filter(is_bleeder);
        match &self.arrival {
            Some(arrival) => arrival.features_into(mic, bleeders(), of_arrival),
            None => of_arrival.fill(0.0),
        }
        let means = seen.crosstalk.means(mic);
        let level = means.iter().sum::<f32>() / NUM_BANDS as f32;
        let nothing = NOTHING * level;
        let age = (1.0 + seen.crosstalk.heard_hops(mic)).log10() / OLD_HOPS.log10();
        let (explained, is_known) = explained.split_at_mut(NUM_BANDS);
        explained.fill(0.0);
        is_known.fill(0.0);
        if seen.interference.is_known() {
            is_known.fill(1.0);
            for (band, explained) in explained.iter_mut().enumerate() {
                let at = |from: usize| from * NUM_BANDS + band;
                let interference: f32 = bleeders()
                    .map(|other| seen.interference.pair(mic, other)[band] * self.after[at(other)])
                    .sum();
                *explained = ratio(self.after[at(mic)], interference, nothing);
            }
        }
        proved.fill(0.0);
        if let Some(own) = &self.own {
            for band in 0..NUM_BANDS {
                let at = |from: usize| from * NUM_BANDS + band;
                let (mut predicted, mut believed) = (0.0_f32, 0.0_f32);
                for other in bleeders() {
                    predicted += seen.proof.path(mic, other)[band] * self.after[at(other)];
                    let leftover = seen.leftover.pair(mic, other)[band];
                    believed += seen.proof.trust(mic, other) * leftover * own[at(other)];
                }
                proved[band] = ratio(self.before[at(mic)], predicted, nothing);
                proved[NUM_BANDS + band] = ratio(self.after[at(mic)], believed, nothing);
            }
        }
        for band in 0..NUM_BANDS {
            let at = |from: usize| from * NUM_BANDS + band;
            let (mut bleed, mut left, mut loudest) = (0.0_f32, 0.0_f32, LEAST);
            let (mut most, mut most_left) = (0.0_f32, 0.0_f32);
            for other in bleeders() {
                bleed += seen.crosstalk.pair(mic, other)[band] * self.before[at(other)];
                left = left.max(seen.leftover.pair(mic, other)[band] * self.after[at(other)]);
                loudest = loudest.max(self.relative[at(other)]);
                most += seen.crosstalk.bound(mic, other)[band] * self.before[at(other)];
                most_left += seen.leftover.bound(mic, other)[band] * self.after[at(other)];
            }
            let (before, after) = (self.before[at(mic)], self.after[at(mic)]);
            let found = [
                ratio(before, level, nothing),
                ratio(after, level, nothing),
                ratio(before, bleed, nothing),
                ratio(after, left, nothing),
                ratio(self.predicted[at(mic)], before, nothing),
                self.relative[at(mic)],
                loudest,
                age.min(1.0),
            ];
            for (feature, found) in found.into_iter().enumerate() {
                values[feature * NUM_BANDS + band] = found;
            }
            bounded[band] = ratio(before, most, nothing);
            bounded[NUM_BANDS + band] = ratio(after, most_left, nothing);
        }
    }
}

/// Returns `log10((power + nothing) / (to + nothing))`, limited.
fn ratio(power: f32, to: f32, nothing: f32) -> f32 {
    let (power, to) = (power + nothing, to + nothing);
    if power > 0.0 && to > 0.0 { (power / to).log10().clamp(LEAST, MOST) } else { LEAST }
}
