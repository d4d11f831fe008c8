//! Shared values: in a mapped file, or in plain memory for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::map::{Mapping, ReadMapping, ReadU32, ReadU64, read_longs, read_samples};
use super::shape::{RESERVED_LONGS, Shape};

/// Distance in bytes at which [`Memory::touch`] reaches every page; no system has smaller pages.
const PAGE_BYTES: usize = 4096;

/// Values that their owner writes.
///
/// Clones share the same values. The mapping ends when the last clone is dropped, also if the
/// [`Segment`](super::Segment) was dropped earlier; stores are then possible, but no reader finds
/// them. New values are zero.
///
/// # Real-time
///
/// [`Self::longs`] and [`Self::samples`] are safe on the audio thread. The last clone must not be
/// dropped there.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Region>);

#[derive(Debug)]
enum Region {
    Mapped(Mapping),
    Plain { all_longs: Box<[AtomicU64]>, samples: Box<[AtomicU32]> },
}

impl Memory {
    /// Allocates values that this process alone can reach; for tests of code that uses segments.
    #[must_use]
    pub fn plain(shape: Shape) -> Self {
        Self(Arc::new(Region::Plain {
            all_longs: (0..RESERVED_LONGS + shape.longs).map(|_| AtomicU64::new(0)).collect(),
            samples: (0..shape.samples).map(|_| AtomicU32::new(0)).collect(),
        }))
    }

    pub(super) fn mapped(mapping: Mapping) -> Self {
        Self(Arc::new(Region::Mapped(mapping)))
    }

    /// Returns the 64-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn longs(&self) -> &[AtomicU64] {
        &self.all_longs()[RESERVED_LONGS..]
    }

    /// Returns the 32-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn samples(&self) -> &[AtomicU32] {
        match &*self.0 {
            Region::Mapped(mapping) => mapping.samples(),
            Region::Plain { samples, .. } => samples,
        }
    }

    /// Returns the same values for readers of this process.
    #[must_use]
    pub fn view(&self) -> MemoryView {
        MemoryView(Source::Owned(self.clone()))
    }

    /// Returns all longs, including the reserved ones.
    pub(super) fn all_longs(&self) -> &[AtomicU64] {
        match &*self.0 {
            Region::Mapped(mapping) => mapping.all_longs(),
            Region::Plain { all_longs, .. } => all_longs,
        }
    }

    /// Writes zeros to every page, so that later accesses do not wait for the system.
    pub(super) fn touch(&self) {
        for long in self.longs().iter().step_by(PAGE_BYTES / size_of::<u64>()) {
            long.store(0, Ordering::Relaxed);
        }
        for sample in self.samples().iter().step_by(PAGE_BYTES / size_of::<u32>()) {
            sample.store(0, Ordering::Relaxed);
        }
    }
}

/// Values that another instance writes, for reading only.
///
/// Clones share the same values.
///
/// # Real-time
///
/// As for [`Memory`].
#[derive(Clone, Debug)]
pub struct MemoryView(Source);

#[derive(Clone, Debug)]
enum Source {
    Mapped(Arc<ReadMapping>),
    Owned(Memory),
}

impl MemoryView {
    pub(super) fn mapped(mapping: ReadMapping) -> Self {
        Self(Source::Mapped(Arc::new(mapping)))
    }

    /// Returns the 64-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn longs(&self) -> &[ReadU64] {
        &self.all_longs()[RESERVED_LONGS..]
    }

    /// Returns the 32-bit values.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    #[must_use]
    pub fn samples(&self) -> &[ReadU32] {
        match &self.0 {
            Source::Mapped(mapping) => mapping.samples(),
            Source::Owned(memory) => read_samples(memory.samples()),
        }
    }

    /// Returns all longs, including the reserved ones.
    pub(super) fn all_longs(&self) -> &[ReadU64] {
        match &self.0 {
            Source::Mapped(mapping) => mapping.all_longs(),
            Source::Owned(memory) => read_longs(memory.all_longs()),
        }
    }

    /// Loads from every page, so that later accesses do not wait for the system.
    pub(super) fn touch(&self) {
        for long in self.longs().iter().step_by(PAGE_BYTES / size_of::<u64>()) {
            std::hint::black_box(long.load());
        }
        for sample in self.samples().iter().step_by(PAGE_BYTES / size_of::<u32>()) {
            std::hint::black_box(sample.load());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { longs: 3, samples: 5 };

    #[test]
    fn a_view_shows_the_owners_values_in_plain_memory() {
        let memory = Memory::plain(SHAPE);
        let view = memory.view();
        assert_eq!((view.longs().len(), view.samples().len()), (3, 5));
        let owner = memory.clone();
        let thread = std::thread::spawn(move || {
            owner.samples()[4].store(9, Ordering::Relaxed);
            owner.longs()[2].store(8, Ordering::Release);
        });
        while view.longs()[2].load_acquire() != 8 {
            std::thread::yield_now();
        }
        assert_eq!(view.samples()[4].load(), 9);
        assert_eq!(view.longs()[0].load(), 0);
        thread.join().unwrap();
    }

    #[test]
    fn memory_can_go_to_other_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Memory>();
        check::<MemoryView>();
    }
}
