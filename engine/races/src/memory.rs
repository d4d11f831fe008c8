//! Stand-in for the memory of a segment, over the atomics of the module that includes this file.

use super::atomics::{Arc, AtomicU32, AtomicU64, Ordering, fence};

#[derive(Debug)]
pub(super) struct Long(AtomicU64);

impl Long {
    pub(super) fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    pub(super) fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A relaxed load and a fence, as for memory that is mapped read-only.
    pub(super) fn load_acquire(&self) -> u64 {
        let value = self.load();
        fence(Ordering::Acquire);
        value
    }
}

#[derive(Debug)]
pub(super) struct Sample(AtomicU32);

impl Sample {
    pub(super) fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }

    pub(super) fn load(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Memory for one writer and its readers.
#[derive(Clone, Debug)]
pub(super) struct Memory(Arc<(Vec<Long>, Vec<Sample>)>);

/// The same, for readers.
pub(super) type MemoryView = Memory;

impl Memory {
    pub(super) fn new(num_longs: usize, num_samples: usize) -> Self {
        let longs = (0..num_longs).map(|_| Long(AtomicU64::new(0))).collect();
        Self(Arc::new((longs, (0..num_samples).map(|_| Sample(AtomicU32::new(0))).collect())))
    }

    pub(super) fn longs(&self) -> &[Long] {
        &self.0.0
    }

    pub(super) fn samples(&self) -> &[Sample] {
        &self.0.1
    }
}
