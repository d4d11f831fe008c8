//! What sounds in a scene: dry parts of an ensemble, before they enter a room.
//!
//! [`Library::load`] gathers what one split may use, [`Library::play`] draws and plays an ensemble.
//! Nothing that sounds in one split is heard in another: presets and recorded samples of the
//! SoundFont by a table, folders of notes, scores and songs by their names, hits of real kits by
//! their place among their piece's hits. Every part says what it was made of.

mod config;
mod ensemble;
mod feel;
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

/// The most parts taken from one song.
const MOST_STEMS: usize = 16;

/// One source of an ensemble, dry.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What people would call its mic: "violin 1", "snare".
    pub name: String,
    /// What stands there: decides size, place, radiation and usual miking.
    pub family: Family,
    /// `[sample]`: how it sounds at 1 m, in free field; all parts of one ensemble are equally long.
    pub dry: Vec<f32>,
    /// Everything it was made of, one entry each, such as `soundfont 0/40` or
    /// `notes dry_violin_iowa/Violin_arco_ff_sulA_A4_stereo.flac`: no entry occurs in two splits.
    pub made_of: Vec<String>,
}

/// Kinds of sources that are placed and miked alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Bass drum.
    Kick,
    /// Snare drum.
    Snare,
    /// Hi-hat.
    HiHat,
    /// Tom, one of several.
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
    /// Piano, harp, vibraphone: large.
    Piano,
    /// Violin, viola.
    HighString,
    /// Cello, double bass.
    LowString,
    /// Flute, oboe, clarinet, saxophone.
    Woodwind,
    /// Trumpet, trombone, horn, tuba: narrow in the treble.
    Brass,
    /// A singer or a talker.
    Voice,
}
