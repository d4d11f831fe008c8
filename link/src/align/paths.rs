//! Delays between the tracks of one window: from each to each other one, in the bins where it is
//! loudest.
//!
//! A track dominates a bin if its power there, relative to its own mean, is the highest of all.
//! There its own source plays, and the phases of the cross-spectrum give the path to the other
//! track (C. H. Knapp and G. C. Carter, "The generalized correlation method for estimation of time
//! delay", 1976, the phase transform; the choice of bins is added).

use std::sync::Arc;

use engine::GroupId;
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::feed::BLOCK_SAMPLES;
use super::{ALIGNED_S, FARTHEST_S};

/// Samples of a window: two blocks.
pub(super) const WINDOW_SAMPLES: usize = 2 * BLOCK_SAMPLES;
const NUM_BINS: usize = WINDOW_SAMPLES / 2 + 1;
/// Lowest frequency that is compared, in Hz: below are hum and rumble.
const LOWEST_HZ: f32 = 80.0;
/// Bins to each side over which the power is averaged.
const SMOOTH_BINS: usize = 6;
/// Least ratios of a dominating track's power to that of any other, and the number of bins that is
/// enough for each. The last is for tracks with one source, of which none dominates.
const DOMINANCE: [(f32, usize); 4] = [(4.0, 1000), (2.0, 1000), (1.0, LEAST_BINS), (0.5, 0)];
/// Least relative power of a bin; weaker bins are noise.
const LEAST_POWER: f32 = 1e-6;
/// Least number of bins with a delay.
const LEAST_BINS: usize = 300;

/// Least height of a peak in standard deviations of the correlation.
const LEAST_HEIGHT: f32 = 6.0;
/// Least ratio of a peak to its surroundings. Two sounds that only begin at constant times have a
/// hill as long as they last, of which the highest sample reaches 4 to 4.8.
const LEAST_CREST: f32 = 5.0;
/// The same within the room, where reflections are the surroundings.
const LEAST_NEAR_CREST: f32 = 4.0;
/// Least ratio of a peak beyond the room to all others there: the peaks of a rhythm are alike.
const LEAST_LEAD: f32 = 1.3;
/// Least ratio of a peak within the room to those beyond. A delay effect has both.
const LEAST_NEAR: f32 = 0.35;
/// Reach of the surroundings, and of the peak itself, in seconds.
const SURROUNDINGS_S: f32 = 0.08;
const PEAK_S: f32 = 0.002;
/// Range around a peak with its own reflections, in seconds.
const REFLECTIONS_S: f32 = 0.06;

/// One track of a window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) group: Option<GroupId>,
    /// Directions of the bins, of length one or zero.
    directions: Vec<Complex32>,
    /// Smooth powers of the bins.
    powers: Vec<f32>,
    /// Mean power.
    pub(super) mean: f32,
}

/// Transforms windows and finds delays.
pub(super) struct Correlator {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    taper: Vec<f32>,
    rate_hz: f32,
    bins: Vec<Complex32>,
    lags: Vec<f32>,
}

impl std::fmt::Debug for Correlator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Correlator").field("rate_hz", &self.rate_hz).finish_non_exhaustive()
    }
}

