//! A feed-forward compressor, expressed as a gain per sample.

use crate::convert::{db_to_lin, to_f32};
use crate::random::Random;
use crate::scenes::recipe::CompressorConfig;
use serde::Serialize;

/// Settings of a compressor.
///
/// # Source
///
/// D. Giannoulis, M. Massberg, J. D. Reiss, "Digital dynamic range compressor design: a tutorial
/// and analysis", J. Audio Eng. Soc. 60(6), 2012: gain computer with a hard knee (equation 3),
/// smoothed in the log domain by the branching peak detector (equation 16).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Compressor {
    /// Threshold in dB below the mic's peak.
    pub threshold_below_db: f64,
    /// Input change in dB per dB of output change, above the threshold.
    pub ratio: f64,
    /// Attack time in milliseconds.
    pub attack_ms: f64,
    /// Release time in milliseconds.
    pub release_ms: f64,
}

impl Compressor {
    pub(super) fn draw(config: &CompressorConfig, random: &mut Random) -> Option<Self> {
        let there = random.chance(config.chance);
        let compressor = Self {
            threshold_below_db: config.threshold_below_db.draw(random),
            ratio: config.ratio.draw(random),
            attack_ms: config.attack_ms.draw_log(random),
            release_ms: config.release_ms.draw_log(random),
        };
        there.then_some(compressor)
    }

    /// Returns the gain at every sample of a mic whose peak is full scale.
    pub(super) fn gains(&self, mic: &[f32], rate_hz: u32) -> Vec<f32> {
        let keep = |time_ms: f64| (-1.0 / (1e-3 * time_ms * f64::from(rate_hz))).exp();
        let (attack, release) = (keep(self.attack_ms), keep(self.release_ms));
        let mut reduction_db = 0.0;
        mic.iter()
            .map(|&sample| {
                let level_db = 20.0 * f64::from(sample.abs()).max(1e-9).log10();
                let over_db = (level_db + self.threshold_below_db).max(0.0);
                let wanted_db = over_db * (1.0 - 1.0 / self.ratio);
                let keep = if wanted_db > reduction_db { attack } else { release };
                reduction_db = keep * reduction_db + (1.0 - keep) * wanted_db;
                to_f32(db_to_lin(-reduction_db))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_level_is_reduced_by_the_ratio_and_recovers() {
        let compressor =
            Compressor { threshold_below_db: 12.0, ratio: 3.0, attack_ms: 5.0, release_ms: 100.0 };
        let mut mic = vec![1.0; 8_000];
        mic[4_000..].fill(0.01);
        let gains = compressor.gains(&mic, 8_000);
        let at_db = |n: usize| 20.0 * f64::from(gains[n]).log10();
        // 12 dB above the threshold become 4 dB.
        assert!((at_db(3_999) + 8.0).abs() < 1e-3, "{}", at_db(3_999));
        // After one attack or release time, the gain has covered 1 - 1/e of the way.
        assert!((at_db(39) + 8.0 * (1.0 - (-1.0_f64).exp())).abs() < 0.1, "{}", at_db(39));
        assert!((at_db(4_799) + 8.0 * (-1.0_f64).exp()).abs() < 0.1, "{}", at_db(4_799));
    }
}
