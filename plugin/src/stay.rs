//! Keeps the plugin's code in memory when a thread that runs it could not be stopped.
//!
//! Hosts unload a plugin's binary with its last instance. A worker that hangs in a hop, or a window
//! whose driver hangs, would then resume in unmapped memory and crash the host. The binary
//! therefore stays loaded until the host ends. This costs some megabytes, and only after a failure.
#![allow(unsafe_code, reason = "the systems' loaders are C interfaces")]

use std::ffi::c_void;

/// Keeps this binary loaded from now on, even if the host unloads it.
pub(crate) fn in_memory() {
    // There is no fallback if the system refuses.
    let _ = keep_loaded((in_memory as fn()) as *const c_void);
}

/// Keeps the binary that contains `code` loaded. Returns false if the system does not know the
/// address or refuses.
#[cfg(unix)]
fn keep_loaded(code: *const c_void) -> bool {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: `dladdr` accepts any address, and `info` is ours to write.
    if unsafe { libc::dladdr(code, info.as_mut_ptr()) } == 0 {
        return false;
    }
    // SAFETY: zeros are valid for it, and `dladdr` has written it.
    let path = unsafe { info.assume_init() }.dli_fname;
    if path.is_null() {
        return false;
    }
    let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
    // SAFETY: the path is the loader's own string. With `RTLD_NOLOAD` nothing is loaded, so no
    // initialiser runs. The handle is never closed.
    !unsafe { libc::dlopen(path, flags) }.is_null()
}

/// Keeps the binary that contains `code` loaded. Returns false if the system does not know the
/// address or refuses.
#[cfg(windows)]
fn keep_loaded(code: *const c_void) -> bool {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };
    let mut module = std::ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY: with this flag the name is an address, and any address is allowed. The handle is
    // written to a local variable.
    unsafe { GetModuleHandleExW(flags, code.cast(), &raw mut module) != 0 }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;
    use std::ffi::CStr;

    /// A part of every glibc that hardly any program loads.
    const LIBRARY: &CStr = c"libthread_db.so.1";

    fn is_loaded() -> bool {
        // SAFETY: nothing is loaded, and the handle is closed.
        unsafe {
            let handle = libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            !handle.is_null() && libc::dlclose(handle) == 0
        }
    }

    #[test]
    fn what_is_kept_stays_when_its_last_user_lets_go() {
        for is_kept in [false, true] {
            // SAFETY: a system library that nothing else here uses.
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
