//! Bands of about equal width on the auditory scale, for statistics.

use realfft::num_complex::Complex32;

use crate::stft::Geometry;
use crate::units::SampleRate;

/// Width of a band on the ERB-rate scale: two thirds of an auditory filter, 64 bands to 22 kHz.
const BAND_WIDTH_ERB: f32 = 0.667;

/// Number of bands of a guide.
pub const NUM_BANDS: usize = 80;

/// Returns the lower edges of a guide's bands: half an auditory filter each (Glasberg and Moore,
/// 1990), but never narrower than the bins at 48 kHz.
pub(super) fn band_edges_hz() -> Vec<f32> {
    const WIDTH_ERB: f32 = 0.5;
    const NARROWEST_HZ: f32 = 24.0;
    const HIGHEST_HZ: f32 = 20_000.0;
    let mut edges = vec![0.0_f32];
    loop {
        let edge = edges[edges.len() - 1];
        let rate = 21.4 * (1.0 + 0.004_37 * edge).log10();
        let next = (10.0_f32.powf((rate + WIDTH_ERB) / 21.4) - 1.0) / 0.004_37;
        let next = next.max(edge + NARROWEST_HZ);
        if next > HIGHEST_HZ {
            return edges;
        }
        edges.push(next);
    }
}

/// Groups the bins of a transform into bands.
///
/// # Source
///
/// Glasberg and Moore, "Derivation of auditory filter shapes from notched-noise data", Hearing
/// Research 47, 1990: ERB-rate `21.4 log10(1 + 0.00437 f)`. Bands narrower than a bin are merged.
#[derive(Debug)]
pub(super) struct Bands {
    /// The band of every bin, `[bin]`.
    of_bin: Vec<usize>,
    /// The bins of every band, `[band]`.
    runs: Vec<std::ops::Range<usize>>,
    /// Bins that give a band its power, `[band]`: its own, or the nearest one if it has none.
    shown: Vec<std::ops::Range<usize>>,
    /// 1 / number of bins of each band, `[band]`.
    weight: Vec<f32>,
}

impl Bands {
    pub(super) fn new(geometry: Geometry, rate: SampleRate) -> Self {
        let bin_hz = rate.hz() / geometry.window_samples() as f32;
        let mut of_bin = Vec::with_capacity(geometry.num_bins());
        let mut counts: Vec<usize> = Vec::new();
        let mut last_step = usize::MAX;
        for bin in 0..geometry.num_bins() {
            let erb_rate = 21.4 * (1.0 + 0.004_37 * bin_hz * bin as f32).log10();
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small and not negative"
            )]
            let step = (erb_rate / BAND_WIDTH_ERB) as usize;
            if step != last_step {
                counts.push(0);
                last_step = step;
            }
            let band = counts.len() - 1;
            counts[band] += 1;
            of_bin.push(band);
        }
        let mut start = 0;
        let runs: Vec<_> = counts
            .iter()
            .map(|&count| {
                start += count;
                start - count..start
            })
            .collect();
        let weight = counts.iter().map(|&count| 1.0 / count as f32).collect();
        Self { of_bin, shown: runs.clone(), runs, weight }
    }

    /// Creates bands between fixed frequencies, the same at every rate; `edges_hz` holds their
    /// lower edges.
    ///
    /// The last band reaches up to half the sample rate. A band too narrow to hold a bin has the
    /// power of the nearest one. Bands beyond half the sample rate have no power.
    pub(super) fn between(geometry: Geometry, rate: SampleRate, edges_hz: &[f32]) -> Self {
        let bin_hz = rate.hz() / geometry.window_samples() as f32;
        let last = geometry.num_bins() - 1;
        let of_bin: Vec<usize> = (0..=last)
            .map(|bin| edges_hz.partition_point(|&edge| edge <= bin as f32 * bin_hz).max(1) - 1)
            .collect();
        let mut runs = Vec::with_capacity(edges_hz.len());
        let mut shown = Vec::with_capacity(edges_hz.len());
        for (band, &edge_hz) in edges_hz.iter().enumerate() {
            let start = of_bin.partition_point(|&of| of < band);
            let end = of_bin.partition_point(|&of| of <= band);
            let beyond = edge_hz > last as f32 * bin_hz;
            runs.push(start..end);
            shown.push(if start < end || beyond {
                start..end
            } else {
                let upper_hz = edges_hz.get(band + 1).copied().unwrap_or(edge_hz);
                let below = start.saturating_sub(1);
                let middle = 0.5 * (edge_hz + upper_hz) / bin_hz;
                let nearest = if middle - below as f32 > 0.5 { start.min(last) } else { below };
                nearest..nearest + 1
            });
        }
        let weight = shown.iter().map(|run| 1.0 / run.len().max(1) as f32).collect();
        Self { of_bin, runs, shown, weight }
    }

    pub(super) fn num_bands(&self) -> usize {
        self.weight.len()
    }

    /// Returns the band of every bin, `[bin]`.
    pub(super) fn of_bin(&self) -> &[usize] {
        &self.of_bin
    }

    /// Returns the bins of a band; an empty range if it is narrower than a bin.
    pub(super) fn run(&self, band: usize) -> std::ops::Range<usize> {
        self.runs[band].clone()
    }

    /// Adds powers scaled per band; `sum` and `power` are `[bin]`, `gain` is `[band]`.
    #[inline(always)]
    pub(super) fn add_scaled(&self, sum: &mut [f32], gain: &[f32], power: &[f32]) {
        for (run, &gain) in self.runs.iter().zip(gain) {
            if gain > 0.0 {
                for (sum, power) in sum[run.clone()].iter_mut().zip(&power[run.clone()]) {
                    *sum += gain * power;
                }
            }
        }
    }

    /// Computes the mean power per bin of each band; `spectrum` is `[bin]`, `power` is `[band]`.
    pub(super) fn power_into(&self, spectrum: &[Complex32], power: &mut [f32]) {
        for ((power, run), weight) in power.iter_mut().zip(&self.shown).zip(&self.weight) {
            *power = weight * spectrum[run.clone()].iter().map(Complex32::norm_sqr).sum::<f32>();
        }
    }

    /// Divides sums over the bins of each band by the number of bins; `sums` is `[band]`.
    pub(super) fn average(&self, sums: &mut [f32]) {
        for (sum, weight) in sums.iter_mut().zip(&self.weight) {
            *sum *= weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;

    #[test]
    fn there_are_as_many_bands_as_said() {
        assert_eq!(band_edges_hz().len(), NUM_BANDS);
    }

    #[test]
    fn bands_cover_every_bin_in_order_and_average_power() {
        for rate_hz in [8_000.0, 44_100.0, 192_000.0] {
            let rate = SampleRate::new(rate_hz).unwrap();
            let geometry = Mode::Live.geometry(rate);
            let bands = Bands::new(geometry, rate);
            assert_eq!(bands.of_bin().len(), geometry.num_bins());
            assert!(
                bands.of_bin().windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1)
            );
            let mut power = vec![0.0; bands.num_bands()];
            bands.power_into(&vec![Complex32::new(0.0, 2.0); geometry.num_bins()], &mut power);
            assert!(power.iter().all(|&power| (power - 4.0).abs() < 1e-4));
        }
    }
}
