//! Many mics in few numbers: the mean and, because one ruined mic ruins the mix, the worst.

use super::MicScore;
use serde::Serialize;

/// Mean and worst of one metric over the mics that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Statistic {
    /// Arithmetic mean of the dB values; `None` when no mic has the metric.
    pub mean: Option<f64>,
    /// The lowest value.
    pub worst: Option<f64>,
}

/// Every metric over a set of mics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many mics were measured, silent ones included.
    pub num_mics: usize,
    /// SDR of the inputs.
    pub input_sdr_db: Statistic,
    /// SDR of the outputs.
    pub sdr_db: Statistic,
    /// SDR gain.
    pub sdr_gain_db: Statistic,
    /// SI-SDR gain.
    pub si_sdr_gain_db: Statistic,
    /// Bleed reduction in the own source's silence.
    pub bleed_reduction_db: Statistic,
    /// Level change of the target; worst is the largest loss.
    pub level_change_db: Statistic,
}

impl Statistic {
    /// Over all values that are there.
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let values: Vec<f64> = values.into_iter().flatten().collect();
        if values.is_empty() {
            return Self::default();
        }
        Self {
            mean: Some(values.iter().sum::<f64>() / values.len() as f64),
            worst: values.into_iter().reduce(f64::min),
        }
    }
}

impl Summary {
    /// Over all mics given.
    #[must_use]
    pub fn of(scores: &[MicScore]) -> Self {
        let over = |metric: fn(&MicScore) -> Option<f64>| Statistic::of(scores.iter().map(metric));
        Self {
            num_mics: scores.len(),
            input_sdr_db: over(|score| score.input_sdr_db),
            sdr_db: over(|score| score.sdr_db),
            sdr_gain_db: over(|score| score.sdr_gain_db),
            si_sdr_gain_db: over(|score| score.si_sdr_gain_db),
            bleed_reduction_db: over(|score| score.bleed_reduction_db),
            level_change_db: over(|score| score.level_change_db),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_mics_are_counted_but_do_not_pull_the_mean() {
        let gain = |db| MicScore { sdr_gain_db: db, ..MicScore::default() };
        let summary = Summary::of(&[gain(Some(4.0)), gain(None), gain(Some(-2.0))]);
        assert_eq!(summary.num_mics, 3);
        assert_eq!(summary.sdr_gain_db, Statistic { mean: Some(1.0), worst: Some(-2.0) });
        assert_eq!(summary.bleed_reduction_db, Statistic { mean: None, worst: None });
    }
}
