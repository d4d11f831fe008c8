//! Ensembles and their seats.

use super::Family;
use super::presets::Role;
use crate::scenes::music;
use crate::scenes::pattern::Piece;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Kinds of ensembles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ensemble {
    /// A drum kit, with its pieces as separate sources.
    DrumKit,
    /// Drums, amplifiers, voices.
    RockBand,
    /// Double bass, horns, piano, drums.
    JazzCombo,
    /// From a duo to a small string orchestra, with one player per part.
    StringGroup,
    /// Trumpets, horns, trombones, tuba.
    BrassGroup,
    /// Flutes, reeds, a horn.
    WindGroup,
    /// Singers.
    Choir,
    /// People who talk in turn.
    Talkers,
    /// Guitars, fiddle, accordion, voice.
    FolkGroup,
    /// Hand percussion and mallets.
    Percussion,
    /// Strings, winds, brass and piano mixed.
    ChamberMixed,
    /// Sustained sounds: organs, pads, machines, rain.
    Steady,
    /// Excerpts of a user's own songs.
    Stems,
}

/// Task of a seat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Job {
    /// Plays these pieces of the groove.
    Drums(&'static [Piece]),
    /// Plays small percussion, a different one at every such seat.
    Percussion,
    /// Plays a part between these MIDI keys.
    Plays(Role, music::Part, (u8, u8)),
    /// Talks in turn with the others.
    Talks,
    /// Makes continuous noise.
    Noise,
}

/// A seat of an ensemble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seat {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) job: Job,
}

const fn drums(name: &'static str, family: Family, pieces: &'static [Piece]) -> Seat {
    Seat { name, family, job: Job::Drums(pieces) }
}

const fn plays(
    name: &'static str,
    family: Family,
    role: Role,
    part: music::Part,
    keys: (u8, u8),
) -> Seat {
    Seat { name, family, job: Job::Plays(role, part, keys) }
}

const fn percussion(name: &'static str) -> Seat {
    Seat { name, family: Family::Percussion, job: Job::Percussion }
}

const fn noise(name: &'static str, family: Family) -> Seat {
    Seat { name, family, job: Job::Noise }
}

const fn talks(name: &'static str) -> Seat {
    Seat { name, family: Family::Voice, job: Job::Talks }
}

use Family::{
    Amp, BassAmp, Brass, Cymbal, HiHat, HighString, Kick, LowString, Plucked, Snare, Tom, Voice,
    Woodwind,
};
use music::Part::{Bass, Chords, Melody, Pad};

const KICK: Seat = drums("kick", Kick, &[Piece::Kick, Piece::SecondKick]);
const SNARE: Seat = drums("snare", Snare, &[Piece::Snare]);
const HAT: Seat = drums("hi-hat", HiHat, &[Piece::ClosedHat, Piece::OpenHat]);
const RIDE: Seat = drums("ride", Cymbal, &[Piece::Ride, Piece::RideBell]);
const CRASH: Seat = drums("crash", Cymbal, &[Piece::Crash]);
const HIGH_TOMS: Seat = drums("tom 1", Tom, &[Piece::Tom(0), Piece::Tom(1)]);
const LOW_TOMS: Seat = drums("floor tom", Tom, &[Piece::Tom(2), Piece::Tom(3)]);
const PIANO: Family = Family::Piano;

const DRUM_KIT: &[Seat] = &[
    drums("kick", Kick, &[Piece::Kick]),
    SNARE,
    HAT,
    drums("tom 1", Tom, &[Piece::Tom(0)]),
    drums("floor tom", Tom, &[Piece::Tom(3)]),
    CRASH,
    RIDE,
    drums("tom 2", Tom, &[Piece::Tom(1)]),
    drums("tom 3", Tom, &[Piece::Tom(2)]),
    drums("china", Cymbal, &[Piece::China]),
    drums("kick 2", Kick, &[Piece::SecondKick]),
    percussion("percussion"),
    percussion("percussion 2"),
];

