//! Assignment of a General MIDI SoundFont's presets to splits.
//!
//! FluidR3 uses the same recordings in many presets (all its drum kits but two share one hi-hat),
//! so the rule is stricter than "no preset in two splits": **no recorded sample of the SoundFont
//! occurs in two splits**. For drums, the keys of a kit are assigned instead of whole kits. A test
//! compares the samples themselves. Each role has presets in each split, most of them in train.

use super::super::pattern::Piece;
use super::super::split::Split;
use crate::soundfont::Voice;

/// Kind of instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Bass,
    Upright,
    ElectricGuitar,
    Acoustic,
    Keys,
    Piano,
    HighString,
    LowString,
    HighBrass,
    LowBrass,
    HighWind,
    LowWind,
    Voice,
    Reed,
    Mallet,
    /// Unpitched; played with [`percussion`] or a folder of strokes.
    Percussion,
}

impl Role {
    #[cfg(test)]
    pub(crate) const PITCHED: [Self; 15] = [
        Self::Bass,
        Self::Upright,
        Self::ElectricGuitar,
        Self::Acoustic,
        Self::Keys,
        Self::Piano,
        Self::HighString,
        Self::LowString,
        Self::HighBrass,
        Self::LowBrass,
        Self::HighWind,
        Self::LowWind,
        Self::Voice,
        Self::Reed,
        Self::Mallet,
    ];
}

/// Bank and program.
type Preset = (u8, u8);

/// Returns the presets of a role for train, validation and test.
fn table(role: Role) -> [&'static [Preset]; 3] {
    match role {
        Role::Bass => [&[(0, 33), (0, 33), (0, 34), (0, 36), (0, 38)], &[(0, 35)], &[(0, 37)]],
        Role::Upright => [&[(0, 32)], &[(0, 35)], &[(0, 37)]],
        Role::ElectricGuitar => {
            [&[(0, 27), (0, 28), (0, 30), (8, 28), (8, 30)], &[(0, 29)], &[(0, 26), (8, 26)]]
        }
        Role::Acoustic => [
            &[(0, 24), (0, 25), (8, 24), (8, 25), (16, 25), (0, 107)],
            &[(0, 105)],
            &[(0, 104), (0, 106)],
        ],
        Role::Keys => [
            &[(0, 4), (0, 7), (0, 16), (0, 17), (8, 4), (8, 16)],
            &[(0, 5), (8, 5)],
            &[(0, 2), (0, 18)],
        ],
        Role::Piano => [&[(0, 0), (0, 1), (0, 3), (0, 46)], &[(0, 6)], &[(0, 11), (0, 15)]],
        Role::HighString => [
            &[(0, 40), (0, 40), (8, 40), (0, 110), (0, 44), (0, 48), (0, 49)],
            &[(0, 45), (0, 50), (0, 51)],
            &[(0, 41)],
        ],
        Role::LowString => [&[(0, 42)], &[(0, 45), (0, 50), (0, 51)], &[(0, 43)]],
        Role::HighBrass => [&[(0, 56)], &[(0, 59)], &[(0, 61), (8, 61)]],
        Role::LowBrass => [&[(0, 57), (0, 58)], &[(0, 60)], &[(0, 61), (8, 61)]],
        Role::HighWind => [
            &[(0, 65), (0, 68), (0, 71), (0, 73), (0, 75), (0, 78), (0, 79)],
            &[(0, 72), (0, 74)],
            &[(0, 64), (0, 69), (0, 77)],
        ],
        Role::LowWind => [&[(0, 67), (0, 71)], &[(0, 66)], &[(0, 70)]],
        Role::Voice => [&[(0, 52), (0, 85)], &[(0, 54)], &[(0, 53)]],
        Role::Reed => [&[(0, 21), (0, 22), (0, 23), (8, 21)], &[(0, 20)], &[(0, 109), (0, 111)]],
        Role::Mallet => [&[(0, 12), (0, 108), (0, 114)], &[(0, 9)], &[(0, 13)]],
        Role::Percussion => [&[], &[], &[]],
    }
}

fn place(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}

/// Returns the voices of a role in a split.
pub(crate) fn voices(role: Role, split: Split) -> impl Iterator<Item = Voice> {
    table(role)[place(split)].iter().map(|&(bank, program)| match bank {
        0 => Voice::Program(program),
        _ => Voice::Variation { bank, program },
    })
}

/// A drum of a SoundFont: its kit, and its keys from small to large or closed to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drum {
    pub(crate) kit: u8,
    pub(crate) keys: &'static [u8],
}

