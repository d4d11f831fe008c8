//! Reports the faults of a session before it is played.

use anyhow::Result;
use audiofile::SessionFiles;
use host::Class;
use sessioncheck::{Place, Tool};

use crate::interruption::check_goes_on;

/// Returns one line for every fault of the session; rewinds the files afterwards.
pub(crate) fn warnings(
    session: &mut SessionFiles,
    class: Class,
    params: &[(String, String)],
) -> Result<Vec<String>> {
    let mics: Vec<(usize, bool)> =
        session.mics().iter().map(|mic| (mic.mic, mic.num_sides > 1)).collect();
    let places = places(class, &mics, params);
    sessioncheck::warnings(session, &places, Tool::Host, |_| check_goes_on())
}

/// Returns groups and roles of the mono mics according to the given parameters. `mics` holds the
/// index of each mic and true for a channel of a stereo mic. The last value of a parameter counts;
/// parameters given by number are ignored.
fn places(class: Class, mics: &[(usize, bool)], params: &[(String, String)]) -> Vec<Place> {
    let value = |name: &str| {
        let set = params.iter().rev().find(|(param, _)| param.eq_ignore_ascii_case(name));
        set.map(|(_, value)| value.trim())
    };
    mics.iter()
        .zip(1..)
        .map(|(&(mic, is_pair), number)| {
            // Unspill Track and Unspill Link link the channels of their own track; other groups
            // have letters from `A`.
            if matches!(class, Class::Track | Class::Link) {
                let group = is_pair.then(|| u8::try_from(mic).unwrap_or(u8::MAX));
                return Place { group, is_room: false };
            }
            let letter = value(&format!("Mic {number} Group")).and_then(|text| {
                let letter = text.bytes().next().filter(|_| text.len() == 1)?;
                Some(letter.to_ascii_uppercase())
            });
            let is_room = value(&format!("Mic {number} Role"))
                .is_some_and(|role| role.to_ascii_lowercase().starts_with("room"));
            Place { group: letter, is_room }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_roles_are_those_of_the_parameters() {
        let params: Vec<(String, String)> = [
            ("Mic 1 Group", "A"),
            ("Mic 2 Group", "H"),
            ("Mic 3 Group", "H"),
            ("Mic 2 Group", "A"),
            ("Mic 3 Role", "Room"),
            ("Mic 1 Group", "None"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let mics = [(0, false), (1, true), (1, true)];
        let found = places(Class::Eight, &mics, &params);
        let groups: Vec<_> = found.iter().map(|place| place.group).collect();
        assert_eq!(groups, [None, Some(b'A'), Some(b'H')]);
        assert_eq!(
            found.iter().map(|place| place.is_room).collect::<Vec<_>>(),
            [false, false, true]
        );
        let found = places(Class::Track, &mics, &params);
        let groups: Vec<_> = found.iter().map(|place| place.group).collect();
        assert_eq!(groups, [None, Some(1), Some(1)]);
    }
}
