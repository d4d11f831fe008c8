//! Confidence intervals of a mean over scenes.

use crate::convert::to_index;
use crate::random::Random;
use serde::Serialize;

/// An interval, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end, below which 2.5 % of the resampled means lie.
    pub low: f64,
    /// Upper end, above which 2.5 % of the resampled means lie.
    pub high: f64,
}

/// Fixed, so that an evaluation is reproducible to the last digit.
const SEED: u64 = 0xB007;
const NUM_RESAMPLES: usize = 2_000;

/// Returns the 95 % bootstrap interval of the mean over all values of all scenes, or `None` if
/// fewer than two scenes have a value.
///
/// Whole *scenes* are drawn with replacement, as many as there are. Mics of one scene share room,
/// music and players and are not independent.
///
/// # Source
///
/// B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", Chapman and Hall, 1993: the
/// percentile interval (chapter 13), of clusters.
#[must_use]
pub fn interval_of_mean(scenes: &[Vec<f64>]) -> Option<Interval> {
    let sums: Vec<(f64, f64)> = scenes
        .iter()
        .filter(|values| !values.is_empty())
        .map(|values| (values.iter().sum(), values.len() as f64))
        .collect();
    if sums.len() < 2 {
        return None;
    }
    let mut random = Random::new(SEED);
    let mut means: Vec<f64> = (0..NUM_RESAMPLES)
        .map(|_| {
            let drawn = (0..sums.len()).map(|_| sums[random.index(sums.len())]);
            let (sum, count) = drawn.fold((0.0, 0.0), |(s, c), (sum, n)| (s + sum, c + n));
            sum / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[to_index(share * (NUM_RESAMPLES - 1) as f64)];
    Some(Interval { low: at(0.025), high: at(0.975) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maximum deviation of the interval's ends, as a share of its half width. Measured: 0.07.
    const SCATTER: f64 = 0.1;

    #[test]
    fn many_scenes_give_the_interval_of_the_normal_distribution() {
        let mut random = Random::new(9);
        let scenes: Vec<Vec<f64>> = (0..400).map(|_| vec![random.normal(5.0, 2.0)]).collect();
        let mean = scenes.iter().flatten().sum::<f64>() / 400.0;
        let spread = scenes.iter().flatten().map(|x| (x - mean).powi(2)).sum::<f64>() / 400.0;
        let half = 1.959_964 * (spread / 400.0).sqrt();
        let found = interval_of_mean(&scenes).unwrap();
        assert!((found.low - (mean - half)).abs() < SCATTER * half, "{found:?} {mean} {half}");
        assert!((found.high - (mean + half)).abs() < SCATTER * half, "{found:?} {mean} {half}");
        // Ten mics with the same value count once.
        let tenfold: Vec<Vec<f64>> = scenes.iter().map(|scene| vec![scene[0]; 10]).collect();
        let again = interval_of_mean(&tenfold).unwrap();
        assert!((again.low - found.low).abs() < 1e-9 && (again.high - found.high).abs() < 1e-9);
    }

    #[test]
    fn small_cases_are_those_counted_by_hand() {
        // Means of two draws of {0, 1}: 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
        let found = interval_of_mean(&[vec![0.0], vec![1.0], vec![]]).unwrap();
        assert_eq!((found.low, found.high), (0.0, 1.0));
        // Three equal scenes of two mics each: all resampled means are equal.
        let found = interval_of_mean(&vec![vec![2.0, 4.0]; 3]).unwrap();
        assert_eq!((found.low, found.high), (3.0, 3.0));
        assert_eq!(interval_of_mean(&[vec![1.0, 2.0]]), None);
        assert_eq!(interval_of_mean(&[]), None);
    }
}
