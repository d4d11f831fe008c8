//! Ensembles: the presets that come with the plugin, in its window and in hosts.

use nice_plug::prelude::{Enum, Param, ParamPtr};

use crate::params::{GroupChoice, Instrument, RoleChoice, UnspillParams};
use crate::suggested::{instrument_of, own_name};

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
    ///
    /// Mics whose names tell the instrument get a place of that instrument. If no name does, the
    /// mics have the order of the ensemble.
    pub(crate) fn positions(&self, params: &UnspillParams) -> Vec<(ParamPtr, f32)> {
        let mut positions: Vec<(ParamPtr, f32)> = Vec::new();
        let places = self.places(params);
        for (mic, (instrument, group)) in params.mics.iter().zip(places) {
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

    /// Returns the place of each strip in the ensemble.
    fn places(&self, params: &UnspillParams) -> Vec<Place> {
        let strips = 0..params.mics.len();
        let nobody = (Instrument::Other, Alone);
        let named: Vec<_> = strips.clone().map(|strip| instrument_of(params, strip)).collect();
        if named.iter().all(Option::is_none) {
            return strips.map(|strip| self.mics.get(strip).copied().unwrap_or(nobody)).collect();
        }
        let names: Vec<String> = strips.clone().map(|strip| own_name(params, strip)).collect();
        let sources = micnames::sources(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut free = self.mics.to_vec();
        let mut places: Vec<Place> = Vec::new();
        for strip in strips {
            let Some(instrument) = named[strip] else {
                places.push(nobody);
                continue;
            };
            // A further mic of a source belongs to its group, also if the ensemble has fewer.
            let sibling = sources[strip]
                .and_then(|source| sources[..strip].iter().position(|of| *of == Some(source)));
            let found = free.iter().position(|&(of, _)| of == instrument);
            let place = found.map(|at| free.remove(at));
            let group = match (sibling, place) {
                (Some(sibling), _) if places[sibling].1 != Alone => places[sibling].1,
                (_, Some((_, group))) => group,
                _ => Alone,
            };
            places.push((instrument, group));
        }
        places
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
    use crate::classes::{Class, Unspill16};

    /// Keys are permanent because hosts store them: only add new ones.
    #[test]
    fn the_keys_are_the_ones_that_hosts_know() {
        let known = ["drum-kit", "drum-kit-8", "band", "string-quartet", "choir", "podcast"];
        assert_eq!(ENSEMBLES.each_ref().map(|ensemble| ensemble.key), known);
        assert_eq!(Ensemble::of_key("choir").map(|ensemble| ensemble.name), Some("Choir"));
        assert!(Ensemble::of_key("Choir").is_none() && Ensemble::of_key("").is_none());
    }

    #[test]
    fn mics_get_places_by_their_names_and_else_by_their_order() {
        let params = UnspillParams::new(&Unspill16::DESC);
        let kit = Ensemble::of_key("drum-kit").unwrap();
        assert_eq!(kit.places(&params)[..12], kit.mics[..]);
        let names = ["OH R", "Tom 2", "Sn Bot", "Kick In", "OH L", "Sn Top", "Vox", "", "Kick Sub"];
        let mut arrangement = params.saved.arranged.now().clone();
        for (strip, name) in names.iter().enumerate() {
            arrangement.rename(strip, name);
        }
        arrangement.rename(9, "Kick Out");
        params.saved.arranged.change(arrangement);
        let expected = [
            (I::Overhead, C),
            (I::Tom, Alone),
            (I::Snare, B),
            (I::Kick, A),
            (I::Overhead, C),
            (I::Snare, B),
            (I::Vocal, Alone),
            (I::Other, Alone),
            (I::Kick, A),
            (I::Kick, A),
            (I::Other, Alone),
        ];
        assert_eq!(kit.places(&params)[..11], expected);
    }
}
