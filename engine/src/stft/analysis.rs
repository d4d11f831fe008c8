//! Transforms samples of all mics into spectra, one hop at a time.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use super::{Geometry, Spectrum};

/// Smallest magnitude that does not count as silence: -200 dB of full scale. Decaying tails thus
/// never reach the subnormal numbers that slow processors down.
const SILENCE_LIN: f32 = 1e-10;
/// Mean square of a window from which on a mic has sound: -85 dB of full scale. The dither of a
/// converter or a file and the noise of an input without a mic lie below it. They are no source:
/// steady noise would count as bleed in every mic whose player rarely rests.
const FAINTEST_POWER: f32 = 3.2e-9;
/// Largest magnitude for analysis: +80 dB of full scale. Larger samples are clipped, so that powers
/// stay far from overflow.
const LOUDEST_LIN: f32 = 1e4;

/// Transforms every mic's samples into spectra, a hop at a time.
///
/// # Shapes
///
/// - input: `[mic, hop]`, linear, full scale 1, planar
/// - output: [`Spectrum`] `[mic, bin]` of the last `window` samples
///
/// # Invariants
///
/// - Samples that are not finite count as 0, so they cannot affect another mic.
/// - A mic whose whole window is silent is inactive and costs no transform. So is a mic with less
///   than -85 dB of full scale, until its first window with more.
/// - After [`Analysis::reset`] the output is identical to that of a new value.
///
/// # Real-time
///
/// `new` allocates and belongs on the main thread. Everything else is safe on the audio thread.
pub struct Analysis {
    geometry: Geometry,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    /// The last `window` samples of every mic, `[mic, window]`, oldest first.
    history: Vec<f32>,
    /// Silent samples at the end of each mic's history, at most `window`.
    silent_samples: Vec<usize>,
    /// Mics that have had more than dither, `[mic]`.
    has_sound: Vec<bool>,
    windowed: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysis")
            .field("geometry", &self.geometry)
            .field("num_mics", &self.silent_samples.len())
            .finish_non_exhaustive()
    }
}

impl Analysis {
    /// Plans the transform and allocates for `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(geometry: Geometry, num_mics: usize) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(geometry.window_samples());
        let windowed = fft.make_input_vec();
        let scratch = fft.make_scratch_vec();
        Self {
            geometry,
            window: geometry.analysis_window(),
            fft,
            history: vec![0.0; num_mics * geometry.window_samples()],
            silent_samples: vec![geometry.window_samples(); num_mics],
            has_sound: vec![false; num_mics],
            windowed,
            scratch,
        }
    }

    /// Reads one more hop of every mic and writes the spectra of the windows that end with it.
    ///
    /// # Shapes
    ///
    /// `samples` is `[mic, hop]`; `spectrum` is `[mic, bin]`.
    ///
    /// # Panics
    ///
    /// Panics if `samples` or `spectrum` does not have the shape that [`Analysis::new`] was
    /// called for.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn push_hop(&mut self, samples: &[f32], spectrum: &mut Spectrum) {
        let hop = self.geometry.hop_samples();
        let window_samples = self.geometry.window_samples();
        let num_mics = self.silent_samples.len();
        assert_eq!(samples.len(), num_mics * hop, "one hop of every mic");
        assert_eq!(spectrum.num_mics(), num_mics, "one spectrum per mic");
        let mics = samples.chunks_exact(hop).zip(self.history.chunks_exact_mut(window_samples));
        for (mic, (fresh, history)) in mics.enumerate() {
            history.copy_within(hop.., 0);
            let silent = &mut self.silent_samples[mic];
            for (to, &from) in history[window_samples - hop..].iter_mut().zip(fresh) {
                *to = if from.is_finite() && from.abs() >= SILENCE_LIN {
                    *silent = 0;
                    from.clamp(-LOUDEST_LIN, LOUDEST_LIN)
                } else {
                    *silent += 1;
                    0.0
                };
            }
            *silent = (*silent).min(window_samples);
            if *silent == window_samples {
                spectrum.silence(mic);
                continue;
            }
            if !self.has_sound[mic] {
                let energy: f32 = history.iter().map(|sample| sample * sample).sum();
                self.has_sound[mic] = energy >= FAINTEST_POWER * window_samples as f32;
                if !self.has_sound[mic] {
                    spectrum.silence(mic);
                    continue;
                }
            }
            for ((to, from), gain) in self.windowed.iter_mut().zip(&*history).zip(&self.window) {
                *to = from * gain;
            }
            let transformed = self.fft.process_with_scratch(
                &mut self.windowed,
                spectrum.mic_mut(mic),
                &mut self.scratch,
            );
            debug_assert!(transformed.is_ok(), "sizes were fixed by the plan");
        }
    }

    /// Discards all audio.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn reset(&mut self) {
        self.history.fill(0.0);
        self.silent_samples.fill(self.geometry.window_samples());
        self.has_sound.fill(false);
    }
}
