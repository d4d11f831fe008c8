//! Excerpts spread over the session, as spectra up to about 5 kHz.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// Length of an excerpt in samples at the reduced rate, which is near 12 kHz.
pub(crate) const EXCERPT_SAMPLES: usize = 32_768;
/// Number of bins kept per excerpt: nine tenths of those below half the reduced rate.
pub(crate) const NUM_BINS: usize = EXCERPT_SAMPLES * 9 / 20;
const REDUCED_RATE_HZ: u32 = 12_000;
const MOST_EXCERPTS: usize = 24;
/// Lowest frequency used; hum and rumble below it carry no information about paths.
const LOWEST_HZ: f64 = 80.0;

/// Collects the excerpts while the session is pushed.
pub(crate) struct Excerpts {
    rate_hz: u32,
    num_mics: usize,
    /// Length of an excerpt in samples at the session's rate.
    len_samples: usize,
    position: u64,
    /// First sample of each excerpt, in ascending order.
    starts: Vec<u64>,
    /// Excerpts being filled, `[excerpt][mic][sample]`, the oldest first.
    open: Vec<Vec<Vec<f32>>>,
    done: Vec<Vec<Vec<Complex32>>>,
    window: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
}

impl std::fmt::Debug for Excerpts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Excerpts({} of {})", self.done.len(), self.starts.len())
    }
}

/// The spectra of all excerpts.
pub(crate) struct Spectra {
    /// Spectra `[excerpt][mic][bin]`, with [`NUM_BINS`] bins.
    pub(crate) bins: Vec<Vec<Vec<Complex32>>>,
    /// Middle of each excerpt, in seconds.
    pub(crate) middles_s: Vec<f64>,
    /// Reduced rate in Hz.
    pub(crate) reduced_hz: f64,
    /// First bin that is used.
    pub(crate) first_bin: usize,
}

impl Spectra {
    pub(crate) fn num_mics(&self) -> usize {
        self.bins.first().map_or(0, Vec::len)
    }
}

impl Excerpts {
    pub(crate) fn new(rate_hz: u32, num_mics: usize, num_samples: u64) -> Self {
        let factor = ((rate_hz + REDUCED_RATE_HZ / 2) / REDUCED_RATE_HZ).max(1) as usize;
        let len_samples = EXCERPT_SAMPLES * factor;
        let room = num_samples.saturating_sub(len_samples as u64);
        let count = (room / (len_samples as u64 / 2) + 1).min(MOST_EXCERPTS as u64);
        let starts = (0..count).map(|index| room * index / (count - 1).max(1)).collect();
        let transform = RealFftPlanner::new().plan_fft_forward(len_samples);
        let step = std::f32::consts::TAU / len_samples as f32;
        let window = (0..len_samples).map(|n| 0.5 - 0.5 * (n as f32 * step).cos()).collect();
        let (open, done) = (Vec::new(), Vec::new());
        Self { rate_hz, num_mics, len_samples, position: 0, starts, open, done, window, transform }
    }

    pub(crate) fn push(&mut self, mics: &[&[f32]]) {
        let num_samples = mics[0].len();
        let mut done = 0;
        while done < num_samples {
            // The part up to the next start or end of an excerpt.
            let mut next = num_samples - done;
            if let Some(&start) = self.starts.get(self.done.len() + self.open.len()) {
                if start == self.position {
                    let empty = Vec::with_capacity(self.len_samples);
                    self.open.push(vec![empty; self.num_mics]);
                    continue;
                }
                next = next.min(usize::try_from(start - self.position).unwrap_or(next));
            }
            if let Some(oldest) = self.open.first() {
                next = next.min(self.len_samples - oldest[0].len());
            }
            for excerpt in &mut self.open {
                for (kept, mic) in excerpt.iter_mut().zip(mics) {
                    kept.extend_from_slice(&mic[done..done + next]);
                }
            }
            if self.open.first().is_some_and(|oldest| oldest[0].len() == self.len_samples) {
                self.close_oldest();
            }
            done += next;
            self.position += next as u64;
        }
    }

