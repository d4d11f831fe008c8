//! Saved states through a CLAP host's streams, in whatever pieces those take and give them.
//!
//! The framework gets streams of ours: it believes a host's about how much it took or gave, and aborts the host where one has no
//! function.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::ffi::c_void;

use clap_sys::stream::{clap_istream, clap_ostream};

use crate::guard::MAX_STATE_BYTES;

/// How much is asked for at once.
const PIECE_BYTES: usize = 1 << 16;

/// Everything that a host's stream holds; `None` where it fails, or holds more than any state.
///
/// # Safety
///
/// `stream` is null or a live stream.
pub(super) unsafe fn read_all(stream: *const clap_istream) -> Option<Vec<u8>> {
    // SAFETY: the caller's promise.
    let read = unsafe { stream.as_ref() }?.read?;
    let (mut bytes, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    loop {
        // SAFETY: a live stream and as much room as it is told of.
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

/// Gives all of it to a host's stream; false where the stream does not take all.
///
/// # Safety
///
/// `stream` is null or a live stream.
pub(super) unsafe fn write_all(stream: *const clap_ostream, mut bytes: &[u8]) -> bool {
    // SAFETY: the caller's promise.
    let Some(write) = unsafe { stream.as_ref() }.and_then(|stream| stream.write) else {
        return false;
    };
    while !bytes.is_empty() {
        // SAFETY: a live stream and as many bytes as it is told of.
        let count = unsafe { write(stream, bytes.as_ptr().cast(), bytes.len() as u64) };
        match usize::try_from(count) {
            Ok(count @ 1..) if count <= bytes.len() => bytes = &bytes[count..],
            _ => return false,
        }
    }
    true
}

/// A stream that collects what it is given; valid while `bytes` is not moved.
pub(super) fn collecting(bytes: &mut Vec<u8>) -> clap_ostream {
    clap_ostream { ctx: std::ptr::from_mut(bytes).cast(), write: Some(collect) }
}

/// A stream of what is left of `bytes`; valid while it is not moved.
pub(super) fn giving(bytes: &mut &[u8]) -> clap_istream {
    clap_istream { ctx: std::ptr::from_mut(bytes).cast(), read: Some(give) }
}

unsafe extern "C" fn collect(stream: *const clap_ostream, from: *const c_void, size: u64) -> i64 {
    let (Ok(count), Ok(taken)) = (usize::try_from(size), i64::try_from(size)) else { return -1 };
    // SAFETY: the context is the vector of `collecting`, and the framework offers so many bytes.
    unsafe {
        let bytes = &mut *(*stream).ctx.cast::<Vec<u8>>();
        bytes.extend_from_slice(std::slice::from_raw_parts(from.cast(), count));
    }
    taken
}

unsafe extern "C" fn give(stream: *const clap_istream, to: *mut c_void, size: u64) -> i64 {
    // SAFETY: the context is the slice of `giving`, and the framework has room for so many bytes.
    unsafe {
        let left = &mut *(*stream).ctx.cast::<&[u8]>();
        let count = usize::try_from(size).unwrap_or(usize::MAX).min(left.len());
        let (piece, rest) = left.split_at(count);
        std::ptr::copy_nonoverlapping(piece.as_ptr(), to.cast(), count);
        *left = rest;
        i64::try_from(count).unwrap_or(-1)
    }
}
