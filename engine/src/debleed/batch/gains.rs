//! Equalisation of the mics by the power of their quiet hops, so that preamp gains do not matter.

use super::{ChunkView, power, tile::tiles};

/// Lower limit of a mic's floor relative to its mean power in the bin: 60 dB down.
///
/// A mic that is digitally silent in more hops than the quantile covers has a quantile of 0; the
/// published methods divide by it.
const MIN_FLOOR: f32 = 1e-6;

/// Factors for each mic's power, per bin, that bring its quiet hops near 1.
///
/// # Shapes
///
/// - `inverse`: `[mic, bin]`, power per power; 0 where the mic is silent throughout
///
/// # Source
///
/// T. Praetzlich, R. Bittner, A. Liutkus, M. Mueller, "Kernel additive modeling for interference
/// reduction in multi-channel music recordings", ICASSP 2015: gains by a low quantile over time,
/// per bin. Difference: a limit of [`MIN_FLOOR`] of the mean, so that digital silence causes no
/// division by 0.
#[derive(Clone, Debug)]
pub(crate) struct MicGains {
    inverse: Vec<f32>,
    num_bins: usize,
}

impl MicGains {
    /// Computes the factors from the `quantile` (0 to 1) of each mic's power over the chunk,
    /// per bin.
    pub(crate) fn of(chunk: ChunkView<'_>, quantile: f32) -> Self {
        let (num_hops, num_bins) = (chunk.num_hops(), chunk.num_bins());
        let mut inverse = vec![0.0; chunk.num_mics() * num_bins];
        let mut columns = Vec::new(); // [bin, time]: one tile of a mic, time contiguous
        for mic in 0..chunk.num_mics() {
            for bins in tiles(num_bins, None) {
                columns.clear();
                columns.resize(bins.len() * num_hops, 0.0);
                for hop in 0..num_hops {
                    for (bin, &value) in chunk.row(mic, hop)[bins.clone()].iter().enumerate() {
                        columns[bin * num_hops + hop] = power(value);
                    }
                }
                for (bin, column) in bins.zip(columns.chunks_exact_mut(num_hops.max(1))) {
                    let mean = column.iter().sum::<f32>() / num_hops as f32;
                    let floor = quantile_of(column, quantile).max(MIN_FLOOR * mean);
                    let gain = floor.recip();
                    inverse[mic * num_bins + bin] = if gain.is_finite() { gain } else { 0.0 };
                }
            }
        }
        Self { inverse, num_bins }
    }

    /// Returns one mic's factors, `[bin]`.
    pub(crate) fn inverse(&self, mic: usize) -> &[f32] {
        &self.inverse[mic * self.num_bins..][..self.num_bins]
    }
}

/// Returns the `quantile` (0 to 1) of `values`, linearly interpolated; reorders them.
fn quantile_of(values: &mut [f32], quantile: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let position = quantile.clamp(0.0, 1.0) * last as f32;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and a float to integer cast saturates"
    )]
    let below = (position as usize).min(last);
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    low + (position - below as f32) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use realfft::num_complex::Complex32;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let mut values = [40.0, 0.0, 30.0, 10.0, 20.0];
        assert_eq!(quantile_of(&mut values, 0.0), 0.0);
        assert_eq!(quantile_of(&mut values, 0.05), 2.0);
        assert_eq!(quantile_of(&mut values, 0.5), 20.0);
        assert_eq!(quantile_of(&mut values, 1.0), 40.0);
        assert_eq!(quantile_of(&mut [], 0.5), 0.0);
    }

    #[test]
    fn silence_has_no_gain_and_a_pause_limits_it() {
        // One bin; mic 0 silent, mic 1 silent in 3 of 4 hops, mic 2 steady.
        let spectra: Vec<_> = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 3.0, 3.0, 3.0, 3.0]
            .iter()
            .map(|&re| Complex32::new(re, 0.0))
            .collect();
        let gains = MicGains::of(ChunkView::new(&spectra, [3, 4, 1]).unwrap(), 0.05);
        assert_eq!(gains.inverse(0), [0.0]);
        assert_eq!(gains.inverse(1), [1.0 / MIN_FLOOR]);
        assert_eq!(gains.inverse(2), [1.0 / 9.0]);
    }
}
