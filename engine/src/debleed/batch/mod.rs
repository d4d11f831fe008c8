//! Common parts of the batch methods: chunks of spectra, the table of close mics and the shares.

mod close_mics;
mod gains;
#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
pub(crate) mod promises;
#[cfg(test)]
pub(crate) mod scene;
mod shares;
mod tile;

use realfft::num_complex::Complex32;

pub use close_mics::CloseMics;
pub use shares::BleedShares;

pub(crate) use gains::MicGains;
pub(crate) use shares::sharpen;
pub(crate) use tile::{Tile, flush, multiply_add, tiles};

/// Lower limit of a modelled power before it is used as a divisor.
///
/// Powers are equalised so that each mic's quiet hops are near 1 ([`MicGains`]). The limit is 120
/// dB below them, and small enough that its inverse square times any equalised power fits an `f32`.
pub(crate) const MIN_POWER: f32 = 1e-12;

/// A stretch of the session's spectra that a batch method processes as a whole.
///
/// # Shapes
///
/// - `spectra`: `[mic, time, bin]`, complex, with any scaling that is the same for all hops
///
/// # Real-time
///
/// Safe on the audio thread: a borrowed view, no allocation.
#[derive(Clone, Copy, Debug)]
pub struct ChunkView<'a> {
    pub(crate) spectra: &'a [Complex32],
    pub(crate) num_mics: usize,
    pub(crate) num_hops: usize,
    pub(crate) num_bins: usize,
}

impl<'a> ChunkView<'a> {
    /// Views `spectra` as `[mic, time, bin]` with the counts of `shape`, in that order.
    ///
    /// # Errors
    ///
    /// [`BatchError::ChunkShape`] if the slice does not hold exactly that many values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn new(spectra: &'a [Complex32], shape: [usize; 3]) -> Result<Self, BatchError> {
        let [num_mics, num_hops, num_bins] = shape;
        let expected = num_mics * num_hops * num_bins;
        if spectra.len() == expected {
            Ok(Self { spectra, num_mics, num_hops, num_bins })
        } else {
            Err(BatchError::ChunkShape { expected, actual: spectra.len() })
        }
    }

    /// Returns the number of mics.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// Returns the number of hops.
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

    /// Returns one mic's spectrum at one hop, `[bin]`.
    ///
    /// # Panics
    ///
    /// If `mic` or `hop` is out of range.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread within the chunk: no allocation.
    #[must_use]
    pub fn row(&self, mic: usize, hop: usize) -> &'a [Complex32] {
        assert!(mic < self.num_mics && hop < self.num_hops, "mic {mic}, hop {hop}");
        &self.spectra[(mic * self.num_hops + hop) * self.num_bins..][..self.num_bins]
    }

    /// Checks that `close` has as many mics as this chunk.
    pub(crate) fn check(&self, close: &CloseMics) -> Result<(), BatchError> {
        if close.num_mics() == self.num_mics {
            Ok(())
        } else {
            Err(BatchError::MicCount { expected: close.num_mics(), actual: self.num_mics })
        }
    }
}

/// Returns the power of one value; 0 if not finite, so that one bad sample affects only its
/// own mic.
pub(crate) fn power(value: Complex32) -> f32 {
    let power = value.norm_sqr();
    if power.is_finite() { power } else { 0.0 }
}

/// Returns the logistic function `1 / (1 + exp(-slope (x - threshold)))`.
pub(crate) fn logistic(x: f32, threshold: f32, slope: f32) -> f32 {
    1.0 / (1.0 + (-slope * (x - threshold)).exp())
}

/// Error for sizes that do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The spectra do not have mics x hops x bins values.
    #[error("chunk of {actual} values, expected mics x hops x bins = {expected}")]
    ChunkShape {
        /// mics x hops x bins.
        expected: usize,
        /// Number of values given.
        actual: usize,
    },
    /// The table of close mics does not have mics x sources entries.
    #[error("table of {actual} entries, expected mics x sources = {expected}")]
    CloseShape {
        /// mics x sources.
        expected: usize,
        /// Number of entries given.
        actual: usize,
    },
    /// No mic is close to this source, so its power is unknown.
    #[error("source {index} has no close mic")]
    SourceWithoutMic {
        /// Index of the source.
        index: usize,
    },
    /// The number of mics of the chunk is wrong for the table of close mics or the learner.
    #[error("chunk of {actual} mics, expected {expected}")]
    MicCount {
        /// Number of mics of the table of close mics or of the learner.
        expected: usize,
        /// Number of mics of the chunk.
        actual: usize,
    },
    /// The number of bins of the chunk is wrong for the learner.
    #[error("chunk of {actual} bins, expected {expected}")]
    BinCount {
        /// Number of bins of the learner.
        expected: usize,
        /// Number of bins of the chunk.
        actual: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_of_the_wrong_size_is_refused() {
        let spectra = vec![Complex32::new(1.0, 0.0); 23];
        assert_eq!(
            ChunkView::new(&spectra, [2, 3, 4]).map(|_| ()),
            Err(BatchError::ChunkShape { expected: 24, actual: 23 })
        );
    }

    #[test]
    fn a_chunk_finds_its_rows() {
        let spectra: Vec<_> = (0..24_u8).map(|n| Complex32::new(f32::from(n), 0.0)).collect();
        let chunk = ChunkView::new(&spectra, [2, 3, 4]).unwrap();
        assert_eq!(chunk.row(1, 2)[3].re, 23.0);
        assert_eq!(chunk.row(0, 1)[0].re, 4.0);
    }

    #[test]
    fn the_power_of_what_is_not_finite_is_zero() {
        assert_eq!(power(Complex32::new(f32::NAN, 1.0)), 0.0);
        assert_eq!(power(Complex32::new(1e30, 0.0)), 0.0);
        assert_eq!(power(Complex32::new(3.0, 4.0)), 25.0);
    }
}