impl Correlator {
    /// `rate_hz` is that of the reduced samples.
    pub(super) fn new(rate_hz: f32) -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(WINDOW_SAMPLES);
        let inverse = planner.plan_fft_inverse(WINDOW_SAMPLES);
        let step = std::f32::consts::TAU / WINDOW_SAMPLES as f32;
        Self {
            bins: forward.make_output_vec(),
            lags: inverse.make_output_vec(),
            forward,
            inverse,
            taper: (0..WINDOW_SAMPLES).map(|n| 0.5 - 0.5 * (step * n as f32).cos()).collect(),
            rate_hz,
        }
    }

    /// Returns the window of a track, or `None` for silence.
    pub(super) fn window(
        &mut self,
        group: Option<GroupId>,
        samples: impl Iterator<Item = f32>,
    ) -> Option<Window> {
        self.lags.clear();
        self.lags.extend(samples.zip(&self.taper).map(|(sample, taper)| sample * taper));
        self.lags.resize(WINDOW_SAMPLES, 0.0);
        self.forward.process(&mut self.lags, &mut self.bins).ok()?;
        let first = index_of(LOWEST_HZ, WINDOW_SAMPLES as f32 / self.rate_hz);
        self.bins[..first.min(NUM_BINS)].fill(Complex32::ZERO);
        let powers = smooth(&self.bins);
        let mean = powers.iter().sum::<f32>() / NUM_BINS as f32;
        let direction = |bin: &Complex32| {
            let size = bin.norm();
            if size > 0.0 { bin / size } else { Complex32::ZERO }
        };
        (mean > 1e-12).then(|| Window {
            group,
            directions: self.bins.iter().map(direction).collect(),
            powers,
            mean,
        })
    }

    /// Returns the delay of `to` after `from` in seconds, if it is clear.
    fn delay(&mut self, from: &Window, to: &Window, mask: &[bool], count: usize) -> Option<f32> {
        for (((bin, a), b), &is_wanted) in
            self.bins.iter_mut().zip(&from.directions).zip(&to.directions).zip(mask)
        {
            *bin = if is_wanted { a.conj() * b } else { Complex32::ZERO };
        }
        // The transform refuses imaginary parts here.
        self.bins[0] = Complex32::ZERO;
        self.bins[NUM_BINS - 1] = Complex32::ZERO;
        self.inverse.process(&mut self.bins, &mut self.lags).ok()?;
        Lags { lags: &self.lags, rate_hz: self.rate_hz }.clear_peak((2.0 * count as f32).sqrt())
    }

    /// Returns the delays, `[from, to]`. `means` are the powers with which the tracks are compared.
    pub(super) fn delays(&mut self, windows: &[Option<Window>], means: &[f32]) -> Vec<Option<f32>> {
        let num = windows.len();
        let mut delays = vec![None; num * num];
        let loudness = Loudness::new(windows, means);
        for (index, from) in windows.iter().enumerate() {
            let Some(from) = from else { continue };
            let (mask, count) = loudness.mask(index, from.group, windows);
            if count < LEAST_BINS {
                continue;
            }
            for (other, to) in windows.iter().enumerate().filter(|(other, _)| *other != index) {
                let Some(to) = to else { continue };
                delays[index * num + other] = self.delay(from, to, &mask, count);
            }
        }
        delays
    }
}

/// Powers of all tracks relative to their means, `[track][bin]`; empty for silent ones.
struct Loudness {
    powers: Vec<Vec<f32>>,
    loudest: f32,
}

impl Loudness {
    fn new(windows: &[Option<Window>], means: &[f32]) -> Self {
        let powers: Vec<Vec<f32>> = windows
            .iter()
            .zip(means)
            .map(|(window, mean)| {
                let powers = window.iter().flat_map(|window| &window.powers);
                powers.map(|power| power / mean.max(f32::MIN_POSITIVE)).collect()
            })
            .collect();
        let loudest = powers.iter().flatten().copied().fold(0.0, f32::max);
        Self { powers, loudest }
    }

    /// Returns the bins in which a track is the loudest, and their number.
    fn mask(
        &self,
        index: usize,
        group: Option<GroupId>,
        windows: &[Option<Window>],
    ) -> (Vec<bool>, usize) {
        let own = &self.powers[index];
        let mut rivals = vec![0.0_f32; NUM_BINS];
        for (other, powers) in self.powers.iter().enumerate() {
            let shares =
                group.is_some() && windows[other].as_ref().is_some_and(|w| w.group == group);
            if other != index && !shares {
                rivals.iter_mut().zip(powers).for_each(|(rival, power)| *rival = rival.max(*power));
            }
        }
        let least = LEAST_POWER * self.loudest;
        let loudest_in = |ratio: f32| -> (Vec<bool>, usize) {
            let bins = own.iter().zip(&rivals);
            let mask: Vec<bool> =
                bins.map(|(own, rival)| *own > least && *own > ratio * rival).collect();
            let count = mask.iter().filter(|is_wanted| **is_wanted).count();
            (mask, count)
        };
        let steps = DOMINANCE.iter().map(|&(ratio, enough)| (loudest_in(ratio), enough));
        let first = { steps }.find(|((_, count), enough)| count >= enough);
        first.map(|(found, _)| found).unwrap_or_default()
    }
}

