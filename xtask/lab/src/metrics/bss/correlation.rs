//! Correlations between many long signals at few lags, by short transforms summed over blocks.

use anyhow::{Context, Result};
use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// `r_ab(k) = sum_n a(n) b(n + k)` for every pair of a signal `a` and a signal `b`.
#[derive(Clone, Debug)]
pub(super) struct Correlations {
    num_b: usize,
    longest_lag: usize,
    /// `[a][b][lag]`, with lags from `-longest_lag` to `longest_lag`.
    values: Vec<f64>,
}

impl Correlations {
    /// Correlates all of `a` with all of `b`; all signals have one length.
    ///
    /// A transform of the whole length would give all lags, but only `2 longest_lag + 1` are
    /// needed. Blocks of `a` are therefore multiplied with the stretch of `b` around them, and the
    /// products are summed before a single inverse transform.
    pub(super) fn of<A: AsRef<[f64]>, B: AsRef<[f64]>>(
        a: &[A],
        b: &[B],
        longest_lag: usize,
    ) -> Result<Self> {
        let size = (16 * longest_lag).next_power_of_two();
        let block = size - 2 * longest_lag;
        let num_bins = size / 2 + 1;
        let mut planner = RealFftPlanner::<f64>::new();
        let forward = planner.plan_fft_forward(size);
        let length = a.first().map_or(0, |signal| signal.as_ref().len());
        let mut sums = vec![Complex64::default(); a.len() * b.len() * num_bins];
        let mut blocks = vec![vec![Complex64::default(); num_bins]; a.len()];
        let mut around = vec![vec![Complex64::default(); num_bins]; b.len()];
        for start in (0..length).step_by(block) {
            for (signal, spectrum) in a.iter().zip(&mut blocks) {
                stretch(&forward, signal.as_ref(), (start, 0, block), spectrum)?;
            }
            for (signal, spectrum) in b.iter().zip(&mut around) {
                stretch(&forward, signal.as_ref(), (start, longest_lag, size), spectrum)?;
            }
            for (pair, sum) in sums.chunks_exact_mut(num_bins).enumerate() {
                let (left, right) = (&blocks[pair / b.len()], &around[pair % b.len()]);
                for ((sum, x), y) in sum.iter_mut().zip(left).zip(right) {
                    *sum += x.conj() * y;
                }
            }
        }
        let inverse = planner.plan_fft_inverse(size);
        let mut lags = inverse.make_output_vec();
        let num_lags = 2 * longest_lag + 1;
        let mut values = Vec::with_capacity(a.len() * b.len() * num_lags);
        for sum in sums.chunks_exact_mut(num_bins) {
            sum[0].im = 0.0;
            sum[num_bins - 1].im = 0.0;
            inverse.process(sum, &mut lags).context("transforming back")?;
            values.extend(lags[..num_lags].iter().map(|lag| lag / size as f64));
        }
        Ok(Self { num_b: b.len(), longest_lag, values })
    }

    /// Returns all lags of one pair; the middle one is lag 0.
    pub(super) fn pair(&self, a: usize, b: usize) -> &[f64] {
        let num_lags = 2 * self.longest_lag + 1;
        &self.values[(a * self.num_b + b) * num_lags..][..num_lags]
    }
}

/// Transforms `num` samples of a signal from `before` samples ahead of `start`, padded with zeros.
fn stretch(
    forward: &Arc<dyn RealToComplex<f64>>,
    signal: &[f64],
    (start, before, num): (usize, usize, usize),
    spectrum: &mut [Complex64],
) -> Result<()> {
    let mut samples = forward.make_input_vec();
    let first = start.saturating_sub(before);
    let last = (start + num - before).min(signal.len());
    let at = first + before - start;
    samples[at..at + last - first].copy_from_slice(&signal[first..last]);
    forward.process(&mut samples, spectrum).context("transforming a block")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Measured with this test: 1.1e-13, for values up to about 100.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn lags_are_those_of_the_sum_itself() {
        let mut random = Random::new(4);
        let mut noise = || (0..1_000).map(|_| random.normal(0.0, 1.0)).collect::<Vec<f64>>();
        let (a, b) = ([noise(), noise()], [noise(), noise(), noise()]);
        let longest_lag = 5;
        let found = Correlations::of(&a, &b, longest_lag).unwrap();
        let mut worst = 0.0_f64;
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                for (index, &value) in found.pair(i, j).iter().enumerate() {
                    let sum: f64 = (0..1_000)
                        .filter_map(|n| Some(x[n] * y.get((n + index).checked_sub(longest_lag)?)?))
                        .sum();
                    worst = worst.max((value - sum).abs());
                }
            }
        }
        assert!(worst < ROUNDING, "{worst}");
    }
}
