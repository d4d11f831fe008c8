//! The user of this process: id and temporary folder, also where the environment is reduced.
#![cfg_attr(unix, allow(unsafe_code, reason = "std has no call for the user's id"))]

use std::path::PathBuf;

/// Returns the id of the user whose files this process creates.
#[cfg(unix)]
pub(super) fn id() -> u32 {
    // SAFETY: the call has no arguments and always succeeds.
    unsafe { libc::geteuid() }
}

/// Returns the user's own temporary folder, which does not depend on the environment.
#[cfg(target_os = "macos")]
pub(super) fn temp_folder() -> PathBuf {
    use std::os::unix::ffi::OsStringExt;

    let mut text = vec![0_u8; 1024];
    // SAFETY: the call writes at most `text.len()` bytes.
    let len = unsafe {
        libc::confstr(libc::_CS_DARWIN_USER_TEMP_DIR, text.as_mut_ptr().cast(), text.len())
    };
    // The length includes the final zero; it is 0 after a failure.
    if len < 2 || len > text.len() {
        return std::env::temp_dir();
    }
    text.truncate(len - 1);
    std::ffi::OsString::from_vec(text).into()
}

/// Returns the user's own temporary folder, whose access list admits only the user.
#[cfg(windows)]
pub(super) fn temp_folder() -> PathBuf {
    std::env::temp_dir()
}

/// Returns the folder for files of the user's session, if the environment names one.
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) fn run_time_folder() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    path.is_absolute().then_some(path)
}
