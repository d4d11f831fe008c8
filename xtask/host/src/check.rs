//! Goes through the session once before it is played, and says where it looks wrong.

use anyhow::Result;
use audiofile::{SessionFiles, readable};
use host::Class;
use sessioncheck::{Check, Name, Place, Tool};

use crate::cli::check_goes_on;

/// Samples per block.
const BLOCK_SAMPLES: usize = 4096;

/// One line for every fault of the session; the files start anew afterwards.
pub(crate) fn warnings(
    session: &mut SessionFiles,
    class: Class,
    params: &[(String, String)],
) -> Result<Vec<String>> {
    let num_mics = session.mics().len();
    let mut check = Check::new(session.rate_hz(), num_mics, session.num_samples());
    let mut blocks = vec![vec![0.0; BLOCK_SAMPLES]; num_mics];
    loop {
        check_goes_on()?;
        let mut slices: Vec<&mut [f32]> = blocks.iter_mut().map(Vec::as_mut_slice).collect();
        let count = session.read(&mut slices)?;
        check.push(&blocks.iter().map(|block| &block[..count]).collect::<Vec<_>>());
        if count < BLOCK_SAMPLES {
            break;
        }
    }
    session.rewind()?;
    let paths: Vec<_> = session.paths().collect();
    let names: Vec<Name> = session
        .mics()
        .iter()
        .map(|mic| {
            let file = readable(paths[mic.file].file_name().unwrap_or_default());
            let several = session.mics().iter().filter(|other| other.file == mic.file).count() > 1;
            let text = if several { format!("{file} channel {}", mic.channel + 1) } else { file };
            Name { text, position: mic.mic + 1 }
        })
        .collect();
    let is_pair: Vec<(usize, bool)> =
        session.mics().iter().map(|mic| (mic.mic, mic.num_sides > 1)).collect();
    let places = places(class, &is_pair, params);
    Ok(check.findings(&places).iter().map(|found| found.line(&names, Tool::Host)).collect())
}

/// Groups and roles of the mono mics, given as mic and whether it has two sides, from the parameters
/// that are set. What is set last counts, and a parameter that is set by its number is unknown here.
fn places(class: Class, mics: &[(usize, bool)], params: &[(String, String)]) -> Vec<Place> {
    let value = |name: &str| {
        let set = params.iter().rev().find(|(param, _)| param.eq_ignore_ascii_case(name));
        set.map(|(_, value)| value.trim())
    };
    mics.iter()
        .zip(1..)
        .map(|(&(mic, is_pair), number)| {
            // Unspill Track links the sides of its own track; groups count from `A`.
            if class == Class::Track {
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
