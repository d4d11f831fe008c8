//! The choices of the parameters that are lists.

use nice_plug::prelude::Enum;

/// Trade-off between latency and quality; takes effect at the next activation.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ModeChoice {
    /// Low latency.
    #[id = "live"]
    Live,
    /// Lookahead.
    #[id = "mix"]
    Mix,
}

impl From<ModeChoice> for engine::Mode {
    fn from(choice: ModeChoice) -> Self {
        match choice {
            ModeChoice::Live => Self::Live,
            ModeChoice::Mix => Self::Mix,
        }
    }
}

/// Signal at the outputs.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ListenChoice {
    /// The mics without their bleed.
    #[id = "clean"]
    Clean,
    /// The removed bleed.
    #[id = "removed"]
    Removed,
    /// The unprocessed mics.
    #[id = "dry"]
    Dry,
}

/// Source of the crosstalk estimates and filters.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum EstimatesChoice {
    /// They adapt to the music continuously.
    #[id = "adaptive"]
    #[name = "Follow"]
    Adaptive,
    /// They come from a learned passage, frozen and saved with the session.
    #[id = "learned"]
    #[name = "Locked"]
    Learned,
}

/// Session of linked instances: several kits or bands may lie in one project.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[allow(missing_docs, reason = "eight letters")]
pub enum SessionChoice {
    #[id = "a"]
    A,
    #[id = "b"]
    B,
    #[id = "c"]
    C,
    #[id = "d"]
    D,
    #[id = "e"]
    E,
    #[id = "f"]
    F,
    #[id = "g"]
    G,
    #[id = "h"]
    H,
}

/// Role of a mic.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum RoleChoice {
    /// Close to its own source.
    #[id = "close"]
    Close,
    /// Picks up all sources; passed through.
    #[id = "room"]
    Room,
    /// Picks up all sources; cleaned of the close mics' sources.
    #[id = "room_cleaned"]
    #[name = "Room cleaned"]
    RoomCleaned,
}

/// Group of mics that share a source.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[allow(missing_docs, reason = "eight letters")]
pub enum GroupChoice {
    #[id = "none"]
    None,
    #[id = "a"]
    A,
    #[id = "b"]
    B,
    #[id = "c"]
    C,
    #[id = "d"]
    D,
    #[id = "e"]
    E,
    #[id = "f"]
    F,
    #[id = "g"]
    G,
    #[id = "h"]
    H,
}

/// Place of the sound that is kept for linked tracks that are rendered alone. New variants are
/// only added at the end.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of places")]
pub enum KeepChoice {
    #[id = "off"]
    Off,
    #[id = "memory"]
    #[name = "In Memory"]
    Memory,
    #[id = "disk"]
    #[name = "On Disk"]
    Disk,
}

/// Instrument in front of a mic; a label. New variants are only added at the end.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of instruments")]
pub enum Instrument {
    #[id = "other"]
    Other,
    #[id = "kick"]
    Kick,
    #[id = "snare"]
    Snare,
    #[id = "hihat"]
    #[name = "Hi-hat"]
    HiHat,
    #[id = "tom"]
    Tom,
    #[id = "ride"]
    Ride,
    #[id = "cymbals"]
    Cymbals,
    #[id = "overhead"]
    Overhead,
    #[id = "room"]
    Room,
    #[id = "percussion"]
    Percussion,
    #[id = "vocal"]
    Vocal,
    #[id = "guitar"]
    Guitar,
    #[id = "bass"]
    Bass,
    #[id = "piano"]
    Piano,
    #[id = "keys"]
    Keys,
    #[id = "strings"]
    Strings,
    #[id = "brass"]
    Brass,
    #[id = "woodwind"]
    Woodwind,
}
