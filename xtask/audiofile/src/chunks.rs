//! The chunks of RIFF, RIFX, RF64, BW64, Wave64 and AIFF files, read without trusting their sizes.
//!
//! | | identifier | size | padding |
//! |---|---|---|---|
//! | RIFF | 4 bytes | 32 bits, of the body | to 2 bytes |
//! | RIFX, FORM (AIFF, AIFF-C) | 4 bytes | the same, most significant byte first | to 2 bytes |
//! | RF64, BW64 | 4 bytes | 32 bits; `0xFFFFFFFF` refers to `ds64` | to 2 bytes |
//! | Wave64 (Sony) | 16 bytes | 64 bits, including the header | to 8 bytes |
//!
//! RF64 is specified in EBU Tech 3306, BW64 in ITU-R BS.2088. A size only moves the position; no
//! memory is allocated for it.

use crate::byte_order::Order;
use crate::input::{Fault, Input};

/// Largest number of chunks; a file with more counts as damaged.
const MOST_CHUNKS: u32 = 10_000;
/// Largest number of entries read from a `ds64` table; the others are ignored.
const MOST_TABLE_ENTRIES: u32 = 1_000;

/// Last 12 bytes of nearly all Wave64 identifiers; the first four are those of RIFF.
const WAVE64_TAIL: [u8; 12] =
    [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
/// Last 12 bytes of Wave64's `riff`.
const WAVE64_RIFF_TAIL: [u8; 12] =
    [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00];

/// Identifiers used to find the next chunk if its position is in doubt.
const KNOWN: [&[u8; 4]; 36] = [
    b"fmt ", b"data", b"fact", b"bext", b"iXML", b"LIST", b"JUNK", b"junk", b"FLLR", b"PAD ",
    b"cue ", b"smpl", b"inst", b"PEAK", b"id3 ", b"ID3 ", b"axml", b"chna", b"umid", b"acid",
    b"minf", b"COMM", b"SSND", b"FVER", b"MARK", b"INST", b"COMT", b"NAME", b"AUTH", b"(c) ",
    b"ANNO", b"MIDI", b"AESD", b"APPL", b"CHAN", b"SAXL",
];

/// A chunk; its body may extend beyond the end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) id: [u8; 4],
    /// Position of the body in bytes.
    pub(crate) start_bytes: u64,
    /// Size of the body in bytes, as given in the file.
    pub(crate) size_bytes: u64,
}

