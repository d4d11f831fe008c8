//! Spectra of all mics for one hop.

use realfft::num_complex::Complex32;

/// Spectra of all mics under one window.
///
/// # Shapes
///
/// `[mic, bin]`, complex, contiguous in `bin`, unnormalised (RustFFT's scaling: a full-scale sine
/// reaches half the sum of the analysis window).
///
/// # Invariants
///
/// A mic that is not [active](Spectrum::is_active) has zeros only.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    bins: Vec<Complex32>,
    active: Vec<bool>,
    num_bins: usize,
}

impl Spectrum {
    /// Returns a spectrum of silence.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(num_mics: usize, num_bins: usize) -> Self {
        Self {
            bins: vec![Complex32::ZERO; num_mics * num_bins],
            active: vec![false; num_mics],
            num_bins,
        }
    }

    /// Returns the number of mics.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.active.len()
    }

    /// Returns the number of frequencies.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_bins(&self) -> usize {
        self.num_bins
    }

    /// Returns the bins of one mic, `[bin]`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn mic(&self, mic: usize) -> &[Complex32] {
        &self.bins[mic * self.num_bins..][..self.num_bins]
    }

    /// Returns the bins of one mic for writing, and marks the mic as active.
    ///
    /// # Panics
    ///
    /// Panics if there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn mic_mut(&mut self, mic: usize) -> &mut [Complex32] {
        self.active[mic] = true;
        &mut self.bins[mic * self.num_bins..][..self.num_bins]
    }

    /// Returns true if a mic has more than digital silence under this window.
    ///
    /// # Panics
    ///
    /// Panics if there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn is_active(&self, mic: usize) -> bool {
        self.active[mic]
    }

    /// Returns true for each mic with more than digital silence under this window, `[mic]`.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn activity(&self) -> &[bool] {
        &self.active
    }

    /// Silences a mic. Costs nothing if it is silent already.
    ///
    /// # Panics
    ///
    /// Panics if there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn silence(&mut self, mic: usize) {
        if self.active[mic] {
            self.bins[mic * self.num_bins..][..self.num_bins].fill(Complex32::ZERO);
            self.active[mic] = false;
        }
    }

    /// Silences every mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn silence_all(&mut self) {
        for mic in 0..self.num_mics() {
            self.silence(mic);
        }
    }

    /// Copies another spectrum of the same shape.
    ///
    /// # Panics
    ///
    /// Panics if the shapes differ.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn copy_from(&mut self, other: &Self) {
        assert_eq!((self.num_mics(), self.num_bins), (other.num_mics(), other.num_bins));
        for mic in 0..other.num_mics() {
            if other.is_active(mic) {
                self.mic_mut(mic).copy_from_slice(other.mic(mic));
            } else {
                self.silence(mic);
            }
        }
    }
}
