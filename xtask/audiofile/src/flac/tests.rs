//! FLAC from two independent encoders, and damaged FLAC.

use std::io::Cursor;
use std::num::NonZero;
use std::path::Path;

use flac_codec::encode::{FlacSampleWriter, Options};
use proptest::prelude::*;

use super::*;
use crate::AudioReader;
use crate::testing::{flac_bytes, ramp};

/// Encodes interleaved samples of any depth with the encoder's best compression.
fn encode(samples: &[i32], num_channels: u8, bits: u32, block_samples: u16) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let options = Options::best().block_size(block_samples).unwrap();
    let total = (samples.len() / usize::from(num_channels)) as u64;
    let mut writer = FlacSampleWriter::new(
        &mut bytes,
        options,
        48_000,
        bits,
        num_channels,
        NonZero::new(total).map(|total| total.get() * u64::from(num_channels)),
    )
    .unwrap();
    writer.write(samples).unwrap();
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn decode(bytes: &[u8]) -> Result<Vec<Vec<f32>>, Fault> {
    let mut input = Input::new(Box::new(Cursor::new(bytes.to_vec())))?;
    let mut flac = Flac::open(&mut input)?;
    let mut all = vec![Vec::new(); flac.num_channels()];
    loop {
        let before = all[0].len();
        flac.read(&mut input, &mut all)?;
        if all[0].len() == before {
            return Ok(all);
        }
    }
}

/// Converts interleaved samples to the decoder's expected output.
fn expected(samples: &[i32], num_channels: usize, bits: u32) -> Vec<Vec<f32>> {
    let full_scale = 2_f64.powi(i32::try_from(bits).unwrap() - 1);
    let value = |&x: &i32| (f64::from(x) / full_scale) as f32;
    (0..num_channels)
        .map(|first| samples.iter().skip(first).step_by(num_channels).map(value).collect())
        .collect()
}

/// Returns a tone and noise, similar in all channels, for which encoders choose predictors.
fn sound(num_samples: usize, num_channels: usize, bits: u32) -> Vec<i32> {
    let full_scale = 2_f64.powi(i32::try_from(bits).unwrap() - 1);
    let noise = ramp(num_samples * num_channels, bits.min(6));
    let mut samples = Vec::new();
    for n in 0..num_samples {
        let tone = (n as f64 * 0.031).sin() + 0.3 * (n as f64 * 0.17).sin();
        for channel in 0..num_channels {
            let noise = f64::from(noise[n * num_channels + channel]);
            let value = 0.6 * full_scale * tone * (1.0 - 0.01 * channel as f64) + noise;
            samples.push(value.clamp(-full_scale, full_scale - 1.0) as i32);
        }
    }
    samples
}

#[test]
fn every_depth_from_4_to_32_bits_is_read() {
    for bits in 4..=32 {
        for num_channels in [1, 2, 8] {
            for samples in [
                sound(5_000, num_channels, bits),
                ramp(3_000 * num_channels, bits),
                vec![-1 << (bits - 1); 100 * num_channels],
            ] {
                let bytes = encode(&samples, u8::try_from(num_channels).unwrap(), bits, 4_096);
                let read = decode(&bytes).unwrap();
                let expected = expected(&samples, num_channels, bits);
                assert!(read == expected, "{bits} bits, {num_channels} channels");
            }
        }
    }
}

/// Encodes a block of two channels of 32 bits as plain numbers; one channel is a difference of 33
/// bits. Encoders avoid such blocks but may write them.
fn block_of_33_bits(order: u64, first: (i64, u32), second: (i64, u32)) -> Vec<u8> {
    fn put(bits: &mut Vec<bool>, value: i64, num_bits: u32) {
        bits.extend((0..num_bits).rev().map(|bit| value >> bit & 1 == 1));
    }
    fn packed(bits: &[bool]) -> Vec<u8> {
        bits.chunks(8)
            .map(|byte| {
                byte.iter().fold(0, |sum, &bit| sum << 1 | u8::from(bit)) << (8 - byte.len())
            })
            .collect()
    }
    let checksums = |bytes: &[u8]| {
        let mut input = Input::new(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
        let mut bits = Bits::new(&mut input);
        for _ in bytes {
            bits.read(8).unwrap();
        }
        (bits.crc8(), bits.crc16())
    };
    let mut bits = Vec::new();
    let order = order.cast_signed();
    // Size in 8 bits, rate of the stream, channel order, 32 bits, number 0, one sample.
    for (value, num_bits) in
        [(0x7FFC, 15), (0, 1), (6, 4), (0, 4), (order, 4), (7, 3), (0, 1), (0, 8), (0, 8)]
    {
        put(&mut bits, value, num_bits);
    }
    let (crc8, _) = checksums(&packed(&bits));
    put(&mut bits, crc8.into(), 8);
    for (sample, num_bits) in [first, second] {
        put(&mut bits, 0b10, 8);
        put(&mut bits, sample, num_bits);
    }
    let mut bytes = packed(&bits);
    let (_, crc16) = checksums(&bytes);
    bytes.extend(crc16.to_be_bytes());
    bytes
}

#[test]
fn sides_may_have_33_bits() {
    let header = encode(&[0, 0], 2, 32, 16);
    let start = header.windows(2).rposition(|w| w == [0xFF, 0xF8]).unwrap();
    for (left, right) in [(i32::MIN, i32::MAX), (i32::MAX, i32::MIN), (-7, 2_000_000_000)] {
        let (l, r) = (i64::from(left), i64::from(right));
        let side = l - r;
        for (order, first, second) in [
            (8, (l, 32), (side, 33)),
            (9, (side, 33), (r, 32)),
            (10, ((l + r) >> 1, 32), (side, 33)),
        ] {
            let block = block_of_33_bits(order, first, second);
            let read = decode(&[&header[..start], &block].concat()).unwrap();
            assert_eq!(read, expected(&[left, right], 2, 32), "order {order}: {left}, {right}");
        }
    }
}

#[test]
fn blocks_of_any_length_are_read() {
    let samples = sound(70_000, 2, 16);
    for block_samples in [16, 192, 576, 4_608, 8_192, 1_000, 65_535] {
        let bytes = encode(&samples, 2, 16, block_samples);
        assert!(decode(&bytes).unwrap() == expected(&samples, 2, 16), "{block_samples}");
    }
}

#[test]
fn samples_with_wasted_bits_are_read() {
    let samples: Vec<i32> = sound(5_000, 2, 20).into_iter().map(|x| x & !0xF).collect();
    assert!(decode(&encode(&samples, 2, 20, 4_096)).unwrap() == expected(&samples, 2, 20));
}

/// Checks that every changed bit of a block is detected.
#[test]
fn every_flipped_bit_of_a_block_is_an_error() {
    let samples = sound(300, 2, 16);
    let whole = encode(&samples, 2, 16, 300);
    let info = 4 + 4 + STREAMINFO_BYTES as usize;
    let start = whole.windows(2).rposition(|w| w == [0xFF, 0xF8]).unwrap();
    assert!(start >= info);
    for bit in 8 * start..8 * whole.len() {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit}");
    }
}

