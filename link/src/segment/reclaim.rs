//! Removal of segments whose owner's process has ended.

use std::fs;

use super::folder::Folder;
use super::view::open_own;

/// Removes the segments whose owner has died, of any format, and returns their number.
///
/// Files of killed creations are removed as well. Best effort: a file that cannot be opened or
/// removed stays.
///
/// An owner locks the file for its whole life, so an unlocked file is a leftover. Several processes
/// can reclaim at once: each file counts for the one that removes it. The lock taken here is
/// shared, so it meets no test by a reader. An owner that has created its file but not locked it
/// yet can lose it; [`Segment::create`](super::Segment::create) detects this and creates another.
/// So age plays no part, and a wrong clock does no harm.
///
/// # Real-time
///
/// Worker or main thread only.
pub fn reclaim(folder: &Folder) -> usize {
    let Ok(names) = folder.names() else { return 0 };
    let paths = names.map(|name| folder.join(name));
    paths
        .filter(|path| {
            let Ok((file, _)) = open_own(path) else { return false };
            // The lock stays until the name is gone: an owner that locks the file later sees this.
            let is_removed = file.try_lock_shared().is_ok() && fs::remove_file(path).is_ok();
            // Explicit, because a child process can have inherited the open file.
            let _ = file.unlock();
            is_removed
        })
        .count()
}
