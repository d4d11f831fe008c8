//! Convolves long signals with room responses.

use crate::convert::to_f32;
use anyhow::{Context, Result};
use realfft::RealFftPlanner;
use realfft::num_complex::Complex32;

/// Convolves signals of one length with responses up to one length; both are given to [`new`](Self::new).
///
/// A signal is transformed once and convolved with many responses; what several signals give at one
/// mic is summed before the way back.
pub struct Convolver {
    size: usize,
    num_samples: usize,
    forward: std::sync::Arc<dyn realfft::RealToComplex<f32>>,
    inverse: std::sync::Arc<dyn realfft::ComplexToReal<f32>>,
}

/// A transformed signal.
#[derive(Clone, Debug)]
pub struct Transformed(Vec<Complex32>);

/// What one mic hears, still transformed.
#[derive(Clone, Debug)]
pub struct Heard(Vec<Complex32>);

impl std::fmt::Debug for Convolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Convolver").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Convolver {
    /// For signals of `num_samples` and responses of at most `longest_response_samples`.
    #[must_use]
    pub fn new(num_samples: usize, longest_response_samples: usize) -> Self {
        let least_samples = num_samples + longest_response_samples;
        // A multiple of 4096 times a small number: quick to transform without doubling the length.
        let size = least_samples.div_ceil(4096).next_multiple_of(6) * 4096;
        let mut planner = RealFftPlanner::new();
        Self {
            size,
            num_samples,
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
        }
    }

    /// Transforms one signal.
    ///
    /// # Errors
    ///
    /// When it is longer than the convolver was made for.
    pub fn transform(&self, signal: &[f32]) -> Result<Transformed> {
        Ok(Transformed(self.spectrum(signal)?))
    }

    /// Silence, to add to.
    #[must_use]
    pub fn silence(&self) -> Heard {
        Heard(vec![Complex32::default(); self.size / 2 + 1])
    }

    /// Adds `signal` convolved with `gain * response` to `heard`.
    ///
    /// # Errors
    ///
    /// When the response is longer than the convolver was made for.
    pub fn add(
        &self,
        heard: &mut Heard,
        signal: &Transformed,
        response: &[f32],
        gain: f32,
    ) -> Result<()> {
        let path = self.spectrum(response)?;
        for ((total, sound), crosstalk) in heard.0.iter_mut().zip(&signal.0).zip(&path) {
            *total += sound * crosstalk * gain;
        }
        Ok(())
    }

    /// The sum as samples, as long as the signals; what rings on after that is cut.
    ///
    /// # Errors
    ///
    /// When `heard` came from another convolver.
    pub fn finish(&self, heard: Heard) -> Result<Vec<f32>> {
        let Heard(mut spectrum) = heard;
        let mut signal = self.inverse.make_output_vec();
        // The two bins that are real by symmetry, up to rounding.
        for edge in [0, self.size / 2] {
            spectrum[edge].im = 0.0;
        }
        self.inverse.process(&mut spectrum, &mut signal).context("transforming back")?;
        signal.truncate(self.num_samples);
        let scale = 1.0 / to_f32(self.size as f64);
        signal.iter_mut().for_each(|sample| *sample *= scale);
        Ok(signal)
    }

    fn spectrum(&self, signal: &[f32]) -> Result<Vec<Complex32>> {
        let mut padded = self.forward.make_input_vec();
        padded[..signal.len()].copy_from_slice(signal);
        let mut spectrum = self.forward.make_output_vec();
        self.forward.process(&mut padded, &mut spectrum).context("transforming a sound")?;
        Ok(spectrum)
    }
}