    fn close_oldest(&mut self) {
        let spectra = self.open.remove(0).into_iter().map(|mic| self.spectrum(mic)).collect();
        self.done.push(spectra);
    }

    fn spectrum(&self, mut samples: Vec<f32>) -> Vec<Complex32> {
        samples.resize(self.len_samples, 0.0);
        for (sample, window) in samples.iter_mut().zip(&self.window) {
            *sample *= window;
        }
        let mut bins = self.transform.make_output_vec();
        let result = self.transform.process(&mut samples, &mut bins);
        debug_assert!(result.is_ok(), "lengths are those of the plan");
        bins.truncate(NUM_BINS);
        bins
    }

    /// Returns the spectra; pads an excerpt cut off by the end of the session with silence.
    pub(crate) fn finish(mut self) -> Spectra {
        while !self.open.is_empty() {
            self.close_oldest();
        }
        let rate_hz = f64::from(self.rate_hz);
        let len_s = self.len_samples as f64 / rate_hz;
        let middle_s = |start: &u64| *start as f64 / rate_hz + len_s / 2.0;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some hundred bins"
        )]
        let first_bin = (LOWEST_HZ * len_s) as usize;
        Spectra {
            middles_s: self.starts[..self.done.len()].iter().map(middle_s).collect(),
            bins: self.done,
            reduced_hz: EXCERPT_SAMPLES as f64 / len_s,
            first_bin: first_bin.min(NUM_BINS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectra(rate_hz: u32, samples: &[f32], block: usize) -> Spectra {
        let mut excerpts = Excerpts::new(rate_hz, 1, samples.len() as u64);
        for block in samples.chunks(block) {
            excerpts.push(&[block]);
        }
        excerpts.finish()
    }

    fn tone(rate_hz: u32, num_samples: usize) -> Vec<f32> {
        let step = std::f32::consts::TAU * 1_000.0 / rate_hz as f32;
        (0..num_samples).map(|n| (n as f32 * step % std::f32::consts::TAU).sin()).collect()
    }

    #[test]
    fn a_tone_is_at_its_place_at_every_rate() {
        for rate_hz in [8_000, 44_100, 48_000, 96_000, 192_000] {
            let spectra = spectra(rate_hz, &tone(rate_hz, rate_hz as usize * 6), 4_096);
            let power = |bin: &usize| spectra.bins[0][0][*bin].norm();
            let loudest = (0..NUM_BINS).max_by(|a, b| power(a).total_cmp(&power(b))).unwrap();
            let hz = loudest as f64 * spectra.reduced_hz / EXCERPT_SAMPLES as f64;
            // Half the distance between two bins.
            assert!((hz - 1_000.0).abs() < 0.25, "{rate_hz}: {hz}");
        }
    }

    #[test]
    fn excerpts_reach_from_the_first_sample_to_the_last_and_blocks_do_not_matter() {
        let samples = tone(12_000, 12_000 * 60);
        let whole = spectra(12_000, &samples, samples.len());
        assert_eq!(whole.bins.len(), 24);
        let half_s = 16_384.0 / 12_000.0;
        assert!((whole.middles_s[0] - half_s).abs() < 1e-9);
        assert!((whole.middles_s[23] - (60.0 - half_s)).abs() < 1e-9);
        for block in [1_000, 4_096, 50_000] {
            assert_eq!(spectra(12_000, &samples, block).bins, whole.bins, "{block}");
        }
        // A session shorter than an excerpt gives one; less than half an excerpt more adds none.
        for (num_samples, count) in [(10, 1), (32_768, 1), (49_151, 1), (49_152, 2)] {
            let found = spectra(12_000, &samples[..num_samples], 4_096);
            assert_eq!(found.bins.len(), count, "{num_samples}");
        }
    }
}
