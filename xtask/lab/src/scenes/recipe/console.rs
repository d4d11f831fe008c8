//! What a recipe says about what happens between mic and file.

use super::range::{self, Range};
use serde::{Deserialize, Serialize};

/// What happens between mic and file; truth is defined in [`console`](crate::scenes::console).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Level of the loudest sample of each mic in dB of full scale: mics differ by up to its width.
    #[serde(deserialize_with = "range::peak_db")]
    pub peak_db: Range,
    /// How often a mic's polarity is turned.
    #[serde(deserialize_with = "range::chance")]
    pub polarity: f64,
    /// Converters and wireless links that are late.
    pub offset: OffsetConfig,
    /// Self-noise of mic and preamp.
    pub noise: LevelConfig,
    /// Mains hum, of one frequency (50 or 60 Hz) in a scene.
    pub hum: LevelConfig,
    /// High-pass, shelves and bells.
    pub equaliser: EqualiserConfig,
    /// A compressor.
    pub compression: CompressorConfig,
    /// Soft saturation; how far the peak is over full drive.
    pub saturation: DriveConfig,
    /// Hard clipping; how far the peak is over the ceiling.
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

/// A small delay against the other mics.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OffsetConfig {
    /// How often.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// How late, in milliseconds; fractions of a sample included.
    #[serde(deserialize_with = "range::offset_ms")]
    pub ms: Range,
}

/// Something added to a mic.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConfig {
    /// How often.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// How far its RMS is under the mic's peak, in dB.
    #[serde(deserialize_with = "range::below_db")]
    pub below_db: Range,
}

/// Something that bends a mic's peaks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DriveConfig {
    /// How often.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// How far the mic's peak is over full drive, in dB.
    #[serde(deserialize_with = "range::drive_db")]
    pub db: Range,
}

/// An equaliser: a high-pass, two shelves and a bell, each there half the time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EqualiserConfig {
    /// How often a mic has one.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// Corner of the high-pass in Hz.
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
    /// How often a mic has one.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// How far the threshold is under the mic's peak, in dB.
    #[serde(deserialize_with = "range::below_db")]
    pub threshold_below_db: Range,
    /// dB in for one dB out over the threshold.
    #[serde(deserialize_with = "range::ratio")]
    pub ratio: Range,
    /// Attack in milliseconds.
    #[serde(deserialize_with = "range::time_ms")]
    pub attack_ms: Range,
    /// Release in milliseconds.
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
