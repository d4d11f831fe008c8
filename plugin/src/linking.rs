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

/// Makes the instances that this thread activates from now on use the folder at `path`; `None`
/// ends that. A host in the same binary isolates its instances so.
pub fn use_folder(path: Option<&Path>) {
    FOLDER.set(path.map(Path::to_owned));
}

/// Opens the folder for an instance that is activated now.
pub(crate) fn folder() -> Result<Folder, LinkError> {
    let chosen = FOLDER.with_borrow(Clone::clone);
    let chosen = chosen.or_else(|| std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from));
    chosen.map_or_else(Folder::of_user, |path| Folder::at(&path))
}
