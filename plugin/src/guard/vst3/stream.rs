//! Saved states through a VST3 host's streams, in pieces of any length.
//!
//! The framework gets a stream of the guard. It treats a host's stream as broken if a read
//! returns fewer bytes than requested, and reports success if a write takes only a part of the
//! state or nothing.
#![allow(unsafe_code, reason = "a VST3 interface")]

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard};

use vst3::Steinberg::{
    IBStream, IBStream_, IBStreamTrait, int32, int64, kInvalidArgument, kResultFalse, kResultOk,
    tresult,
};
use vst3::{Class, ComRef, ComWrapper};

use crate::guard::MAX_STATE_BYTES;
use crate::sync::lock;

/// Bytes per read.
const PIECE_BYTES: usize = 1 << 16;

/// Reads a host's stream from its current position to its end. Returns `None` if the stream fails
/// or holds more than [`MAX_STATE_BYTES`].
pub(super) fn read_all(stream: ComRef<'_, IBStream>) -> Option<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0_u8; PIECE_BYTES]);
    loop {
        let mut count = 0;
        let room = int32::try_from(piece.len()).unwrap_or(int32::MAX);
        // The result is not reliable: at the end some hosts report an error, and others do not.
        // SAFETY: a live stream, and room for the given number of bytes.
        unsafe { stream.read(piece.as_mut_ptr().cast(), room, &raw mut count) };
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
pub(super) fn write_all(stream: ComRef<'_, IBStream>, mut bytes: &[u8]) -> bool {
    const UNSAID: int32 = -1;
    while !bytes.is_empty() {
        let (mut count, size) = (UNSAID, int32::try_from(bytes.len()).unwrap_or(int32::MAX));
        let from = bytes.as_ptr().cast_mut().cast();
        // SAFETY: a live stream, and as many bytes as given, which it only reads.
        let result = unsafe { stream.write(from, size, &raw mut count) };
        // A host may take all bytes without reporting their number.
        let count = if count == UNSAID && result == kResultOk { size } else { count };
        match usize::try_from(count) {
            Ok(count @ 1..) if count <= bytes.len() => bytes = &bytes[count..],
            _ => return false,
        }
    }
    true
}

/// A stream in memory, for the framework.
pub(super) struct Memory(Mutex<Inner>);

struct Inner {
    bytes: Vec<u8>,
    position: usize,
}

impl Class for Memory {
    type Interfaces = (IBStream,);
}

impl Memory {
    pub(super) fn of(bytes: Vec<u8>) -> ComWrapper<Self> {
        ComWrapper::new(Self(Mutex::new(Inner { bytes, position: 0 })))
    }

    /// Returns all bytes and empties the stream.
    pub(super) fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.inner().bytes)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.0)
    }
}

impl IBStreamTrait for Memory {
    unsafe fn read(&self, to: *mut c_void, size: int32, num_read: *mut int32) -> tresult {
        let mut inner = self.inner();
        let Ok(size) = usize::try_from(size) else { return kInvalidArgument };
        let count = size.min(inner.bytes.len().saturating_sub(inner.position));
        let start = inner.position;
        // SAFETY: the framework has room for `size` bytes; `num_read` is null or writable.
        unsafe {
            std::ptr::copy_nonoverlapping(inner.bytes[start..].as_ptr(), to.cast(), count);
            if let Some(num_read) = num_read.as_mut() {
                *num_read = int32::try_from(count).unwrap_or(int32::MAX);
            }
        }
        inner.position += count;
        kResultOk
    }

    unsafe fn write(&self, from: *mut c_void, size: int32, num_written: *mut int32) -> tresult {
        let Ok(count) = usize::try_from(size) else { return kInvalidArgument };
        // SAFETY: the framework provides `size` bytes; `num_written` is null or writable.
        unsafe {
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), count);
            self.inner().bytes.extend_from_slice(bytes);
            if let Some(num_written) = num_written.as_mut() {
                *num_written = size;
            }
        }
        kResultOk
    }

    unsafe fn seek(&self, offset: int64, mode: int32, result: *mut int64) -> tresult {
        #[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
        const END: int32 = IBStream_::IStreamSeekMode_::kIBSeekEnd as int32;
        #[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
        const CURRENT: int32 = IBStream_::IStreamSeekMode_::kIBSeekCur as int32;
        let mut inner = self.inner();
        let base = match mode {
            END => inner.bytes.len(),
            CURRENT => inner.position,
            _ => 0,
        };
        let to = int64::try_from(base).ok().and_then(|base| base.checked_add(offset));
        let to = to.and_then(|to| usize::try_from(to).ok());
        let Some(to) = to.filter(|&to| to <= inner.bytes.len()) else { return kResultFalse };
        inner.position = to;
        drop(inner);
        if !result.is_null() {
            // SAFETY: the framework's variable.
            unsafe { self.tell(result) };
        }
        kResultOk
    }

    unsafe fn tell(&self, position: *mut int64) -> tresult {
        // SAFETY: null or the framework's variable.
        let Some(position) = (unsafe { position.as_mut() }) else { return kInvalidArgument };
        *position = int64::try_from(self.inner().position).unwrap_or(int64::MAX);
        kResultOk
    }
}