const ROCK_BAND: &[Seat] = &[
    KICK,
    SNARE,
    plays("bass", BassAmp, Role::Bass, Bass, (28, 50)),
    plays("guitar", Amp, Role::ElectricGuitar, Chords, (45, 76)),
    plays("voice", Voice, Role::Voice, Melody, (55, 79)),
    HAT,
    CRASH,
    HIGH_TOMS,
    plays("guitar 2", Amp, Role::ElectricGuitar, Melody, (50, 84)),
    plays("keys", Amp, Role::Keys, Pad, (48, 76)),
    LOW_TOMS,
    RIDE,
    plays("voice 2", Voice, Role::Voice, Pad, (52, 74)),
    percussion("percussion"),
    plays("saxophone", Woodwind, Role::HighWind, Melody, (60, 84)),
    plays("trumpet", Brass, Role::HighBrass, Melody, (58, 82)),
];

const JAZZ_COMBO: &[Seat] = &[
    plays("double bass", LowString, Role::Upright, Bass, (28, 52)),
    plays("tenor sax", Woodwind, Role::LowWind, Melody, (46, 70)),
    RIDE,
    plays("piano", PIANO, Role::Piano, Chords, (48, 79)),
    SNARE,
    KICK,
    plays("trumpet", Brass, Role::HighBrass, Melody, (55, 82)),
    HAT,
    plays("guitar", Amp, Role::ElectricGuitar, Chords, (48, 76)),
    plays("trombone", Brass, Role::LowBrass, Melody, (41, 65)),
    CRASH,
    plays("voice", Voice, Role::Voice, Melody, (55, 77)),
    plays("alto sax", Woodwind, Role::HighWind, Melody, (60, 82)),
    HIGH_TOMS,
    plays("vibraphone", PIANO, Role::Mallet, Chords, (60, 84)),
    percussion("percussion"),
];

const STRING_GROUP: &[Seat] = &[
    plays("violin 1", HighString, Role::HighString, Melody, (60, 88)),
    plays("cello", LowString, Role::LowString, Bass, (38, 62)),
    plays("violin 2", HighString, Role::HighString, Melody, (57, 81)),
    plays("viola", HighString, Role::HighString, Pad, (55, 74)),
    plays("double bass", LowString, Role::LowString, Bass, (29, 48)),
    plays("violin 3", HighString, Role::HighString, Melody, (60, 84)),
    plays("viola 2", HighString, Role::HighString, Melody, (55, 72)),
    plays("cello 2", LowString, Role::LowString, Melody, (40, 64)),
    plays("violin 4", HighString, Role::HighString, Pad, (60, 84)),
    plays("violin 5", HighString, Role::HighString, Melody, (60, 88)),
    plays("cello 3", LowString, Role::LowString, Pad, (40, 62)),
    plays("double bass 2", LowString, Role::LowString, Bass, (29, 48)),
    plays("violin 6", HighString, Role::HighString, Melody, (57, 81)),
    plays("viola 3", HighString, Role::HighString, Pad, (55, 74)),
    plays("violin 7", HighString, Role::HighString, Melody, (60, 86)),
    plays("violin 8", HighString, Role::HighString, Pad, (57, 81)),
];

const BRASS_GROUP: &[Seat] = &[
    plays("trumpet 1", Brass, Role::HighBrass, Melody, (58, 82)),
    plays("tuba", Brass, Role::LowBrass, Bass, (31, 52)),
    plays("trombone", Brass, Role::LowBrass, Melody, (43, 65)),
    plays("horn", Brass, Role::LowBrass, Melody, (46, 70)),
    plays("trumpet 2", Brass, Role::HighBrass, Melody, (55, 79)),
    plays("trombone 2", Brass, Role::LowBrass, Pad, (41, 62)),
    plays("flugelhorn", Brass, Role::HighBrass, Pad, (55, 76)),
    plays("horn 2", Brass, Role::LowBrass, Pad, (46, 68)),
    SNARE,
    plays("bass trombone", Brass, Role::LowBrass, Bass, (34, 55)),
    plays("trumpet 3", Brass, Role::HighBrass, Melody, (58, 82)),
    plays("tuba 2", Brass, Role::LowBrass, Bass, (31, 50)),
    KICK,
    CRASH,
];

