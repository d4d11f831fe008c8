//! Texts in the fixed arrays of CLAP.

use std::ffi::c_char;

/// Writes as much of `text` as fits, always NUL-terminated.
pub(super) fn write_name<const N: usize>(to: &mut [c_char; N], text: &str) {
    to.fill(0);
    let mut length = text.len().min(N - 1);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    for (slot, byte) in to.iter_mut().zip(&text.as_bytes()[..length]) {
        *slot = c_char::from_ne_bytes([*byte]);
    }
}
