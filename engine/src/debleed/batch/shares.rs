//! Shares of every source in every mic, hop and bin, computed on demand.

use super::{ChunkView, CloseMics, logistic};

/// Bins computed at a time, so that the sums fit on the stack.
const STRIP_BINS: usize = 64;

/// Gain at which the fast approximation's logistic curve is one half.
const SHARPEN_THRESHOLD: f32 = 0.6;

/// Slope of the fast approximation's logistic curve.
const SHARPEN_SLOPE: f32 = 20.0;

/// Shares of every source in every mic, hop and bin.
///
/// The share of source `j` in mic `i` is the Wiener gain
/// `crosstalk[i, j] source_power[j] / sum_k crosstalk[i, k] source_power[k]`. Only the two factors
/// are stored, as a session's shares would fill gigabytes; each row is computed on request. A mic's
/// own sources stay in it; the others are its bleed.
///
/// # Shapes
///
/// - crosstalk: `[mic, source, bin]`, power ratio
/// - source power: `[source, time, bin]`
/// - each share: real, `0.0 ..= 1.0`
///
/// # Invariants
///
/// - The shares of one mic, hop and bin sum to 1 within rounding. If no source has any power they
///   all belong to the mic's own sources, so nothing is removed.
/// - For a mic without a source of its own (a room mic) the sum is 0 if no source has any power.
///
/// # Real-time
///
/// Worker or main thread only: megabytes of memory, and work for every bin. The methods that fill
/// rows do not allocate.
///
/// # Source
///
/// The Wiener gain of Praetzlich et al. and Di Carlo et al., see [`kamir`](crate::debleed::kamir)
/// and [`mira`](crate::debleed::mira). Difference: *every* source has a share, not only the own
/// one, so that each pair's bleed can be removed by its own amount.
#[derive(Clone, Debug)]
pub struct BleedShares {
    close: CloseMics,
    num_hops: usize,
    num_bins: usize,
    sharpened: bool,
    crosstalk: Vec<f32>,
    source_power: Vec<f32>,
}

impl BleedShares {
    /// Creates shares with crosstalk and source powers of 0.
    pub(crate) fn silent(chunk: ChunkView<'_>, close: &CloseMics, sharpened: bool) -> Self {
        let (num_hops, num_bins) = (chunk.num_hops(), chunk.num_bins());
        Self {
            close: close.clone(),
            num_hops,
            num_bins,
            sharpened,
            crosstalk: vec![0.0; close.num_mics() * close.num_sources() * num_bins],
            source_power: vec![0.0; close.num_sources() * num_hops * num_bins],
        }
    }

