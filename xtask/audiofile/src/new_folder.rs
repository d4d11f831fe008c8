//! Folders made for outputs, which disappear again if the outputs fail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::AudioFileError;

/// Folders made for outputs, which are removed on drop unless kept.
#[derive(Debug)]
pub struct NewFolder {
    /// New folders, outermost first.
    made: Vec<PathBuf>,
}

impl NewFolder {
    /// Makes `folder` and its missing parents.
    ///
    /// # Errors
    ///
    /// If a folder cannot be made, or a file has its name.
    pub fn make(folder: &Path) -> Result<Self, AudioFileError> {
        let missing: Vec<PathBuf> = folder
            .ancestors()
            .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
            .map(Path::to_owned)
            .collect();
        let mut guard = Self { made: Vec::new() };
        for path in missing.into_iter().rev() {
            match fs::create_dir(&path) {
                Ok(()) => guard.made.push(path),
                // Another run made the folder meanwhile and is responsible for removing it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(error) => return Err(AudioFileError::io(&path, "create the folder", error)),
            }
        }
        match folder.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(guard),
            Ok(_) => {
                let error = io::Error::from(io::ErrorKind::NotADirectory);
                Err(AudioFileError::io(folder, "write to the folder", error))
            }
            Err(error) => Err(AudioFileError::io(folder, "write to the folder", error)),
        }
    }

    /// Keeps the folders.
    pub fn keep(&mut self) {
        self.made.clear();
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        for path in self.made.drain(..).rev() {
            // Fails if the folder contains other files, as intended.
            let _ = fs::remove_dir(path);
        }
    }
}
