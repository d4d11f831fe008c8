//! Sizes of the transform and its two windows.

use std::f64::consts::TAU;

/// Window, hop and overlap sizes of a transform that reconstructs exactly.
///
/// The analysis window may be longer than the part that synthesis writes. A long window gives a
/// fine frequency resolution, and a short overlap gives a low latency.
///
/// # Invariants
///
/// - `hop` divides `overlap` into at least two parts, and `overlap <= window`.
/// - Analysis window times synthesis window sums to 1 over the overlapping hops.
///
/// # Source
///
/// Asymmetric windows as in Mauler and Martin, "A low delay, variable resolution, perfect
/// reconstruction spectral analysis-synthesis system for speech enhancement", EUSIPCO 2007. Ours
/// rise over `window - overlap / 2` samples and fall over `overlap / 2`, each half of a periodic
/// square-root Hann window. With `overlap == window` they are the usual symmetric pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    window_samples: usize,
    hop_samples: usize,
    overlap_samples: usize,
}

impl Geometry {
    /// Checks the three sizes.
    ///
    /// # Errors
    ///
    /// Returns [`GeometryError`] if the hop does not divide the overlap into at least two parts, if
    /// the overlap is odd, empty or longer than the window, or if the window is odd or empty.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn new(
        window_samples: usize,
        hop_samples: usize,
        overlap_samples: usize,
    ) -> Result<Self, GeometryError> {
        if window_samples == 0 || !window_samples.is_multiple_of(2) {
            return Err(GeometryError::Window { window_samples });
        }
        if overlap_samples == 0
            || overlap_samples > window_samples
            || !overlap_samples.is_multiple_of(2)
        {
            return Err(GeometryError::Overlap { overlap_samples, window_samples });
        }
        if hop_samples == 0
            || !overlap_samples.is_multiple_of(hop_samples)
            || overlap_samples / hop_samples < 2
        {
            return Err(GeometryError::Hop { hop_samples, overlap_samples });
        }
        Ok(Self { window_samples, hop_samples, overlap_samples })
    }

    /// Returns the samples under one analysis window.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn window_samples(self) -> usize {
        self.window_samples
    }

    /// Returns the samples between the starts of two windows.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn hop_samples(self) -> usize {
        self.hop_samples
    }

    /// Returns the samples under one synthesis window: the latency of the transform, including the
    /// collection of a hop.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn overlap_samples(self) -> usize {
        self.overlap_samples
    }

    /// Returns the number of frequencies of a spectrum: `window / 2 + 1`.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_bins(self) -> usize {
        self.window_samples / 2 + 1
    }

    /// Returns the analysis window, `[window]`.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn analysis_window(self) -> Vec<f32> {
        (0..self.window_samples).map(|n| to_f32(self.analysis_at(n))).collect()
    }

    /// Returns the synthesis window, `[overlap]`, for the last `overlap` samples under the
    /// analysis window.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn synthesis_window(self) -> Vec<f32> {
        let Self { window_samples, hop_samples, overlap_samples } = self;
        // A periodic Hann window of length M sums to M / (2 hop) over its hops.
        let scale = 2.0 * hop_samples as f64 / overlap_samples as f64;
        (0..overlap_samples)
            .map(|m| {
                let product = scale * hann(m, overlap_samples);
                let analysis = self.analysis_at(window_samples - overlap_samples + m);
                to_f32(if product == 0.0 { 0.0 } else { product / analysis })
            })
            .collect()
    }

    fn analysis_at(self, n: usize) -> f64 {
        let fall = self.overlap_samples / 2;
        let rise = self.window_samples - fall;
        if n < rise { hann(n, 2 * rise).sqrt() } else { hann(n - rise + fall, 2 * fall).sqrt() }
    }
}

/// Returns the periodic Hann window of `length` at `n`.
fn hann(n: usize, length: usize) -> f64 {
    0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()
}

#[allow(clippy::cast_possible_truncation, reason = "window values are rounded to f32 on purpose")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Sizes that do not reconstruct exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// The window is empty or odd.
    #[error("window of {window_samples} samples is not even and positive")]
    Window {
        /// Requested window.
        window_samples: usize,
    },
    /// The overlap is empty, odd or longer than the window.
    #[error(
        "overlap of {overlap_samples} samples is not even, positive and at most the window's \
         {window_samples}"
    )]
    Overlap {
        /// Requested overlap.
        overlap_samples: usize,
        /// Longest possible overlap.
        window_samples: usize,
    },
    /// The hop does not divide the overlap into two or more parts.
    #[error(
        "hop of {hop_samples} samples does not divide the overlap's {overlap_samples} into at \
         least two parts"
    )]
    Hop {
        /// Requested hop.
        hop_samples: usize,
        /// Overlap that the hop must divide.
        overlap_samples: usize,
    },
}
