//! Convolution of long signals with room responses.

use crate::convert::to_f32;
use anyhow::{Context, Result, ensure};
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Longest block in samples. Two spectra of it and the parts of a response fit in a core's cache.
const LONGEST_BLOCK: usize = 8_192;
/// Shortest block in samples.
const SHORTEST_BLOCK: usize = 256;
/// Number of parts of a response, as far as the limits of the block length allow.
const NUM_PARTS_WANTED: usize = 4;

/// Convolves signals of one length with responses up to one length, both set in [`new`](Self::new).
///
/// A signal is transformed once and convolved with many responses. The contributions of several
/// signals to one mic are summed before the inverse transform. The cost of a response grows with
/// its own length, and silent stretches of a signal cost nothing.
///
/// # Source
///
/// Uniformly partitioned convolution by overlap-save, as in F. Wefers, "Partitioned convolution
/// algorithms for real-time auralization", PhD thesis, RWTH Aachen, 2014, chapter 5.
pub struct Convolver {
    /// Samples per block; the transforms are twice as long.
    block: usize,
    num_samples: usize,
    longest_response: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

/// A transformed signal.
#[derive(Clone, Debug)]
pub struct Transformed(Spectra);

/// The sum of the sounds at one mic, still transformed.
#[derive(Clone, Debug)]
pub struct Heard(Spectra);

/// Spectra of consecutive blocks, `[block][re of all bins, im of all bins]`; empty for silence.
#[derive(Clone, Debug)]
struct Spectra {
    blocks: Vec<Vec<f32>>,
}

impl std::fmt::Debug for Convolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Convolver")
            .field("block", &self.block)
            .field("num_samples", &self.num_samples)
            .field("longest_response", &self.longest_response)
            .finish_non_exhaustive()
    }
}

impl Convolver {
    /// Creates a convolver for signals of `num_samples` and responses up to
    /// `longest_response_samples`.
    #[must_use]
    pub fn new(num_samples: usize, longest_response_samples: usize) -> Self {
        let shorter = num_samples.min(longest_response_samples).max(1);
        let block = shorter
            .div_ceil(NUM_PARTS_WANTED)
            .next_power_of_two()
            .clamp(SHORTEST_BLOCK, LONGEST_BLOCK);
        let mut planner = RealFftPlanner::new();
        Self {
            block,
            num_samples,
            longest_response: longest_response_samples,
            forward: planner.plan_fft_forward(2 * block),
            inverse: planner.plan_fft_inverse(2 * block),
        }
    }

    /// Transforms one signal.
    ///
    /// # Errors
    ///
    /// Returns an error if the signal is longer than `num_samples` of [`new`](Self::new).
    pub fn transform(&self, signal: &[f32]) -> Result<Transformed> {
        ensure!(
            signal.len() <= self.num_samples,
            "a signal of {} samples in a convolver made for {}",
            signal.len(),
            self.num_samples
        );
        let block = self.block;
        let num_blocks = self.num_samples.div_ceil(block);
        // Each transform covers its own block and the one before.
        let windows = (0..num_blocks).map(|index| {
            let at =
                |place: usize| &signal[place.min(signal.len())..(place + block).min(signal.len())];
            let before = if index == 0 { &[][..] } else { at((index - 1) * block) };
            (before, at(index * block))
        });
        Ok(Transformed(self.spectra(windows)?))
    }

    /// Returns silence, the start of a sum.
    #[must_use]
    pub fn silence(&self) -> Heard {
        Heard(Spectra { blocks: vec![Vec::new(); self.num_samples.div_ceil(self.block)] })
    }

