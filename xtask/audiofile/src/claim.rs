//! Exclusive claims of a file, so that two runs never write to the same folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// An exclusive claim of a file, which ends when it is dropped.
///
/// The lock belongs to the open file, not to this handle, and a child process inherits the open
/// file until it runs its own program. Closing the handle alone would keep the lock for as long as
/// a child that another thread has just started; so the lock is released explicitly.
#[derive(Debug)]
pub struct FileClaim(File);

impl FileClaim {
    /// Takes over the lock of an open file.
    pub(crate) fn of_locked(file: File) -> Self {
        Self(file)
    }

    /// Claims an existing file; `None` if another process or handle has claimed it.
    ///
    /// File systems without locks are accepted, and claim nothing.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }
}

impl Drop for FileClaim {
    fn drop(&mut self) {
        // Fails only in file systems without locks.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_claimed_once_and_free_afterwards() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let claim = FileClaim::take(file.path()).unwrap().unwrap();
        assert!(FileClaim::take(file.path()).unwrap().is_none());
        drop(claim);
        assert!(FileClaim::take(file.path()).unwrap().is_some());
        assert!(FileClaim::take(Path::new("no such file")).is_err());
    }

    /// A child inherits the open file between its start and its own program.
    #[test]
    fn a_dropped_claim_is_free_although_a_child_still_has_the_open_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let claim = FileClaim::take(file.path()).unwrap().unwrap();
        let inherited = claim.0.try_clone().unwrap();
        drop(claim);
        assert!(FileClaim::take(file.path()).unwrap().is_some());
        drop(inherited);
    }
}
