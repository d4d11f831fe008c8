//! Names the faults of a session before it is cleaned.

use anyhow::{Result, ensure};
use audiofile::{SessionFiles, signals};
use engine::{Controls, Role};
use sessioncheck::{Place, Tool};

/// One line for every fault of the session; the files start anew afterwards.
///
/// # Errors
///
/// When a file cannot be read to its end, and when the user interrupts.
pub(super) fn warnings(files: &mut SessionFiles, controls: &Controls) -> Result<Vec<String>> {
    let places: Vec<Place> = controls.mics[..files.mics().len()]
        .iter()
        .map(|mic| Place {
            group: mic.group.map(|group| group.0),
            is_room: mic.role != Role::Close,
        })
        .collect();
    sessioncheck::warnings(files, &places, Tool::Debleed, || {
        ensure!(!signals::requested(), "interrupted; nothing was written");
        Ok(())
    })
}
