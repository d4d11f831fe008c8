//! One hop's spectra of all mics.

use realfft::num_complex::Complex32;

/// The spectra of all mics under one window.
///
/// # Shapes
///
/// `[mic, bin]`, complex, contiguous in `bin`, unnormalised (RustFFT's scaling: a full-scale sine
/// reaches half the sum of the analysis window).
///
/// # Invariants
///
/// A mic that is not [active](Spectrum::is_active) has only zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    bins: Vec<Complex32>,
    active: Vec<bool>,
    num_bins: usize,
}

impl Spectrum {
    /// A spectrum of silence.
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

    /// How many mics.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.active.len()
    }

    /// How many frequencies.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_bins(&self) -> usize {
        self.num_bins
    }

    /// The bins of one mic, `[bin]`.
    ///
    /// # Panics
    ///
    /// When there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn mic(&self, mic: usize) -> &[Complex32] {
        &self.bins[mic * self.num_bins..][..self.num_bins]
    }

    /// The bins of one mic, to be written; the mic counts as active from now on.
    ///
    /// # Panics
    ///
    /// When there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn mic_mut(&mut self, mic: usize) -> &mut [Complex32] {
        self.active[mic] = true;
        &mut self.bins[mic * self.num_bins..][..self.num_bins]
    }

    /// Whether a mic has anything but digital silence under this window.
    ///
    /// # Panics
    ///
    /// When there is no such mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn is_active(&self, mic: usize) -> bool {
        self.active[mic]
    }

    /// Makes a mic silent; costs nothing when it already is.
    ///
    /// # Panics
    ///
    /// When there is no such mic.
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

    /// Makes every mic silent.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn silence_all(&mut self) {
        for mic in 0..self.num_mics() {
            self.silence(mic);
        }
    }

    /// Takes over another spectrum of the same shape.
    ///
    /// # Panics
    ///
    /// When the shapes differ.
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
