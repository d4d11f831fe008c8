//! Resamples recorded sound, for other sample rates and other pitches.

use crate::convert::{to_f32, to_index};
use std::sync::OnceLock;

/// Number of zero crossings of the kernel on either side.
const NUM_CROSSINGS: usize = 24;
/// Number of table points between two zero crossings of the kernel, with linear interpolation.
const POINTS_PER_CROSSING: usize = 512;
/// Shape of the Kaiser window.
const KAISER_BETA: f64 = 9.0;
/// Cutoff as a share of the lower of the two Nyquist frequencies.
const CUTOFF: f64 = 0.94;

/// Resamples all channels with a step of `step` input samples per output sample.
///
/// A step of 2 raises the pitch by an octave, or halves the sample rate. Frequencies above the
/// output's Nyquist frequency are removed.
///
/// # Source
///
/// J. O. Smith, P. Gossett, "A flexible sampling-rate conversion method", ICASSP 1984: the ideal
/// low-pass filter under a Kaiser window, in a table with linear interpolation.
pub(crate) fn resample(channels: &[&[f32]], step: f64) -> Vec<Vec<f32>> {
    if (step - 1.0).abs() < 1e-12 {
        return channels.iter().map(|channel| channel.to_vec()).collect();
    }
    let num_in = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
    let num_out = to_index((num_in as f64 / step).ceil());
    let scale = CUTOFF * (1.0 / step).min(1.0);
    let reach = NUM_CROSSINGS as f64 / scale;
    let table = kernel();
    let mut weights: Vec<f32> = Vec::new();
    let mut out = vec![Vec::with_capacity(num_out); channels.len()];
    for position in 0..num_out {
        let at = position as f64 * step;
        let first = whole((at - reach).ceil());
        let last = whole(at + reach).min(num_in.saturating_sub(1));
        weights.clear();
        let per_sample = scale * POINTS_PER_CROSSING as f64;
        weights.extend((first..=last).map(|index| {
            let place = (index as f64 - at).abs() * per_sample;
            let below = whole(place).min(table.len() - 2);
            let share = to_f32(place - below as f64).min(1.0);
            table[below] + share * (table[below + 1] - table[below])
        }));
        for (channel, out) in channels.iter().zip(&mut out) {
            let heard = &channel[first.min(num_in)..(last + 1).min(num_in)];
            out.push(dot(heard, &weights) * to_f32(scale));
        }
    }
    out
}

/// Returns the whole part of a non-negative number. Rounding would cost more than the rest of
/// the loop.
fn whole(number: f64) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cutting off is the purpose, and negative numbers become 0"
    )]
    let whole = number as usize;
    whole
}

/// Returns the dot product, computed as eight sums in parallel for vectorisation.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Resamples one channel like [`resample`].
pub(crate) fn resample_one(sound: &[f32], step: f64) -> Vec<f32> {
    resample(&[sound], step).swap_remove(0)
}

/// Returns half of the windowed sinc, from its middle on.
fn kernel() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let num_points = NUM_CROSSINGS * POINTS_PER_CROSSING;
        (0..=num_points + 1)
            .map(|point| {
                let x = point as f64 / POINTS_PER_CROSSING as f64;
                let angle = std::f64::consts::PI * x;
                let sinc = if point == 0 { 1.0 } else { angle.sin() / angle };
                let inside = 1.0 - (x / NUM_CROSSINGS as f64).powi(2);
                let window = bessel_i0(KAISER_BETA * inside.max(0.0).sqrt());
                to_f32(sinc * window / bessel_i0(KAISER_BETA))
            })
            .collect()
    })
}

/// Returns the modified Bessel function of order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..60 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
        if term < 1e-16 * sum {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(freq: f64, num: usize) -> Vec<f32> {
        (0..num).map(|n| to_f32((std::f64::consts::TAU * freq * n as f64).sin())).collect()
    }

    /// Measured with this test: 3.9e-5.
    const TONE_ERROR: f32 = 1e-4;
    /// Measured with this test: 1.6e-5, -96 dB.
    const MOST_ALIAS: f32 = 1e-4;

    #[test]
    fn tones_come_out_at_their_new_pitch() {
        for (step, freq) in [(0.918_75, 0.31), (1.122_46, 0.2), (0.5, 0.4), (2.176_9, 0.1)] {
            let out = resample_one(&tone(freq, 4_000), step);
            let expected = tone(freq * step, out.len());
            let inner = 200..out.len() - 200;
            let worst = inner.map(|n| (out[n] - expected[n]).abs()).fold(0.0, f32::max);
            assert!(worst < TONE_ERROR, "step {step}: {worst}");
        }
    }

    #[test]
    fn what_the_output_cannot_hold_is_gone() {
        let out = resample_one(&tone(0.4, 4_000), 1.5);
        let worst = out[200..out.len() - 200].iter().fold(0.0_f32, |top, x| top.max(x.abs()));
        assert!(worst < MOST_ALIAS, "{worst}");
        let same = tone(0.1, 100);
        assert_eq!(resample_one(&same, 1.0), same);
        assert!(resample_one(&[], 1.3).is_empty());
    }
}
