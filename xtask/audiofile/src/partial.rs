//! Temporary files beside their destination, which are renamed once they are complete.
//!
//! The writer holds a lock on the file until it is renamed or removed. So an unlocked file was left
//! behind by a killed program, and the next run removes it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::claim::FileClaim;
use crate::error::{AudioFileError, Problem};
use crate::existing::Existing;

const PREFIX: &str = ".unspill-";
const SUFFIX: &str = ".part";

/// Largest number of attempts to lock a new file before another run removes it as a leftover.
const MAX_ATTEMPTS: usize = 16;

/// Creates a temporary file in `folder` and locks it.
///
/// # Errors
///
/// If the folder is not writable.
pub(crate) fn create_in(folder: &Path) -> io::Result<(File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private by default; the user's umask is applied to this mode.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    for _ in 0..MAX_ATTEMPTS {
        let (file, temp) = builder.tempfile_in(folder).map_err(without_name)?.into_parts();
        match file.try_lock() {
            // Between creation and lock another run may have removed the file as a leftover.
            Ok(()) if temp.exists() => return Ok((file, temp)),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            // Without locks in the file system, no file is ever treated as a leftover.
            Err(TryLockError::Error(_)) => return Ok((file, temp)),
        }
    }
    Err(io::Error::other("another run removed the temporary file"))
}

/// Removes the temporary name, which is unknown to the user, from the error.
fn without_name(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((text, _)) => io::Error::new(error.kind(), text.to_owned()),
        None => error,
    }
}

/// Removes temporary files of ended programs in `folder`; best effort.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours =
            name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // Also for writing: some file systems do not lock files that are open only for reading.
        let Ok(file) = File::options().read(true).write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            // Removed while locked, so that a program that has just created the file detects it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A complete file that still has its temporary name.
#[derive(Debug)]
pub(crate) struct PartialFile {
    pub(crate) path: PathBuf,
    temp: TempPath,
    /// The open file, which holds the lock until the rename.
    file: File,
}

impl PartialFile {
    /// Wraps a file from [`create_in`] that has been written completely.
    pub(crate) fn new(path: PathBuf, file: File, temp: TempPath) -> Self {
        Self { path, temp, file }
    }

    #[cfg(test)]
    pub(crate) fn temp_path(&self) -> &Path {
        &self.temp
    }

    /// Returns a free name in the same folder for a backup of the file at the final name.
    pub(crate) fn backup_path(&self) -> PathBuf {
        self.temp.with_extension("old")
    }

    /// Renames to the final name and replaces an existing file if requested.
    ///
    /// # Errors
    ///
    /// If the file cannot be renamed, or if a file to be kept exists at the final name.
    pub(crate) fn appear(self, existing: Existing) -> Result<(), AudioFileError> {
        let Self { path, temp, file } = self;
        // Released at the end, also where a child has inherited the open file.
        let _lock = FileClaim::of_locked(file);
        let fail = |error| AudioFileError::io(&path, "rename the temporary file", error);
        if existing == Existing::Replace {
            return temp.persist(&path).map_err(|error| fail(error.error));
        }
        match temp.persist_noclobber(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(AudioFileError::new(&path, Problem::Exists))
            }
            // On some file systems an earlier check for an existing file is all that is possible.
            Err(error) if path.symlink_metadata().is_err() => {
                error.path.persist(&path).map_err(|error| fail(error.error))
            }
            Err(error) => Err(fail(error.error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::names_in;

    #[test]
    fn leftovers_go_and_files_in_work_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (_file, temp) = create_in(folder.path()).unwrap();
        let in_work = temp.file_name().unwrap().to_str().unwrap().to_owned();
        for name in [".unspill-killed.part", ".unspill-mine", "song.part", ".unspill-x.old"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::create_dir(folder.path().join(".unspill-folder.part")).unwrap();
        remove_leftovers(folder.path());
        let mut left = vec![".unspill-folder.part", ".unspill-mine", ".unspill-x.old", "song.part"];
        left.push(&in_work);
        left.sort_unstable();
        assert_eq!(names_in(folder.path()), left);
    }

    /// A child inherits the open file between its start and its own program.
    #[test]
    fn a_file_with_its_name_is_not_locked_although_a_child_still_has_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let (file, temp) = create_in(folder.path()).unwrap();
        let inherited = file.try_clone().unwrap();
        PartialFile::new(path.clone(), file, temp).appear(Existing::Keep).unwrap();
        assert!(FileClaim::take(&path).unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let whole = || {
            let (file, temp) = create_in(folder.path()).unwrap();
            PartialFile::new(path.clone(), file, temp)
        };
        let late = whole();
        fs::write(&path, "theirs").unwrap();
        let line = late.appear(Existing::Keep).unwrap_err().to_string();
        assert!(line.contains("a.json: already exists"), "{line}");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        whole().appear(Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(names_in(folder.path()), ["a.json"]);
    }
}
