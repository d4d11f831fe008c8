//! Metrics of a cleaned mic, compared with its target.

pub mod bootstrap;
pub mod bss;
mod musical_noise;
mod ratios;
mod silence;
mod summary;

pub use bootstrap::Interval;
pub use bss::BssScore;
pub use summary::{Intervals, Statistic, Summary};

use anyhow::{Result, ensure};
use serde::Serialize;

/// Limit of all ratios in both directions, in dB. Rounding errors dominate beyond it, and it keeps
/// exact results finite.
pub const LIMIT_DB: f64 = 100.0;

/// Mean power (-120 dB) of the loudest 50 ms below which a target counts as silent. Signals below
/// it are rounding errors.
pub const SILENT_POWER: f64 = 1e-12;

/// Input SDR in dB from which a mic counts as clean. Bleed at -60 dB is inaudible, and its removal
/// gains nothing.
///
/// A clean mic is scored by how little it is changed instead of by its gain.
pub const CLEAN_DB: f64 = 60.0;

/// The three signals of one mic. A named type, because all three are slices and easily swapped.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The target: the image of the own source at its own mic.
    pub reference: &'a [f32],
    /// The output.
    pub estimate: &'a [f32],
    /// The recorded mic.
    pub input: &'a [f32],
    /// Sample rate of all three signals in Hz.
    pub rate_hz: u32,
    /// True if the own source never plays, so that the target contains only the mic's own noise.
    pub source_is_silent: bool,
}

/// All metrics of one mic; names ending in `_db` are in dB.
///
/// A metric is `None` if it is undefined:
///
/// - All ratios to the target, if the target is silent throughout.
/// - Bleed reduction and musical noise, if the own source never pauses or its pauses have no bleed.
/// - All but [`clean_sdr_db`](MicScore::clean_sdr_db) and
///   [`level_change_db`](MicScore::level_change_db), if the recorded mic is clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MicScore {
    /// `10 log10(|s|^2 / |s - x|^2)` of the input.
    pub input_sdr_db: Option<f64>,
    /// `10 log10(|s|^2 / |s - y|^2)` of the output, without filtering or scaling.
    pub sdr_db: Option<f64>,
    /// Output SDR minus input SDR.
    pub sdr_gain_db: Option<f64>,
    /// Scale-invariant SDR of the output.
    pub si_sdr_db: Option<f64>,
    /// Output SI-SDR minus input SI-SDR.
    pub si_sdr_gain_db: Option<f64>,
    /// SDR of the output of a clean mic ([`CLEAN_DB`]), which has no other SDR.
    pub clean_sdr_db: Option<f64>,
    /// Reduction of the bleed while the own source is silent.
    pub bleed_reduction_db: Option<f64>,
    /// Musical noise while the own source is silent: natural logarithm of the ratio of output to
    /// input kurtosis of the spectral power; 0 for none.
    pub log_kurtosis_ratio: Option<f64>,
    /// Level of the target in the output relative to its level in the input.
    pub level_change_db: Option<f64>,
    /// BSS Eval of the output. It requires the whole scene and is computed by [`bss`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bss: Option<BssScore>,
    /// BSS Eval of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_bss: Option<BssScore>,
}

impl Measured<'_> {
    /// Computes all metrics except BSS Eval.
    ///
    /// # Errors
    ///
    /// Returns an error if the three signals differ in length.
    pub fn score(&self) -> Result<MicScore> {
        ensure!(
            self.reference.len() == self.estimate.len() && self.reference.len() == self.input.len(),
            "lengths must agree: target {}, output {}, mic {} samples",
            self.reference.len(),
            self.estimate.len(),
            self.input.len()
        );
        let bleed_reduction_db = silence::bleed_reduction_db(self);
        let log_kurtosis_ratio = musical_noise::log_kurtosis_ratio(self);
        if self.source_is_silent || is_silent(self.reference, self.rate_hz) {
            let of_bleed =
                MicScore { bleed_reduction_db, log_kurtosis_ratio, ..MicScore::default() };
            return Ok(of_bleed);
        }
        let input_sdr_db = ratios::sdr_db(self.reference, self.input);
        let sdr_db = ratios::sdr_db(self.reference, self.estimate);
        let level_change_db = ratios::level_change_db(self);
        if input_sdr_db >= CLEAN_DB {
            let clean_sdr_db = Some(sdr_db);
            return Ok(MicScore { clean_sdr_db, level_change_db, ..MicScore::default() });
        }
        let si_sdr_db = ratios::si_sdr_db(self.reference, self.estimate);
        let input_si_sdr_db = ratios::si_sdr_db(self.reference, self.input);
        Ok(MicScore {
            input_sdr_db: Some(input_sdr_db),
            sdr_db: Some(sdr_db),
            sdr_gain_db: Some(sdr_db - input_sdr_db),
            si_sdr_db: Some(si_sdr_db),
            si_sdr_gain_db: Some(si_sdr_db - input_si_sdr_db),
            clean_sdr_db: None,
            bleed_reduction_db,
            log_kurtosis_ratio,
            level_change_db,
            bss: None,
            input_bss: None,
        })
    }
}

