//! The exchange of samples and records through shared memory, without their meaning.
//!
//! One writer and any number of readers, none of which waits. The model checker in `engine/races`
//! runs this file in every order.

use super::sync::Ordering::{Acquire, Relaxed, Release};
use super::sync::{Memory, MemoryView, fence};

/// Longs of a record.
pub(crate) const RECORD_LONGS: usize = 4;

/// A record of the table.
pub(crate) type Record = [u64; RECORD_LONGS];

/// Places of the ring in the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    /// Long with the count after the samples that are being written.
    pub(crate) writing: usize,
    /// Long with the count after the samples that are complete.
    pub(crate) written: usize,
    /// Long with the number of records that have been written.
    pub(crate) num_records: usize,
    /// First long of the table.
    pub(crate) table: usize,
    /// Number of records that the table holds.
    pub(crate) table_records: usize,
    /// Number of samples of one mic.
    pub(crate) capacity: usize,
}

impl Places {
    fn slot(&self, record: u64) -> usize {
        self.table + slot_of(record, self.table_records) * RECORD_LONGS
    }

    /// Returns the number of the oldest record that may still be read if `num_records` have been
    /// written.
    pub(crate) fn oldest_record(&self, num_records: u64) -> u64 {
        // The writer may be writing the next one, into the slot of the oldest.
        num_records.saturating_sub(self.table_records as u64 - 1)
    }
}

/// Writing end.
///
/// # Real-time
///
/// Wait-free.
#[derive(Debug)]
pub(crate) struct RawWriter {
    memory: Memory,
    places: Places,
    count: u64,
    num_records: u64,
}

impl RawWriter {
    pub(crate) fn new(memory: Memory, places: Places) -> Self {
        Self { memory, places, count: 0, num_records: 0 }
    }

    /// Returns the count of the next sample.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Appends a record.
    pub(crate) fn record(&mut self, record: &Record) {
        let longs = self.memory.longs();
        // Pairs with the fence in `RawReader::record`: a reader of new values in the slot finds
        // that the record which had it is gone.
        fence(Release);
        for (to, &from) in longs[self.places.slot(self.num_records)..].iter().zip(record) {
            to.store(from, Relaxed);
        }
        self.num_records += 1;
        // Release: a thread that reads the number reads the record.
        longs[self.places.num_records].store(self.num_records, Release);
    }

    /// Appends the samples `start..start + length` of every mic. `length` is at most the capacity.
    pub(crate) fn append(&mut self, mics: &[&mut [f32]], start: usize, length: usize) {
        let (longs, samples) = (self.memory.longs(), self.memory.samples());
        let capacity = self.places.capacity;
        let end = self.count + length as u64;
        longs[self.places.writing].store(end, Relaxed);
        // Pairs with the fence in `RawReader::read`: a reader of a new sample finds that the sample
        // which had its place is gone.
        fence(Release);
        let slot = slot_of(self.count, capacity);
        let first = length.min(capacity - slot);
        for (mic, block) in mics.iter().enumerate() {
            let ring = &samples[mic * capacity..][..capacity];
            let places = ring[slot..][..first].iter().chain(&ring[..length - first]);
            for (to, from) in places.zip(&block[start..start + length]) {
                to.store(from.to_bits(), Relaxed);
            }
        }
        self.count = end;
        // Release: a thread that reads the count reads the samples.
        longs[self.places.written].store(end, Release);
    }
}

/// Reading end.
///
/// # Real-time
///
/// Wait-free.
#[derive(Clone, Debug)]
pub(crate) struct RawReader {
    memory: MemoryView,
    places: Places,
}

impl RawReader {
    pub(crate) fn new(memory: MemoryView, places: Places) -> Self {
        Self { memory, places }
    }

    pub(crate) fn memory(&self) -> &MemoryView {
        &self.memory
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the count after the newest sample.
    pub(crate) fn written(&self) -> u64 {
        self.memory.longs()[self.places.written].load_acquire()
    }

    /// Returns the number of records that have been written.
    pub(crate) fn num_records(&self) -> u64 {
        self.memory.longs()[self.places.num_records].load_acquire()
    }

    /// Returns a record, or `None` if it has been overwritten or is not there yet.
    pub(crate) fn record(&self, number: u64) -> Option<Record> {
        let longs = self.memory.longs();
        let num_records = self.num_records();
        if number >= num_records || number < self.places.oldest_record(num_records) {
            return None;
        }
        let slot = self.places.slot(number);
        let record = std::array::from_fn(|index| longs[slot + index].load());
        // Pairs with the fence in `RawWriter::record`.
        fence(Acquire);
        let num_records = longs[self.places.num_records].load();
        (number >= self.places.oldest_record(num_records)).then_some(record)
    }

    /// Copies the samples of one mic from `count` on. Returns false, with any samples, if they
    /// have been overwritten or are not there yet.
    pub(crate) fn read(&self, mic: usize, count: u64, out: &mut [f32]) -> bool {
        let capacity = self.places.capacity;
        let is_there = count.checked_add(out.len() as u64).is_some_and(|end| end <= self.written());
        if !is_there || out.len() > capacity {
            return false;
        }
        let ring = &self.memory.samples()[mic * capacity..][..capacity];
        let slot = slot_of(count, capacity);
        let first = out.len().min(capacity - slot);
        let places = ring[slot..][..first].iter().chain(&ring[..out.len() - first]);
        for (to, from) in out.iter_mut().zip(places) {
            *to = f32::from_bits(from.load());
        }
        // Pairs with the fence in `RawWriter::append`.
        fence(Acquire);
        let writing = self.memory.longs()[self.places.writing].load();
        count >= writing.saturating_sub(capacity as u64)
    }
}

/// Returns the place of a number in a ring of `length`.
#[allow(clippy::cast_possible_truncation, reason = "below the length")]
fn slot_of(number: u64, length: usize) -> usize {
    (number % length as u64) as usize
}
