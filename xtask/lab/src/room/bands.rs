//! Octave bands: combines a response with levels per band into one signal, and filters
//! direct sound.

use super::impulse::{HALF_TAPS, Train, exact_taps, place};
use super::{BAND_CENTRES_HZ, NUM_BANDS};
use crate::convert::to_f32;
use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Corner frequency in Hz of the reflections' high-pass.
pub(super) const REFLECTION_HIGH_PASS_HZ: f64 = 40.0;

/// Time in seconds after which the bands' filters have decayed. They ring to both sides; ringing
/// before the start of the response is cut off.
const RING_S: f64 = 0.1;

/// Maximum ringing of a direct sound's filter in seconds.
const DIRECT_RING_S: f64 = 0.04;

/// Minimum gain of a band relative to the largest one, so that its logarithm is finite.
const LEAST_GAIN: f64 = 1e-4;

/// Returns the share of a band at the frequency `at_hz`: raised cosines over the octave that sum
/// to 1.
pub(super) fn band_share(band: usize, at_hz: f64) -> f64 {
    let octaves = (at_hz.max(1.0) / BAND_CENTRES_HZ[0]).log2().clamp(0.0, (NUM_BANDS - 1) as f64);
    let distance = (octaves - band as f64).abs();
    if distance < 1.0 { 0.5 + 0.5 * (std::f64::consts::PI * distance).cos() } else { 0.0 }
}

/// Returns the gain of the high-pass, which keeps identical walls from adding up to a boom.
fn high_pass_gain(cut_hz: f64, at_hz: f64) -> f64 {
    1.0 / (1.0 + (cut_hz / at_hz.max(1e-3)).powi(4)).sqrt()
}

