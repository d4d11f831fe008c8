//! Recognises files by their first bytes: tags to skip, and unsupported formats.

use crate::input::{Fault, Input};

/// Number of bytes needed to distinguish the formats.
pub(crate) const HEAD_BYTES: u64 = 64;
/// Largest number of tags to skip.
const MOST_TAGS: u32 = 16;

/// Returns the position of the file's contents, after ID3 tags that some programs put before FLAC.
pub(crate) fn skip_tags(input: &mut Input) -> Result<u64, Fault> {
    let mut start = 0;
    for _ in 0..MOST_TAGS {
        input.seek_to(start)?;
        let head = input.up_to(10)?;
        let [b'I', b'D', b'3', _, _, flags, size @ ..] = head.as_slice() else { break };
        let &[a, b, c, d] = size else { break };
        // Seven bits per byte; a footer is as long as the header.
        let size = [a, b, c, d].iter().fold(0, |size, &byte| size << 7 | u64::from(byte & 0x7F));
        let footer = if flags & 0x10 != 0 { 10 } else { 0 };
        start += 10 + size + footer;
    }
    Ok(start)
}

/// Returns the name of an unsupported format; `None` if the format is not recognised here.
pub(crate) fn other_format(head: &[u8], has_tag: bool) -> Option<&'static str> {
    let at = |from: usize, bytes: &[u8]| head.get(from..).is_some_and(|h| h.starts_with(bytes));
    let name = if at(0, b"OggS") {
        let streams: [(&[u8], _); 4] = [
            (b"\x7FFLAC", "FLAC in Ogg"),
            (b"\x01vorbis", "Ogg Vorbis"),
            (b"OpusHead", "Ogg Opus"),
            (b"Speex", "Ogg Speex"),
        ];
        streams.iter().find(|(bytes, _)| at(28, bytes)).map_or("Ogg", |&(_, name)| name)
    } else if at(4, b"ftyp") {
        "MPEG-4 (AAC or Apple Lossless)"
    } else if at(0, b"\x1A\x45\xDF\xA3") {
        "Matroska"
    } else if at(0, b"wvpk") {
        "WavPack"
    } else if at(0, b"MAC ") {
        "Monkey's Audio"
    } else if at(0, b"TTA1") {
        "True Audio"
    } else if at(0, b".snd") {
        "Sun AU"
    } else if at(0, b"DSD ") || at(0, b"FRM8") {
        "DSD"
    } else if at(0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11") {
        "Windows Media Audio"
    } else if at(0, b"#!AMR") {
        "AMR"
    } else if at(0, b"ajkg") {
        "Shorten"
    } else if at(0, b"MThd") {
        "MIDI"
    } else if has_tag || is_mpeg(head) {
        "MP3"
    } else {
        return None;
    };
    Some(name)
}

/// Returns true for the first bytes of an MPEG audio stream, or of AAC in ADTS: eleven sync bits
/// and no reserved value.
fn is_mpeg(head: &[u8]) -> bool {
    matches!(head, [0xFF, second, third, ..]
        if second & 0xE0 == 0xE0
            && second & 0x18 != 0x08
            && third >> 4 != 15
            && third & 0x0C != 0x0C)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn start(bytes: &[u8]) -> u64 {
        skip_tags(&mut Input::new(Box::new(Cursor::new(bytes.to_vec()))).unwrap()).unwrap()
    }

    #[test]
    fn tags_are_skipped_however_many_and_however_long() {
        assert_eq!(start(b"fLaC"), 0);
        let tag = [b"ID3\x04\0\0\0\0\x01\x02".as_slice(), &[7; 130]].concat();
        assert_eq!(start(&[tag.as_slice(), &tag, b"fLaC"].concat()), 280);
        let footer = [b"ID3\x04\0\x10\0\0\0\x01".as_slice(), &[7; 11], b"fLaC"].concat();
        assert_eq!(start(&footer), 21);
        assert_eq!(start(b"ID3\x04\0\0\x7F\x7F\x7F\x7F"), 10 + (1 << 28) - 1);
    }

    #[test]
    fn other_formats_are_called_by_their_names() {
        for (head, name) in [
            (b"MThd\0\0\0\x06".as_slice(), "MIDI"),
            (b".snd\0\0\0\x18", "Sun AU"),
            (b"\xFF\xFB\x90\x64", "MP3"),
            (b"\0\0\0\x20ftypM4A ", "MPEG-4 (AAC or Apple Lossless)"),
        ] {
            assert_eq!(other_format(head, false), Some(name));
        }
        let ogg = [b"OggS".as_slice(), &[0; 24], b"\x7FFLAC"].concat();
        assert_eq!(other_format(&ogg, false), Some("FLAC in Ogg"));
        for head in [b"RIFF\0\0\0\0WAVE".as_slice(), b"hello", b"", b"\xFF\xFF\xFF\xFF"] {
            assert_eq!(other_format(head, false), None);
        }
        assert_eq!(other_format(b"????", true), Some("MP3"));
    }
}
