//! Warnings about faults of a session before it is cleaned.

use super::progress::Checking;
use anyhow::Result;
use audiofile::SessionFiles;
use engine::{Controls, Role};
use sessioncheck::{Place, Tool};

/// Returns one line for every fault of the session and rewinds the files.
///
/// # Errors
///
/// Returns an error if a file cannot be read to its end, or if the user interrupts.
pub(super) fn warnings(files: &mut SessionFiles, controls: &Controls) -> Result<Vec<String>> {
    let places: Vec<Place> = controls.mics[..files.mics().len()]
        .iter()
        .map(|mic| Place {
            group: mic.group.map(|group| group.0),
            is_room: mic.role != Role::Close,
        })
        .collect();
    let checking = Checking::start(files.num_samples(), "checking the files")?;
    let warnings = sessioncheck::warnings(files, &places, Tool::Debleed, |done_samples| {
        checking.advance(done_samples)
    });
    checking.finish();
    warnings
}
