//! Bands of the network: steps of equal width on the scale of auditory filters.

use crate::convert::to_index;

/// Number of steps from 0 to 22.05 kHz. Steps without a bin of their own are dropped: 119 of 128
/// remain for a window of 2048 samples at 44.1 kHz.
const STEPS: f64 = 128.0;
const STEPS_END_HZ: f64 = 22_050.0;

/// Returns the number of equivalent rectangular bandwidths below a frequency.
///
/// # Source
///
/// B. R. Glasberg, B. C. J. Moore, "Derivation of auditory filter shapes from notched-noise data",
/// Hearing Research 47, 1990, equation 4.
fn erb_number(at_hz: f64) -> f64 {
    21.4 * (1.0 + 0.00437 * at_hz).log10()
}

/// Returns the band of every bin, numbered from 0 without gaps. Steps are defined in Hz,
/// independently of the rate.
pub(super) fn band_of_bins(window_samples: usize, rate_hz: u32) -> Vec<usize> {
    let step = erb_number(STEPS_END_HZ) / STEPS;
    let mut bands = Vec::with_capacity(window_samples / 2 + 1);
    let mut band = 0;
    let mut previous = 0;
    for bin in 0..=window_samples / 2 {
        let at_hz = bin as f64 * f64::from(rate_hz) / window_samples as f64;
        // The last bin at 44.1 kHz lies on the end of the last step and belongs to it.
        let end = if at_hz <= STEPS_END_HZ { STEPS - 1.0 } else { f64::INFINITY };
        let index = to_index((erb_number(at_hz) / step).floor().min(end));
        if index > previous {
            band += 1;
            previous = index;
        }
        bands.push(band);
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_of_the_network() {
        let bands = band_of_bins(2_048, 44_100);
        assert_eq!((bands.len(), bands[1_024]), (1_025, 118));
        // By hand: a step is 0.3334 ERB, so bin 1 (21.5 Hz, 0.834 ERB) is in step 2, bin 2 (1.602)
        // in 4 and bin 3 (2.312) in 6, each with a band of its own. Bins 1000 and 1010 (41.787 and
        // 41.880 of 42.673 ERB) are both in step 125.
        assert_eq!(bands[..4], [0, 1, 2, 3]);
        assert_eq!(bands[1_000], bands[1_010]);
        assert!(bands.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
    }

    #[test]
    fn bands_lie_at_the_same_frequencies_at_every_rate() {
        // Twice the window at twice the rate: the same bins up to 22.05 kHz.
        let (one, two) = (band_of_bins(2_048, 44_100), band_of_bins(4_096, 88_200));
        assert_eq!(one, two[..1_025]);
        assert!(two[2_048] > one[1_024] + 10);
    }
}