const WIND_GROUP: &[Seat] = &[
    plays("flute", Woodwind, Role::HighWind, Melody, (62, 91)),
    plays("bassoon", Woodwind, Role::LowWind, Bass, (38, 60)),
    plays("clarinet", Woodwind, Role::HighWind, Melody, (57, 81)),
    plays("oboe", Woodwind, Role::HighWind, Melody, (60, 84)),
    plays("horn", Brass, Role::LowBrass, Melody, (46, 68)),
    plays("flute 2", Woodwind, Role::HighWind, Pad, (62, 86)),
    plays("saxophone", Woodwind, Role::LowWind, Melody, (48, 70)),
    plays("clarinet 2", Woodwind, Role::HighWind, Pad, (57, 79)),
    plays("bassoon 2", Woodwind, Role::LowWind, Bass, (38, 60)),
    plays("oboe 2", Woodwind, Role::HighWind, Pad, (60, 81)),
    plays("piccolo", Woodwind, Role::HighWind, Melody, (74, 96)),
    plays("saxophone 2", Woodwind, Role::LowWind, Melody, (46, 66)),
];

const CHOIR: &[Seat] = &[
    plays("soprano", Voice, Role::Voice, Melody, (60, 81)),
    plays("bass", Voice, Role::Voice, Bass, (41, 60)),
    plays("alto", Voice, Role::Voice, Melody, (55, 74)),
    plays("tenor", Voice, Role::Voice, Melody, (48, 67)),
    plays("soprano 2", Voice, Role::Voice, Pad, (60, 79)),
    plays("bass 2", Voice, Role::Voice, Bass, (41, 60)),
    plays("alto 2", Voice, Role::Voice, Pad, (55, 72)),
    plays("tenor 2", Voice, Role::Voice, Pad, (48, 66)),
    plays("piano", PIANO, Role::Piano, Chords, (48, 79)),
    plays("soprano 3", Voice, Role::Voice, Melody, (60, 81)),
    plays("alto 3", Voice, Role::Voice, Melody, (55, 74)),
    plays("tenor 3", Voice, Role::Voice, Melody, (48, 67)),
    plays("bass 3", Voice, Role::Voice, Bass, (41, 60)),
];

const TALKERS: &[Seat] = &[
    talks("talker 1"),
    talks("talker 2"),
    talks("talker 3"),
    talks("talker 4"),
    talks("talker 5"),
    talks("talker 6"),
    talks("talker 7"),
    talks("talker 8"),
];

const FOLK_GROUP: &[Seat] = &[
    plays("guitar", Plucked, Role::Acoustic, Chords, (45, 74)),
    plays("voice", Voice, Role::Voice, Melody, (52, 76)),
    plays("double bass", LowString, Role::Upright, Bass, (28, 50)),
    plays("fiddle", HighString, Role::HighString, Melody, (58, 84)),
    plays("accordion", Woodwind, Role::Reed, Pad, (53, 77)),
    percussion("percussion"),
    plays("guitar 2", Plucked, Role::Acoustic, Melody, (52, 79)),
    plays("flute", Woodwind, Role::HighWind, Melody, (65, 88)),
    plays("voice 2", Voice, Role::Voice, Pad, (52, 74)),
    percussion("percussion 2"),
    plays("guitar 3", Plucked, Role::Acoustic, Chords, (48, 76)),
    plays("piano", PIANO, Role::Piano, Chords, (48, 76)),
];

const PERCUSSION: &[Seat] = &[
    percussion("percussion"),
    percussion("percussion 2"),
    plays("marimba", PIANO, Role::Mallet, Melody, (60, 84)),
    percussion("percussion 3"),
    HIGH_TOMS,
    plays("vibraphone", PIANO, Role::Mallet, Chords, (62, 84)),
    LOW_TOMS,
    SNARE,
    CRASH,
    percussion("percussion 4"),
    KICK,
];

const CHAMBER_MIXED: &[Seat] = &[
    plays("violin", HighString, Role::HighString, Melody, (58, 86)),
    plays("piano", PIANO, Role::Piano, Chords, (45, 79)),
    plays("cello", LowString, Role::LowString, Bass, (38, 62)),
    plays("flute", Woodwind, Role::HighWind, Melody, (62, 88)),
    plays("horn", Brass, Role::LowBrass, Melody, (46, 68)),
    plays("clarinet", Woodwind, Role::HighWind, Melody, (57, 80)),
    plays("viola", HighString, Role::HighString, Pad, (55, 74)),
    plays("bassoon", Woodwind, Role::LowWind, Bass, (38, 60)),
    plays("voice", Voice, Role::Voice, Melody, (57, 79)),
    plays("double bass", LowString, Role::LowString, Bass, (29, 48)),
    plays("guitar", Plucked, Role::Acoustic, Chords, (48, 74)),
    plays("trumpet", Brass, Role::HighBrass, Melody, (58, 79)),
    plays("marimba", PIANO, Role::Mallet, Chords, (60, 82)),
    plays("violin 2", HighString, Role::HighString, Melody, (57, 81)),
    plays("oboe", Woodwind, Role::HighWind, Melody, (60, 82)),
    percussion("percussion"),
];

