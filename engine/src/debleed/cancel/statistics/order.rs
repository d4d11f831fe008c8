//! Order of the mics in sums: by their sound, independent of their numbers.

use crate::stft::Spectrum;

/// The mics that had sound since the last reset, in the order of sums.
///
/// Sums of three numbers or more round differently in another order. A rounded level can then fall
/// on the other side of a histogram's edge, and everything learned afterwards differs. Sums over
/// mics therefore use this order, and so do the filters' slots and the rows of a network's tensors.
///
/// # Invariants
///
/// The order depends only on the mics' sound since the last reset, not on its level. Mics are
/// ordered by the hop in which their sound began, and within a hop by the height of its sound. Only
/// mics that are equal in that to the last bit keep the order of their numbers.
///
/// # Real-time
///
/// Worker or main thread only.
#[derive(Debug)]
pub(crate) struct Order {
    mics: Vec<usize>,
    is_in: Vec<bool>,
    /// Heights of the newly added mics, lowest first.
    added: Vec<(f64, usize)>,
}

impl Order {
    pub(crate) fn new(num_mics: usize) -> Self {
        Self {
            mics: Vec::with_capacity(num_mics),
            is_in: vec![false; num_mics],
            added: Vec::with_capacity(num_mics),
        }
    }

    /// Adds the mics that have sound for the first time.
    pub(crate) fn follow(&mut self, spectrum: &Spectrum) {
        self.added.clear();
        for (mic, is_in) in self.is_in.iter_mut().enumerate() {
            if spectrum.is_active(mic) && !*is_in {
                *is_in = true;
                self.added.push((height(spectrum, mic), mic));
            }
        }
        self.added.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.mics.extend(self.added.iter().map(|&(_, mic)| mic));
    }

    /// Returns the mics that had sound so far.
    pub(crate) fn mics(&self) -> &[usize] {
        &self.mics
    }

    pub(crate) fn forget(&mut self) {
        self.mics.clear();
        self.is_in.fill(false);
    }
}

/// Returns the spectral centroid of a mic, in bins.
fn height(spectrum: &Spectrum, mic: usize) -> f64 {
    let (mut moment, mut total) = (0.0, 0.0);
    for (at, bin) in (0_u32..).zip(spectrum.mic(mic)) {
        let power = f64::from(bin.re) * f64::from(bin.re) + f64::from(bin.im) * f64::from(bin.im);
        moment += f64::from(at) * power;
        total += power;
    }
    moment / total.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use realfft::num_complex::Complex32;

    /// Returns mics with one tone each, at these bins and levels; no sound where the bin is 0.
    fn tones(of: &[(usize, f32)]) -> Spectrum {
        let mut spectrum = Spectrum::new(of.len(), 16);
        for (mic, &(bin, level)) in of.iter().enumerate() {
            if bin > 0 {
                spectrum.mic_mut(mic)[bin] = Complex32::new(level, -level);
            }
        }
        spectrum
    }

    #[test]
    fn mics_stand_as_they_are_heard_and_then_by_height() {
        let mut order = Order::new(4);
        order.follow(&tones(&[(0, 0.0), (9, 1.0), (3, 1.0), (0, 0.0)]));
        assert_eq!(order.mics(), [2, 1]);
        // Later sound does not change the order.
        order.follow(&tones(&[(5, 1.0), (1, 1.0), (8, 1.0), (2, 1.0)]));
        assert_eq!(order.mics(), [2, 1, 3, 0]);
        order.forget();
        assert_eq!(order.mics(), [0; 0]);
        order.follow(&tones(&[(5, 1e-3), (7, 1.0), (8, 1e3), (2, 1.0)]));
        assert_eq!(order.mics(), [3, 0, 1, 2], "levels are nothing to it");
    }
}
