//! Leakage between mics after cancellation, estimated from the masks of a guide.
//!
//! A mic's power after cancellation is modelled as its own power, given by the guide's masks, plus
//! a gain times each other mic's power. The gains of all pairs and bands maximise the likelihood of
//! a sample of the hops. They are fitted by multiplicative updates of the Itakura-Saito divergence
//! (Févotte, Bertin and Durrieu, "Nonnegative matrix factorization with the Itakura-Saito
//! divergence", 2009) in which only the gains are unknown. Unlike a quantile of power ratios, they
//! need no moment in which a bleeder plays alone.

use crate::MAX_MICS;
use crate::debleed::cancel::bands::NUM_BANDS;
use crate::debleed::cancel::lanes::{LANES, Real};

/// Initial gain, relative to the ratio of mean powers.
const START: f32 = 0.05;
/// Limits of the gains, relative to the ratio of mean powers.
const LEAST: f32 = 1e-9;
const MOST: f32 = 1e3;
/// Power added to every modelled sample, relative to the mean.
const FLOOR: f32 = 1e-6;
/// Smallest number of samples for an estimate.
const FEWEST: usize = 32;

/// A sample of the hops, and the gains that explain it.
#[derive(Debug)]
pub(crate) struct Interference {
    num_mics: usize,
    capacity: usize,
    /// Power after cancellation and the share of it that masks keep, `[band, mic, sample]`.
    power: Vec<f32>,
    kept: Vec<f32>,
    /// One hop in this many is a sample.
    every: usize,
    /// Number of hops whose masks and whose powers were added.
    masked_hops: usize,
    power_hops: usize,
    samples: usize,
    /// Power gains, `[target, bleeder, band]`.
    gains: Vec<f32>,
    is_known: bool,
    /// Number of bands updated, in turns.
    turns: usize,
}

impl Interference {
    /// Creates the state for `num_mics` mics; with 0 samples, no gains are ever known.
    pub(crate) fn new(num_mics: usize, samples: usize) -> Self {
        let capacity = samples.next_multiple_of(2 * LANES);
        let (values, pairs) = (NUM_BANDS * num_mics * capacity, num_mics * num_mics * NUM_BANDS);
        Self {
            num_mics,
            capacity,
            power: vec![0.0; values],
            kept: vec![0.0; values],
            every: 1,
            masked_hops: 0,
            power_hops: 0,
            samples: 0,
            gains: vec![0.0; if capacity > 0 { pairs } else { 0 }],
            is_known: false,
            turns: 0,
        }
    }

    /// Returns true if it has room for samples.
    fn has_room(&self) -> bool {
        self.capacity > 0
    }

    /// Returns true if the gains are in use.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Enables the gains if all bands have been updated.
    pub(crate) fn conclude(&mut self) {
        self.is_known = !self.gains().is_empty();
    }

    /// Returns the power gains from a bleeder to a target, `[band]`.
    pub(crate) fn pair(&self, target: usize, bleeder: usize) -> &[f32] {
        &self.gains[(target * self.num_mics + bleeder) * NUM_BANDS..][..NUM_BANDS]
    }

    /// Adds the keep masks of the next hop, `[mic, band]`; without masks everything counts as kept.
    pub(crate) fn add_masks(&mut self, keep: Option<&[f32]>, active: &[bool]) {
        if !self.has_room() {
            return;
        }
        let hop = self.masked_hops;
        self.masked_hops += 1;
        if !hop.is_multiple_of(self.every) {
            return;
        }
        if hop / self.every == self.capacity {
            self.thin();
            if !hop.is_multiple_of(self.every) {
                return;
            }
        }
        let sample = hop / self.every;
        self.samples = sample + 1;
        for (mic, &is_active) in active.iter().enumerate() {
            for band in 0..NUM_BANDS {
                let keep = keep.map_or(1.0, |keep| keep[mic * NUM_BANDS + band]);
                let kept = if is_active { keep * keep } else { 0.0 };
                self.kept[(band * self.num_mics + mic) * self.capacity + sample] = kept;
            }
        }
    }

    /// Adds the power of the next hop after cancellation, `[mic, band]`: right after its masks, or
    /// the powers of all hops after the masks of all hops.
    pub(crate) fn add_power(&mut self, power: &[f32], active: &[bool]) {
        if !self.has_room() {
            return;
        }
        let hop = self.power_hops;
        self.power_hops += 1;
        let sample = hop / self.every;
        if !hop.is_multiple_of(self.every) || sample >= self.samples {
            return;
        }
        for (mic, power) in power.chunks_exact(NUM_BANDS).enumerate() {
            for (band, &power) in power.iter().enumerate() {
                let power = if active[mic] { power } else { 0.0 };
                self.power[(band * self.num_mics + mic) * self.capacity + sample] = power;
            }
        }
    }

    /// Drops every other sample.
    fn thin(&mut self) {
        for values in [&mut self.power, &mut self.kept] {
            for row in values.chunks_exact_mut(self.capacity) {
                for sample in 0..self.capacity / 2 {
                    row[sample] = row[2 * sample];
                }
                row[self.capacity / 2..].fill(0.0);
            }
        }
        self.every *= 2;
        self.samples = self.capacity / 2;
    }

