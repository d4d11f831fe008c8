//! Console settings of a recipe: the processing between mic and file.

use super::range::{self, Range};
use serde::{Deserialize, Serialize};

/// Processing between mic and file. [`console`](crate::scenes::console) defines the targets.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Peak level of each mic in dB of full scale. Mics differ by up to the width of the range.
    #[serde(deserialize_with = "range::peak_db")]
    pub peak_db: Range,
    /// Probability of an inverted polarity.
    #[serde(deserialize_with = "range::chance")]
    pub polarity: f64,
    /// Delays of converters and wireless links.
    pub offset: OffsetConfig,
    /// Self-noise of mic and preamp.
    pub noise: LevelConfig,
    /// Mains hum. All mics of a scene share one frequency, 50 or 60 Hz.
    pub hum: LevelConfig,
    /// High-pass, shelves and bells.
    pub equaliser: EqualiserConfig,
    /// Compressor.
    pub compression: CompressorConfig,
    /// Soft saturation; the drive is the level of the peak over full drive.
    pub saturation: DriveConfig,
    /// Hard clipping; the drive is the level of the peak over the ceiling.
    pub clipping: DriveConfig,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            peak_db: Range::new(-42.0, -2.0),
            polarity: 0.15,
            offset: OffsetConfig { chance: 0.1, ms: Range::new(0.02, 4.0) },
            noise: LevelConfig { chance: 0.6, below_db: Range::new(55.0, 95.0) },
            hum: LevelConfig { chance: 0.06, below_db: Range::new(45.0, 80.0) },
            equaliser: EqualiserConfig::default(),
            compression: CompressorConfig::default(),
            saturation: DriveConfig { chance: 0.06, db: Range::new(1.0, 10.0) },
            clipping: DriveConfig { chance: 0.02, db: Range::new(0.5, 4.0) },
        }
    }
}

/// A small delay relative to the other mics.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OffsetConfig {
    /// Probability of a delay.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// Delay in milliseconds, including fractions of a sample.
    #[serde(deserialize_with = "range::offset_ms")]
    pub ms: Range,
}

/// A signal added to a mic.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConfig {
    /// Probability of the signal.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// RMS in dB below the mic's peak.
    #[serde(deserialize_with = "range::below_db")]
    pub below_db: Range,
}

/// A nonlinearity that acts on a mic's peaks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DriveConfig {
    /// Probability of the nonlinearity.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// Level of the mic's peak over full drive, in dB.
    #[serde(deserialize_with = "range::drive_db")]
    pub db: Range,
}

/// An equaliser: a high-pass, two shelves and a bell, each present half the time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EqualiserConfig {
    /// Probability that a mic has an equaliser.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// Corner frequency of the high-pass in Hz.
    #[serde(deserialize_with = "range::high_pass_hz")]
    pub high_pass_hz: Range,
    /// Gain of shelves and bell in dB.
    #[serde(deserialize_with = "range::gain_db")]
    pub gain_db: Range,
}

impl Default for EqualiserConfig {
    fn default() -> Self {
        Self { chance: 0.5, high_pass_hz: Range::new(25.0, 140.0), gain_db: Range::new(-7.0, 7.0) }
    }
}

/// A compressor.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompressorConfig {
    /// Probability that a mic has a compressor.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// Threshold in dB below the mic's peak.
    #[serde(deserialize_with = "range::below_db")]
    pub threshold_below_db: Range,
    /// Input change in dB per dB of output change, above the threshold.
    #[serde(deserialize_with = "range::ratio")]
    pub ratio: Range,
    /// Attack time in milliseconds.
    #[serde(deserialize_with = "range::time_ms")]
    pub attack_ms: Range,
    /// Release time in milliseconds.
    #[serde(deserialize_with = "range::time_ms")]
    pub release_ms: Range,
}

impl Default for CompressorConfig {
    fn default() -> Self {
        Self {
            chance: 0.12,
            threshold_below_db: Range::new(4.0, 20.0),
            ratio: Range::new(1.5, 6.0),
            attack_ms: Range::new(1.0, 30.0),
            release_ms: Range::new(50.0, 400.0),
        }
    }
}
