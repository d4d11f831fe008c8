//! Transforms spectra of all mics back into samples, one hop at a time, by weighted overlap-add.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};

use super::{Geometry, Spectrum};

/// Transforms spectra back into samples.
///
/// # Shapes
///
/// - input: [`Spectrum`] `[mic, bin]`, with the scaling of RustFFT
///   and [`Analysis`](super::Analysis)
/// - output: `[mic, hop]`, linear, full scale 1, planar
///
/// # Latency
///
/// [`Synthesis::latency_samples`], `overlap - hop` samples, from a hop of input to the same samples
/// of output. The collection of a hop adds `hop` samples.
///
/// # Invariants
///
/// - Analysis followed by synthesis is the identity after the latency (error measured in tests).
/// - A mic that is inactive for `overlap` samples has an output of exact zeros.
/// - After [`Synthesis::reset`] the output is identical to that of a new value.
///
/// # Real-time
///
/// `new` allocates and belongs on the main thread. Everything else is safe on the audio thread.
pub struct Synthesis {
    geometry: Geometry,
    /// Synthesis window divided by the transform's length, `[overlap]`.
    window: Vec<f32>,
    fft: Arc<dyn ComplexToReal<f32>>,
    /// Sums that later hops complete, `[mic, overlap]`.
    pending: Vec<f32>,
    spectrum: Vec<Complex32>,
    samples: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl std::fmt::Debug for Synthesis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Synthesis").field("geometry", &self.geometry).finish_non_exhaustive()
    }
}

impl Synthesis {
    /// Plans the transform and allocates for `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(geometry: Geometry, num_mics: usize) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_inverse(geometry.window_samples());
        let normalise = 1.0 / geometry.window_samples() as f32;
        let spectrum = fft.make_input_vec();
        let samples = fft.make_output_vec();
        let scratch = fft.make_scratch_vec();
        Self {
            geometry,
            window: geometry.synthesis_window().iter().map(|w| w * normalise).collect(),
            fft,
            pending: vec![0.0; num_mics * geometry.overlap_samples()],
            spectrum,
            samples,
            scratch,
        }
    }

    /// Adds one hop's spectra and writes the samples that they complete.
    ///
    /// # Shapes
    ///
    /// `spectrum` is `[mic, bin]`; `samples` is `[mic, hop]`.
    ///
    /// # Panics
    ///
    /// Panics if the shapes differ from those that [`Synthesis::new`] was called for.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn push_hop(&mut self, spectrum: &Spectrum, samples: &mut [f32]) {
        let hop = self.geometry.hop_samples();
        let overlap = self.geometry.overlap_samples();
        let tail = self.geometry.window_samples() - overlap;
        assert_eq!(samples.len() / hop, spectrum.num_mics(), "one hop for every mic");
        assert_eq!(self.pending.len() / overlap, spectrum.num_mics(), "one spectrum per mic");
        let mics = samples.chunks_exact_mut(hop).zip(self.pending.chunks_exact_mut(overlap));
        for (mic, (out, pending)) in mics.enumerate() {
            if spectrum.is_active(mic) {
                self.spectrum.copy_from_slice(spectrum.mic(mic));
                // The first and last bins of a real signal are real. Their imaginary parts are
                // rounding errors.
                if let Some(first) = self.spectrum.first_mut() {
                    first.im = 0.0;
                }
                if let Some(last) = self.spectrum.last_mut() {
                    last.im = 0.0;
                }
                let transformed = self.fft.process_with_scratch(
                    &mut self.spectrum,
                    &mut self.samples,
                    &mut self.scratch,
                );
                debug_assert!(transformed.is_ok(), "sizes were fixed by the plan");
                for ((sum, new), gain) in
                    pending.iter_mut().zip(&self.samples[tail..]).zip(&self.window)
                {
                    *sum += new * gain;
                }
            }
            out.copy_from_slice(&pending[..hop]);
            pending.copy_within(hop.., 0);
            pending[overlap - hop..].fill(0.0);
        }
    }

    /// Returns the samples from input to output if every hop is analysed and synthesised at once.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn latency_samples(&self) -> usize {
        self.geometry.overlap_samples() - self.geometry.hop_samples()
    }

    /// Discards all audio.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn reset(&mut self) {
        self.pending.fill(0.0);
    }
}
