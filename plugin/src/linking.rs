//! The folder in which linked instances find each other.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use link::segment::{Folder, LinkError};

/// Variable of the environment that names another folder than the user's, for hosts and tests whose
/// instances must not find those of other programs.
pub const FOLDER_VARIABLE: &str = "UNSPILL_LINK_FOLDER";

thread_local! {
    static FOLDER: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Variable of the environment that names another folder for the sound that is kept on disk.
const KEPT_FOLDER_VARIABLE: &str = "UNSPILL_KEPT_FOLDER";

/// Makes the instances that this thread activates from now on use the folder at `path`; `None`
/// ends that. A host in the same binary isolates its instances so.
pub fn use_folder(path: Option<&Path>) {
    FOLDER.set(path.map(Path::to_owned));
}

/// Returns the folder of the sound that is kept on disk, for an instance that is created now;
/// `None` if the system states none. Beside a folder chosen with [`use_folder`], it is called
/// `kept`.
pub(crate) fn kept_folder() -> Option<PathBuf> {
    if let Some(chosen) = FOLDER.with_borrow(Clone::clone) {
        return Some(chosen.with_file_name("kept"));
    }
    if let Some(chosen) = folder_in(KEPT_FOLDER_VARIABLE) {
        return Some(chosen);
    }
    if cfg!(target_os = "windows") {
        Some(folder_in("LOCALAPPDATA")?.join("Unspill").join("Kept"))
    } else if cfg!(target_os = "macos") {
        Some(folder_in("HOME")?.join("Library/Caches/Unspill/Kept"))
    } else {
        let cache =
            folder_in("XDG_CACHE_HOME").or_else(|| Some(folder_in("HOME")?.join(".cache")))?;
        Some(cache.join("unspill/kept"))
    }
}

/// Returns the folder that a variable of the environment names, if its path is absolute.
pub(crate) fn folder_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Opens the folder for an instance that is activated now.
pub(crate) fn folder() -> Result<Folder, LinkError> {
    let chosen = FOLDER.with_borrow(Clone::clone);
    let chosen = chosen.or_else(|| std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from));
    chosen.map_or_else(Folder::of_user, |path| Folder::at(&path))
}
