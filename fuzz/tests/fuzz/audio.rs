//! Audio files: WAV (RIFF, RF64, BW64, Wave64), FLAC, AIFF and CAF.

use std::path::Path;

use audiofile::{AudioFileError, AudioReader};
use fuzz::{Outcome, Target};

const WORDS: [&[u8]; 38] = [
    b"RIFF",
    b"RF64",
    b"BW64",
    b"WAVE",
    b"fmt ",
    b"data",
    b"ds64",
    b"fact",
    b"bext",
    b"iXML",
    b"LIST",
    b"adtl",
    b"cue ",
    b"JUNK",
    b"riff",
    b"wave",
    b"RIFX",
    b"FORM",
    b"AIFF",
    b"AIFC",
    b"COMM",
    b"SSND",
    b"FVER",
    b"NONE",
    b"sowt",
    b"fl32",
    b"fl64",
    b"caff",
    b"desc",
    b"lpcm",
    b"free",
    b"uuid",
    b"fLaC",
    b"ID3\x03\x00\x00\x00\x00\x00\x0A",
    b"\xFF\xFF\xFF\xFF",
    b"\xFE\xFF",
    b"\xFF\xF8\xC9\x08",
    b"\x00\x00\x00\x80",
];

/// Largest number of samples read of one channel, for headers that announce very long files.
const MOST_SAMPLES: u64 = 1 << 19;

#[test]
fn audio() {
    let target = Target {
        name: "audio",
        seeds: Vec::new(),
        words: &WORDS,
        mend: flac_checksums,
        // A packet of WAV's largest number of channels, and FLAC's longest and widest block.
        base_bytes: 24 << 20,
        bytes_per_byte: 16,
        cases: 4000,
    };
    let accepted = fuzz::run(&target, |input| match read(input) {
        Ok(kind) => Outcome::Accepted(kind),
        Err(error) => Outcome::Refused(error.to_string()),
    });
    assert!(accepted > 100, "{accepted}");
}

fn read(input: &[u8]) -> Result<String, AudioFileError> {
    let mut reader = AudioReader::from_bytes(Path::new("mic.wav"), input.to_vec())?;
    let (num_channels, num_samples) = (reader.num_channels(), reader.num_samples());
    assert!(num_channels > 0 && num_samples > 0 && reader.rate_hz() > 0);
    let stamp = reader.metadata().time_stamp_samples();
    let block = (1 << 14) / num_channels + 1;
    let mut samples = vec![vec![0.0; block]; num_channels];
    let mut read = 0;
    while read < MOST_SAMPLES {
        let mut slices: Vec<&mut [f32]> = samples.iter_mut().map(Vec::as_mut_slice).collect();
        let count = reader.read(&mut slices)?;
        let are_finite = |channel: &Vec<f32>| channel[..count].iter().all(|x| x.is_finite());
        assert!(samples.iter().all(are_finite), "what is read is finite");
        read += count as u64;
        if count < block {
            assert_eq!(read, num_samples, "the promised length");
            break;
        }
    }
    Ok(format!("{} channels, stamp {}", num_channels.min(3), stamp.is_some()))
}

/// Corrects the two checksums of a FLAC file of one block; with wrong ones the reader stops early.
fn flac_checksums(bytes: &mut [u8]) {
    let Some(start) = end_of_metadata(bytes) else { return };
    let Some(header_bytes) = header_bytes(&bytes[start..]) else { return };
    let end = bytes.len();
    if start + header_bytes + 3 > end {
        return;
    }
    bytes[start + header_bytes] = crc8(&bytes[start..start + header_bytes]);
    let [high, low] = crc16(&bytes[start..end - 2]).to_be_bytes();
    (bytes[end - 2], bytes[end - 1]) = (high, low);
}

fn end_of_metadata(bytes: &[u8]) -> Option<usize> {
    let mut at = 4;
    if !bytes.starts_with(b"fLaC") {
        return None;
    }
    loop {
        let &[kind, a, b, c] = bytes.get(at..at + 4)? else { return None };
        at += 4 + u32::from_be_bytes([0, a, b, c]) as usize;
        if kind & 0x80 != 0 {
            return (at < bytes.len()).then_some(at);
        }
    }
}

/// Returns the length of a block's header in bytes, without its checksum.
fn header_bytes(block: &[u8]) -> Option<usize> {
    let codes = *block.get(2)?;
    let number_bytes = match block.get(4)?.leading_ones() {
        0 => 1,
        ones @ 2..=7 => ones as usize,
        _ => return None,
    };
    let size_bytes = [0, 0, 0, 0, 0, 0, 1, 2].get(usize::from(codes >> 4)).copied().unwrap_or(0);
    let rate_bytes = match codes & 0xF {
        0xC => 1,
        0xD | 0xE => 2,
        _ => 0,
    };
    Some(4 + number_bytes + size_bytes + rate_bytes)
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |x: u8, _| if x & 0x80 == 0 { x << 1 } else { x << 1 ^ 0x07 })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        let start: u16 = crc ^ (u16::from(byte) << 8);
        (0..8).fold(start, |x, _| if x & 0x8000 == 0 { x << 1 } else { x << 1 ^ 0x8005 })
    })
}
