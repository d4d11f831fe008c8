//! Streams through which a plugin saves and loads its state in pieces.

use std::ffi::c_void;

use clap_sys::stream::{clap_istream, clap_ostream};

/// A state that is transferred in pieces.
pub(super) struct Piecewise {
    bytes: Vec<u8>,
    position: usize,
    piece_bytes: usize,
}

impl Piecewise {
    pub(super) fn new(bytes: Vec<u8>, piece_bytes: usize) -> Self {
        Self { bytes, position: 0, piece_bytes }
    }

    /// Returns the stream that the plugin writes to; valid while `self` is neither moved nor
    /// changed.
    pub(super) fn as_output(&mut self) -> clap_ostream {
        clap_ostream { ctx: std::ptr::from_mut(self).cast(), write: Some(write) }
    }

    /// Returns the stream that the plugin reads from; valid while `self` is neither moved nor
    /// changed.
    pub(super) fn as_input(&mut self) -> clap_istream {
        clap_istream { ctx: std::ptr::from_mut(self).cast(), read: Some(read) }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

unsafe extern "C" fn write(stream: *const clap_ostream, from: *const c_void, size: u64) -> i64 {
    // SAFETY: the context is a `Piecewise`; the plugin provides `size` bytes.
    unsafe {
        let to = &mut *(*stream).ctx.cast::<Piecewise>();
        let count = usize::try_from(size).unwrap_or(usize::MAX).min(to.piece_bytes);
        to.bytes.extend_from_slice(std::slice::from_raw_parts(from.cast(), count));
        i64::try_from(count).unwrap_or(-1)
    }
}

unsafe extern "C" fn read(stream: *const clap_istream, to: *mut c_void, size: u64) -> i64 {
    // SAFETY: the context is a `Piecewise`; the plugin has space for `size` bytes.
    unsafe {
        let from = &mut *(*stream).ctx.cast::<Piecewise>();
        let left = &from.bytes[from.position..];
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let count = size.min(left.len()).min(from.piece_bytes);
        std::ptr::copy_nonoverlapping(left.as_ptr(), to.cast(), count);
        from.position += count;
        i64::try_from(count).unwrap_or(-1)
    }
}
