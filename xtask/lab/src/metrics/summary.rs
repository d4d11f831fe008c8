//! Summaries of many mics: mean, median and worst value, because one ruined mic ruins the mix.

use super::bootstrap::{Interval, interval_of_mean};
use super::{BssScore, MicScore};
use serde::Serialize;

/// Statistics of one metric over the mics that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Statistic {
    /// Arithmetic mean of the values; `None` if no mic has the metric.
    pub mean: Option<f64>,
    /// Middle value, or the mean of the two in the middle.
    pub median: Option<f64>,
    /// Lowest value; for musical noise the highest.
    pub worst: Option<f64>,
}

/// Statistics of every metric over a set of mics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Number of measured mics, including silent ones.
    pub num_mics: usize,
    /// SDR of the inputs.
    pub input_sdr_db: Statistic,
    /// SDR of the outputs.
    pub sdr_db: Statistic,
    /// SDR gain.
    pub sdr_gain_db: Statistic,
    /// SI-SDR gain.
    pub si_sdr_gain_db: Statistic,
    /// SDR of the outputs of clean mics.
    pub clean_sdr_db: Statistic,
    /// Bleed reduction while the own source is silent.
    pub bleed_reduction_db: Statistic,
    /// Musical noise while the own source is silent; the worst value is the highest.
    pub log_kurtosis_ratio: Statistic,
    /// Level change of the target; the worst value is the largest loss.
    pub level_change_db: Statistic,
    /// BSS Eval's SDR of the outputs.
    pub bss_sdr_db: Statistic,
    /// BSS Eval's SIR of the outputs.
    pub bss_sir_db: Statistic,
    /// BSS Eval's SAR of the outputs.
    pub bss_sar_db: Statistic,
    /// BSS Eval's SIR of the inputs.
    pub input_bss_sir_db: Statistic,
}

/// 95 % bootstrap intervals of the means in a [`Summary`], over scenes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Intervals {
    /// SDR gain.
    pub sdr_gain_db: Option<Interval>,
    /// SI-SDR gain.
    pub si_sdr_gain_db: Option<Interval>,
    /// Bleed reduction while the own source is silent.
    pub bleed_reduction_db: Option<Interval>,
    /// Musical noise while the own source is silent.
    pub log_kurtosis_ratio: Option<Interval>,
    /// Level change of the target.
    pub level_change_db: Option<Interval>,
    /// BSS Eval's SDR.
    pub bss_sdr_db: Option<Interval>,
    /// BSS Eval's SIR.
    pub bss_sir_db: Option<Interval>,
    /// BSS Eval's SAR.
    pub bss_sar_db: Option<Interval>,
}

/// Returns one metric of a mic, if the mic has it.
type Metric = fn(&MicScore) -> Option<f64>;

fn bss(score: &MicScore, pick: fn(&BssScore) -> Option<f64>) -> Option<f64> {
    score.bss.as_ref().and_then(pick)
}

const BSS_SDR: Metric = |score| bss(score, |bss| Some(bss.sdr_db));
const BSS_SIR: Metric = |score| bss(score, |bss| bss.sir_db);
const BSS_SAR: Metric = |score| bss(score, |bss| Some(bss.sar_db));

impl Statistic {
    /// Computes the statistics of all values that are present.
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let mut values: Vec<f64> = values.into_iter().flatten().collect();
        if values.is_empty() {
            return Self::default();
        }
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let low = if values.len().is_multiple_of(2) { middle - 1 } else { middle };
        Self {
            mean: Some(values.iter().sum::<f64>() / values.len() as f64),
            median: Some((values[low] + values[middle]) / 2.0),
            worst: values.first().copied(),
        }
    }

    /// Computes the statistics of values that are worse the higher they are.
    fn of_defect(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let Self { mean, median, worst } =
            Self::of(values.into_iter().map(|value| value.map(|value| -value)));
        Self { mean: mean.map(|x| -x), median: median.map(|x| -x), worst: worst.map(|x| -x) }
    }
}

impl Summary {
    /// Computes the statistics over all given mics.
    #[must_use]
    pub fn of(scores: &[MicScore]) -> Self {
        let over = |metric: Metric| Statistic::of(scores.iter().map(metric));
        Self {
            num_mics: scores.len(),
            input_sdr_db: over(|score| score.input_sdr_db),
            sdr_db: over(|score| score.sdr_db),
            sdr_gain_db: over(|score| score.sdr_gain_db),
            si_sdr_gain_db: over(|score| score.si_sdr_gain_db),
            clean_sdr_db: over(|score| score.clean_sdr_db),
            bleed_reduction_db: over(|score| score.bleed_reduction_db),
            log_kurtosis_ratio: Statistic::of_defect(
                scores.iter().map(|score| score.log_kurtosis_ratio),
            ),
            level_change_db: over(|score| score.level_change_db),
            bss_sdr_db: over(BSS_SDR),
            bss_sir_db: over(BSS_SIR),
            bss_sar_db: over(BSS_SAR),
            input_bss_sir_db: over(|score| score.input_bss.and_then(|bss| bss.sir_db)),
        }
    }
}

impl Intervals {
    /// Computes the intervals over scenes, each with the scores of its mics.
    #[must_use]
    pub fn of(scenes: &[Vec<MicScore>]) -> Self {
        let over = |metric: Metric| {
            let values: Vec<Vec<f64>> =
                scenes.iter().map(|mics| mics.iter().filter_map(metric).collect()).collect();
            interval_of_mean(&values)
        };
        Self {
            sdr_gain_db: over(|score| score.sdr_gain_db),
            si_sdr_gain_db: over(|score| score.si_sdr_gain_db),
            bleed_reduction_db: over(|score| score.bleed_reduction_db),
            log_kurtosis_ratio: over(|score| score.log_kurtosis_ratio),
            level_change_db: over(|score| score.level_change_db),
            bss_sdr_db: over(BSS_SDR),
            bss_sir_db: over(BSS_SIR),
            bss_sar_db: over(BSS_SAR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(db: Option<f64>) -> MicScore {
        MicScore { sdr_gain_db: db, ..MicScore::default() }
    }

    #[test]
    fn silent_mics_are_counted_but_do_not_pull_the_mean() {
        let summary = Summary::of(&[gain(Some(4.0)), gain(None), gain(Some(-2.0))]);
        assert_eq!(summary.num_mics, 3);
        let expected = Statistic { mean: Some(1.0), median: Some(1.0), worst: Some(-2.0) };
        assert_eq!(summary.sdr_gain_db, expected);
        assert_eq!(summary.bleed_reduction_db, Statistic::default());
    }

    #[test]
    fn the_median_is_the_middle_value() {
        let median = |values: &[f64]| Statistic::of(values.iter().copied().map(Some)).median;
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn the_worst_musical_noise_is_the_most() {
        let with = |value| MicScore { log_kurtosis_ratio: Some(value), ..MicScore::default() };
        let found = Summary::of(&[with(0.5), with(-0.25), with(2.0)]).log_kurtosis_ratio;
        let expected = Statistic { mean: Some(0.75), median: Some(0.5), worst: Some(2.0) };
        assert_eq!(found, expected);
    }

    #[test]
    fn intervals_are_those_of_the_metric_over_scenes() {
        let scenes = [vec![gain(Some(0.0)), gain(None)], vec![gain(Some(1.0))]];
        let intervals = Intervals::of(&scenes);
        assert_eq!(intervals.sdr_gain_db, Some(Interval { low: 0.0, high: 1.0 }));
        assert_eq!(intervals.level_change_db, None);
    }
}
