//! Logarithmic frequency scale over the bins of any transform.

use realfft::num_complex::Complex32;

use super::SILENT_DB;
use crate::stft::Geometry;
use crate::units::SampleRate;

/// Number of bands of a spectrum: 16 per octave.
pub const NUM_COLUMN_BANDS: usize = 160;
const LOWEST_HZ: f32 = 20.0;
const OCTAVES: f32 = 10.0;

/// Returns the centre of a band in Hz: from 20 Hz to 20 kHz in equal steps of pitch.
///
/// # Real-time
///
/// Safe on the audio thread: no allocation.
#[must_use]
pub fn band_hz(band: usize) -> f32 {
    edge_hz(band as f32 + 0.5)
}

fn edge_hz(position: f32) -> f32 {
    LOWEST_HZ * (position * OCTAVES / NUM_COLUMN_BANDS as f32).exp2()
}

/// Bins that a band shows.
#[derive(Clone, Debug)]
enum Shown {
    /// Mean power of several bins.
    Mean(std::ops::Range<usize>),
    /// Interpolation between this bin and the next, at this fraction of the distance.
    Between(usize, f32),
    /// No bins: the band lies above half the sample rate.
    Nothing,
}

/// Converts bins into bands in decibels.
#[derive(Debug)]
pub(super) struct Scale {
    shown: Vec<Shown>,
    /// Reciprocal of the power of a full-scale sine.
    full_scale: f32,
}

impl Scale {
    pub(super) fn new(geometry: Geometry, rate: SampleRate) -> Self {
        let bin_hz = rate.hz() / geometry.window_samples() as f32;
        let last = geometry.num_bins() - 1;
        let bin = |hz: f32| hz / bin_hz;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bins of 20 Hz and more: small and not negative"
        )]
        let shown = (0..NUM_COLUMN_BANDS).map(|band| {
            let (low, high) = (bin(edge_hz(band as f32)), bin(edge_hz(band as f32 + 1.0)));
            let (start, end) = (low.ceil() as usize, (high.ceil() as usize).min(last + 1));
            let middle = bin(band_hz(band));
            if middle > last as f32 {
                Shown::Nothing
            } else if end > start + 1 {
                Shown::Mean(start..end)
            } else {
                let below = (middle as usize).min(last.saturating_sub(1));
                Shown::Between(below, middle - below as f32)
            }
        });
        let sum: f32 = geometry.analysis_window().iter().sum();
        Self { shown: shown.collect(), full_scale: (0.5 * sum).powi(-2) }
    }

    /// Converts powers of bins into decibels of bands.
    pub(super) fn show(&self, bins: impl Fn(usize) -> Complex32, bands_db: &mut [f32]) {
        let power = |bin: usize| bins(bin).norm_sqr();
        for (shown, band_db) in self.shown.iter().zip(bands_db) {
            let power = match shown {
                Shown::Mean(run) => run.clone().map(power).sum::<f32>() / run.len() as f32,
                &Shown::Between(bin, part) => power(bin) + part * (power(bin + 1) - power(bin)),
                Shown::Nothing => 0.0,
            };
            *band_db = (10.0 * (self.full_scale * power).log10()).max(SILENT_DB);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;
    use crate::stft::{Analysis, Spectrum};

    #[test]
    fn a_full_scale_sine_stands_at_its_pitch_and_near_0_db() {
        let rate = SampleRate::new(48_000.0).unwrap();
        let geometry = Mode::Live.geometry(rate);
        let scale = Scale::new(geometry, rate);
        let mut analysis = Analysis::new(geometry, 1);
        let mut spectrum = Spectrum::new(1, geometry.num_bins());
        // The frequency of a bin: without leakage, so its level is exact.
        let hz = 43.0 * rate.hz() / geometry.window_samples() as f32;
        let hop = geometry.hop_samples();
        for start in (0..geometry.window_samples()).step_by(hop) {
            let samples: Vec<f32> = (start..start + hop)
                .map(|n| (std::f32::consts::TAU * hz * n as f32 / rate.hz()).sin())
                .collect();
            analysis.push_hop(&samples, &mut spectrum);
        }
        let mut bands = [0.0; NUM_COLUMN_BANDS];
        scale.show(|bin| spectrum.mic(0)[bin], &mut bands);
        let loudest = (0..NUM_COLUMN_BANDS).max_by(|&a, &b| bands[a].total_cmp(&bands[b])).unwrap();
        assert!(
            (band_hz(loudest) / hz).log2().abs() < OCTAVES / NUM_COLUMN_BANDS as f32,
            "{loudest}"
        );
        assert!(bands[loudest].abs() < 2.0, "{}", bands[loudest]);
        assert!(bands[loudest + 40] < -60.0 && bands[loudest - 40] < -60.0);
    }
}
