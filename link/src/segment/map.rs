//! Atomic values in mapped files: the unsafe part of shared memory.
#![allow(unsafe_code, reason = "values in a mapping are reached through raw pointers")]

use std::fs::File;
use std::io;
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};

use super::shape::Layout;

/// Atomic 64-bit loads never write on these targets, so they work in memory that is read-only.
const _: () = assert!(cfg!(target_pointer_width = "64"), "segments need a 64-bit target");

/// A shared 64-bit value that can only be loaded.
///
/// The memory behind it is mapped read-only, where a store would end the process. Rust defines only
/// relaxed loads there, so [`Self::load_acquire`] is a relaxed load and a fence.
///
/// # Real-time
///
/// Safe on the audio thread.
#[derive(Debug)]
#[repr(transparent)]
pub struct ReadU64(AtomicU64);

impl ReadU64 {
    /// Loads the value with [`Ordering::Relaxed`].
    #[must_use]
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Loads the value; all that the owner wrote before its release store is visible afterwards.
    #[must_use]
    pub fn load_acquire(&self) -> u64 {
        let value = self.0.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        value
    }
}

/// A shared 32-bit value that can only be loaded.
///
/// # Real-time
///
/// Safe on the audio thread.
#[derive(Debug)]
#[repr(transparent)]
pub struct ReadU32(AtomicU32);

impl ReadU32 {
    /// Loads the value with [`Ordering::Relaxed`].
    #[must_use]
    pub fn load(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Returns the same values without permission to store.
pub(super) fn read_longs(longs: &[AtomicU64]) -> &[ReadU64] {
    // SAFETY: the types have the same representation, and `ReadU64` permits less.
    unsafe { slice::from_raw_parts(longs.as_ptr().cast(), longs.len()) }
}

/// Returns the same values without permission to store.
pub(super) fn read_samples(samples: &[AtomicU32]) -> &[ReadU32] {
    // SAFETY: the types have the same representation, and `ReadU32` permits less.
    unsafe { slice::from_raw_parts(samples.as_ptr().cast(), samples.len()) }
}

/// A file that is mapped for reading and writing.
#[derive(Debug)]
pub(super) struct Mapping {
    raw: MmapRaw,
    layout: Layout,
}

impl Mapping {
    /// Maps a file of at least the layout's length, which is open for reading and writing.
    ///
    /// # Errors
    ///
    /// If the system refuses the mapping.
    pub(super) fn new(file: &File, layout: Layout) -> io::Result<Self> {
        let raw = MmapOptions::new().len(layout.bytes).map_raw(file)?;
        Ok(Self { raw, layout })
    }

    /// Returns all longs, including the reserved ones.
    pub(super) fn all_longs(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has the layout's length, starts at a page, is writable, and lives as
        // long as `self`. Every access to it is atomic.
        unsafe { longs_at(self.raw.as_mut_ptr(), self.layout) }
    }

    /// Returns the samples.
    pub(super) fn samples(&self) -> &[AtomicU32] {
        // SAFETY: as in `all_longs`.
        unsafe { samples_at(self.raw.as_mut_ptr(), self.layout) }
    }
}

/// A file that is mapped for reading only.
#[derive(Debug)]
pub(super) struct ReadMapping {
    raw: MmapRaw,
    layout: Layout,
}

impl ReadMapping {
    /// Maps a file of at least the layout's length.
    ///
    /// # Errors
    ///
    /// If the system refuses the mapping.
    pub(super) fn new(file: &File, layout: Layout) -> io::Result<Self> {
        let raw = MmapOptions::new().len(layout.bytes).no_probe_handle().map_raw_read_only(file)?;
        Ok(Self { raw, layout })
    }

    /// Returns all longs, including the reserved ones.
    pub(super) fn all_longs(&self) -> &[ReadU64] {
        // SAFETY: the mapping has the layout's length, starts at a page, and lives as long as
        // `self`. It is read-only; `read_longs` permits only loads.
        read_longs(unsafe { longs_at(self.raw.as_mut_ptr(), self.layout) })
    }

    /// Returns the samples.
    pub(super) fn samples(&self) -> &[ReadU32] {
        // SAFETY: as in `all_longs`.
        read_samples(unsafe { samples_at(self.raw.as_mut_ptr(), self.layout) })
    }
}

/// Returns the longs of a segment at `start`.
///
/// # Safety
///
/// `start` is aligned to 8 bytes and valid for `layout.bytes` during `'a`, only atomic accesses
/// are made there, and no store if the memory is read-only.
unsafe fn longs_at<'a>(start: *mut u8, layout: Layout) -> &'a [AtomicU64] {
    // SAFETY: the longs end before `layout.bytes`; the rest is promised by the caller.
    unsafe { slice::from_raw_parts(start.cast(), layout.all_longs) }
}

/// Returns the samples of a segment at `start`.
///
/// # Safety
///
/// As for [`longs_at`].
unsafe fn samples_at<'a>(start: *mut u8, layout: Layout) -> &'a [AtomicU32] {
    // SAFETY: the samples start at a multiple of 64 bytes and end at `layout.bytes`; the rest is
    // promised by the caller.
    unsafe { slice::from_raw_parts(start.add(layout.samples_offset).cast(), layout.num_samples) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::shape::Shape;

    /// Run under Miri: all bytes of the layout are reached and none beyond it.
    #[test]
    fn longs_and_samples_fill_the_layout_without_overlap() {
        for (longs, samples) in [(0, 0), (1, 1), (8, 2), (9, 7), (120, 33)] {
            let layout = Shape { longs, samples }.layout().unwrap();
            let mut memory = vec![0_u64; layout.bytes.div_ceil(8)];
            let start: *mut u8 = memory.as_mut_ptr().cast();
            // SAFETY: `memory` is aligned, as long as the layout, and lives until the end of the
            // loop; it is used only through these slices meanwhile.
            let (all, pcm) = unsafe { (longs_at(start, layout), samples_at(start, layout)) };
            assert_eq!((all.len(), pcm.len()), (longs + 8, samples));
            all.iter().for_each(|long| long.store(u64::MAX, Ordering::Relaxed));
            pcm.iter().for_each(|sample| {
                assert_eq!(sample.swap(7, Ordering::Relaxed), 0);
            });
            assert!(read_longs(all).iter().all(|long| long.load_acquire() == u64::MAX));
            assert!(read_samples(pcm).iter().all(|sample| sample.load() == 7));
        }
    }
}
