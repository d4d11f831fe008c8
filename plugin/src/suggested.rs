//! Instruments, roles and groups that the names of the mics suggest.

use micnames::Guess;
use nice_plug::prelude::{Enum, Param, ParamPtr};

use crate::classes::Topology;
use crate::params::{GroupChoice, Instrument, RoleChoice, UnspillParams};

/// Settings that the names of mics suggest.
#[derive(Debug, Default)]
pub(crate) struct Suggested {
    /// Positions of parameters, `0.0 ..= 1.0`.
    pub(crate) positions: Vec<(ParamPtr, f32)>,
    /// One line per mic with its name and the settings.
    pub(crate) lines: Vec<String>,
}

/// Returns the settings that the names of these strips suggest. Settings that somebody has chosen
/// stay: an instrument is suggested for a mic without one, a group for mics without groups.
pub(crate) fn by_names(params: &UnspillParams, strips: &[usize]) -> Suggested {
    let names: Vec<String> = strips.iter().map(|&strip| own_name(params, strip)).collect();
    let sources = micnames::sources(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut suggested = Suggested::default();
    let mut letters = free_letters(params);
    let mut groups: Vec<Option<GroupChoice>> = Vec::new();
    for source in 0..=sources.iter().flatten().copied().max().unwrap_or(0) {
        let mut members = strips.iter().zip(&sources).filter(|(_, of)| **of == Some(source));
        let are_alone =
            members.all(|(&strip, _)| params.mics[strip].group.value() == GroupChoice::None);
        groups.push(if are_alone && sources.contains(&Some(source)) {
            letters.next()
        } else {
            None
        });
    }
    for ((&strip, name), source) in strips.iter().zip(&names).zip(&sources) {
        let mic = &params.mics[strip];
        let mut words = Vec::new();
        let guess = Guess::of(name).filter(|_| mic.instrument.value() == Instrument::Other);
        if let Some(guess) = guess {
            let instrument = instrument(guess.instrument);
            let place = mic.instrument.preview_normalized(instrument);
            suggested.positions.push((mic.instrument.as_ptr(), place));
            words.push(Instrument::variants()[instrument.to_index()].to_owned());
            if guess.instrument.hears_all() && mic.role.value() == RoleChoice::Close {
                let place = mic.role.preview_normalized(RoleChoice::Room);
                suggested.positions.push((mic.role.as_ptr(), place));
                words.push(format!("role {}", RoleChoice::variants()[RoleChoice::Room.to_index()]));
            }
        }
        if let Some(group) = source.and_then(|source| groups[source]) {
            suggested.positions.push((mic.group.as_ptr(), mic.group.preview_normalized(group)));
            words.push(format!("group {}", GroupChoice::variants()[group.to_index()]));
        }
        if !words.is_empty() {
            suggested.lines.push(format!("{name}: {}", words.join(", ")));
        }
    }
    suggested
}

/// Returns the instrument that the name of a strip means, if it has a name of its own.
pub(crate) fn instrument_of(params: &UnspillParams, strip: usize) -> Option<Instrument> {
    Guess::of(&own_name(params, strip)).map(|guess| instrument(guess.instrument))
}

/// Returns the name that the user or the host gave a mic; empty if there is none.
pub(crate) fn own_name(params: &UnspillParams, strip: usize) -> String {
    let arranged = &params.saved.arranged;
    let given = arranged.now().name(strip).map(str::to_owned);
    let is_track = matches!(params.class.topology, Topology::Track | Topology::Linked);
    let track = || arranged.track().filter(|_| strip == 0 && is_track);
    given.or_else(track).unwrap_or_default()
}

/// Returns the groups that no mic has.
fn free_letters(params: &UnspillParams) -> impl Iterator<Item = GroupChoice> + use<> {
    use GroupChoice::{A, B, C, D, E, F, G, H};
    let used: Vec<GroupChoice> = params.mics.iter().map(|mic| mic.group.value()).collect();
    [A, B, C, D, E, F, G, H].into_iter().filter(move |letter| !used.contains(letter))
}

fn instrument(of: micnames::Instrument) -> Instrument {
    match of {
        micnames::Instrument::Kick => Instrument::Kick,
        micnames::Instrument::Snare => Instrument::Snare,
        micnames::Instrument::HiHat => Instrument::HiHat,
        micnames::Instrument::Tom => Instrument::Tom,
        micnames::Instrument::Ride => Instrument::Ride,
        micnames::Instrument::Cymbals => Instrument::Cymbals,
        micnames::Instrument::Overhead => Instrument::Overhead,
        micnames::Instrument::Room => Instrument::Room,
        micnames::Instrument::Percussion => Instrument::Percussion,
        micnames::Instrument::Vocal => Instrument::Vocal,
        micnames::Instrument::Guitar => Instrument::Guitar,
        micnames::Instrument::Bass => Instrument::Bass,
        micnames::Instrument::Piano => Instrument::Piano,
        micnames::Instrument::Keys => Instrument::Keys,
        micnames::Instrument::Strings => Instrument::Strings,
        micnames::Instrument::Brass => Instrument::Brass,
        micnames::Instrument::Woodwind => Instrument::Woodwind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, Unspill8, UnspillLink};
    use crate::testing::set_by_id;

    fn named(names: &[&str]) -> UnspillParams {
        let params = UnspillParams::new(&Unspill8::DESC);
        let mut arrangement = params.saved.arranged.now().clone();
        for (strip, name) in names.iter().enumerate() {
            arrangement.rename(strip, name);
        }
        params.saved.arranged.change(arrangement);
        params
    }

    fn lines(params: &UnspillParams) -> Vec<String> {
        by_names(params, &[0, 1, 2, 3, 4, 5, 6, 7]).lines
    }

    #[test]
    fn names_suggest_instruments_roles_and_groups() {
        let params = named(&["Kick In", "Kick Out", "Sn Top", "Sn Bot", "OH L", "OH R", "Anna"]);
        let expected = [
            "Kick In: Kick, group A",
            "Kick Out: Kick, group A",
            "Sn Top: Snare, group B",
            "Sn Bot: Snare, group B",
            "OH L: Overhead, role Room, group C",
            "OH R: Overhead, role Room, group C",
        ];
        assert_eq!(lines(&params), expected);
        let named = named(&[]);
        assert!(by_names(&named, &[0, 1, 2]).positions.is_empty());
    }

    #[test]
    fn settings_that_somebody_chose_stay() {
        let params = named(&["Kick In", "Kick Out", "Sn Top", "Sn Bot", "OH L"]);
        set_by_id(&params, "mic1_instrument", "Bass");
        set_by_id(&params, "mic2_group", "A");
        set_by_id(&params, "mic5_instrument", "Overhead");
        let expected = ["Kick Out: Kick", "Sn Top: Snare, group B", "Sn Bot: Snare, group B"];
        assert_eq!(lines(&params), expected);
    }

    #[test]
    fn a_linked_track_is_named_by_its_host() {
        let params = UnspillParams::new(&UnspillLink::DESC);
        params.saved.arranged.track_is("03_SnareDown");
        assert_eq!(instrument_of(&params, 0), Some(Instrument::Snare));
    }
}
