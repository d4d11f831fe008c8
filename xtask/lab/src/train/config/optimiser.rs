//! Parameters of the optimiser in a configuration, and the step size that follows from them.

use super::super::limits;
use serde::{Deserialize, Serialize};

/// Parameters of the optimiser, AdamW.
///
/// # Source
///
/// I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2; the
/// cosine is that of "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
/// run once and not down to 0.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Greatest step size of the first round.
    #[serde(deserialize_with = "limits::rate")]
    pub learning_rate: f64,
    /// Factor on the step size in every further round, whose network has learned already.
    #[serde(deserialize_with = "limits::share")]
    pub round_factor: f64,
    /// Number of steps over which the step size grows from 0.
    pub warm_up_steps: usize,
    /// Final step size as a share of the greatest. In between, it follows half a cosine.
    #[serde(deserialize_with = "limits::share")]
    pub final_share: f64,
    /// Norm to which larger gradients of each weight tensor are scaled down.
    #[serde(deserialize_with = "limits::positive")]
    pub gradient_norm: f32,
    /// Weight decay: the rate at which weights shrink by themselves.
    #[serde(deserialize_with = "limits::share")]
    pub weight_decay: f64,
    /// Share of the average over steps that remains in each step. The average is validated and kept
    /// instead of the last weights; 0 for no average.
    ///
    /// # Source
    ///
    /// B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992;
    /// fading as in D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
    /// section 7.2.
    #[serde(deserialize_with = "limits::share")]
    pub average: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            learning_rate: 2e-3,
            round_factor: 0.5,
            warm_up_steps: 50,
            final_share: 0.05,
            gradient_norm: 5.0,
            weight_decay: 0.01,
            average: 0.0,
        }
    }
}

impl OptimiserConfig {
    /// Returns the step size of a step, counted from 0, of `steps` in a round.
    #[must_use]
    pub fn rate(&self, round: usize, step: usize, steps: usize) -> f64 {
        let progress = step as f64 / steps.max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let warm = ((step + 1) as f64 / (self.warm_up_steps.max(1)) as f64).min(1.0);
        let greatest = (0..round).fold(self.learning_rate, |rate, _| rate * self.round_factor);
        greatest * warm * (self.final_share + (1.0 - self.final_share) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_size_warms_up_and_falls_to_its_final_share() {
        let config = OptimiserConfig { learning_rate: 1.0, ..OptimiserConfig::default() };
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}");
        near(config.rate(0, 0, 1_000_000_000), 1.0 / 50.0);
        // Half a cosine has fallen half way in the middle.
        near(config.rate(0, 500, 1000), 0.05 + 0.95 * 0.5);
        near(config.rate(0, 1000, 1000), 0.05);
        near(config.rate(2, 500, 1000), 0.25 * (0.05 + 0.95 * 0.5));
    }
}
