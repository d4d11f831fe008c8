//! Ensembles: the presets that come with the plugin, in its window and in hosts.

use nice_plug::prelude::{Enum, Param, ParamPtr};

use crate::params::{GroupChoice, Instrument, RoleChoice, UnspillParams};

/// One mic of an ensemble: its instrument and the group of mics that share its source.
pub(crate) type Place = (Instrument, GroupChoice);

/// An ensemble, with its mics in the usual order of a mixing desk.
#[derive(Debug)]
pub(crate) struct Ensemble {
    /// Permanent: hosts store it.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) mics: &'static [Place],
    /// Largest reduction of a mic in dB; 0 for no limit.
    floor_db: f32,
}

use GroupChoice::{A, B, C, D, None as Alone};
use Instrument as I;

pub(crate) const ENSEMBLES: [Ensemble; 6] = [
    Ensemble {
        key: "drum-kit",
        name: "Drum kit",
        mics: &[
            (I::Kick, A),
            (I::Kick, A),
            (I::Snare, B),
            (I::Snare, B),
            (I::HiHat, Alone),
            (I::Tom, Alone),
            (I::Tom, Alone),
            (I::Ride, Alone),
            (I::Overhead, C),
            (I::Overhead, C),
            (I::Room, D),
            (I::Room, D),
        ],
        floor_db: 0.0,
    },
    Ensemble {
        key: "drum-kit-8",
        name: "Drum kit, 8 mics",
        mics: &[
            (I::Kick, Alone),
            (I::Snare, A),
            (I::Snare, A),
            (I::HiHat, Alone),
            (I::Tom, Alone),
            (I::Tom, Alone),
            (I::Overhead, B),
            (I::Overhead, B),
        ],
        floor_db: 0.0,
    },
    Ensemble {
        key: "band",
        name: "Band",
        mics: &[
            (I::Vocal, Alone),
            (I::Guitar, Alone),
            (I::Bass, Alone),
            (I::Keys, Alone),
            (I::Kick, Alone),
            (I::Snare, Alone),
            (I::HiHat, Alone),
            (I::Overhead, Alone),
            (I::Tom, Alone),
            (I::Tom, Alone),
            (I::Vocal, Alone),
            (I::Guitar, Alone),
        ],
        floor_db: 0.0,
    },
    Ensemble {
        key: "string-quartet",
        name: "String quartet",
        mics: &[
            (I::Strings, Alone),
            (I::Strings, Alone),
            (I::Strings, Alone),
            (I::Strings, Alone),
            (I::Room, A),
            (I::Room, A),
        ],
        floor_db: -18.0,
    },
    Ensemble {
        key: "choir",
        name: "Choir",
        mics: &[
            (I::Vocal, Alone),
            (I::Vocal, Alone),
            (I::Vocal, Alone),
            (I::Vocal, Alone),
            (I::Piano, Alone),
            (I::Room, A),
            (I::Room, A),
        ],
        floor_db: -12.0,
    },
    Ensemble {
        key: "podcast",
        name: "Podcast table",
        mics: &[(I::Vocal, Alone), (I::Vocal, Alone), (I::Vocal, Alone), (I::Vocal, Alone)],
        floor_db: -30.0,
    },
];

impl Ensemble {
    /// Returns the ensemble that hosts identify by `key`.
    pub(crate) fn of_key(key: &str) -> Option<&'static Self> {
        ENSEMBLES.iter().find(|ensemble| ensemble.key == key)
    }

    /// Returns the position of every parameter that the ensemble sets, `0.0 ..= 1.0`: labels,
    /// roles, groups and limits. The amounts of mics and pairs are set to 100 %.
    pub(crate) fn positions(&self, params: &UnspillParams) -> Vec<(ParamPtr, f32)> {
        let mut positions: Vec<(ParamPtr, f32)> = Vec::new();
        for (strip, mic) in params.mics.iter().enumerate() {
            let (instrument, group) =
                self.mics.get(strip).copied().unwrap_or((Instrument::Other, Alone));
            let hears_all = matches!(instrument, Instrument::Overhead | Instrument::Room);
            let role = if hears_all { RoleChoice::Room } else { RoleChoice::Close };
            positions
                .push((mic.instrument.as_ptr(), mic.instrument.preview_normalized(instrument)));
            positions.push((mic.role.as_ptr(), mic.role.preview_normalized(role)));
            positions.push((mic.group.as_ptr(), mic.group.preview_normalized(group)));
            if let Some(output) = &mic.output {
                positions.push((output.amount.as_ptr(), 1.0));
                let floor = if self.floor_db < 0.0 {
                    output.floor.preview_normalized(self.floor_db)
                } else {
                    output.floor.default_normalized_value()
                };
                positions.push((output.floor.as_ptr(), floor));
            }
        }
        positions.extend(params.pairs.iter().map(|pair| (pair.amount.as_ptr(), 1.0)));
        positions
    }

    /// Returns one line per mic with its number, instrument and group.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + use<> {
        (1..).zip(self.mics).map(|(number, (instrument, group))| {
            let name = Instrument::variants()[instrument.to_index()];
            let group = match group {
                Alone => String::new(),
                letter => format!(", group {}", GroupChoice::variants()[letter.to_index()]),
            };
            format!("{number}  {name}{group}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys are permanent because hosts store them: only add new ones.
    #[test]
    fn the_keys_are_the_ones_that_hosts_know() {
        let known = ["drum-kit", "drum-kit-8", "band", "string-quartet", "choir", "podcast"];
        assert_eq!(ENSEMBLES.each_ref().map(|ensemble| ensemble.key), known);
        assert_eq!(Ensemble::of_key("choir").map(|ensemble| ensemble.name), Some("Choir"));
        assert!(Ensemble::of_key("Choir").is_none() && Ensemble::of_key("").is_none());
    }
}