    /// Returns the table of close mics.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn close(&self) -> &CloseMics {
        &self.close
    }

    /// Returns the number of hops of the chunk.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_hops(&self) -> usize {
        self.num_hops
    }

    /// Returns the number of bins per spectrum.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_bins(&self) -> usize {
        self.num_bins
    }

    /// Returns the crosstalk of one source to one mic, `[bin]`, as a power ratio. Each mic is
    /// measured relative to its own quiet hops, so values are comparable only between the sources
    /// of one mic.
    ///
    /// # Panics
    ///
    /// If `mic` or `source` is out of range.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread within the session: no allocation.
    #[must_use]
    pub fn crosstalk(&self, mic: usize, source: usize) -> &[f32] {
        &self.crosstalk[self.crosstalk_start(mic, source)..][..self.num_bins]
    }

    /// Returns one source's power at one hop, `[bin]`.
    ///
    /// # Panics
    ///
    /// If `source` or `hop` is out of range.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread within the chunk: no allocation.
    #[must_use]
    pub fn source_power(&self, source: usize, hop: usize) -> &[f32] {
        assert!(hop < self.num_hops, "hop {hop} of {}", self.num_hops);
        &self.source_power[(source * self.num_hops + hop) * self.num_bins..][..self.num_bins]
    }

    /// Fills `share` with the share of one source in one mic at one hop.
    ///
    /// # Shapes
    ///
    /// - `share`: `[bin]`
    ///
    /// # Panics
    ///
    /// If `mic`, `source` or `hop` is out of range, or `share` is not `num_bins` long.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: one pass over all sources, without allocation.
    pub fn share_into(&self, mic: usize, source: usize, hop: usize, share: &mut [f32]) {
        assert_eq!(share.len(), self.num_bins, "bins");
        let is_own = self.close.is_close(mic, source);
        let num_own = self.close.sources_of(mic).count() as f32;
        let (crosstalk, power) = (self.crosstalk(mic, source), self.source_power(source, hop));
        for (strip, share) in share.chunks_mut(STRIP_BINS).enumerate() {
            let start = strip * STRIP_BINS;
            let [own, bleed] = self.powers(mic, hop, start, share.len(), |_| 1.0);
            for (bin, share) in share.iter_mut().enumerate() {
                let power = crosstalk[start + bin] * power[start + bin];
                let removed = self.removed(own[bin], bleed[bin]);
                let (part, whole) =
                    if is_own { (1.0 - removed, own[bin]) } else { (removed, bleed[bin]) };
                *share = if whole > 0.0 {
                    (part * (power / whole)).min(1.0)
                } else if is_own {
                    part / num_own
                } else {
                    0.0
                };
            }
        }
    }

    /// Fills `mask` with the share of bleed in one mic at one hop, each bleeder weighted by
    /// its amount.
    ///
    /// The mic's spectrum times `mask` is the bleed to remove; times `1 - mask`, the signal
    /// that stays.
    ///
    /// # Shapes
    ///
    /// - `amounts`: `[source]`, `0.0 ..= 1.0`; the mic's own sources are never removed
    /// - `mask`: `[bin]`, `0.0 ..= 1.0`
    ///
    /// # Panics
    ///
    /// If `mic` or `hop` is out of range, `amounts` is not `num_sources` long or `mask` is not
    /// `num_bins` long.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: two passes over all sources, without allocation.
    pub fn bleed_mask_into(&self, mic: usize, hop: usize, amounts: &[f32], mask: &mut [f32]) {
        assert_eq!(mask.len(), self.num_bins, "bins");
        assert_eq!(amounts.len(), self.close.num_sources(), "sources");
        for (strip, mask) in mask.chunks_mut(STRIP_BINS).enumerate() {
            let start = strip * STRIP_BINS;
            let [own, bleed] = self.powers(mic, hop, start, mask.len(), |_| 1.0);
            let [_, wanted] = self.powers(mic, hop, start, mask.len(), |source| amounts[source]);
            for (bin, mask) in mask.iter_mut().enumerate() {
                let removed = self.removed(own[bin], bleed[bin]);
                let part = if bleed[bin] > 0.0 { wanted[bin] / bleed[bin] } else { 0.0 };
                *mask = (removed * part).clamp(0.0, 1.0);
            }
        }
    }

    /// Returns a mic's power from its own sources and from all others over a few bins, weighted.
    fn powers(
        &self,
        mic: usize,
        hop: usize,
        start: usize,
        len: usize,
        weight: impl Fn(usize) -> f32,
    ) -> [[f32; STRIP_BINS]; 2] {
        let mut own = [0.0; STRIP_BINS];
        let mut bleed = [0.0; STRIP_BINS];
        for source in 0..self.close.num_sources() {
            let weight = weight(source);
            let crosstalk = &self.crosstalk(mic, source)[start..][..len];
            let power = &self.source_power(source, hop)[start..][..len];
            let sum = if self.close.is_close(mic, source) { &mut own } else { &mut bleed };
            for (sum, (&crosstalk, &power)) in sum.iter_mut().zip(crosstalk.iter().zip(power)) {
                *sum += weight * (crosstalk * power);
            }
        }
        [own, bleed]
    }

    /// Returns the share of all bleeders together in a mic.
    fn removed(&self, own: f32, bleed: f32) -> f32 {
        let total = own + bleed;
        if bleed <= 0.0 || total <= 0.0 {
            0.0
        } else if self.sharpened {
            1.0 - sharpen(own / total)
        } else {
            bleed / total
        }
    }

    /// Returns one source's crosstalk to one mic, `[bin]`, mutably.
    pub(crate) fn crosstalk_mut(&mut self, mic: usize, source: usize) -> &mut [f32] {
        let start = self.crosstalk_start(mic, source);
        &mut self.crosstalk[start..][..self.num_bins]
    }

    /// Returns one source's power at one hop, `[bin]`, mutably.
    pub(crate) fn source_power_mut(&mut self, source: usize, hop: usize) -> &mut [f32] {
        &mut self.source_power[(source * self.num_hops + hop) * self.num_bins..][..self.num_bins]
    }

    /// Returns all source powers, `[source, time, bin]`, mutably.
    pub(crate) fn source_powers_mut(&mut self) -> &mut [f32] {
        &mut self.source_power
    }

    fn crosstalk_start(&self, mic: usize, source: usize) -> usize {
        assert!(source < self.close.num_sources(), "source {source}");
        (mic * self.close.num_sources() + source) * self.num_bins
    }
}

