//! Checks the files of a session: a step of both command line tools before they clean.

use audiofile::{AudioFileError, SessionFiles, readable};

use crate::{Check, Name, Place, Tool};

/// Samples per block.
const BLOCK_SAMPLES: usize = 4_096;

/// Reads the files once and returns one line for every fault; rewinds the files afterwards.
///
/// `goes_on` is called before every block with the samples read so far, and its error ends the
/// check.
///
/// # Errors
///
/// If a file cannot be read to its end, and the errors of `goes_on`.
///
/// # Panics
///
/// If `places` does not have one entry per mono mic.
pub fn warnings<E: From<AudioFileError>>(
    files: &mut SessionFiles,
    places: &[Place],
    tool: Tool,
    goes_on: impl Fn(u64) -> Result<(), E>,
) -> Result<Vec<String>, E> {
    let num_mics = files.mics().len();
    let mut check = Check::new(files.rate_hz(), num_mics, files.num_samples());
    let mut blocks = vec![vec![0.0; BLOCK_SAMPLES]; num_mics];
    let mut done_samples = 0;
    loop {
        goes_on(done_samples)?;
        let mut slices: Vec<&mut [f32]> = blocks.iter_mut().map(Vec::as_mut_slice).collect();
        let count = files.read(&mut slices)?;
        done_samples += count as u64;
        check.push(&blocks.iter().map(|block| &block[..count]).collect::<Vec<_>>());
        if count < BLOCK_SAMPLES {
            break;
        }
    }
    files.rewind()?;
    let names = names(files);
    Ok(check.findings(places).iter().map(|found| found.line(&names, tool)).collect())
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