    /// Updates the gains of the band whose turn it is, `times` times; `order` is the order of the
    /// bleeders of each target.
    pub(crate) fn update(
        &mut self,
        times: usize,
        order: &[usize],
        is_bleed: impl Fn(usize, usize) -> bool,
    ) {
        if self.samples < FEWEST {
            return;
        }
        let band = self.turns % NUM_BANDS;
        self.turns += 1;
        let (num_mics, capacity) = (self.num_mics, self.capacity);
        let row = |mic: usize| (band * num_mics + mic) * capacity;
        let length = self.samples.next_multiple_of(LANES);
        let mean = |mic: usize| {
            let powers = &self.power[row(mic)..][..length];
            powers.iter().sum::<f32>() / self.samples as f32
        };
        let mut means = [0.0; MAX_MICS];
        for &mic in order {
            means[mic] = mean(mic);
        }
        for &target in order.iter().filter(|&&mic| means[mic] > 0.0) {
            let mut bleeders = [Bleeder { power: &[], scale: 0.0, gain: 0.0 }; MAX_MICS];
            let mut count = 0;
            let heard = |&mic: &usize| means[mic] > 0.0 && is_bleed(target, mic);
            for mic in order.iter().copied().filter(heard) {
                let gain = self.gains[(target * num_mics + mic) * NUM_BANDS + band];
                bleeders[count] = Bleeder {
                    power: &self.power[row(mic)..][..length],
                    scale: means[mic].recip(),
                    gain: if gain > 0.0 { gain * means[mic] / means[target] } else { START },
                };
                count += 1;
            }
            let power = &self.power[row(target)..][..length];
            let kept = &self.kept[row(target)..][..length];
            for _ in 0..times {
                improve(power, kept, means[target].recip(), &mut bleeders[..count]);
            }
            let gains = bleeders.map(|bleeder| bleeder.gain * bleeder.scale);
            for (mic, gain) in order.iter().copied().filter(heard).zip(gains) {
                let gain = gain * means[target];
                self.gains[(target * num_mics + mic) * NUM_BANDS + band] = gain;
            }
        }
    }

    /// Returns all gains, `[target, bleeder, band]`; empty until every band had its turn.
    pub(crate) fn gains(&self) -> &[f32] {
        if self.turns >= NUM_BANDS { &self.gains } else { &[] }
    }

    /// Restores gains; clears them if `gains` is empty.
    pub(crate) fn restore(&mut self, gains: &[f32]) {
        self.forget();
        if gains.len() == self.gains.len() {
            self.gains.copy_from_slice(gains);
            self.turns = NUM_BANDS;
            self.conclude();
        }
    }

    /// Clears everything.
    pub(crate) fn forget(&mut self) {
        self.power.fill(0.0);
        self.kept.fill(0.0);
        self.gains.fill(0.0);
        (self.every, self.masked_hops, self.power_hops, self.samples) = (1, 0, 0, 0);
        (self.turns, self.is_known) = (0, false);
    }
}

/// One bleeder of a target in one band.
#[derive(Clone, Copy)]
struct Bleeder<'a> {
    /// Power, `[sample]`.
    power: &'a [f32],
    /// 1 / mean power.
    scale: f32,
    /// Gain between powers divided by their means.
    gain: f32,
}

