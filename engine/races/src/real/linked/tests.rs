//! A writer that overtakes a reader again and again.

use super::memory::Memory;
use super::raw::{Places, RECORD_LONGS, RawReader, RawWriter};

const PLACES: Places =
    Places { writing: 0, written: 1, num_records: 2, table: 3, table_records: 4, capacity: 16 };

#[test]
fn what_is_read_is_whole() {
    const BLOCKS: u16 = if cfg!(miri) { 200 } else { 20_000 };
    let longs = PLACES.table + PLACES.table_records * RECORD_LONGS;
    let memory = Memory::new(longs, PLACES.capacity);
    let reader = RawReader::new(memory.clone(), PLACES);
    let mut writer = RawWriter::new(memory, PLACES);
    let thread = std::thread::spawn(move || {
        for block in 0..BLOCKS {
            writer.append(&[&mut [f32::from(block); 3]], 0, 3);
            writer.record(&[u64::from(block); RECORD_LONGS]);
        }
    });
    let mut whole = 0;
    while !thread.is_finished() || whole == 0 {
        let mut out = [0.0; 3];
        let block = (reader.written() / 3).saturating_sub(3);
        if reader.read(0, 3 * block, &mut out) {
            assert_eq!(out, [block as f32; 3]);
            whole += 1;
        }
        let newest = reader.num_records();
        if let Some(number) = newest.checked_sub(2)
            && let Some(record) = reader.record(number)
        {
            assert_eq!(record, [number; RECORD_LONGS]);
        }
    }
    thread.join().unwrap();
}