    /// Adds `signal` convolved with `gain * response` to `heard`.
    ///
    /// # Errors
    ///
    /// Returns an error if the response is longer than the limit given to [`new`](Self::new), or if
    /// `heard` or `signal` came from another convolver.
    pub fn add(
        &self,
        heard: &mut Heard,
        signal: &Transformed,
        response: &[f32],
        gain: f32,
    ) -> Result<()> {
        ensure!(
            response.len() <= self.longest_response,
            "a response of {} samples in a convolver made for {}",
            response.len(),
            self.longest_response
        );
        let num_blocks = self.num_samples.div_ceil(self.block);
        ensure!(
            heard.0.blocks.len() == num_blocks && signal.0.blocks.len() == num_blocks,
            "sounds of another convolver"
        );
        let mut path = self.spectra(response.chunks(self.block).map(|part| (part, &[][..])))?;
        for value in path.blocks.iter_mut().flatten() {
            *value *= gain;
        }
        for (index, total) in heard.0.blocks.iter_mut().enumerate() {
            for (sound, crosstalk) in signal.0.blocks[..=index].iter().rev().zip(&path.blocks) {
                if sound.is_empty() || crosstalk.is_empty() {
                    continue;
                }
                if total.is_empty() {
                    total.resize(2 * (self.block + 1), 0.0);
                }
                accumulate(total, sound, crosstalk);
            }
        }
        Ok(())
    }

    /// Returns the sum as samples, as long as the signals. The tail after that is cut.
    ///
    /// # Errors
    ///
    /// Returns an error if `heard` came from another convolver.
    pub fn finish(&self, heard: Heard) -> Result<Vec<f32>> {
        let Heard(Spectra { blocks }) = heard;
        let num_bins = self.block + 1;
        let mut signal = Vec::with_capacity(blocks.len() * self.block);
        let mut spectrum = self.inverse.make_input_vec();
        let mut window = self.inverse.make_output_vec();
        let mut scratch = self.inverse.make_scratch_vec();
        let scale = 1.0 / to_f32(2.0 * self.block as f64);
        for block in blocks {
            if block.is_empty() {
                signal.resize(signal.len() + self.block, 0.0);
                continue;
            }
            ensure!(block.len() == 2 * num_bins, "sounds of another convolver");
            let (re, im) = block.split_at(num_bins);
            for ((bin, &re), &im) in spectrum.iter_mut().zip(re).zip(im) {
                *bin = Complex32::new(re, im);
            }
            // These two bins are real by symmetry, up to rounding.
            spectrum[0].im = 0.0;
            spectrum[self.block].im = 0.0;
            self.inverse
                .process_with_scratch(&mut spectrum, &mut window, &mut scratch)
                .context("transforming back")?;
            // The first half holds the samples that wrapped around.
            signal.extend(window[self.block..].iter().map(|sample| sample * scale));
        }
        signal.truncate(self.num_samples);
        Ok(signal)
    }

    /// Transforms windows, each given as two halves; short halves are padded with silence.
    fn spectra<'s>(
        &self,
        windows: impl Iterator<Item = (&'s [f32], &'s [f32])>,
    ) -> Result<Spectra> {
        let num_bins = self.block + 1;
        let mut padded = self.forward.make_input_vec();
        let mut spectrum = self.forward.make_output_vec();
        let mut scratch = self.forward.make_scratch_vec();
        let mut blocks = Vec::new();
        for (before, now) in windows {
            if before.iter().chain(now).all(|&sample| sample == 0.0) {
                blocks.push(Vec::new());
                continue;
            }
            padded.fill(0.0);
            padded[..before.len()].copy_from_slice(before);
            padded[self.block..self.block + now.len()].copy_from_slice(now);
            self.forward
                .process_with_scratch(&mut padded, &mut spectrum, &mut scratch)
                .context("transforming a sound")?;
            let mut block = Vec::with_capacity(2 * num_bins);
            block.extend(spectrum.iter().map(|bin| bin.re));
            block.extend(spectrum.iter().map(|bin| bin.im));
            blocks.push(block);
        }
        Ok(Spectra { blocks })
    }
}

