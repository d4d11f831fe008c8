//! The paths of sound between mics: from each mic to each other one, in the bins that it dominates.
//!
//! A mic dominates a bin if its power there, relative to its own mean, is the highest of all mics.
//! In these bins its own source plays, and the phases of the cross-spectrum give the path to the
//! other mic (GCC-PHAT). Heights are in standard deviations of the sum for random phases.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};

use crate::excerpts::{EXCERPT_SAMPLES, NUM_BINS, Spectra};

/// Least ratio of a dominating mic's power to that of any other.
const DOMINANCE: f32 = 2.0;
/// Least power of a bin relative to the loudest; weaker bins are noise.
const LEAST_POWER: f32 = 1e-6;
/// Bins to each side over which the power is averaged.
const SMOOTH_BINS: usize = 4;
/// Least number of dominated bins of an excerpt with peaks.
const LEAST_BINS: usize = 100;
/// Largest number of peaks kept per excerpt, and their least height.
const MOST_PEAKS: usize = 4;
const LEAST_PEAK: f32 = 6.0;
/// Samples on each side that belong to a peak.
const PEAK_SAMPLES: usize = 12;
/// Largest travel time between the mics of a room, in seconds.
pub(crate) const ROOM_S: f64 = 0.05;
/// Least ratio of the height of a main peak beyond the room to that of the highest peak within.
const FAR_FACTOR: f32 = 1.6;
/// Range of lags in seconds that distinguishes one position from another.
const NEAR_S: f64 = 0.025;

/// A peak of one excerpt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Peak {
    /// Delay of the other mic in seconds.
    pub(crate) lag_s: f64,
    pub(crate) height: f32,
}

/// The path from one mic to another.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Main peak over the whole session, within the room unless one beyond is much higher.
    pub(crate) main: Peak,
    /// Highest peak within the room.
    pub(crate) near: Peak,
    /// Highest peaks of every excerpt.
    pub(crate) peaks: Vec<Vec<Peak>>,
    /// Correlations `[excerpt][lag]` within [`NEAR_S`], not scaled.
    pub(crate) shapes: Vec<Vec<f32>>,
    /// Number of dominated bins of each excerpt.
    pub(crate) num_bins: Vec<usize>,
}

/// All ways of a session, except those between allies.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) ways: Vec<Way>,
    pub(crate) num_mics: usize,
    pub(crate) middles_s: Vec<f64>,
    /// Number of bins that each mic dominates, over all excerpts.
    pub(crate) dominated: Vec<usize>,
}

impl Paths {
    pub(crate) fn new(spectra: &Spectra, is_ally: impl Fn(usize, usize) -> bool) -> Self {
        let num_mics = spectra.num_mics();
        let dominance = dominance(spectra, &is_ally);
        let count = |mic: usize| -> usize {
            dominance.iter().map(|masks| count_of(masks, mic)).sum::<usize>()
        };
        let mut correlator = Correlator::new(spectra);
        let mut ways = Vec::new();
        for from in 0..num_mics {
            for to in (0..num_mics).filter(|&to| to != from && !is_ally(from, to)) {
                ways.push(correlator.way(spectra, &dominance, from, to));
            }
        }
        Self {
            ways,
            num_mics,
            middles_s: spectra.middles_s.clone(),
            dominated: (0..num_mics).map(count).collect(),
        }
    }

    /// Returns the way between two mics, unless they are allies.
    pub(crate) fn way(&self, from: usize, to: usize) -> Option<&Way> {
        self.ways.iter().find(|way| (way.from, way.to) == (from, to))
    }

    /// Returns the time from the middle of the first excerpt to that of the last, in seconds.
    pub(crate) fn span_s(&self) -> f64 {
        let ends = self.middles_s.first().zip(self.middles_s.last());
        ends.map_or(0.0, |(first, last)| last - first)
    }
}

fn count_of(masks: &[u32], mic: usize) -> usize {
    masks.iter().filter(|&&mask| mask >> mic & 1 == 1).count()
}

