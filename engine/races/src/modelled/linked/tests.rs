//! A writer that overtakes a reader.

use loom::thread;

use super::super::tests::model;
use super::memory::Memory;
use super::raw::{Places, RECORD_LONGS, RawReader, RawWriter};

const PLACES: Places =
    Places { writing: 0, written: 1, num_records: 2, table: 3, table_records: 2, capacity: 2 };

fn memory() -> Memory {
    Memory::new(PLACES.table + PLACES.table_records * RECORD_LONGS, PLACES.capacity)
}

/// Each sample is one more than its count, so a sample of another count shows.
#[test]
fn samples_are_those_of_their_count_or_refused() {
    model(3, || {
        let memory = memory();
        let reader = RawReader::new(memory.clone(), PLACES);
        let mut writer = RawWriter::new(memory, PLACES);
        let thread = thread::spawn(move || {
            for count in 0_u8..3 {
                writer.append(&[&mut [f32::from(count + 1)]], 0, 1);
            }
        });
        for count in 0_u8..2 {
            let mut out = [0.0];
            if reader.read(0, u64::from(count), &mut out) {
                assert_eq!(out[0], f32::from(count + 1));
            }
        }
        thread.join().unwrap();
    });
}

#[test]
fn records_are_whole_or_refused() {
    model(3, || {
        let memory = memory();
        let reader = RawReader::new(memory.clone(), PLACES);
        let mut writer = RawWriter::new(memory, PLACES);
        let thread = thread::spawn(move || {
            for number in 0..3 {
                writer.record(&[number + 1; RECORD_LONGS]);
            }
        });
        for number in 0..2 {
            if let Some(record) = reader.record(number) {
                assert_eq!(record, [number + 1; RECORD_LONGS]);
            }
        }
        thread.join().unwrap();
    });
}
