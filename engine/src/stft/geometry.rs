//! Sizes of the transform and its two windows.

use std::f64::consts::TAU;

/// Window, hop and overlap sizes of a transform, checked to reconstruct exactly.
///
/// The analysis window may be longer than the part that synthesis writes: a long look for fine
/// frequency resolution and a short overlap for low latency.
///
/// # Invariants
///
/// - `hop` divides `overlap` at least twice, and `overlap <= window`.
/// - Analysis window times synthesis window sums to 1 over the overlapping hops.
///
/// # Source
///
/// Mauler and Martin, "A low delay, variable resolution, perfect reconstruction spectral
/// analysis-synthesis system for speech enhancement", EUSIPCO 2007: asymmetric windows. Ours rise
/// over `window - overlap / 2` samples and fall over `overlap / 2`, each half of a periodic
/// square-root Hann window; with `overlap == window` they are the usual symmetric pair.
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
    /// [`GeometryError`] when the hop does not divide the overlap into at least two parts, the
    /// overlap is longer than the window, or the window is odd or empty.
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

    /// Samples under one analysis window.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn window_samples(self) -> usize {
        self.window_samples
    }

    /// Samples between two windows.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn hop_samples(self) -> usize {
        self.hop_samples
    }

    /// Samples that synthesis writes per hop: the latency of the transform.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn overlap_samples(self) -> usize {
        self.overlap_samples
    }

    /// Frequencies of a spectrum: `window / 2 + 1`.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_bins(self) -> usize {
        self.window_samples / 2 + 1
    }

    /// The analysis window, `[window]`.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn analysis_window(self) -> Vec<f32> {
        (0..self.window_samples).map(|n| to_f32(self.analysis_at(n))).collect()
    }

    /// The synthesis window, `[overlap]`, for the last `overlap` samples under the window.
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

/// Periodic Hann window of `length` at `n`.
fn hann(n: usize, length: usize) -> f64 {
    0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()
}

#[allow(clippy::cast_possible_truncation, reason = "window values are rounded to f32 on purpose")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Sizes that cannot reconstruct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeometryError {
    /// The window is empty or odd.
    Window {
        /// What was asked for.
        window_samples: usize,
    },
    /// The overlap is empty, odd or longer than the window.
    Overlap {
        /// What was asked for.
        overlap_samples: usize,
        /// The longest possible.
        window_samples: usize,
    },
    /// The hop does not divide the overlap into two or more parts.
    Hop {
        /// What was asked for.
        hop_samples: usize,
        /// What it must divide.
        overlap_samples: usize,
    },
}

impl std::fmt::Display for GeometryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Window { window_samples } => {
                write!(f, "window of {window_samples} samples is not even and positive")
            }
            Self::Overlap { overlap_samples, window_samples } => write!(
                f,
                "overlap of {overlap_samples} samples is not even, positive and at most the window's {window_samples}"
            ),
            Self::Hop { hop_samples, overlap_samples } => write!(
                f,
                "hop of {hop_samples} samples does not divide the overlap's {overlap_samples} into at least two parts"
            ),
        }
    }
}

impl std::error::Error for GeometryError {}