/// Transforms and gains for one length and rate, created once per thread.
struct Filters {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// First bin of each band, and its gains from there on, divided by the FFT size.
    gains: [(usize, Vec<f32>); NUM_BANDS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FilterKey {
    size: usize,
    rate_bits: u64,
    high_pass_bits: u64,
}

/// Maximum number of cached filters; the cache is cleared beyond it. A scene uses a few lengths.
const MOST_KEPT: usize = 24;

thread_local! {
    static FILTERS: RefCell<HashMap<FilterKey, Rc<Filters>>> = RefCell::new(HashMap::new());
    static PLANNER: RefCell<RealFftPlanner<f32>> = RefCell::new(RealFftPlanner::new());
}

fn filters(size: usize, rate_hz: f64, high_pass_hz: f64) -> Rc<Filters> {
    let key =
        FilterKey { size, rate_bits: rate_hz.to_bits(), high_pass_bits: high_pass_hz.to_bits() };
    FILTERS.with_borrow_mut(|kept| {
        if kept.len() >= MOST_KEPT && !kept.contains_key(&key) {
            kept.clear();
        }
        let made =
            kept.entry(key).or_insert_with(|| Rc::new(Filters::new(size, rate_hz, high_pass_hz)));
        Rc::clone(made)
    })
}

impl Filters {
    fn new(size: usize, rate_hz: f64, high_pass_hz: f64) -> Self {
        let gains = std::array::from_fn(|band| {
            let all: Vec<f32> = (0..=size / 2)
                .map(|bin| {
                    let at_hz = bin as f64 * rate_hz / size as f64;
                    let gain = band_share(band, at_hz) * high_pass_gain(high_pass_hz, at_hz);
                    to_f32(gain / size as f64)
                })
                .collect();
            let first = all.iter().position(|&gain| gain > 0.0).unwrap_or(all.len());
            let end = all.iter().rposition(|&gain| gain > 0.0).map_or(first, |last| last + 1);
            (first, all[first..end].to_vec())
        });
        PLANNER.with_borrow_mut(|planner| Self {
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
            gains,
        })
    }
}

/// Filters each band of `train` and adds all bands to `response`. A `high_pass_hz` of 0 disables
/// the high-pass.
pub(super) fn combine(train: &Train, rate_hz: f64, high_pass_hz: f64, response: &mut [f32]) {
    // Long enough for the filters' ringing to wrap into silence.
    let size = quick_size(train.len() + crate::convert::to_index(RING_S * rate_hz));
    let filters = filters(size, rate_hz, high_pass_hz);
    let mut sum = filters.inverse.make_input_vec();
    let mut spectrum = filters.forward.make_output_vec();
    let mut padded = filters.forward.make_input_vec();
    let mut scratch = filters.forward.make_scratch_vec();
    for (band, (first, gains)) in filters.gains.iter().enumerate() {
        for (sample, bands) in padded.iter_mut().zip(train) {
            *sample = bands[band];
        }
        padded[train.len()..].fill(0.0);
        let done = filters.forward.process_with_scratch(&mut padded, &mut spectrum, &mut scratch);
        debug_assert!(done.is_ok(), "buffers come from the plan and always fit");
        for ((total, value), gain) in sum[*first..].iter_mut().zip(&spectrum[*first..]).zip(gains) {
            *total += value * gain;
        }
    }
    // These two bins are real by symmetry, up to rounding.
    sum[0].im = 0.0;
    sum[size / 2].im = 0.0;
    let done = filters.inverse.process(&mut sum, &mut padded);
    debug_assert!(done.is_ok(), "buffers come from the plan and always fit");
    for (total, &sample) in response.iter_mut().zip(&padded) {
        *total += sample;
    }
}

/// Returns the smallest length of the form `2^k` or `3 * 2^k` that is at least `least_samples`.
fn quick_size(least_samples: usize) -> usize {
    let double = least_samples.next_power_of_two().max(8);
    if double / 4 * 3 >= least_samples { double / 4 * 3 } else { double }
}

/// Returns the number of samples that a filtered direct sound occupies after its travel time.
pub(super) fn direct_ring_samples(rate_hz: f64) -> usize {
    crate::convert::to_index(DIRECT_RING_S * rate_hz)
}

/// Adds the direct sound through a filter with the given gains at the bands' centres. Raised
/// cosines interpolate between them.
///
/// The filter has minimum phase: no output precedes the arrival of the sound, except within the
/// interpolation margin. If the gains of a mic's pattern have both signs, all bands use the sign at
/// 1 kHz.
///
/// # Source
///
/// A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", 2nd edition, 1999, section
/// 11.4: minimum phase from the folded real cepstrum.
pub(super) fn add_direct(
    response: &mut [f32],
    at_samples: f64,
    gains: &[f64; NUM_BANDS],
    rate_hz: f64,
) {
    let ring = direct_ring_samples(rate_hz);
    let size = (2 * ring).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(size);
    let inverse = planner.plan_fft_inverse(size);
    let loudest = gains.iter().fold(0.0_f64, |most, gain| most.max(gain.abs()));
    if loudest <= 0.0 {
        return;
    }
    let mut spectrum = inverse.make_input_vec();
    for (bin, value) in spectrum.iter_mut().enumerate() {
        let at_hz = bin as f64 * rate_hz / size as f64;
        let gain: f64 = gains.iter().enumerate().map(|(b, g)| g * band_share(b, at_hz)).sum();
        *value = Complex64::new(gain.abs().max(LEAST_GAIN * loudest).ln(), 0.0);
    }
    let mut signal = inverse.make_output_vec();
    let mut all_done = inverse.process(&mut spectrum, &mut signal).is_ok();
    // Folds the cepstrum: keeps 0 and the middle, doubles the causal half, drops the rest.
    signal[1..size / 2].iter_mut().for_each(|value| *value *= 2.0);
    signal[size / 2 + 1..].fill(0.0);
    signal.iter_mut().for_each(|value| *value /= size as f64);
    all_done &= forward.process(&mut signal, &mut spectrum).is_ok();
    let filter: Vec<Complex64> = spectrum.iter().map(|value| value.exp()).collect();
    let (first, fraction) = place(at_samples);
    signal.fill(0.0);
    signal[..2 * HALF_TAPS].copy_from_slice(&exact_taps(fraction));
    all_done &= forward.process(&mut signal, &mut spectrum).is_ok();
    for (value, filter) in spectrum.iter_mut().zip(&filter) {
        *value *= filter;
    }
    spectrum[0].im = 0.0;
    spectrum[size / 2].im = 0.0;
    all_done &= inverse.process(&mut spectrum, &mut signal).is_ok();
    debug_assert!(all_done, "buffers come from the plan and always fit");
    let scale = gains[3].signum() / size as f64;
    for (sample, value) in response[first..].iter_mut().zip(&signal[..HALF_TAPS + ring]) {
        *sample += to_f32(scale * value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_sum_to_one_above_the_high_pass() {
        for at_hz in [10.0, 200.0, 333.0, 1_000.0, 3_210.0, 9_999.0, 20_000.0] {
            let sum: f64 = (0..NUM_BANDS).map(|band| band_share(band, at_hz)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{at_hz} Hz: {sum}");
        }
        assert!((high_pass_gain(40.0, 40.0) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert!(high_pass_gain(40.0, 200.0) > 0.998);
        assert_eq!(high_pass_gain(0.0, 0.0), 1.0);
    }

    #[test]
    fn sizes_hold_what_is_asked_and_waste_at_most_a_third() {
        for (least, expected) in [(8, 8), (9, 12), (1_000, 1_024), (1_025, 1_536), (1_537, 2_048)] {
            assert_eq!(quick_size(least), expected);
        }
    }

    /// Returns the level of a response at one frequency in dB.
    fn level_db(response: &[f32], at_hz: f64, rate_hz: f64) -> f64 {
        let step = std::f64::consts::TAU * at_hz / rate_hz;
        let (re, im) = response.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, &h)| {
            let angle = step * n as f64;
            (re + f64::from(h) * angle.cos(), im + f64::from(h) * angle.sin())
        });
        20.0 * f64::hypot(re, im).log10()
    }

    /// Measured with this test: 0.0016 dB.
    const DIRECT_LEVEL_ERROR_DB: f64 = 0.01;
    #[test]
    fn the_filtered_direct_sound_has_its_gain_in_every_band_and_its_polarity() {
        let gains = [1.0, 0.8, 0.5, 0.4, 0.2, 0.1, 0.15, 0.05];
        for (rate_hz, num_bands) in [(44_100.0, 8), (96_000.0, 8), (16_000.0, 6)] {
            for sign in [1.0, -1.0] {
                let mut response = vec![0.0; 8_000];
                add_direct(&mut response, 1_000.3, &gains.map(|gain| sign * gain), rate_hz);
                for band in 0..num_bands {
                    let found_db = level_db(&response, BAND_CENTRES_HZ[band], rate_hz);
                    let error_db = found_db - 20.0 * gains[band].log10();
                    assert!(error_db.abs() < DIRECT_LEVEL_ERROR_DB, "{band}: {error_db}");
                }
                let sum: f32 = response.iter().sum();
                assert!(f64::from(sum) * sign > 0.9, "polarity");
            }
        }
    }
}
