//! Requests of a member's window to other members.

use super::layout::{NUM_REQUESTS, REQUEST_LONGS, REQUEST_RECORDS, REQUEST_TABLE, REQUESTS};
use super::longs::{from_text, halves, joined, to_text};
use super::sheet::Entry;
use crate::ring::{Places, RECORD_LONGS, RawReader, RawWriter, Record};
use crate::segment::{Memory, MemoryView};
use crate::track::MemberId;

/// Places of the requests, in a ring without samples.
const PLACES: Places = Places {
    writing: REQUESTS,
    written: REQUESTS,
    num_records: REQUESTS,
    table: REQUEST_TABLE,
    table_records: NUM_REQUESTS * REQUEST_RECORDS,
    capacity: 1,
};

/// A wish of a member's window: another member's own settings are to change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Number of the member whose settings are to change.
    pub target: MemberId,
    /// The setting and its wanted value.
    pub entry: Entry,
    /// Text for settings that have one. At most 64 bytes are shared.
    pub text: String,
}

impl Request {
    fn encode(&self) -> [u64; REQUEST_LONGS] {
        let mut longs = [0; REQUEST_LONGS];
        longs[..2].copy_from_slice(&halves(self.target));
        longs[2..5].copy_from_slice(&self.entry.to_longs());
        longs[8..].copy_from_slice(&from_text(&self.text));
        longs
    }

    /// Reads a request; `None` if its value is not finite.
    fn decode(longs: &[u64; REQUEST_LONGS]) -> Option<Self> {
        let &[low, high, first, second, third, _, _, _, ref text @ ..] = longs;
        let entry = Entry::from_longs([first, second, third]);
        let target = joined(low, high);
        entry.value.is_finite().then(|| Self { target, entry, text: to_text(text) })
    }
}

/// Writing end of a member's requests. There is one writer.
#[derive(Debug)]
pub(crate) struct RequestWriter {
    ring: RawWriter,
}

impl RequestWriter {
    /// Begins an empty ring. `memory` is all zero here.
    pub(crate) fn new(memory: Memory) -> Self {
        Self { ring: RawWriter::new(memory, PLACES) }
    }

    /// Appends a request. A longer text is cut at the end of a character.
    pub(crate) fn write(&mut self, request: &Request) {
        let longs = request.encode();
        longs.as_chunks::<RECORD_LONGS>().0.iter().for_each(|record| self.ring.record(record));
    }
}

/// Reading end of a member's requests. Checks every value, because another program may have
/// written it. A reader that was overtaken goes on with the oldest request that is left.
#[derive(Debug)]
pub(super) struct RequestReader {
    ring: RawReader,
    next: u64,
}

impl RequestReader {
    /// Reads all requests that are still there.
    pub(super) fn from_start(memory: MemoryView) -> Self {
        Self { ring: RawReader::new(memory, PLACES), next: 0 }
    }

    /// Reads the requests from now on.
    pub(super) fn from_now(memory: MemoryView) -> Self {
        let reader = Self::from_start(memory);
        Self { next: reader.ring.num_records() / REQUEST_RECORDS as u64, ..reader }
    }

    /// Appends the new requests to `requests`.
    pub(super) fn read(&mut self, requests: &mut Vec<Request>) {
        let num_records = self.ring.num_records();
        let oldest = self.ring.places().oldest_record(num_records);
        self.next = self.next.max(oldest.div_ceil(REQUEST_RECORDS as u64));
        while self.next < num_records / REQUEST_RECORDS as u64 {
            requests.extend(self.request(self.next));
            self.next += 1;
        }
    }

    fn request(&self, number: u64) -> Option<Request> {
        let mut longs = [0; REQUEST_LONGS];
        let first = number * REQUEST_RECORDS as u64;
        for (to, number) in longs.as_chunks_mut().0.iter_mut().zip(first..) {
            let record: Record = self.ring.record(number)?;
            *to = record;
        }
        Request::decode(&longs)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::ring::SHAPE;

    fn request(number: u16) -> Request {
        let entry = Entry { code: 3, about: 4 << 100 | 5, value: f32::from(number) };
        Request { target: 6 << 90 | 7, entry, text: format!("request {number}") }
    }

    #[test]
    fn requests_arrive_once_and_an_overtaken_reader_goes_on_with_the_oldest() {
        let memory = Memory::plain(SHAPE);
        let mut reader = RequestReader::from_start(memory.view());
        let mut writer = RequestWriter::new(memory.clone());
        let mut read = Vec::new();
        let mut sent = 0;
        for (count, expected) in
            [(0, 0), (1, 1), (5, 5), (1023, 1023), (1024, 1023), (3000, 1023), (2, 2)]
        {
            (sent..sent + count).for_each(|number| writer.write(&request(number)));
            sent += count;
            read.clear();
            reader.read(&mut read);
            let all: Vec<Request> = (sent - expected..sent).map(request).collect();
            assert_eq!(read, all);
        }
        let mut late = RequestReader::from_now(memory.view());
        writer.write(&Request { text: "é".repeat(40), ..request(1) });
        read.clear();
        late.read(&mut read);
        assert_eq!(read, [Request { text: "é".repeat(32), ..request(1) }]);
    }

    #[test]
    fn foreign_numbers_make_few_requests_with_finite_values() {
        let memory = Memory::plain(SHAPE);
        let mut reader = RequestReader::from_start(memory.view());
        for bits in [u64::MAX, 1 << 63, 0x7f80_0000_7f80_0000, 0x4000_0000_4000_0000, 7, 0] {
            memory.longs()[REQUEST_TABLE..].iter().for_each(|long| long.store(bits, Relaxed));
            for count in [bits, bits / 2, 300, 3, u64::MAX] {
                memory.longs()[REQUESTS].store(count, Relaxed);
                let _ = RequestReader::from_now(memory.view());
                let mut read = Vec::new();
                reader.read(&mut read);
                RequestReader::from_start(memory.view()).read(&mut read);
                assert!(read.len() <= 2 * NUM_REQUESTS, "{bits} {count}: {}", read.len());
                assert!(read.iter().all(|request| request.entry.value.is_finite()));
            }
        }
    }

    /// The writer overtakes the reader again and again: every request is whole.
    #[test]
    fn an_overtaken_reader_gets_no_mixture() {
        const COUNT: u16 = if cfg!(miri) { 100 } else { 60_000 };
        let memory = Memory::plain(SHAPE);
        let mut reader = RequestReader::from_start(memory.view());
        let mut writer = RequestWriter::new(memory);
        let thread = std::thread::spawn(move || {
            (0..COUNT).for_each(|number| writer.write(&request(number)));
        });
        let mut read = Vec::new();
        while read.last() != Some(&request(COUNT - 1)) {
            reader.read(&mut read);
        }
        thread.join().unwrap();
        assert!(read.is_sorted_by(|a, b| a.entry.value < b.entry.value));
        assert!(
            read.iter().all(|request| request.text == format!("request {}", request.entry.value))
        );
    }
}