/// True if a target counts as silent throughout.
fn is_silent(target: &[f32], rate_hz: u32) -> bool {
    silence::peak_power(target, rate_hz) < SILENT_POWER
}

/// Returns `10 log10(numerator / denominator)` within [`LIMIT_DB`], or 0 if both are 0.
fn power_ratio_db(numerator: f64, denominator: f64) -> f64 {
    match (numerator > 0.0, denominator > 0.0) {
        (false, false) => 0.0,
        (true, false) => LIMIT_DB,
        (false, true) => -LIMIT_DB,
        (true, true) => (10.0 * (numerator / denominator).log10()).clamp(-LIMIT_DB, LIMIT_DB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_target_gives_no_ratio_but_its_bleed_still_counts() {
        let silence = [0.0; 16_000];
        let (bleed, less) = ([0.5; 16_000], [0.05; 16_000]);
        let measured = Measured {
            reference: &silence,
            estimate: &less,
            input: &bleed,
            rate_hz: 8_000,
            source_is_silent: false,
        };
        let score = measured.score().unwrap();
        assert_eq!(
            (score.input_sdr_db, score.sdr_gain_db, score.level_change_db),
            (None, None, None)
        );
        assert!((score.bleed_reduction_db.unwrap() - 20.0).abs() < 1e-4);
    }

    #[test]
    fn a_clean_mic_counts_by_how_well_it_was_left_alone() {
        let reference: Vec<f32> = (0..4_000).map(|n| (n as f32 * 0.1).sin()).collect();
        let scaled = |gain: f32| reference.iter().map(|s| gain * s).collect::<Vec<f32>>();
        let (estimate, rate_hz) = (scaled(0.99), 8_000);
        let score = |input: &[f32]| {
            let measured = Measured {
                reference: &reference,
                estimate: &estimate,
                input,
                rate_hz,
                source_is_silent: false,
            };
            measured.score().unwrap()
        };
        let clean = score(&scaled(1.0005));
        assert_eq!(
            (clean.input_sdr_db, clean.sdr_gain_db, clean.bleed_reduction_db),
            (None, None, None)
        );
        assert!((clean.clean_sdr_db.unwrap() - 40.0).abs() < 1e-3, "{clean:?}");
        let hardly_clean = score(&scaled(1.002));
        assert_eq!(hardly_clean.clean_sdr_db, None);
        assert!(hardly_clean.sdr_gain_db.is_some_and(|gain_db| gain_db < 0.0));
    }

    #[test]
    fn nothing_is_ever_nan_or_infinite() {
        let (loud, silence) = (vec![0.5_f32; 4_000], vec![0.0_f32; 4_000]);
        for reference in [&loud, &silence] {
            for estimate in [&loud, &silence] {
                for input in [&loud, &silence] {
                    let measured = Measured {
                        reference,
                        estimate,
                        input,
                        rate_hz: 8_000,
                        source_is_silent: false,
                    };
                    let score = measured.score().unwrap();
                    let all = [
                        score.input_sdr_db,
                        score.sdr_db,
                        score.sdr_gain_db,
                        score.si_sdr_db,
                        score.si_sdr_gain_db,
                        score.bleed_reduction_db,
                        score.log_kurtosis_ratio,
                        score.level_change_db,
                    ];
                    assert!(all.into_iter().flatten().all(f64::is_finite), "{score:?}");
                }
            }
        }
    }

    #[test]
    fn different_lengths_are_refused() {
        let measured = Measured {
            reference: &[0.0; 3],
            estimate: &[0.0; 3],
            input: &[0.0; 2],
            rate_hz: 8_000,
            source_is_silent: false,
        };
        let line = measured.score().unwrap_err().to_string();
        assert!(line.contains("target 3, output 3, mic 2"), "{line}");
    }
}
