//! Levels over time and frequency for pictures, on a logarithmic frequency axis.

use crate::convert::{to_f32, to_index};
use anyhow::{Context, Result};
use realfft::RealFftPlanner;

/// Lowest and highest frequency in the picture, in Hz.
pub(super) const RANGE_HZ: (f64, f64) = (40.0, 18_000.0);

/// Window lengths in seconds. The long window separates notes, the short one separates strokes.
/// Each point shows the lower of the two levels, which is sharp in time and in frequency.
const WINDOWS_S: [f64; 2] = [0.12, 0.024];

/// Levels in dB, `[row][column]`, row 0 the highest frequency.
#[derive(Clone, Debug)]
pub(super) struct Spectrogram {
    pub(super) num_columns: usize,
    levels_db: Vec<f32>,
}

impl Spectrogram {
    /// Analyses `signal` for a picture of this size; 0 dB is a full-scale sine.
    pub(super) fn new(signal: &[f32], rate_hz: u32, size: (usize, usize)) -> Result<Self> {
        let mut levels_db = vec![f32::INFINITY; size.0 * size.1];
        for window_s in WINDOWS_S {
            lower_to(&mut levels_db, signal, f64::from(rate_hz), (size, window_s))?;
        }
        Ok(Self { num_columns: size.0, levels_db })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.levels_db.chunks(self.num_columns)
    }

    /// Returns the level in dB that this share of all points stays below.
    pub(super) fn quantile_db(&self, share: f64) -> f32 {
        let mut sorted = self.levels_db.clone();
        sorted.sort_by(f32::total_cmp);
        let index = to_index(share * sorted.len() as f64).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or(0.0)
    }
}

/// Lowers each level to the level found with windows of `window_s` seconds.
fn lower_to(
    levels_db: &mut [f32],
    signal: &[f32],
    rate_hz: f64,
    ((num_columns, num_rows), window_s): ((usize, usize), f64),
) -> Result<()> {
    let window = to_index(window_s * rate_hz).next_power_of_two();
    let shape: Vec<f32> = (0..window)
        .map(|n| {
            let angle = std::f64::consts::TAU * n as f64 / window as f64;
            to_f32(0.5 - 0.5 * angle.cos())
        })
        .collect();
    // A sine of amplitude 1 under a Hann window peaks at window / 4.
    let full_scale = (window as f64 / 4.0).powi(2);
    let plan = RealFftPlanner::<f32>::new().plan_fft_forward(window);
    let mut windowed = plan.make_input_vec();
    let mut spectrum = plan.make_output_vec();
    for column in 0..num_columns {
        let centre = (column as f64 + 0.5) / num_columns as f64 * signal.len() as f64;
        for (n, (value, weight)) in windowed.iter_mut().zip(&shape).enumerate() {
            let position = (to_index(centre) + n).checked_sub(window / 2);
            let sample = position.and_then(|position| signal.get(position)).copied();
            *value = weight * sample.unwrap_or(0.0);
        }
        plan.process(&mut windowed, &mut spectrum).context("transforming a window")?;
        let power: Vec<f64> =
            spectrum.iter().map(|bin| f64::from(bin.norm_sqr()) / full_scale).collect();
        for row in 0..num_rows {
            let top = row_hz(row as f64, num_rows) * window as f64 / rate_hz;
            let bottom = row_hz(row as f64 + 1.0, num_rows) * window as f64 / rate_hz;
            let level_db = to_f32(10.0 * (strongest(&power, bottom, top) + 1e-14).log10());
            let level = &mut levels_db[row * num_columns + column];
            *level = level.min(level_db);
        }
    }
    Ok(())
}

/// Returns the frequency in Hz at an edge of a row; row 0 begins at the highest.
fn row_hz(row: f64, num_rows: usize) -> f64 {
    let (low, high) = RANGE_HZ;
    high * (low / high).powf(row / num_rows as f64)
}

/// Returns the row of a frequency, fractions included.
pub(super) fn row_of(at_hz: f64, num_rows: usize) -> f64 {
    let (low, high) = RANGE_HZ;
    (at_hz / high).ln() / (low / high).ln() * num_rows as f64
}

/// Returns the strongest power between two positions on the bin axis, interpolated between bins.
fn strongest(power: &[f64], from: f64, to: f64) -> f64 {
    let between = |position: f64| {
        let below = position.floor();
        let index = to_index(below);
        match (power.get(index), power.get(index + 1)) {
            (Some(a), Some(b)) => a + (b - a) * (position - below),
            _ => 0.0,
        }
    };
    let (first, last) = (to_index(from.ceil()), to_index(to.floor()));
    let inside = power.iter().take(last + 1).skip(first).copied();
    inside.fold(between(from).max(between(to)), f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_at_its_frequency_time_and_level() {
        let (rate_hz, num_rows) = (44_100, 300);
        for at_hz in [100.0, 1_000.0, 9_000.0] {
            let tone: Vec<f32> = (0..88_200)
                .map(|n| {
                    let angle = std::f64::consts::TAU * at_hz * f64::from(n) / 44_100.0;
                    if n < 44_100 { 0.1 * angle.sin() as f32 } else { 0.0 }
                })
                .collect();
            let picture = Spectrogram::new(&tone, rate_hz, (20, num_rows)).unwrap();
            let column =
                |index: usize| -> Vec<f32> { picture.rows().map(|row| row[index]).collect() };
            let playing = column(4);
            let loudest = (0..num_rows).max_by(|&a, &b| playing[a].total_cmp(&playing[b])).unwrap();
            assert!((loudest as f64 + 0.5 - row_of(at_hz, num_rows)).abs() < 3.0, "{at_hz} Hz");
            assert!((playing[loudest] + 20.0).abs() < 1.5, "{at_hz} Hz: {} dB", playing[loudest]);
            assert!(column(15).iter().all(|&level| level < -100.0));
        }
    }

    #[test]
    fn rows_and_frequencies_are_each_others_inverse() {
        for row in [0.0, 37.5, 299.0] {
            assert!((row_of(row_hz(row, 300), 300) - row).abs() < 1e-9);
        }
        assert!((row_hz(0.0, 300) - RANGE_HZ.1).abs() < 1e-6);
    }
}