const STEADY: &[Seat] = &[
    plays("organ", Amp, Role::Keys, Pad, (48, 76)),
    noise("machine", Amp),
    plays("accordion", Woodwind, Role::Reed, Pad, (50, 74)),
    noise("rain", Voice),
    plays("strings", HighString, Role::HighString, Pad, (55, 79)),
    plays("low strings", LowString, Role::LowString, Pad, (36, 55)),
    noise("wind", Voice),
    plays("organ 2", Amp, Role::Keys, Pad, (36, 60)),
    plays("voices", Voice, Role::Voice, Pad, (52, 74)),
    noise("machine 2", Amp),
];

impl Ensemble {
    /// All ensembles.
    pub const ALL: [Self; 13] = [
        Self::DrumKit,
        Self::RockBand,
        Self::JazzCombo,
        Self::StringGroup,
        Self::BrassGroup,
        Self::WindGroup,
        Self::Choir,
        Self::Talkers,
        Self::FolkGroup,
        Self::Percussion,
        Self::ChamberMixed,
        Self::Steady,
        Self::Stems,
    ];

    /// Returns the name in a recipe.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DrumKit => "drum-kit",
            Self::RockBand => "rock-band",
            Self::JazzCombo => "jazz-combo",
            Self::StringGroup => "string-group",
            Self::BrassGroup => "brass-group",
            Self::WindGroup => "wind-group",
            Self::Choir => "choir",
            Self::Talkers => "talkers",
            Self::FolkGroup => "folk-group",
            Self::Percussion => "percussion",
            Self::ChamberMixed => "chamber-mixed",
            Self::Steady => "steady",
            Self::Stems => "stems",
        }
    }

    /// True if the ensemble plays songs of [`MaterialConfig::stems`](super::MaterialConfig::stems)
    /// instead of instruments.
    #[must_use]
    pub fn needs_stems(self) -> bool {
        self == Self::Stems
    }

    /// Returns the maximum number of parts. For [`Self::Stems`] the songs may lower it.
    #[must_use]
    pub fn most_parts(self) -> usize {
        if self == Self::Stems { super::MOST_STEMS } else { self.seats().len() }
    }

    /// Returns the seats, the most important first.
    pub(crate) fn seats(self) -> &'static [Seat] {
        match self {
            Self::DrumKit => DRUM_KIT,
            Self::RockBand => ROCK_BAND,
            Self::JazzCombo => JAZZ_COMBO,
            Self::StringGroup => STRING_GROUP,
            Self::BrassGroup => BRASS_GROUP,
            Self::WindGroup => WIND_GROUP,
            Self::Choir => CHOIR,
            Self::Talkers => TALKERS,
            Self::FolkGroup => FOLK_GROUP,
            Self::Percussion => PERCUSSION,
            Self::ChamberMixed => CHAMBER_MIXED,
            Self::Steady => STEADY,
            Self::Stems => &[],
        }
    }

    /// True if a score for strings suits the ensemble.
    pub(crate) fn reads_scores(self) -> bool {
        matches!(
            self,
            Self::StringGroup
                | Self::BrassGroup
                | Self::WindGroup
                | Self::Choir
                | Self::ChamberMixed
        )
    }
}

impl fmt::Display for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn seats_have_names_of_their_own_and_ensembles_those_of_recipes() {
        for ensemble in Ensemble::ALL {
            let seats = ensemble.seats();
            let names: BTreeSet<_> = seats.iter().map(|seat| seat.name).collect();
            assert_eq!(names.len(), seats.len(), "{ensemble}");
            assert!(ensemble.most_parts() >= 8, "{ensemble}");
            let text = serde_json::to_string(&ensemble).unwrap();
            assert_eq!(text, format!("\"{ensemble}\""));
        }
    }
}