/// Writes the correct checksum into a damaged block.
fn mend_checksum(bytes: &mut [u8], start: usize) {
    let end = bytes.len() - 2;
    let mut input = Input::new(Box::new(Cursor::new(bytes[start..end].to_vec()))).unwrap();
    let mut bits = Bits::new(&mut input);
    for _ in start..end {
        bits.read(8).unwrap();
    }
    let crc = bits.crc16();
    bytes[end..].copy_from_slice(&crc.to_be_bytes());
}

proptest! {
    /// Checks blocks with damage but correct checksums: the result may be any samples within full
    /// scale, or an error.
    #[test]
    fn forged_blocks_are_samples_or_errors(
        flips in prop::collection::vec((0_usize..10_000, any::<u8>()), 1..6),
    ) {
        let mut bytes = encode(&sound(64, 2, 16), 2, 16, 64);
        let start = bytes.windows(2).rposition(|w| w == [0xFF, 0xF8]).unwrap();
        let body = start + 6..bytes.len() - 2;
        for (at, with) in flips {
            bytes[body.start + at % body.len()] ^= with;
        }
        mend_checksum(&mut bytes, start);
        if let Ok(read) = decode(&bytes) {
            prop_assert!(read.iter().flatten().all(|x| x.abs() <= 1.0));
        }
    }

    #[test]
    fn any_sound_comes_back(
        (bits, samples) in (4_u32..=32).prop_flat_map(|bits| {
            let range = i64::pow(2, bits - 1);
            (Just(bits), prop::collection::vec(-range..range, 1..200))
        }),
    ) {
        let samples: Vec<i32> =
            samples.into_iter().map(|x| i32::try_from(x).unwrap()).collect();
        let read = decode(&encode(&samples, 1, bits, 4_096)).unwrap();
        prop_assert_eq!(read, expected(&samples, 1, bits));
    }
}

#[test]
fn what_stands_before_the_stream_and_after_it_is_skipped() {
    let samples = ramp(5_000, 16);
    let tag = [b"ID3\x03\0\0\0\0\x01\x01".as_slice(), &[0; 129]].concat();
    let bytes = [tag, flac_bytes(&samples, 1, 16), b"TAG and more".to_vec()].concat();
    let mut reader = AudioReader::from_bytes(Path::new("a.flac"), bytes).unwrap();
    let mut read = vec![0.0; 6_000];
    assert_eq!(reader.read(&mut [&mut read]).unwrap(), 5_000);
    assert_eq!(read[..5_000], expected(&samples, 1, 16)[0]);
}

#[test]
fn chunks_that_a_stream_keeps_of_its_wav_file_are_found() {
    let plain = flac_bytes(&ramp(5_000, 16), 1, 16);
    let info_bytes = 4 + 4 + STREAMINFO_BYTES as usize;
    let mut bext = vec![0; 602];
    bext[338..346].copy_from_slice(&77_u64.to_le_bytes());
    let chunk = [b"bext".as_slice(), &602_u32.to_le_bytes(), &bext].concat();
    let with = |body: &[u8]| {
        let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
        // After the stream information; its flag for the last metadata block moves to the new one.
        let last = plain[4] & 0x80;
        let mut bytes = plain.clone();
        bytes[4] &= 0x7F;
        bytes.splice(info_bytes..info_bytes, [&[2 | last, a, b, c], body].concat());
        AudioReader::from_bytes(Path::new("mic"), bytes).unwrap().metadata().clone()
    };
    let metadata = with(&[b"riff".as_slice(), &chunk].concat());
    assert_eq!(metadata.time_stamp_samples(), Some(77));
    // Truncated, of another application, or of no use.
    let none = crate::Metadata::default();
    assert_eq!(with(&[b"riff".as_slice(), &chunk[..600]].concat()), none);
    assert_eq!(with(&[b"rifg".as_slice(), &chunk].concat()), none);
    assert_eq!(with(b"riffdata\x04\0\0\0abcd"), none);
    assert_eq!(with(b"rif"), none);
}