/// Computes `total += sound * crosstalk`, complex, `[re of all bins, im of all bins]`.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn accumulate(total: &mut [f32], sound: &[f32], crosstalk: &[f32]) {
    let num_bins = total.len() / 2;
    let (total_re, total_im) = total.split_at_mut(num_bins);
    let (sound_re, sound_im) = sound.split_at(num_bins);
    let (path_re, path_im) = crosstalk.split_at(num_bins);
    let (total_im, sound_im) = (&mut total_im[..num_bins], &sound_im[..num_bins]);
    let (path_re, path_im) = (&path_re[..num_bins], &path_im[..num_bins]);
    for bin in 0..num_bins {
        total_re[bin] += sound_re[bin] * path_re[bin] - sound_im[bin] * path_im[bin];
        total_im[bin] += sound_re[bin] * path_im[bin] + sound_im[bin] * path_re[bin];
    }
}

#[cfg(test)]
mod oracle {
    use super::*;
    use crate::random::Random;

    /// Computes the convolution by its definition, in double precision.
    fn slow(signal: &[f32], response: &[f32], gain: f64) -> Vec<f64> {
        let mut sum = vec![0.0; signal.len()];
        for (n, total) in sum.iter_mut().enumerate() {
            for (k, &h) in response.iter().enumerate().take(n + 1) {
                *total += gain * f64::from(h) * f64::from(signal[n - k]);
            }
        }
        sum
    }

    fn noise(num_samples: usize, part: u64) -> Vec<f32> {
        let mut random = Random::for_part(7, part);
        (0..num_samples).map(|_| random.normal(0.0, 1.0) as f32).collect()
    }

    /// Largest error relative to the largest sample. This test measured 2.5e-7.
    const CONVOLUTION_ERROR: f64 = 2e-6;

    #[test]
    fn partitioned_convolution_is_the_definition() {
        for (num_samples, longest, lengths) in [
            (5_000, 3_000, [3_000, 17]),
            (5_000, 1_024, [1_024, 1_000]),
            (700, 3_000, [3_000, 300]),
            (2_049, 512, [1, 512]),
            (256, 256, [256, 255]),
            (1, 1, [1, 1]),
        ] {
            let convolver = Convolver::new(num_samples, longest);
            let mut heard = convolver.silence();
            let mut expected = vec![0.0; num_samples];
            for (part, length) in (0_u64..).zip(lengths) {
                let mut signal = noise(num_samples, part);
                // A rest longer than a block, which is skipped.
                signal.iter_mut().skip(1_000).take(1_500).for_each(|sample| *sample = 0.0);
                let response = noise(length, 10 + part);
                let sound = convolver.transform(&signal).unwrap();
                convolver.add(&mut heard, &sound, &response, 0.5).unwrap();
                for (total, value) in expected.iter_mut().zip(slow(&signal, &response, 0.5)) {
                    *total += value;
                }
            }
            let found = convolver.finish(heard).unwrap();
            assert_eq!(found.len(), num_samples);
            let top = expected.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
            for (n, (&found, expected)) in found.iter().zip(&expected).enumerate() {
                let error = (f64::from(found) - expected).abs() / top;
                assert!(error < CONVOLUTION_ERROR, "{num_samples} {longest} at {n}: {error}");
            }
        }
    }

    #[test]
    fn silence_stays_silent_and_too_long_sounds_are_refused() {
        let convolver = Convolver::new(3_000, 500);
        let silence = convolver.transform(&vec![0.0; 3_000]).unwrap();
        let mut heard = convolver.silence();
        convolver.add(&mut heard, &silence, &noise(500, 1), 1.0).unwrap();
        assert!(convolver.add(&mut heard, &silence, &noise(501, 1), 1.0).is_err());
        assert!(convolver.transform(&noise(3_001, 1)).is_err());
        let other = Convolver::new(9_000, 4_000);
        assert!(other.add(&mut heard, &silence, &noise(500, 1), 1.0).is_err());
        assert_eq!(convolver.finish(heard).unwrap(), vec![0.0; 3_000]);
    }
}
