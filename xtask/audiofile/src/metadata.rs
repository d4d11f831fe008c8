//! Chunks beside the samples that are passed on: time stamp, description, track names, cues.

use crate::ixml;
use crate::pcm::Order;

/// Larger chunks than this are left away.
pub(crate) const MOST_BYTES: u64 = 1 << 24;

/// The fixed part of a `bext` chunk (EBU Tech 3285).
const BEXT_BYTES: usize = 602;
/// Description, originator, its reference, date and time come before the time stamp.
const BEXT_TIME_AT: usize = 256 + 32 + 32 + 10 + 8;
/// The time stamp is followed by the chunk's version.
const BEXT_VERSION_AT: usize = BEXT_TIME_AT + 8;

/// Chunks of an input file that its output gets as well.
///
/// Of `bext` these are description, originator, reference, date, time and time stamp; its
/// loudness and history are those of the input alone. `iXML`, `cue ` and the cues' labels (`LIST`
/// of kind `adtl`) are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// In the order found, each identifier once.
    chunks: Vec<([u8; 4], Vec<u8>)>,
}

/// True for chunks that are kept.
pub(crate) fn is_kept(id: [u8; 4]) -> bool {
    // Wave64 files name theirs as RIFF files do.
    matches!(&id, b"bext" | b"iXML" | b"cue " | b"LIST")
}

impl Metadata {
    /// Keeps a chunk's body; of two with one name the first.
    ///
    /// Outputs have the lowest byte first. The time stamp of a file with the highest first is turned
    /// around; its cues and their labels are left away.
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

    /// The position of the first sample since midnight, in samples: the `TimeReference` of `bext`.
    #[must_use]
    pub fn time_stamp_samples(&self) -> Option<u64> {
        let bytes = self.chunk(*b"bext")?.get(BEXT_TIME_AT..BEXT_VERSION_AT)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The names of the file's channels in `iXML`, as far as it has any.
    pub(crate) fn track_names(&self, num_channels: usize) -> Vec<Option<String>> {
        let text = self.chunk(*b"iXML").map(String::from_utf8_lossy);
        text.map_or_else(|| vec![None; num_channels], |text| ixml::track_names(&text, num_channels))
    }

    fn chunk(&self, id: [u8; 4]) -> Option<&[u8]> {
        self.chunks.iter().find(|(known, _)| *known == id).map(|(_, body)| body.as_slice())
    }

    /// The chunks as they stand in a file, each with its header and padding.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, body) in &self.chunks {
            // A body is at most `MOST_BYTES` long.
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
        // Version 1, and nothing about loudness or history.
        assert_eq!(bytes[8 + BEXT_VERSION_AT..][..2], [1, 0]);
        assert!(bytes[8 + BEXT_VERSION_AT + 2..].iter().all(|&byte| byte == 0));
        assert_eq!(bytes.len(), 8 + BEXT_BYTES);
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
