//! Guesses the instrument and the source of a mic from the name of its track or file.
//!
//! Engineers name mics in a few ways: "Kick In", "03_SnareDown", "OH L", "SN BTM 57", "LeadVox".
//! [`Guess::of`] finds the instrument in such a name, and [`sources`] the mics of one source.
//!
//! Main thread only: everything here allocates.

mod vocabulary;
mod words;

use vocabulary::{Meaning, meanings};

/// Instrument in front of a mic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "names of instruments")]
pub enum Instrument {
    Kick,
    Snare,
    HiHat,
    Tom,
    Ride,
    Cymbals,
    Overhead,
    Room,
    Percussion,
    Vocal,
    Guitar,
    Bass,
    Piano,
    Keys,
    Strings,
    Brass,
    Woodwind,
}

impl Instrument {
    /// Returns true if a mic of this kind picks up all instruments: an overhead or a room mic.
    #[must_use]
    pub fn hears_all(self) -> bool {
        matches!(self, Self::Overhead | Self::Room)
    }

    /// Returns true if the sides of this instrument are two mics of one source. The left and the
    /// right tom, guitar or singer are two sources.
    fn has_sides(self) -> bool {
        matches!(self, Self::Overhead | Self::Room | Self::Piano | Self::Keys)
    }
}

/// The meaning of a mic's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The instrument.
    pub instrument: Instrument,
    /// The words that tell the source from others of its kind, for example "2" in "Tom 2".
    source: Vec<String>,
    /// True if the name has a word for one of several mics of a source, for example "top" or "DI".
    is_one_of_several: bool,
}

impl Guess {
    /// Guesses the instrument of a mic from its name. Returns `None` if no word names one.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let meanings = meanings(&words::of(name));
        let kinds = || {
            meanings.iter().filter_map(|meaning| match meaning {
                Meaning::Is(instrument, _) => Some(*instrument),
                _ => None,
            })
        };
        // "Snare room" is a room mic. Otherwise the last word counts: "bass clarinet".
        let instrument = kinds().find(|kind| kind.hears_all()).or_else(|| kinds().next_back())?;
        let has_sides = instrument.has_sides();
        let mut source = Vec::new();
        // All overheads belong to one kit.
        let is_overhead = instrument == Instrument::Overhead;
        let mut is_one_of_several = is_overhead;
        for meaning in meanings {
            match meaning {
                Meaning::Position => is_one_of_several = true,
                Meaning::Side(_) if has_sides => is_one_of_several = true,
                _ if is_overhead => {}
                Meaning::Is(kind, None) if kind != instrument => source.push(format!("{kind:?}")),
                Meaning::Is(_, word) => source.extend(word),
                Meaning::Side(word) | Meaning::Number(word) | Meaning::Other(word) => {
                    source.push(word);
                }
            }
        }
        source.sort();
        Some(Self { instrument, source, is_one_of_several })
    }
}

/// Finds the mics that share a source, for example "Kick In" and "Kick Out".
///
/// Returns a number for each mic that shares its source with another one, counted from 0 in the
/// order of the names, and `None` for each other mic. Mics with equal names share no source: the
/// names do not tell whether they are two singers or two mics of one.
#[must_use]
pub fn sources(names: &[&str]) -> Vec<Option<usize>> {
    let guesses: Vec<Option<Guess>> = names.iter().map(|name| Guess::of(name)).collect();
    let mut found = vec![None; names.len()];
    let mut num_sources = 0;
    for (place, guess) in guesses.iter().enumerate() {
        let Some(guess) = guess.as_ref().filter(|_| found[place].is_none()) else { continue };
        let is_same = |&other: &usize| {
            let other = guesses[other].as_ref();
            other.is_some_and(|other| {
                (other.instrument, &other.source) == (guess.instrument, &guess.source)
            })
        };
        let mics: Vec<usize> = (place..names.len()).filter(is_same).collect();
        let tells = |&mic: &usize| guesses[mic].as_ref().is_some_and(|g| g.is_one_of_several);
        let differ = mics.iter().any(|&mic| names[mic].trim() != names[place].trim());
        if mics.len() > 1 && differ && mics.iter().any(tells) {
            mics.iter().for_each(|&mic| found[mic] = Some(num_sources));
            num_sources += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests;