/// A correlation as a function of the lag, which is circular.
#[derive(Clone, Copy)]
struct Lags<'a> {
    lags: &'a [f32],
    rate_hz: f32,
}

impl Lags<'_> {
    fn at(&self, lag: isize) -> f32 {
        let index = lag.rem_euclid(self.lags.len().cast_signed()).cast_unsigned();
        self.lags[index].abs()
    }

    fn samples(&self, seconds: f32) -> isize {
        index_of(seconds, self.rate_hz).cast_signed()
    }

    /// Returns the highest of some lags, and its height.
    fn highest(&self, lags: impl Iterator<Item = isize>) -> (isize, f32) {
        lags.map(|lag| (lag, self.at(lag))).fold(
            (0, 0.0),
            |best, lag| {
                if lag.1 > best.1 { lag } else { best }
            },
        )
    }

    /// Returns the lag of the peak that tells the delay, in seconds. `deviation` is the standard
    /// deviation of all lags.
    fn clear_peak(&self, deviation: f32) -> Option<f32> {
        let room = self.samples(ALIGNED_S);
        let farthest = self.samples(FARTHEST_S);
        let near = self.highest(-room..=room);
        let beyond = move |lag: &isize| lag.abs() > room;
        let far = self.highest((-farthest..=farthest).filter(beyond));
        if near.1 >= LEAST_NEAR * far.1 {
            return self.is_clear(near, deviation, LEAST_NEAR_CREST).then(|| self.seconds(near.0));
        }
        let reflections = self.samples(REFLECTIONS_S);
        let others =
            (-farthest..=farthest).filter(|lag| lag.abs_diff(far.0).cast_signed() > reflections);
        let leads = far.1 >= LEAST_LEAD * self.highest(others).1;
        (leads && self.is_clear(far, deviation, LEAST_CREST)).then(|| self.seconds(far.0))
    }

    fn is_clear(&self, (lag, height): (isize, f32), deviation: f32, crest: f32) -> bool {
        if height < LEAST_HEIGHT * deviation {
            return false;
        }
        let (reach, inner) = (self.samples(SURROUNDINGS_S), self.samples(PEAK_S));
        let around = (-reach..=reach).filter(|lag| lag.abs() > inner);
        let power: f32 = around.clone().map(|apart| self.at(lag + apart).powi(2)).sum();
        height >= crest * (power / around.count() as f32).sqrt()
    }

    fn seconds(&self, lag: isize) -> f32 {
        lag as f32 / self.rate_hz
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
fn index_of(seconds: f32, rate_hz: f32) -> usize {
    (seconds * rate_hz) as usize
}

/// Returns the power of each bin, averaged over its neighbours.
fn smooth(bins: &[Complex32]) -> Vec<f32> {
    let mut sums = vec![0.0_f64];
    let mut sum = 0.0_f64;
    sums.extend(bins.iter().map(|bin| {
        sum += f64::from(bin.norm_sqr());
        sum
    }));
    (0..bins.len())
        .map(|bin| {
            let (from, to) =
                (bin.saturating_sub(SMOOTH_BINS), (bin + SMOOTH_BINS + 1).min(bins.len()));
            #[allow(clippy::cast_possible_truncation, reason = "a power of f32 samples")]
            let power = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
            power
        })
        .collect()
}
