//! Hosting CLAP plugins.

#![allow(unsafe_code, reason = "CLAP is a C interface")]

mod audio;
mod call;
mod callbacks;
mod editor;
mod events;
mod instance;
mod loaded;
mod module;
mod odd;
mod odd_events;
mod streams;
mod transport;

pub(crate) use instance::ClapInstance;
pub(crate) use module::ClapModule;

use std::ffi::{CStr, c_char};

use anyhow::{Context, Result};

/// Returns the text of a C string; empty for null.
///
/// # Safety
///
/// `text` must be null or point to a terminated string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null; the caller guarantees that it is terminated.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Returns a function pointer that the interface requires; fails if it is null.
fn required<F: Copy>(function: Option<F>, name: &str) -> Result<F> {
    function.with_context(|| format!("function {name} is null"))
}
