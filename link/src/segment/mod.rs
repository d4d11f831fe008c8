//! Segments: files in a folder of the user that are mapped as shared memory.
//!
//! One instance owns a segment and writes it; all other instances of the same user map it
//! read-only. The listing of the [`Folder`] is the only registry, so a crash can break nothing that
//! others use.
//!
//! - Creation: the file gets a temporary name, the owner's lock, its full length and a header, and
//!   only then the name that others look for. So no reader finds an incomplete segment.
//! - Life: the lock belongs to the open file. The system releases it when the process ends, however
//!   it ends.
//! - End: the owner removes the file. Readers keep their mappings. [`reclaim`](fn@reclaim) removes
//!   the files of killed processes.
//!
//! # Limits
//!
//! - Other users can neither read nor write a segment on Unix: folder and file are closed to them,
//!   and this is checked. On Windows, access is that of the user's temporary folder.
//! - A program of the same user that shortens a mapped file ends the processes that map it
//!   (SIGBUS). There is no protection from this.
//! - A process that forks without starting a new program shares its locks with the child. They end
//!   with the child if the parent is killed, and at once if the parent drops its [`Segment`].

mod error;
mod folder;
mod header;
mod map;
mod memory;
mod name;
mod reclaim;
mod shape;
mod user;
mod view;
mod watch;

#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use header::Reserved;
use map::Mapping;
use name::{Name, Stage};
use shape::Layout;

pub use error::LinkError;
pub use folder::Folder;
pub(crate) use folder::private_folders;
pub use map::{ReadU32, ReadU64};
pub use memory::{Memory, MemoryView};
pub use name::{FORMAT, SegmentId};
pub use reclaim::reclaim;
pub use shape::Shape;
pub use view::{Owner, SegmentView};
pub use watch::Watch;

/// Largest number of attempts to lock a new file before another process reclaims it.
const MAX_ATTEMPTS: usize = 16;

/// A segment that this instance owns and writes.
///
/// Drop marks the segment as left, removes its file and releases the lock.
///
/// # Real-time
///
/// [`Self::longs`] and [`Self::samples`] are safe on the audio thread; everything else, including
/// drop, is for the worker or the main thread.
#[derive(Debug)]
pub struct Segment {
    // Dropped before the memory, so that no reader finds the name later.
    file: OwnedFile,
    memory: Memory,
    id: SegmentId,
}

impl Segment {
    /// Creates a segment of zeros, which readers find as soon as this returns.
    ///
    /// The whole file is written, so that full memory is an error here instead of a signal at a
    /// later store. Every page is in the process's memory when this returns.
    ///
    /// # Errors
    ///
    /// [`LinkError::Memory`] if the segment does not fit; [`LinkError::TooLarge`] above 64 MiB;
    /// [`LinkError::Io`] if the file cannot be created, locked or mapped.
    pub fn create(folder: &Folder, shape: Shape) -> Result<Self, LinkError> {
        let too_large = || LinkError::TooLarge { path: folder.path().to_owned(), shape };
        let layout = shape.layout().ok_or_else(too_large)?;
        let fail = |action| move |error| LinkError::io(folder.path(), action, error);

        let (id, mut file) = OwnedFile::create(folder).map_err(fail("create a segment"))?;
        file.fill(shape, layout).map_err(|source| match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => {
                LinkError::Memory { path: folder.path().to_owned(), bytes: layout.bytes, source }
            }
            _ => fail("write a segment")(source),
        })?;
        let mapping = Mapping::new(&file.file, layout).map_err(fail("map a segment"))?;
        let memory = Memory::mapped(mapping);
        memory.touch();
        file.rename(folder.join(Name::new(id, Stage::Complete))).map_err(fail("name a segment"))?;
        Ok(Self { file, memory, id })
    }

    /// Returns the segment's id.
    #[must_use]
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// Returns the 64-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn longs(&self) -> &[AtomicU64] {
        self.memory.longs()
    }

    /// Returns the 32-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn samples(&self) -> &[AtomicU32] {
        self.memory.samples()
    }

    /// Returns a handle to the values, for other threads.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Returns false if another program has removed the file, so that new readers do not find it.
    ///
    /// Some systems clear their temporary folders. The instance can then create a new segment.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.file.path.symlink_metadata().is_ok()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // Release: a reader that sees the mark sees the last values too.
        self.memory.all_longs()[Reserved::State as usize].store(header::LEFT, Ordering::Release);
    }
}

/// A locked file, which is removed and unlocked on drop.
#[derive(Debug)]
struct OwnedFile {
    file: File,
    path: PathBuf,
}

impl OwnedFile {
    /// Creates an empty file with a random temporary name and locks it.
    ///
    /// # Errors
    ///
    /// If the folder is not writable, or if its file system has no locks.
    fn create(folder: &Folder) -> io::Result<(SegmentId, Self)> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        for _ in 0..MAX_ATTEMPTS {
            let id = SegmentId::random()?;
            let path = folder.join(Name::new(id, Stage::Partial));
            let file = options.open(&path)?;
            if let Some(owned) = Self::lock(file, path)? {
                return Ok((id, owned));
            }
        }
        Err(io::Error::other("other processes reclaim every new file"))
    }

    /// Locks a new file; `None` if another process reclaims it or has done so.
    fn lock(file: File, path: PathBuf) -> io::Result<Option<Self>> {
        match file.try_lock() {
            // Between creation and lock another process may have reclaimed the file. It cannot do
            // so any more.
            Ok(()) => {
                let owned = Self { file, path };
                Ok(owned.path.symlink_metadata().is_ok().then_some(owned))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// Writes the header and zeros, at full length.
    fn fill(&mut self, shape: Shape, layout: Layout) -> io::Result<()> {
        let header = header::bytes(shape);
        self.file.write_all(&header)?;
        let zeros = vec![0; (layout.bytes - header.len()).min(1 << 16)];
        let mut left = layout.bytes - header.len();
        while left > 0 {
            let bytes = left.min(zeros.len());
            self.file.write_all(&zeros[..bytes])?;
            left -= bytes;
        }
        Ok(())
    }

    fn rename(&mut self, path: PathBuf) -> io::Result<()> {
        fs::rename(&self.path, &path)?;
        self.path = path;
        Ok(())
    }
}

impl Drop for OwnedFile {
    fn drop(&mut self) {
        // Fails if another program has removed the file. On old versions of Windows also while a
        // reader maps it; the unlocked file is then reclaimed later.
        let _ = fs::remove_file(&self.path);
        // Explicit, because a child process can have inherited the open file.
        let _ = self.file.unlock();
    }
}
