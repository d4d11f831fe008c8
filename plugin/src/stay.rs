//! Keeps the plugin's code in memory when a thread that runs it could not be stopped.
//!
//! Hosts unload a plugin's binary when its last instance is gone. A worker that hangs in a hop, or a window whose driver hangs, would
//! then wake up in memory that is no longer there, and take the host with it. So the binary stays until the host ends: some
//! megabytes, where something has gone wrong already.
#![allow(unsafe_code, reason = "the systems' loaders are C interfaces")]

use std::ffi::c_void;

/// From now on the host's unloading leaves the code of this plugin where it is.
pub(crate) fn in_memory() {
    // Where the system cannot, all that could be done has been done.
    let _ = keep_loaded((in_memory as fn()) as *const c_void);
}

/// Keeps the binary loaded that holds this code; whether the system knows it and does so.
#[cfg(unix)]
fn keep_loaded(code: *const c_void) -> bool {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: looks the address up, whatever it is, and writes a struct of ours.
    if unsafe { libc::dladdr(code, info.as_mut_ptr()) } == 0 {
        return false;
    }
    // SAFETY: zeros are valid for it, and it has been written since.
    let path = unsafe { info.assume_init() }.dli_fname;
    if path.is_null() {
        return false;
    }
    let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
    // SAFETY: the loader's own string; nothing is loaded, and so no initialiser runs. The handle is never closed.
    !unsafe { libc::dlopen(path, flags) }.is_null()
}

/// The same.
#[cfg(windows)]
fn keep_loaded(code: *const c_void) -> bool {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };
    let mut module = std::ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY: with this flag the name is an address, whatever it is; the handle goes to a place of ours.
    unsafe { GetModuleHandleExW(flags, code.cast(), &raw mut module) != 0 }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;
    use std::ffi::CStr;

    /// A part of every glibc that hardly any program loads.
    const LIBRARY: &CStr = c"libthread_db.so.1";

    fn is_loaded() -> bool {
        // SAFETY: nothing is loaded; the handle is given back.
        unsafe {
            let handle = libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            !handle.is_null() && libc::dlclose(handle) == 0
        }
    }

    #[test]
    fn what_is_kept_stays_when_its_last_user_lets_go() {
        for is_kept in [false, true] {
            // SAFETY: a library of the system's, used for nothing.
            unsafe {
                let handle = libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_LAZY);
                assert!(!handle.is_null() && is_loaded());
                let code = libc::dlsym(handle, c"td_init".as_ptr());
                assert!(!code.is_null());
                assert!(!is_kept || keep_loaded(code));
                assert_eq!(libc::dlclose(handle), 0);
            }
            assert_eq!(is_loaded(), is_kept);
        }
        in_memory();
        assert!(!keep_loaded(std::ptr::null()));
    }
}