/// Returns `[excerpt][bin]` with one bit set for each mic that dominates the bin.
fn dominance(spectra: &Spectra, is_ally: &impl Fn(usize, usize) -> bool) -> Vec<Vec<u32>> {
    let num_mics = spectra.num_mics();
    let bins = spectra.first_bin..NUM_BINS;
    let means: Vec<f32> = (0..num_mics)
        .map(|mic| {
            let of = |e: &Vec<Vec<Complex32>>| -> f32 {
                e[mic][bins.clone()].iter().map(Complex32::norm_sqr).sum()
            };
            spectra.bins.iter().map(of).sum()
        })
        .collect();
    let rivals: Vec<Vec<usize>> = (0..num_mics)
        .map(|mic| (0..num_mics).filter(|&other| other != mic && !is_ally(mic, other)).collect())
        .collect();
    spectra
        .bins
        .iter()
        .map(|excerpt| {
            let powers: Vec<Vec<f32>> = excerpt
                .iter()
                .zip(&means)
                .map(|(mic, &mean)| smooth_power(mic, spectra.first_bin, mean))
                .collect();
            let loudest = powers.iter().flatten().copied().fold(0.0, f32::max);
            (0..NUM_BINS)
                .map(|bin| {
                    let mut mask = 0;
                    for mic in 0..num_mics {
                        let own = powers[mic][bin];
                        let is_heard = own > LEAST_POWER * loudest;
                        let beats = |&other: &usize| own > DOMINANCE * powers[other][bin];
                        if is_heard && !rivals[mic].is_empty() && rivals[mic].iter().all(beats) {
                            mask |= 1_u32 << mic;
                        }
                    }
                    mask
                })
                .collect()
        })
        .collect()
}

/// Returns the power of each bin, averaged over its neighbours and divided by `mean`; zero
/// below `first_bin`.
fn smooth_power(bins: &[Complex32], first_bin: usize, mean: f32) -> Vec<f32> {
    let mut sums = Vec::with_capacity(bins.len() + 1);
    let mut sum = 0.0_f64;
    sums.push(sum);
    for bin in bins {
        sum += f64::from(bin.norm_sqr());
        sums.push(sum);
    }
    (0..bins.len())
        .map(|bin| {
            if bin < first_bin || mean <= 0.0 {
                return 0.0;
            }
            let (from, to) = (bin - bin.min(SMOOTH_BINS), (bin + SMOOTH_BINS + 1).min(bins.len()));
            #[allow(clippy::cast_possible_truncation, reason = "a power of f32 samples")]
            let power = ((sums[to] - sums[from]) / f64::from(mean)) as f32;
            power
        })
        .collect()
}

/// Transforms phases into functions of the lag.
pub(crate) struct Correlator {
    inverse: Arc<dyn ComplexToReal<f32>>,
    phases: Vec<Complex32>,
    lags: Vec<f32>,
    reduced_hz: f64,
}

impl Correlator {
    pub(crate) fn new(spectra: &Spectra) -> Self {
        let inverse = RealFftPlanner::new().plan_fft_inverse(EXCERPT_SAMPLES);
        Self {
            phases: inverse.make_input_vec(),
            lags: inverse.make_output_vec(),
            inverse,
            reduced_hz: spectra.reduced_hz,
        }
    }

    /// Returns the correlation of two mics' phases in the bins for which `is_wanted` is true, as a
    /// function of the lag (the delay of `to`), and the number of these bins.
    pub(crate) fn correlate(
        &mut self,
        from: &[Complex32],
        to: &[Complex32],
        is_wanted: impl Fn(usize) -> bool,
    ) -> (&[f32], usize) {
        self.phases.fill(Complex32::ZERO);
        let mut count = 0;
        for (bin, (a, b)) in from.iter().zip(to).enumerate() {
            if is_wanted(bin) {
                // The product of the powers would be too small for an f32.
                let (size_a, size_b) = (a.norm(), b.norm());
                if size_a > 0.0 && size_b > 0.0 {
                    self.phases[bin] = (a / size_a).conj() * (b / size_b);
                }
                count += 1;
            }
        }
        let result = self.inverse.process(&mut self.phases, &mut self.lags);
        debug_assert!(result.is_ok(), "lengths are those of the plan");
        (&self.lags, count)
    }

