//! Errors of segments and their folder, with one-line messages that name the file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::shape::{MAX_BYTES, Shape};

/// A problem with a segment or with the folder of segments.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A call to the system failed.
    #[error("{}: cannot {action}: {source}", shown(.path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The failed action, as in "cannot {action}".
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The shared memory is full, or the system limits the size of files.
    #[error("{}: no room for {bytes} bytes of shared memory: {source}", shown(.path))]
    Memory {
        /// The folder of segments.
        path: PathBuf,
        /// Size of the segment.
        bytes: usize,
        /// The system's error.
        source: io::Error,
    },
    /// A segment of this shape would be too large.
    #[error(
        "{}: a segment of {} longs and {} samples is larger than {MAX_BYTES} bytes",
        shown(.path), .shape.longs, .shape.samples
    )]
    TooLarge {
        /// The folder of segments.
        path: PathBuf,
        /// The requested shape.
        shape: Shape,
    },
    /// The folder's path is a symbolic link or a file.
    #[error("{}: not a folder, or a link to one", shown(.path))]
    IsNoFolder {
        /// The folder's path.
        path: PathBuf,
    },
    /// The file or folder belongs to another user, who could write to it.
    #[error("{}: belongs to another user", shown(.path))]
    OtherUser {
        /// The file or folder.
        path: PathBuf,
    },
    /// Other users could read or write the file or folder.
    #[error("{}: open to other users (mode {mode:o})", shown(.path))]
    OpenToOthers {
        /// The file or folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The segment does not exist, because its owner has left or because it was reclaimed.
    #[error("{}: no such segment", shown(.path))]
    Missing {
        /// The segment's path.
        path: PathBuf,
    },
    /// The segment's path is a symbolic link, a folder, a pipe or a device.
    #[error("{}: not a regular file", shown(.path))]
    IsNoFile {
        /// The segment's path.
        path: PathBuf,
    },
    /// The file has another length than a segment of this shape.
    #[error("{}: has {actual_bytes} bytes instead of {expected_bytes}", shown(.path))]
    OtherLength {
        /// The segment's path.
        path: PathBuf,
        /// Length of the file.
        actual_bytes: u64,
        /// Length of a segment of the requested shape.
        expected_bytes: u64,
    },
    /// The file does not start as a segment does.
    #[error("{}: not a segment", shown(.path))]
    IsNoSegment {
        /// The segment's path.
        path: PathBuf,
    },
    /// According to its header, the segment has another format.
    #[error("{}: has format {actual} instead of {expected}", shown(.path))]
    OtherFormat {
        /// The segment's path.
        path: PathBuf,
        /// Format according to the header.
        actual: u64,
        /// The format of this version.
        expected: u64,
    },
    /// According to its header, the segment has another shape.
    #[error(
        "{}: has {longs} longs and {samples} samples instead of {} and {}",
        shown(.path), .expected.longs, .expected.samples
    )]
    OtherShape {
        /// The segment's path.
        path: PathBuf,
        /// Longs according to the header.
        longs: u64,
        /// Samples according to the header.
        samples: u64,
        /// The requested shape.
        expected: Shape,
    },
}

impl LinkError {
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }
}

/// Formats a path as one line.
fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_with_the_path() {
        let path = PathBuf::from("/dev/shm/a\nb");
        let shape = Shape { longs: 3, samples: 4 };
        let errors = [
            LinkError::io(&path, "open", io::Error::other("reason")),
            LinkError::Memory { path: path.clone(), bytes: 5, source: io::Error::other("full") },
            LinkError::TooLarge { path: path.clone(), shape },
            LinkError::OpenToOthers { path: path.clone(), mode: 0o755 },
            LinkError::OtherShape { path, longs: 1, samples: 2, expected: shape },
        ];
        for error in errors {
            let line = error.to_string();
            assert!(line.starts_with("/dev/shm/a\u{fffd}b: "), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}