/// Runs one multiplicative update of the gains to a target.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn improve(power: &[f32], kept: &[f32], scale: f32, bleeders: &mut [Bleeder<'_>]) {
    let mut sums = [(Real::ZERO, Real::ZERO); MAX_MICS];
    let weight = |bleeder: &Bleeder<'_>| Real::splat(bleeder.scale * bleeder.gain);
    for (at, power) in power.chunks_exact(LANES).enumerate() {
        let all = Real::load(power) * Real::splat(scale);
        let mut expected = all * Real::load(&kept[at * LANES..]) + Real::splat(FLOOR);
        for bleeder in &*bleeders {
            expected = expected + Real::load(&bleeder.power[at * LANES..]) * weight(bleeder);
        }
        let inverse = expected.map(f32::recip);
        let rising = all * inverse * inverse;
        for (bleeder, (up, down)) in bleeders.iter().zip(&mut sums) {
            let power = Real::load(&bleeder.power[at * LANES..]);
            *up = *up + rising * power;
            *down = *down + inverse * power;
        }
    }
    for (bleeder, (up, down)) in bleeders.iter_mut().zip(sums) {
        let (up, down) = (up.0.iter().sum::<f32>(), down.0.iter().sum::<f32>());
        if down > 0.0 {
            bleeder.gain = (bleeder.gain * (up / down).sqrt()).clamp(LEAST, MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICS: usize = 3;
    const HOPS: usize = 3000;
    /// Gains from the second mic to the first, and from the third to the second.
    const TRUE_GAINS: [(usize, usize, f32); 2] = [(0, 1, 0.02), (1, 2, 0.3)];

    /// Returns the power of each mic's own source in a hop, `[mic]`: all play at once, at
    /// varying levels.
    fn own_power(hop: usize) -> [f32; MICS] {
        let swing = |period: f32, phase: f32| (hop as f32 / period + phase).sin().exp().powi(3);
        [swing(3.1, 0.0), 50.0 * swing(4.7, 1.0), 20.0 * swing(7.3, 2.0)]
    }

    /// Adds hops with masks alternately too high and too low, with a gain and a channel for each
    /// source's mic, and estimates the gains.
    fn taught(capacity: usize, louder: [f32; MICS], places: &[usize; MICS]) -> Interference {
        taught_with_masks_from(0, capacity, louder, places)
    }

    /// Like [`taught`], with no masks in the first hops.
    fn taught_with_masks_from(
        first: usize,
        capacity: usize,
        louder: [f32; MICS],
        places: &[usize; MICS],
    ) -> Interference {
        let mut interference = Interference::new(MICS, capacity);
        let hops = (0..HOPS).map(|hop| {
            let own = own_power(hop);
            let mut power = own;
            for (target, bleeder, gain) in TRUE_GAINS {
                power[target] += gain * own[bleeder];
            }
            let wrong = |mic: usize| if (hop / 2 + mic).is_multiple_of(2) { 0.85 } else { 1.15 };
            let keep = |mic: usize| (own[mic] / power[mic]).sqrt() * wrong(mic);
            let per_band = |value: &dyn Fn(usize) -> f32| -> Vec<f32> {
                let mut values = vec![0.0; MICS * NUM_BANDS];
                for (mic, place) in places.iter().enumerate() {
                    values[place * NUM_BANDS..][..NUM_BANDS].fill(value(mic));
                }
                values
            };
            let keep = (hop >= first).then(|| per_band(&keep));
            (keep, per_band(&|mic| louder[mic] * power[mic]))
        });
        let hops: Vec<_> = hops.collect();
        for (keep, _) in &hops {
            interference.add_masks(keep.as_deref(), &[true; MICS]);
        }
        for (_, power) in &hops {
            interference.add_power(power, &[true; MICS]);
        }
        for _ in 0..NUM_BANDS {
            interference.update(60, places, |target, bleeder| target != bleeder);
        }
        interference.conclude();
        interference
    }

    #[test]
    fn gains_are_found_although_nobody_plays_alone() {
        let interference = taught(HOPS, [1.0; MICS], &[0, 1, 2]);
        assert!(interference.is_known());
        for (target, bleeder, gain) in TRUE_GAINS {
            for &found in interference.pair(target, bleeder) {
                assert!((found / gain).log10().abs() < 0.2, "{target} {bleeder}: {found}");
            }
        }
    }

    #[test]
    fn a_long_passage_is_sampled_throughout() {
        let whole = taught(HOPS, [1.0; MICS], &[0, 1, 2]);
        let part = taught(512, [1.0; MICS], &[0, 1, 2]);
        assert_eq!((part.every, part.samples), (8, HOPS.div_ceil(8)));
        for (target, bleeder, _) in TRUE_GAINS {
            let ratio = part.pair(target, bleeder)[7] / whole.pair(target, bleeder)[7];
            assert!(ratio.log10().abs() < 0.1, "{target} {bleeder}: {ratio}");
        }
    }

    #[test]
    fn how_loud_mics_are_and_where_they_are_plugged_in_changes_nothing() {
        let plain = taught(512, [1.0; MICS], &[0, 1, 2]);
        let louder = [1024.0, 1.0 / 64.0, 4.0];
        let places = [2, 0, 1];
        let moved = taught(512, louder, &places);
        for target in 0..MICS {
            for bleeder in (0..MICS).filter(|&bleeder| bleeder != target) {
                let scale = louder[target] / louder[bleeder];
                let moved = moved.pair(places[target], places[bleeder]);
                let moved = moved.iter().map(|gain| gain / scale);
                let plain = plain.pair(target, bleeder);
                assert!(moved.eq(plain.iter().copied()), "powers of two change no digit");
            }
        }
    }

    #[test]
    fn hops_without_masks_keep_their_place() {
        let interference = taught_with_masks_from(301, HOPS, [1.0; MICS], &[0, 1, 2]);
        for (target, bleeder, gain) in TRUE_GAINS {
            let found = interference.pair(target, bleeder)[7];
            assert!((found / gain).log10().abs() < 0.2, "{target} {bleeder}: {found}");
        }
    }

    #[test]
    fn a_few_hops_teach_nothing_and_gains_come_back_as_they_were() {
        let mut interference = Interference::new(MICS, 512);
        interference.add_masks(Some(&[0.5; MICS * NUM_BANDS]), &[true; MICS]);
        interference.add_power(&[1.0; MICS * NUM_BANDS], &[true; MICS]);
        interference.update(1, &[0, 1, 2], |target, bleeder| target != bleeder);
        interference.conclude();
        assert!(!interference.is_known() && interference.gains().is_empty());
        let taught = taught(512, [1.0; MICS], &[0, 1, 2]);
        interference.restore(taught.gains());
        assert!(interference.is_known());
        assert_eq!(interference.gains(), taught.gains());
        interference.restore(&[]);
        assert!(!interference.is_known());
    }
}
