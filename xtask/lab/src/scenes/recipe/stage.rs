//! Settings of a recipe for rooms, places and mics.

use super::range::{self, Range};
use serde::{Deserialize, Serialize};

/// Rooms to draw from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomConfig {
    /// Length in metres. A room that is too small for its players is drawn again.
    #[serde(deserialize_with = "range::floor_m")]
    pub length_m: Range,
    /// Width in metres.
    #[serde(deserialize_with = "range::floor_m")]
    pub width_m: Range,
    /// Height in metres.
    #[serde(deserialize_with = "range::height_m")]
    pub height_m: Range,
    /// RT60 at 1 kHz in seconds. Rooms whose size does not allow it are drawn again.
    #[serde(deserialize_with = "range::rt60_s")]
    pub rt60_s: Range,
    /// Probability of screens between players.
    #[serde(deserialize_with = "range::chance")]
    pub gobo_chance: f64,
    /// Number of screens to place, if there are any.
    #[serde(deserialize_with = "range::few")]
    pub num_gobos: Range,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            length_m: Range::new(4.0, 16.0),
            width_m: Range::new(3.5, 12.0),
            height_m: Range::new(2.4, 6.0),
            rt60_s: Range::new(0.1, 2.5),
            gobo_chance: 0.15,
            num_gobos: Range::new(1.0, 3.0),
        }
    }
}

/// Places, mics, playing and levels of the sources.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StageConfig {
    /// Factor on the usual distance between a close mic and its kind of source.
    #[serde(deserialize_with = "range::factor")]
    pub mic_distance: Range,
    /// Minimum distance between neighbours in metres. The pieces of a drum kit have fixed
    /// places instead.
    #[serde(deserialize_with = "range::apart_m")]
    pub apart_m: Range,
    /// Angle between a mic's axis and the direction to its source, in degrees.
    #[serde(deserialize_with = "range::angle_deg")]
    pub aim_error_deg: Range,
    /// Polar patterns of the mics.
    pub patterns: PatternWeights,
    /// Probability of a second mic at a source, where that is usual: snare bottom, kick out, pairs.
    #[serde(deserialize_with = "range::chance")]
    pub second_mic: f64,
    /// Probability of mics without a source of their own: room mics, overheads of a kit.
    #[serde(deserialize_with = "range::chance")]
    pub room_mic_chance: f64,
    /// Number of these mics, if there are any.
    #[serde(deserialize_with = "range::few")]
    pub num_room_mics: Range,
    /// Probability that a source has no mic. Crash cymbals have a mic with probability `(1 -
    /// unmiked) / 2`, unless `unmiked` is 0.
    #[serde(deserialize_with = "range::chance")]
    pub unmiked: f64,
    /// Probability that a miked source is silent throughout.
    #[serde(deserialize_with = "range::chance")]
    pub silent: f64,
    /// Probability that a source plays for a moment only.
    #[serde(deserialize_with = "range::chance")]
    pub rare: f64,
    /// Probability that a mic has no bleed: a direct box, or a player in a booth.
    #[serde(deserialize_with = "range::chance")]
    pub clean: f64,
    /// Probability that a part never rests and holds its notes until the next ones.
    #[serde(deserialize_with = "range::chance")]
    pub tutti: f64,
    /// Probability that all parts of a scene share one rhythm, so that notes change together.
    #[serde(deserialize_with = "range::chance")]
    pub together: f64,
    /// Probability that all sources of a scene have the same level at 1 m, before the spread.
    #[serde(deserialize_with = "range::chance")]
    pub even: f64,
    /// Standard deviation of the players' levels around the usual ones, in dB.
    #[serde(deserialize_with = "range::drive_db")]
    pub level_spread_db: Range,
}

impl Default for StageConfig {
    fn default() -> Self {
        Self {
            mic_distance: Range::new(0.7, 1.5),
            apart_m: Range::new(0.8, 2.5),
            aim_error_deg: Range::new(0.0, 20.0),
            patterns: PatternWeights::default(),
            second_mic: 0.2,
            room_mic_chance: 0.25,
            num_room_mics: Range::new(1.0, 2.0),
            unmiked: 0.1,
            silent: 0.04,
            rare: 0.1,
            clean: 0.05,
            tutti: 0.0,
            together: 0.0,
            even: 0.0,
            level_spread_db: Range::new(0.0, 3.0),
        }
    }
}

/// Relative frequency of each polar pattern.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatternWeights {
    /// Omnidirectional: equally sensitive in all directions.
    #[serde(deserialize_with = "range::weight")]
    pub omni: f64,
    /// Cardioid: insensitive to the back.
    #[serde(deserialize_with = "range::weight")]
    pub cardioid: f64,
    /// Supercardioid: narrower than a cardioid.
    #[serde(deserialize_with = "range::weight")]
    pub supercardioid: f64,
    /// Figure of eight: sensitive to front and back.
    #[serde(deserialize_with = "range::weight")]
    pub figure_8: f64,
}

impl Default for PatternWeights {
    fn default() -> Self {
        Self { omni: 1.5, cardioid: 5.0, supercardioid: 3.0, figure_8: 0.5 }
    }
}
