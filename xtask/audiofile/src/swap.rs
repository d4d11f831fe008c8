//! Renames of several complete files that succeed together or are undone.

use std::fs;
use std::path::PathBuf;

use crate::error::AudioFileError;
use crate::existing::Existing;
use crate::partial::PartialFile;

/// Renames that are undone on drop unless all of them have succeeded.
#[derive(Default)]
pub(crate) struct Swap {
    /// Final name, and the name of the backup if a file existed there.
    done: Vec<(PathBuf, Option<PathBuf>)>,
}

impl Swap {
    /// Renames a file to its final name.
    pub(crate) fn place(
        &mut self,
        file: PartialFile,
        existing: Existing,
    ) -> Result<(), AudioFileError> {
        let path = file.path.clone();
        if existing == Existing::Keep || path.symlink_metadata().is_err() {
            file.appear(existing)?;
            self.done.push((path, None));
            return Ok(());
        }
        let backup = file.backup_path();
        // A hard link, not a rename, so that the old file always keeps its name. A file system
        // without hard links needs the rename, which leaves the name unused for a moment.
        fs::hard_link(&path, &backup)
            .or_else(|_| fs::rename(&path, &backup))
            .map_err(|error| AudioFileError::io(&path, "replace", error))?;
        self.done.push((path, Some(backup)));
        file.appear(existing)
    }

    pub(crate) fn keep(mut self) {
        for (_, backup) in self.done.drain(..) {
            if let Some(backup) = backup {
                // The new file is complete; a failure to remove the old one is not reported.
                let _ = fs::remove_file(backup);
            }
        }
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        for (path, backup) in self.done.drain(..).rev() {
            // Best effort: another error is already being returned.
            if let Some(backup) = backup {
                let restored = fs::rename(&backup, &path).is_ok();
                // Renaming one hard link of a file to another has no effect, so the backup remains.
                if restored && backup.exists() {
                    let _ = fs::remove_file(backup);
                }
            } else {
                let _ = fs::remove_file(&path);
            }
        }
    }
}
