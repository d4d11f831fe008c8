//! Treatment of files that already have an output's name.

use std::path::Path;

use crate::error::{AudioFileError, Problem};

/// Treatment of an existing file with an output's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The file stays, and the output is refused.
    Keep,
    /// The output replaces the file.
    Replace,
}

impl Existing {
    /// Returns the value for the option `--overwrite`.
    #[must_use]
    pub fn overwritten(overwrite: bool) -> Self {
        if overwrite { Self::Replace } else { Self::Keep }
    }
}

/// Checks that writing to `path` replaces nothing that is to be kept.
///
/// # Errors
///
/// If `path` is a folder, or exists and is to be kept.
pub fn check_free(path: &Path, existing: Existing) -> Result<(), AudioFileError> {
    if path.is_dir() {
        return Err(AudioFileError::new(path, Problem::FolderInTheWay));
    }
    // A dangling link counts as existing.
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(AudioFileError::new(path, Problem::Exists));
    }
    Ok(())
}
