//! The folder of all segments of one user: its listing is the only registry of instances.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::LinkError;
use super::name::{FORMAT, Name, SegmentId, Stage};
use super::user;

/// Name of the folder; with the user's id where several users share the parent folder.
const NAME: &str = "unspill-link";

/// The folder of all segments of one user.
///
/// # Real-time
///
/// Worker or main thread only: every call reads the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens this user's folder, and creates it if necessary.
    ///
    /// All processes of a user use the same folder, in every environment:
    ///
    /// - Linux: `/dev/shm/unspill-link-<uid>`. `$XDG_RUNTIME_DIR/unspill-link` only where
    ///   `/dev/shm` is missing or not writable.
    /// - macOS: `unspill-link` in the user's temporary folder of the system.
    /// - Windows: `unspill-link` in the user's temporary folder according to `TMP`. That folder's
    ///   access list admits only the user and administrators; it is not checked here.
    ///
    /// A process with its own view of the file system, as in a container, finds only the instances
    /// of that view.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created, or if other users have access to it.
    pub fn of_user() -> Result<Self, LinkError> {
        #[cfg(all(unix, not(target_os = "macos")))]
        return Self::first_usable(Path::new("/dev/shm"), user::run_time_folder().as_deref());
        #[cfg(any(target_os = "macos", windows))]
        return Self::at(&user::temp_folder().join(NAME));
    }

    /// Opens the folder in `shared`, or in `run_time` if `shared` is missing or not writable.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(super) fn first_usable(shared: &Path, run_time: Option<&Path>) -> Result<Self, LinkError> {
        let result = Self::at(&shared.join(format!("{NAME}-{}", user::id())));
        let is_unusable = matches!(&result, Err(LinkError::Io { source, .. }) if matches!(
            source.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
        ));
        match run_time {
            Some(run_time) if is_unusable => {
                check_private(run_time)?;
                Self::at(&run_time.join(NAME))
            }
            _ => result,
        }
    }

    /// Opens the folder at `path`, and creates it if necessary; its parent has to exist.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created, or if `path` is a link or a file. On Unix also if the
    /// folder belongs to another user or is open to others. On Windows access is not checked.
    pub fn at(path: &Path) -> Result<Self, LinkError> {
        match create_private(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(LinkError::io(path, "create the folder", error)),
        }
        check_private(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lists the segments of this format, in the order of their ids.
    ///
    /// Segments of ended processes are included until [`reclaim`](fn@super::reclaim) removes them.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn list(&self) -> Result<Vec<SegmentId>, LinkError> {
        let mut ids: Vec<_> = self
            .names()?
            .filter(|name| name.format == FORMAT && name.stage == Stage::Complete)
            .map(|name| name.id)
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Returns the time of the last change to the folder's listing; `None` if it cannot be read.
    ///
    /// The time comes from a coarse clock: two changes within about 10 ms can have the same time.
    /// [`Watch`](super::Watch) takes care of this.
    #[must_use]
    pub fn modified(&self) -> Option<SystemTime> {
        self.path.symlink_metadata().and_then(|metadata| metadata.modified()).ok()
    }

    /// Returns the names of all segments, of any format and stage.
    pub(super) fn names(&self) -> Result<impl Iterator<Item = Name>, LinkError> {
        let entries = fs::read_dir(&self.path)
            .map_err(|error| LinkError::io(&self.path, "list the segments", error))?;
        Ok(entries.flatten().filter_map(|entry| Name::parse(entry.file_name().to_str()?)))
    }

    pub(super) fn join(&self, name: Name) -> PathBuf {
        self.path.join(name.to_string())
    }
}

/// Creates a folder that is closed to other users. Windows: with its parent's access list.
fn create_private(path: &Path) -> io::Result<()> {
    private_folders().create(path)
}

/// Returns a builder of folders that are closed to other users. Windows: with their parents' access
/// lists.
pub(crate) fn private_folders() -> fs::DirBuilder {
    #[allow(unused_mut, reason = "Windows has nothing to change")]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Checks that `path` is a folder, not a link, and that only this user has access.
fn check_private(path: &Path) -> Result<(), LinkError> {
    let metadata = path
        .symlink_metadata()
        .map_err(|error| LinkError::io(path, "read the folder's permissions", error))?;
    if !metadata.is_dir() {
        return Err(LinkError::IsNoFolder { path: path.to_owned() });
    }
    check_own(path, &metadata)?;
    check_closed(path, &metadata)
}

/// Checks that a file or folder belongs to this user. Windows: no check.
pub(super) fn check_own(path: &Path, metadata: &Metadata) -> Result<(), LinkError> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(metadata) != user::id() {
        return Err(LinkError::OtherUser { path: path.to_owned() });
    }
    let _ = (path, metadata);
    Ok(())
}

/// Checks that a file or folder is closed to other users. Windows: no check.
pub(super) fn check_closed(path: &Path, metadata: &Metadata) -> Result<(), LinkError> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777;
        if mode & 0o077 != 0 {
            return Err(LinkError::OpenToOthers { path: path.to_owned(), mode });
        }
    }
    let _ = (path, metadata);
    Ok(())
}