/// Sharpens a Wiener gain as further iterations would: KAMIR's fast approximation.
pub(crate) fn sharpen(gain: f32) -> f32 {
    logistic(gain, SHARPEN_THRESHOLD, SHARPEN_SLOPE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use realfft::num_complex::Complex32;

    /// Three mics on two sources (the last two share one), one hop, one bin.
    fn shares(sharpened: bool) -> BleedShares {
        let close = CloseMics::new(3, 2, vec![true, false, false, true, false, true]).unwrap();
        let spectra = vec![Complex32::default(); 3];
        let chunk = ChunkView::new(&spectra, [3, 1, 1]).unwrap();
        let mut shares = BleedShares::silent(chunk, &close, sharpened);
        for (mic, crosstalk) in [[1.0, 0.5], [0.25, 1.0], [0.0, 1.0]].into_iter().enumerate() {
            for (source, crosstalk) in crosstalk.into_iter().enumerate() {
                shares.crosstalk_mut(mic, source)[0] = crosstalk;
            }
        }
        shares.source_power_mut(0, 0)[0] = 3.0;
        shares.source_power_mut(1, 0)[0] = 2.0;
        shares
    }

    fn share(shares: &BleedShares, mic: usize, source: usize) -> f32 {
        let mut row = [f32::NAN];
        shares.share_into(mic, source, 0, &mut row);
        row[0]
    }

    fn mask(shares: &BleedShares, mic: usize, amounts: [f32; 2]) -> f32 {
        let mut row = [f32::NAN];
        shares.bleed_mask_into(mic, 0, &amounts, &mut row);
        row[0]
    }

    #[test]
    fn a_share_is_the_sources_part_of_the_mics_power() {
        let shares = shares(false);
        assert_eq!((share(&shares, 0, 0), share(&shares, 0, 1)), (0.75, 0.25));
        assert_eq!(share(&shares, 2, 0), 0.0);
        assert_eq!(share(&shares, 2, 1), 1.0);
    }

    #[test]
    fn the_mask_takes_each_bleeder_by_its_amount_and_never_the_own_source() {
        let shares = shares(false);
        assert_eq!(mask(&shares, 0, [1.0, 1.0]), 0.25);
        assert_eq!(mask(&shares, 0, [1.0, 0.5]), 0.125);
        assert_eq!(mask(&shares, 0, [1.0, 0.0]), 0.0);
        assert_eq!(mask(&shares, 2, [1.0, 1.0]), 0.0);
    }

    #[test]
    fn silence_belongs_to_the_own_source() {
        let mut shares = shares(false);
        shares.source_powers_mut().fill(0.0);
        assert_eq!((share(&shares, 0, 0), share(&shares, 0, 1)), (1.0, 0.0));
        assert_eq!(mask(&shares, 0, [1.0, 1.0]), 0.0);
    }

    #[test]
    fn sharpened_shares_still_sum_to_one() {
        let shares = shares(true);
        let expected = 1.0 / (1.0 + (-20.0_f32 * (0.75 - 0.6)).exp());
        assert!((share(&shares, 0, 0) - expected).abs() < 1e-6);
        assert!((share(&shares, 0, 0) + share(&shares, 0, 1) - 1.0).abs() < 1e-6);
        assert_eq!(share(&shares, 2, 1), 1.0);
    }
}
