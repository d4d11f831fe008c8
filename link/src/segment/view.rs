//! Segments of other instances, mapped for reading only.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use super::error::LinkError;
use super::folder::{Folder, check_closed, check_own};
use super::header::{self, Reserved};
use super::map::{ReadMapping, ReadU32, ReadU64};
use super::memory::MemoryView;
use super::name::{Name, SegmentId, Stage};
use super::shape::Shape;

/// Whereabouts of the instance that owns a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The owner exists and can write.
    Present,
    /// The owner was dropped; the values are its last ones.
    Left,
    /// The owner's process ended without dropping the owner; [`reclaim`](fn@super::reclaim) removes
    /// the segment.
    Died,
}

/// Another instance's segment, mapped for reading only.
///
/// The values stay readable after the owner has left or died, until this view is dropped.
///
/// # Real-time
///
/// [`Self::longs`] and [`Self::samples`] are safe on the audio thread; everything else, including
/// drop, is for the worker or the main thread.
#[derive(Debug)]
pub struct SegmentView {
    memory: MemoryView,
    id: SegmentId,
    /// For tests of the owner's lock.
    file: File,
}

impl SegmentView {
    /// Opens a segment and checks that it is this user's own, complete, and of this shape.
    ///
    /// # Errors
    ///
    /// [`LinkError::Missing`] if the owner has just left, which is no fault. Other errors for a
    /// link or other file that is not regular, another length, magic number, format or shape, and
    /// on Unix another user's file or one that is open to others.
    pub fn open(folder: &Folder, id: SegmentId, shape: Shape) -> Result<Self, LinkError> {
        let layout = shape
            .layout()
            .ok_or_else(|| LinkError::TooLarge { path: folder.path().to_owned(), shape })?;
        let path = folder.join(Name::new(id, Stage::Complete));
        let (file, metadata) = open_own(&path)?;
        check_closed(&path, &metadata)?;
        let expected_bytes = layout.bytes as u64;
        if metadata.len() != expected_bytes {
            let actual_bytes = metadata.len();
            return Err(LinkError::OtherLength { path, actual_bytes, expected_bytes });
        }
        let mapping = ReadMapping::new(&file, layout)
            .map_err(|error| LinkError::io(&path, "map the segment", error))?;
        let memory = MemoryView::mapped(mapping);
        header::check(memory.all_longs(), shape, &path)?;
        memory.touch();
        Ok(Self { memory, id, file })
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
    pub fn longs(&self) -> &[ReadU64] {
        self.memory.longs()
    }

    /// Returns the 32-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn samples(&self) -> &[ReadU32] {
        self.memory.samples()
    }

    /// Returns a handle to the values, for other threads.
    #[must_use]
    pub fn memory(&self) -> &MemoryView {
        &self.memory
    }

    /// Tells whether the owner still exists.
    ///
    /// An owner writes a mark when it is dropped, and its lock ends with its process however that
    /// ends. This test takes a shared lock for a moment. It disturbs no process: shared locks of
    /// other readers and of [`reclaim`](fn@super::reclaim) do not exclude it, and an owner takes
    /// its lock before the segment gets the name that is opened here.
    ///
    /// A segment whose file another program has removed has a present owner, as the values still
    /// arrive. After a fork without a new program, the child keeps the lock of a killed owner.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: two system calls.
    #[must_use]
    pub fn owner(&self) -> Owner {
        let is_unlocked = self.file.try_lock_shared().is_ok();
        if is_unlocked {
            // Explicit, because a child process can have inherited the open file.
            let _ = self.file.unlock();
        }
        // The mark is read after the lock: an owner that leaves writes it before it unlocks.
        let has_left =
            self.memory.all_longs()[Reserved::State as usize].load_acquire() == header::LEFT;
        match (has_left, is_unlocked) {
            (true, _) => Owner::Left,
            (false, true) => Owner::Died,
            (false, false) => Owner::Present,
        }
    }
}

/// Opens a regular file of this user for reading, without following a link or waiting for a pipe.
pub(super) fn open_own(path: &Path) -> Result<(File, Metadata), LinkError> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        /// Opens a link itself, which is then refused as no regular file.
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    let file = options.open(path).map_err(|error| open_error(path, error))?;
    let metadata = file
        .metadata()
        .map_err(|error| LinkError::io(path, "read the segment's permissions", error))?;
    if !metadata.is_file() {
        return Err(LinkError::IsNoFile { path: path.to_owned() });
    }
    check_own(path, &metadata)?;
    Ok((file, metadata))
}

fn open_error(path: &Path, error: io::Error) -> LinkError {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::ELOOP) {
        return LinkError::IsNoFile { path: path.to_owned() };
    }
    match error.kind() {
        io::ErrorKind::NotFound => LinkError::Missing { path: path.to_owned() },
        _ => LinkError::io(path, "open the segment", error),
    }
}
