//! Durations of the plugin's process calls.

use std::fmt;
use std::time::Duration;

/// The cost of process calls on the audio thread.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    rate_hz: f64,
    /// Length in samples and cost of each block, in order.
    blocks: Vec<(usize, Duration)>,
}

impl Timings {
    pub(crate) fn new(rate_hz: f64) -> Self {
        Self { rate_hz, blocks: Vec::new() }
    }

    pub(crate) fn push(&mut self, num_samples: usize, elapsed: Duration) {
        self.blocks.push((num_samples, elapsed));
    }

    /// Adds the blocks of another playback at the same rate.
    pub fn append(&mut self, other: &Self) {
        self.blocks.extend_from_slice(&other.blocks);
    }

    /// Returns the number of processed blocks.
    #[must_use]
    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the cost, as a share of the block's duration, that the fraction `quantile` of all
    /// blocks does not exceed; 0.5 is the median, 1 the maximum.
    #[must_use]
    pub fn share(&self, quantile: f64) -> f64 {
        self.at(quantile, |samples, elapsed| elapsed.as_secs_f64() * self.rate_hz / samples as f64)
    }

    /// Returns the cost in microseconds that the fraction `quantile` of all blocks does not exceed.
    #[must_use]
    pub fn micros(&self, quantile: f64) -> f64 {
        self.at(quantile, |_, elapsed| elapsed.as_secs_f64() * 1e6)
    }

    fn at(&self, quantile: f64, cost: impl Fn(usize, Duration) -> f64) -> f64 {
        let mut costs: Vec<f64> =
            self.blocks.iter().map(|&(samples, elapsed)| cost(samples, elapsed)).collect();
        costs.sort_by(f64::total_cmp);
        let last = costs.len().saturating_sub(1);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index between 0 and the last"
        )]
        let index = (quantile.clamp(0.0, 1.0) * last as f64).ceil() as usize;
        costs.get(index).copied().unwrap_or(0.0)
    }
}

impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks;", self.num_blocks())?;
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            write!(
                f,
                " {name} {:.1} us ({:.2} % of the block)",
                self.micros(quantile),
                100.0 * self.share(quantile)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_count_blocks_and_shares_count_their_length() {
        let mut timings = Timings::new(1000.0);
        for millis in 1..=100 {
            timings.push(100, Duration::from_millis(millis));
        }
        assert!((timings.micros(0.5) - 51_000.0).abs() < 1e-6);
        assert!((timings.share(0.99) - 1.0).abs() < 1e-9);
        assert!((timings.share(1.0) - 1.0).abs() < 1e-9);
        assert!((timings.share(0.0) - 0.01).abs() < 1e-9);
    }
}
