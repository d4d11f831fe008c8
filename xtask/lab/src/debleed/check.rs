//! Goes through the session once before it is cleaned, and says where it looks wrong.

use anyhow::{Result, ensure};
use audiofile::{SessionFiles, readable, signals};
use engine::{Controls, Role};
use sessioncheck::{Check, Name, Place, Tool};

/// Samples per block.
const BLOCK_SAMPLES: usize = 4_096;

/// One line for every fault of the session; the files start anew afterwards.
///
/// # Errors
///
/// When a file cannot be read to its end, and when the user interrupts.
pub(super) fn warnings(files: &mut SessionFiles, controls: &Controls) -> Result<Vec<String>> {
    let num_mics = files.mics().len();
    let mut check = Check::new(files.rate_hz(), num_mics, files.num_samples());
    let mut blocks = vec![vec![0.0; BLOCK_SAMPLES]; num_mics];
    loop {
        ensure!(!signals::requested(), "interrupted; nothing was written");
        let mut slices: Vec<&mut [f32]> = blocks.iter_mut().map(Vec::as_mut_slice).collect();
        let count = files.read(&mut slices)?;
        check.push(&blocks.iter().map(|block| &block[..count]).collect::<Vec<_>>());
        if count < BLOCK_SAMPLES {
            break;
        }
    }
    files.rewind()?;
    let places: Vec<Place> = controls.mics[..num_mics]
        .iter()
        .map(|mic| Place {
            group: mic.group.map(|group| group.0),
            is_room: mic.role != Role::Close,
        })
        .collect();
    let names = names(files);
    Ok(check.findings(&places).iter().map(|found| found.line(&names, Tool::Debleed)).collect())
}

fn names(files: &SessionFiles) -> Vec<Name> {
    let paths: Vec<_> = files.paths().collect();
    let channels = |file: usize| files.mics().iter().filter(|mic| mic.file == file).count();
    files
        .mics()
        .iter()
        .map(|mic| {
            let file = readable(paths[mic.file].file_name().unwrap_or_default());
            let text = match channels(mic.file) {
                1 => file,
                _ => format!("{file} channel {}", mic.channel + 1),
            };
            Name { text, position: mic.mic + 1 }
        })
        .collect()
}