/// Returns the drums of a split for a piece of the kit.
pub(crate) fn drums(piece: Piece, split: Split) -> &'static [Drum] {
    let splits: [&[Drum]; 3] = match piece {
        Piece::Kick | Piece::SecondKick => [
            &[
                Drum { kit: 0, keys: &[36] },
                Drum { kit: 1, keys: &[36] },
                Drum { kit: 4, keys: &[36] },
                Drum { kit: 5, keys: &[36] },
                Drum { kit: 6, keys: &[36] },
                Drum { kit: 7, keys: &[36] },
                Drum { kit: 18, keys: &[36] },
                Drum { kit: 19, keys: &[36] },
                Drum { kit: 24, keys: &[36] },
                Drum { kit: 25, keys: &[36] },
                Drum { kit: 48, keys: &[36] },
            ],
            &[Drum { kit: 2, keys: &[36] }, Drum { kit: 17, keys: &[36] }],
            &[
                Drum { kit: 3, keys: &[36] },
                Drum { kit: 11, keys: &[36] },
                Drum { kit: 16, keys: &[36] },
            ],
        ],
        Piece::Snare => [
            &[
                Drum { kit: 0, keys: &[38] },
                Drum { kit: 1, keys: &[38] },
                Drum { kit: 18, keys: &[38] },
                Drum { kit: 24, keys: &[38] },
                Drum { kit: 25, keys: &[38] },
                Drum { kit: 48, keys: &[38] },
            ],
            &[Drum { kit: 2, keys: &[38] }, Drum { kit: 17, keys: &[38] }],
            &[
                Drum { kit: 3, keys: &[38] },
                Drum { kit: 16, keys: &[38] },
                Drum { kit: 40, keys: &[38] },
            ],
        ],
        Piece::ClosedHat => [
            &[
                Drum { kit: 0, keys: &[42] },
                Drum { kit: 0, keys: &[42] },
                Drum { kit: 0, keys: &[44] },
            ],
            &[Drum { kit: 25, keys: &[42] }],
            &[Drum { kit: 0, keys: &[46] }],
        ],
        // The half-open hat of FluidR3 belongs to test. Closed strokes on it are choked almost
        // at once.
        Piece::OpenHat => [
            &[Drum { kit: 25, keys: &[46] }],
            &[Drum { kit: 0, keys: &[69] }],
            &[Drum { kit: 0, keys: &[46] }],
        ],
        Piece::Ride => [
            &[Drum { kit: 0, keys: &[51] }],
            &[Drum { kit: 0, keys: &[53] }],
            &[Drum { kit: 0, keys: &[59] }],
        ],
        Piece::RideBell => [
            &[Drum { kit: 0, keys: &[51] }],
            &[Drum { kit: 0, keys: &[53] }],
            &[Drum { kit: 0, keys: &[59] }],
        ],
        Piece::Crash => [
            &[Drum { kit: 0, keys: &[49] }],
            &[Drum { kit: 48, keys: &[57] }],
            &[Drum { kit: 0, keys: &[57] }],
        ],
        Piece::China => [
            &[Drum { kit: 0, keys: &[52] }],
            &[Drum { kit: 0, keys: &[55] }],
            &[Drum { kit: 0, keys: &[57] }],
        ],
        Piece::Tom(_) => [
            &[
                Drum { kit: 0, keys: &[50, 48, 45, 41] },
                Drum { kit: 25, keys: &[50, 48, 45, 41] },
                Drum { kit: 0, keys: &[48, 47, 43, 41] },
            ],
            &[Drum { kit: 24, keys: &[50, 48, 45, 41] }],
            &[Drum { kit: 16, keys: &[50, 47, 45, 41] }],
        ],
    };
    splits[place(split)]
}

/// Returns the small percussion of a split, each with the name of its mic.
pub(crate) fn percussion(split: Split) -> &'static [(&'static str, Drum)] {
    match split {
        Split::Train => &[
            ("congas", Drum { kit: 0, keys: &[63, 62, 64] }),
            ("bongos", Drum { kit: 0, keys: &[60, 61] }),
            ("tambourine", Drum { kit: 0, keys: &[54] }),
            ("shaker", Drum { kit: 0, keys: &[82] }),
            ("claves", Drum { kit: 0, keys: &[75] }),
            ("woodblocks", Drum { kit: 0, keys: &[76, 77] }),
            ("claps", Drum { kit: 0, keys: &[39] }),
        ],
        Split::Validation => &[
            ("congas", Drum { kit: 25, keys: &[62, 63, 64] }),
            ("agogo", Drum { kit: 0, keys: &[67, 68] }),
            ("cowbell", Drum { kit: 25, keys: &[56] }),
            ("triangle", Drum { kit: 0, keys: &[81] }),
        ],
        Split::Test => &[
            ("timbales", Drum { kit: 0, keys: &[65, 66] }),
            ("cowbell", Drum { kit: 0, keys: &[56] }),
            ("maracas", Drum { kit: 0, keys: &[70] }),
            ("guiro", Drum { kit: 0, keys: &[73, 74] }),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soundfont::Instruments;
    use std::collections::BTreeMap;

    const PIECES: [Piece; 10] = [
        Piece::Kick,
        Piece::SecondKick,
        Piece::Snare,
        Piece::ClosedHat,
        Piece::OpenHat,
        Piece::Ride,
        Piece::RideBell,
        Piece::Crash,
        Piece::China,
        Piece::Tom(0),
    ];

    #[test]
    fn no_sample_of_the_soundfont_is_heard_in_two_splits() {
        let instruments = Instruments::installed();
        let mut owner: BTreeMap<i32, (Split, String)> = BTreeMap::new();
        for split in Split::ALL {
            let mut claim = |voice: Voice, keys: (u8, u8)| {
                assert!(instruments.has(voice), "{voice:?} is not in the SoundFont");
                let samples = instruments.samples_of(voice, keys);
                assert!(!samples.is_empty(), "{voice:?} plays nothing with {keys:?}");
                for sample in samples {
                    let here = (split, format!("{voice:?} {keys:?}"));
                    let other = owner.entry(sample).or_insert_with(|| here.clone());
                    assert_eq!(other.0, split, "{} shares a sample with {}", here.1, other.1);
                }
            };
            for role in Role::PITCHED {
                assert!(voices(role, split).count() > 0, "nobody plays {role:?} in {split}");
                voices(role, split).for_each(|voice| claim(voice, (21, 108)));
            }
            let kit = PIECES.iter().flat_map(|&piece| drums(piece, split));
            for drum in kit.chain(percussion(split).iter().map(|(_, drum)| drum)) {
                drum.keys.iter().for_each(|&key| claim(Voice::DrumKit(drum.kit), (key, key)));
            }
        }
    }
}
