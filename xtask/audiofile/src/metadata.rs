//! Chunks copied to the outputs: time stamp, description, track names, cues.

use crate::byte_order::Order;
use crate::ixml;

/// Largest chunk that is kept, in bytes.
pub(crate) const MOST_BYTES: u64 = 1 << 24;

/// Length of the fixed part of a `bext` chunk (EBU Tech 3285), in bytes.
const BEXT_BYTES: usize = 602;
/// Offset of the time stamp, after description, originator, reference, date and time.
const BEXT_TIME_AT: usize = 256 + 32 + 32 + 10 + 8;
/// Offset of the chunk's version, after the time stamp.
const BEXT_VERSION_AT: usize = BEXT_TIME_AT + 8;

/// Chunks of an input file that are copied to its output.
///
/// Of `bext`, description, originator, reference, date, time and time stamp are copied; its
/// loudness and history apply only to the input. `iXML`, `cue ` and the cues' labels (`LIST` of
/// type `adtl`) are copied unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Chunks in the order found, each identifier once.
    chunks: Vec<([u8; 4], Vec<u8>)>,
}

/// Returns true for chunks that are kept.
pub(crate) fn is_kept(id: [u8; 4]) -> bool {
    // Wave64 files use the same names as RIFF files.
    matches!(&id, b"bext" | b"iXML" | b"cue " | b"LIST")
}

impl Metadata {
    /// Creates metadata that hold a time stamp alone, in samples since midnight.
    #[must_use]
    pub fn at_sample(time_stamp_samples: u64) -> Self {
        let mut body = vec![0; BEXT_BYTES];
        body[BEXT_TIME_AT..BEXT_VERSION_AT].copy_from_slice(&time_stamp_samples.to_le_bytes());
        body[BEXT_VERSION_AT] = 1;
        Self { chunks: vec![(*b"bext", body)] }
    }

    /// Keeps a chunk's body unless a chunk with this name was added before.
    ///
    /// Outputs are little-endian. The time stamp of a big-endian file is converted; its cues and
    /// their labels are dropped.
    pub(crate) fn add(&mut self, id: [u8; 4], mut body: Vec<u8>, order: Order) {
        if order == Order::Big {
            match &id {
                b"bext" if body.len() >= BEXT_VERSION_AT => {
                    // Two numbers of 32 bits, the lower one first.
                    body[BEXT_TIME_AT..][..4].reverse();
                    body[BEXT_TIME_AT + 4..][..4].reverse();
                }
                b"bext" | b"iXML" => {}
                _ => return,
            }
        }
        match &id {
            b"bext" if body.len() < BEXT_VERSION_AT => return,
            b"bext" => {
                body.truncate(BEXT_VERSION_AT);
                body.extend(1_u16.to_le_bytes());
                body.resize(BEXT_BYTES, 0);
            }
            b"LIST" if !body.starts_with(b"adtl") => return,
            _ => {}
        }
        if !self.chunks.iter().any(|(known, _)| *known == id) {
            self.chunks.push((id, body));
        }
    }

    /// Returns the position of the first sample in samples since midnight: `TimeReference`
    /// of `bext`.
    #[must_use]
    pub fn time_stamp_samples(&self) -> Option<u64> {
        let bytes = self.chunk(*b"bext")?.get(BEXT_TIME_AT..BEXT_VERSION_AT)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// Returns the names of the file's channels in `iXML`; `None` for channels without one.
    pub(crate) fn track_names(&self, num_channels: usize) -> Vec<Option<String>> {
        let text = self.chunk(*b"iXML").map(String::from_utf8_lossy);
        text.map_or_else(|| vec![None; num_channels], |text| ixml::track_names(&text, num_channels))
    }

    fn chunk(&self, id: [u8; 4]) -> Option<&[u8]> {
        self.chunks.iter().find(|(known, _)| *known == id).map(|(_, body)| body.as_slice())
    }

    /// Returns the chunks in file format, each with its header and padding.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, body) in &self.chunks {
            // Never fails: a body is at most `MOST_BYTES` long.
            let Ok(size) = u32::try_from(body.len()) else { continue };
            bytes.extend(id);
            bytes.extend(size.to_le_bytes());
            bytes.extend(body);
            if body.len() % 2 == 1 {
                bytes.push(0);
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_bext_the_place_and_the_origin_are_kept() {
        let mut body: Vec<u8> = (0..700_u32).map(|n| n.to_le_bytes()[0] | 1).collect();
        body[BEXT_TIME_AT..BEXT_VERSION_AT].copy_from_slice(&0x1_2345_6789_u64.to_le_bytes());
        let mut metadata = Metadata::default();
        metadata.add(*b"bext", body.clone(), Order::Little);
        assert_eq!(metadata.time_stamp_samples(), Some(0x1_2345_6789));
        let bytes = metadata.to_bytes();
        assert_eq!(bytes[..8], *b"bext\x5a\x02\0\0");
        assert_eq!(bytes[8..8 + BEXT_VERSION_AT], body[..BEXT_VERSION_AT]);
        // Version 1, with loudness and history empty.
        assert_eq!(bytes[8 + BEXT_VERSION_AT..][..2], [1, 0]);
        assert!(bytes[8 + BEXT_VERSION_AT + 2..].iter().all(|&byte| byte == 0));
        assert_eq!(bytes.len(), 8 + BEXT_BYTES);
    }

    #[test]
    fn a_time_stamp_alone_reads_back() {
        let stamped = Metadata::at_sample(0x1_2345_6789);
        assert_eq!(stamped.time_stamp_samples(), Some(0x1_2345_6789));
        let mut read = Metadata::default();
        read.add(*b"bext", stamped.to_bytes()[8..].to_vec(), Order::Little);
        assert_eq!(read, stamped);
    }

    #[test]
    fn other_chunks_are_kept_once_and_padded() {
        let mut metadata = Metadata::default();
        metadata.add(*b"iXML", b"abc".to_vec(), Order::Little);
        metadata.add(*b"iXML", b"later".to_vec(), Order::Little);
        metadata.add(*b"LIST", b"INFOx".to_vec(), Order::Little);
        metadata.add(*b"LIST", b"adtl".to_vec(), Order::Little);
        metadata.add(*b"bext", b"too short".to_vec(), Order::Little);
        assert_eq!(metadata.to_bytes(), b"iXML\x03\0\0\0abc\0LIST\x04\0\0\0adtl");
        assert_eq!(metadata.time_stamp_samples(), None);
    }
}
