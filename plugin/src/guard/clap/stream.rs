//! Saved states through a CLAP host's streams, in pieces of any length.
//!
//! The framework gets streams of the guard. It trusts the byte counts of a host's streams, and
//! aborts the host if a stream has no function.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::c_void;

use clap_sys::stream::{clap_istream, clap_ostream};

use crate::guard::MAX_STATE_BYTES;

/// Bytes per read.
const PIECE_BYTES: usize = 1 << 16;

/// Reads everything from a host's stream. Returns `None` if the stream fails or holds more
/// than [`MAX_STATE_BYTES`].
///
/// # Safety
///
/// `stream` is null or a live stream.
pub(super) unsafe fn read_all(stream: *const clap_istream) -> Option<Vec<u8>> {
    // SAFETY: as the caller guarantees.
    let read = unsafe { stream.as_ref() }?.read?;
    let (mut bytes, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    loop {
        // SAFETY: a live stream, and room for the given number of bytes.
        let count = unsafe { read(stream, piece.as_mut_ptr().cast(), piece.len() as u64) };
        match usize::try_from(count) {
            Ok(0) => return Some(bytes),
            Ok(count) if count <= piece.len() && bytes.len() + count <= MAX_STATE_BYTES => {
                bytes.extend_from_slice(&piece[..count]);
            }
            _ => return None,
        }
    }
}

/// Writes all bytes to a host's stream. Returns false if the stream does not take all of them.
///
/// # Safety
///
/// `stream` is null or a live stream.
pub(super) unsafe fn write_all(stream: *const clap_ostream, mut bytes: &[u8]) -> bool {
    // SAFETY: as the caller guarantees.
    let Some(write) = unsafe { stream.as_ref() }.and_then(|stream| stream.write) else {
        return false;
    };
    while !bytes.is_empty() {
        // SAFETY: a live stream, and as many bytes as given.
        let count = unsafe { write(stream, bytes.as_ptr().cast(), bytes.len() as u64) };
        match usize::try_from(count) {
            Ok(count @ 1..) if count <= bytes.len() => bytes = &bytes[count..],
            _ => return false,
        }
    }
    true
}

/// Returns a stream that appends to `bytes`; valid while `bytes` is not moved.
pub(super) fn collecting(bytes: &mut Vec<u8>) -> clap_ostream {
    clap_ostream { ctx: std::ptr::from_mut(bytes).cast(), write: Some(collect) }
}

/// Returns a stream that reads the rest of `bytes`; valid while `bytes` is not moved.
pub(super) fn giving(bytes: &mut &[u8]) -> clap_istream {
    clap_istream { ctx: std::ptr::from_mut(bytes).cast(), read: Some(give) }
}

unsafe extern "C" fn collect(stream: *const clap_ostream, from: *const c_void, size: u64) -> i64 {
    let (Ok(count), Ok(taken)) = (usize::try_from(size), i64::try_from(size)) else { return -1 };
    // SAFETY: the context is the vector of `collecting`, and the framework provides `size` bytes.
    unsafe {
        let bytes = &mut *(*stream).ctx.cast::<Vec<u8>>();
        bytes.extend_from_slice(std::slice::from_raw_parts(from.cast(), count));
    }
    taken
}

unsafe extern "C" fn give(stream: *const clap_istream, to: *mut c_void, size: u64) -> i64 {
    // SAFETY: the context is the slice of `giving`, and the framework has room for `size` bytes.
    unsafe {
        let left = &mut *(*stream).ctx.cast::<&[u8]>();
        let count = usize::try_from(size).unwrap_or(usize::MAX).min(left.len());
        let (piece, rest) = left.split_at(count);
        std::ptr::copy_nonoverlapping(piece.as_ptr(), to.cast(), count);
        *left = rest;
        i64::try_from(count).unwrap_or(-1)
    }
}
