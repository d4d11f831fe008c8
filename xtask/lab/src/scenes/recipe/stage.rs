//! What a recipe says about rooms, places and mics.

use super::range::{self, Range};
use serde::{Deserialize, Serialize};

/// Rooms to draw from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomConfig {
    /// Length in metres. Rooms too small for those who play are drawn again.
    #[serde(deserialize_with = "range::floor_m")]
    pub length_m: Range,
    /// Width in metres.
    #[serde(deserialize_with = "range::floor_m")]
    pub width_m: Range,
    /// Height in metres.
    #[serde(deserialize_with = "range::height_m")]
    pub height_m: Range,
    /// RT60 at 1 kHz in seconds; limited to what the room's size allows.
    #[serde(deserialize_with = "range::rt60_s")]
    pub rt60_s: Range,
    /// How often screens stand between players.
    #[serde(deserialize_with = "range::chance")]
    pub gobo_chance: f64,
    /// How many screens then.
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

/// How people stand, what they play and how they are miked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StageConfig {
    /// A factor on the usual distance of a close mic to its kind of source.
    #[serde(deserialize_with = "range::factor")]
    pub mic_distance: Range,
    /// How far neighbours are apart at least, in metres (the pieces of a drum kit are where they are).
    #[serde(deserialize_with = "range::apart_m")]
    pub apart_m: Range,
    /// By how much mics miss their source, in degrees.
    #[serde(deserialize_with = "range::angle_deg")]
    pub aim_error_deg: Range,
    /// Which mics.
    pub patterns: PatternWeights,
    /// How often a source gets a second mic where that is usual: snare bottom, kick out, pairs.
    #[serde(deserialize_with = "range::chance")]
    pub second_mic: f64,
    /// How often there are mics without a source of their own: room mics, overheads of a kit.
    #[serde(deserialize_with = "range::chance")]
    pub room_mic_chance: f64,
    /// How many of them then.
    #[serde(deserialize_with = "range::few")]
    pub num_room_mics: Range,
    /// How often a source has no mic; crash cymbals are miked this rarely: `1 - unmiked`, halved.
    #[serde(deserialize_with = "range::chance")]
    pub unmiked: f64,
    /// How often a miked source is silent throughout.
    #[serde(deserialize_with = "range::chance")]
    pub silent: f64,
    /// How often a source plays for a moment only.
    #[serde(deserialize_with = "range::chance")]
    pub rare: f64,
    /// How often a mic hears nobody else: a direct box, or a player in a booth.
    #[serde(deserialize_with = "range::chance")]
    pub clean: f64,
    /// How often a part never rests and holds its notes up to the next ones.
    #[serde(deserialize_with = "range::chance")]
    pub tutti: f64,
    /// How often all parts of a scene share one rhythm, so that notes change together.
    #[serde(deserialize_with = "range::chance")]
    pub together: f64,
    /// How often all sources of a scene are equally loud at 1 m.
    #[serde(deserialize_with = "range::chance")]
    pub even: f64,
    /// How much players differ in level from what is usual, in dB (standard deviation).
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

/// How often each pattern is drawn beside the others.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatternWeights {
    /// Hears all sides alike.
    #[serde(deserialize_with = "range::weight")]
    pub omni: f64,
    /// Deaf to its back.
    #[serde(deserialize_with = "range::weight")]
    pub cardioid: f64,
    /// Narrower than a cardioid.
    #[serde(deserialize_with = "range::weight")]
    pub supercardioid: f64,
    /// Hears front and back.
    #[serde(deserialize_with = "range::weight")]
    pub figure_8: f64,
}

impl Default for PatternWeights {
    fn default() -> Self {
        Self { omni: 1.5, cardioid: 5.0, supercardioid: 3.0, figure_8: 0.5 }
    }
}