    fn way(&mut self, spectra: &Spectra, masks: &[Vec<u32>], from: usize, to: usize) -> Way {
        let near = self.within(NEAR_S);
        let mut sum = vec![0.0_f32; EXCERPT_SAMPLES];
        let (mut peaks, mut shapes, mut num_bins) = (Vec::new(), Vec::new(), Vec::new());
        for (excerpt, masks) in spectra.bins.iter().zip(masks) {
            let wanted = |bin: usize| masks[bin] >> from & 1 == 1;
            let reduced_hz = self.reduced_hz;
            if count_of(masks, from) == 0 {
                peaks.push(Vec::new());
                shapes.push(vec![0.0; 2 * near + 1]);
                num_bins.push(0);
                continue;
            }
            let (lags, count) = self.correlate(&excerpt[from], &excerpt[to], wanted);
            for (sum, lag) in sum.iter_mut().zip(lags) {
                *sum += lag;
            }
            let around = (EXCERPT_SAMPLES - near..EXCERPT_SAMPLES).chain(0..=near);
            shapes.push(around.map(|index| lags[index]).collect());
            peaks.push(if count < LEAST_BINS {
                Vec::new()
            } else {
                highest(lags, deviation(count), reduced_hz)
            });
            num_bins.push(count);
        }
        let deviation = deviation(num_bins.iter().sum());
        let room = self.within(ROOM_S);
        let is_near = |index: usize| index <= room || index >= EXCERPT_SAMPLES - room;
        let near = highest_where(&sum, deviation, self.reduced_hz, is_near);
        let far = highest_where(&sum, deviation, self.reduced_hz, |index| !is_near(index));
        let main = if far.height > FAR_FACTOR * near.height { far } else { near };
        Way { from, to, main, near, peaks, shapes, num_bins }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
    fn within(&self, seconds: f64) -> usize {
        (seconds * self.reduced_hz) as usize
    }
}

/// Returns the standard deviation of a correlation of `num_bins` random phases.
pub(crate) fn deviation(num_bins: usize) -> f32 {
    (2.0 * num_bins.max(1) as f32).sqrt()
}

/// Returns the highest peak at the indices for which `is_wanted` is true.
pub(crate) fn highest_where(
    lags: &[f32],
    deviation: f32,
    reduced_hz: f64,
    is_wanted: impl Fn(usize) -> bool,
) -> Peak {
    let wanted = (0..lags.len()).filter(|&index| is_wanted(index));
    let best = wanted.max_by(|&a, &b| lags[a].abs().total_cmp(&lags[b].abs())).unwrap_or(0);
    peak_at(lags, best, deviation, reduced_hz)
}

/// Returns the highest peaks; no peak lies in the surroundings of another.
fn highest(lags: &[f32], deviation: f32, reduced_hz: f64) -> Vec<Peak> {
    let mut taken: Vec<usize> = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..MOST_PEAKS {
        let is_free = |index: usize| {
            taken.iter().all(|&other| {
                let distance = index.abs_diff(other);
                distance.min(lags.len() - distance) > PEAK_SAMPLES
            })
        };
        let free = (0..lags.len())
            .filter(|&index| lags[index].abs() > LEAST_PEAK * deviation && is_free(index));
        let Some(best) = free.max_by(|&a, &b| lags[a].abs().total_cmp(&lags[b].abs())) else {
            break;
        };
        taken.push(best);
        peaks.push(peak_at(lags, best, deviation, reduced_hz));
    }
    peaks
}

/// Returns the peak at an index, interpolated by the parabola through its neighbours.
fn peak_at(lags: &[f32], index: usize, deviation: f32, reduced_hz: f64) -> Peak {
    let num = lags.len();
    let height = |index: usize| f64::from(lags[index % num].abs());
    let (before, at, after) = (height(index + num - 1), height(index), height(index + 1));
    let curve = before - 2.0 * at + after;
    let between = if curve < 0.0 { (0.5 * (before - after) / curve).clamp(-0.5, 0.5) } else { 0.0 };
    let index = if index > num / 2 { index as f64 - num as f64 } else { index as f64 };
    Peak { lag_s: (index + between) / reduced_hz, height: lags_height(at, deviation) }
}

fn lags_height(at: f64, deviation: f32) -> f32 {
    #[allow(clippy::cast_possible_truncation, reason = "it was an f32")]
    let at = at as f32;
    at / deviation
}
