//! Hosting CLAP plugins.

#![allow(unsafe_code, reason = "CLAP is a C interface")]

mod callbacks;
mod editor;
mod events;
mod instance;
mod module;
mod odd;
mod odd_events;

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

/// Returns the text in a fixed field, up to its terminator or its end.
fn field_text(field: &[c_char]) -> String {
    let bytes: Vec<u8> =
        field.iter().take_while(|&&byte| byte != 0).map(|byte| byte.to_ne_bytes()[0]).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns a function pointer that the interface requires; fails if it is null.
fn required<F: Copy>(function: Option<F>, name: &str) -> Result<F> {
    function.with_context(|| format!("function {name} is null"))
}