impl Chunk {
    pub(crate) fn end_bytes(&self) -> u64 {
        self.start_bytes.saturating_add(self.size_bytes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Riff,
    Rifx,
    Aiff,
    /// AIFF-C, which names its encoding.
    Aifc,
    Rf64,
    Wave64,
}

/// Iterates over the chunks of a file.
#[derive(Debug)]
pub(crate) struct Chunks {
    container: Container,
    /// Position where the next chunk's header should be, in bytes.
    next_bytes: u64,
    /// True if the last chunk had an odd size: its padding byte, at `next_bytes - 1`, may
    /// be missing.
    unsure_padding: bool,
    /// End of the container in bytes, as given in the file.
    end_bytes: u64,
    /// Sizes from `ds64` that replace `0xFFFFFFFF`.
    long_sizes: Vec<([u8; 4], u64)>,
    num_seen: u32,
}

impl Container {
    /// Returns the byte order of sizes, and of all numbers in the chunks that describe the samples.
    pub(crate) fn order(self) -> Order {
        match self {
            Self::Rifx | Self::Aiff | Self::Aifc => Order::Big,
            Self::Riff | Self::Rf64 | Self::Wave64 => Order::Little,
        }
    }
}

impl Chunks {
    /// Reads the start of the container; `None` if the file is of another format. Returns `Unread`
    /// if the container holds no sound.
    pub(crate) fn open(input: &mut Input) -> Result<Option<Self>, Fault> {
        let start = input.pos_bytes();
        let magic = input.array::<4>()?;
        let container = match &magic {
            b"RIFF" => Container::Riff,
            b"RIFX" => Container::Rifx,
            b"FORM" => Container::Aiff,
            b"RF64" | b"BW64" => Container::Rf64,
            b"riff" => Container::Wave64,
            _ => return Ok(None),
        };
        let (form, end_bytes) = if container == Container::Wave64 {
            if input.array::<12>()? != WAVE64_RIFF_TAIL {
                return Ok(None);
            }
            let size = u64::from_le_bytes(input.array()?);
            let form = input.array::<16>()?;
            (short_id(form), start.saturating_add(size))
        } else {
            let size = u64::from(container.order().u32(input.array()?));
            (input.array::<4>()?, start.saturating_add(8 + size))
        };
        let container = match (container, &form) {
            (Container::Aiff, b"AIFF") => Container::Aiff,
            (Container::Aiff, b"AIFC") => Container::Aifc,
            (Container::Aiff, _) => {
                return Err(Fault::Unread(format!("IFF of type {}", printable(form))));
            }
            (container, _) => container,
        };
        let is_aiff = matches!(container, Container::Aiff | Container::Aifc);
        if !is_aiff && !form.eq_ignore_ascii_case(b"WAVE") {
            return Err(Fault::Unread(match &form {
                b"AVI " => "AVI (video)".to_owned(),
                b"RMID" => "RMID (MIDI)".to_owned(),
                b"sfbk" => "SoundFont".to_owned(),
                b"WEBP" => "WebP (picture)".to_owned(),
                _ => format!("RIFF of type {}", printable(form)),
            }));
        }
        Ok(Some(Self {
            container,
            next_bytes: input.pos_bytes(),
            unsure_padding: false,
            end_bytes,
            long_sizes: Vec::new(),
            num_seen: 0,
        }))
    }

    pub(crate) fn container(&self) -> Container {
        self.container
    }

    /// Returns the end of the container in bytes, as given in the file, which is often wrong.
    pub(crate) fn end_bytes(&self) -> u64 {
        let long = self.long_sizes.iter().find(|(id, _)| id == b"RIFF");
        long.map_or(self.end_bytes, |&(_, size)| size.saturating_add(8))
    }

    /// Returns the next chunk; `None` at the end of the file, which may have an incomplete
    /// header left.
    pub(crate) fn next(&mut self, input: &mut Input) -> Result<Option<Chunk>, Fault> {
        if self.unsure_padding {
            self.unsure_padding = false;
            self.find_padding(input)?;
        }
        let header_bytes = if self.container == Container::Wave64 { 24 } else { 8 };
        if self.next_bytes.saturating_add(header_bytes) > input.len_bytes() {
            return Ok(None);
        }
        self.num_seen += 1;
        if self.num_seen > MOST_CHUNKS {
            return Err(Fault::format(format!("more than {MOST_CHUNKS} chunks")));
        }
        input.seek_to(self.next_bytes)?;
        let chunk = if self.container == Container::Wave64 {
            let id = short_id(input.array()?);
            let size = u64::from_le_bytes(input.array()?);
            let Some(size_bytes) = size.checked_sub(header_bytes) else {
                return Err(Fault::format(format!("the {} chunk has no size", printable(id))));
            };
            Chunk { id, start_bytes: input.pos_bytes(), size_bytes }
        } else {
            let id = input.array::<4>()?;
            let size = self.container.order().u32(input.array()?);
            let long = self.long_sizes.iter().find(|(long, _)| *long == id);
            let size_bytes = match long {
                Some(&(_, long)) if size == u32::MAX => long,
                _ => u64::from(size),
            };
            Chunk { id, start_bytes: input.pos_bytes(), size_bytes }
        };
        if self.container == Container::Rf64 && &chunk.id == b"ds64" && self.long_sizes.is_empty() {
            self.read_long_sizes(input, chunk)?;
        }
        let align = if self.container == Container::Wave64 { 8 } else { 2 };
        let end = chunk.end_bytes();
        self.next_bytes = end.checked_next_multiple_of(align).unwrap_or(u64::MAX);
        self.unsure_padding = align == 2 && end != self.next_bytes;
        Ok(Some(chunk))
    }

    /// Corrects the position if the padding is missing; some programs omit it after odd chunks.
    fn find_padding(&mut self, input: &mut Input) -> Result<(), Fault> {
        let unpadded = self.next_bytes - 1;
        input.seek_to(unpadded)?;
        let bytes = input.up_to(5)?;
        let is_known = |id: &[u8]| KNOWN.iter().any(|known| known.as_slice() == id);
        if bytes.len() >= 4 && is_known(&bytes[..4]) && !is_known(&bytes[1..]) {
            self.next_bytes = unpadded;
        }
        Ok(())
    }

    /// Reads `ds64`: the sizes of the container and of `data`, the number of samples, and a table.
    fn read_long_sizes(&mut self, input: &mut Input, chunk: Chunk) -> Result<(), Fault> {
        const FIXED_BYTES: u64 = 28;
        if chunk.size_bytes < FIXED_BYTES {
            return Err(Fault::format("the ds64 chunk is too short"));
        }
        let riff = u64::from_le_bytes(input.array()?);
        let data = u64::from_le_bytes(input.array()?);
        let _num_samples: [u8; 8] = input.array()?;
        let in_table = u32::from_le_bytes(input.array()?);
        self.long_sizes = vec![(*b"RIFF", riff), (*b"data", data)];
        let room = (chunk.size_bytes - FIXED_BYTES) / 12;
        for _ in 0..u64::from(in_table.min(MOST_TABLE_ENTRIES)).min(room) {
            let id = input.array::<4>()?;
            let size = u64::from_le_bytes(input.array()?);
            if !self.long_sizes.iter().any(|(known, _)| *known == id) {
                self.long_sizes.push((id, size));
            }
        }
        Ok(())
    }
}

/// Returns the four letters of a Wave64 identifier, or zeros for one of another family.
fn short_id(id: [u8; 16]) -> [u8; 4] {
    let [a, b, c, d, tail @ ..] = id;
    if tail == WAVE64_TAIL { [a, b, c, d] } else { [0; 4] }
}

/// Returns an identifier in quotes, with non-ASCII and control bytes escaped.
pub(crate) fn printable(id: [u8; 4]) -> String {
    format!("'{}'", id.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn walk(bytes: &[u8]) -> Vec<(String, u64, u64)> {
        let mut input = Input::new(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
        let mut chunks = Chunks::open(&mut input).unwrap().unwrap();
        let mut found = Vec::new();
        while let Some(chunk) = chunks.next(&mut input).unwrap() {
            let id = String::from_utf8_lossy(&chunk.id).into_owned();
            found.push((id, chunk.start_bytes, chunk.size_bytes));
        }
        found
    }

    fn riff(body: &[&[u8]]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WAVE".as_slice(), &body.concat()].concat()
    }

    #[test]
    fn odd_chunks_are_followed_by_padding_or_not() {
        let names = |found: Vec<(String, u64, u64)>| -> Vec<String> {
            found.into_iter().map(|(id, _, _)| id).collect()
        };
        let odd = b"note\x03\0\0\0abc".as_slice();
        let data = b"data\x02\0\0\0xy".as_slice();
        assert_eq!(names(walk(&riff(&[odd, b"\0", data]))), ["note", "data"]);
        assert_eq!(names(walk(&riff(&[odd, b"z", data]))), ["note", "data"]);
        assert_eq!(names(walk(&riff(&[odd, data]))), ["note", "data"]);
        // The padding of the last chunk may be missing.
        assert_eq!(names(walk(&riff(&[data, odd]))), ["data", "note"]);
    }

    #[test]
    fn long_sizes_stand_in_for_all_ones_alone() {
        let mut ds64 = b"ds64\x28\0\0\0".to_vec();
        for number in [500_u64, 9, 3] {
            ds64.extend(number.to_le_bytes());
        }
        ds64.extend(1_u32.to_le_bytes());
        ds64.extend(b"iXML");
        ds64.extend(2_u64.to_le_bytes());
        let mut bytes = b"RF64\xFF\xFF\xFF\xFFWAVE".to_vec();
        bytes.extend(ds64);
        bytes.extend(b"iXML\xFF\xFF\xFF\xFFab");
        bytes.extend(b"bext\x02\0\0\0ab");
        bytes.extend(b"data\xFF\xFF\xFF\xFF123456789");
        let found = walk(&bytes);
        let sizes: Vec<u64> = found.iter().map(|&(_, _, size)| size).collect();
        assert_eq!(sizes, [40, 2, 2, 9]);
        // In plain RIFF, `ds64` has no effect.
        bytes[..4].copy_from_slice(b"RIFF");
        assert_eq!(walk(&bytes)[1].2, u64::from(u32::MAX));
    }

    #[test]
    fn files_full_of_chunks_come_to_an_end() {
        let body = b"junk\0\0\0\0".repeat(20_000);
        let bytes = riff(&[&body]);
        let mut input = Input::new(Box::new(Cursor::new(bytes))).unwrap();
        let mut chunks = Chunks::open(&mut input).unwrap().unwrap();
        let end = loop {
            match chunks.next(&mut input) {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert!(matches!(end, Err(Fault::Format(detail)) if detail.contains("10000 chunks")));
    }
}
