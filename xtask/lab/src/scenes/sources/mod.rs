//! Sources of a scene: dry parts of an ensemble, before they enter a room.
//!
//! [`Library::load`] loads the material of one split; [`Library::play`] draws and plays an
//! ensemble. Splits share no sounds. Presets and recorded samples of the SoundFont are assigned by
//! a table, folders of notes, scores and songs by their names, and hits of real kits by their place
//! among the hits of their piece. Every part lists the material it is made of.

mod config;
mod ensemble;
mod feel;
mod finish;
pub(super) mod levels;
mod library;
mod notes;
mod perform;
mod pitch;
mod presets;
pub(crate) mod resample;
mod sampler;
mod score;
mod stems;
mod talk;

pub use config::{MaterialConfig, StemFolder, StemLayout};
pub use ensemble::Ensemble;
pub use levels::FULL_SCALE_DB_SPL;
pub use library::{KitRequest, Library, PlayRequest};

use serde::Serialize;

/// Maximum number of parts from one song.
const MOST_STEMS: usize = 16;

/// A dry source of an ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Usual name of its mic: "violin 1", "snare".
    pub name: String,
    /// Kind of source, which determines size, place, radiation and usual miking.
    pub family: Family,
    /// `[sample]`, the sound at 1 m in free field. All parts of an ensemble have the same length.
    pub dry: Vec<f32>,
    /// Material of the part, one entry per item, such as `soundfont 0/40` or `notes
    /// dry_violin_iowa/Violin_arco_ff_sulA_A4_stereo.flac`. No entry occurs in two splits.
    pub made_of: Vec<String>,
}

/// Kinds of sources with the same placement and miking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Bass drum.
    Kick,
    /// Snare drum.
    Snare,
    /// Hi-hat.
    HiHat,
    /// One of several toms.
    Tom,
    /// Ride, crash, splash, china.
    Cymbal,
    /// Other percussion: cajon, hands, congas, tambourine.
    Percussion,
    /// Bass through its cabinet.
    BassAmp,
    /// Electric guitar or keyboard through a cabinet.
    Amp,
    /// Plucked strings without an amplifier.
    Plucked,
    /// Large instruments: piano, harp, vibraphone.
    Piano,
    /// Violin, viola.
    HighString,
    /// Cello, double bass.
    LowString,
    /// Flute, oboe, clarinet, saxophone.
    Woodwind,
    /// Trumpet, trombone, horn, tuba: narrow radiation in the treble.
    Brass,
    /// A singer or a talker.
    Voice,
}

impl Family {
    /// Returns true for the pieces of a drum kit.
    pub(crate) fn is_in_kit(self) -> bool {
        matches!(self, Self::Kick | Self::Snare | Self::HiHat | Self::Tom | Self::Cymbal)
    }

    /// Returns true for the pieces of a drum kit and for other percussion.
    pub(crate) fn is_drum(self) -> bool {
        self.is_in_kit() || self == Self::Percussion
    }
}

#[cfg(test)]
mod tests {
    use super::Family;

    #[test]
    fn percussion_is_a_drum_but_no_piece_of_a_kit() {
        assert!(Family::Percussion.is_drum() && !Family::Percussion.is_in_kit());
        assert!(Family::Cymbal.is_drum() && Family::Cymbal.is_in_kit());
        assert!(!Family::Piano.is_drum() && !Family::Piano.is_in_kit());
    }
}
