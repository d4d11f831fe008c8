//! WAV files of all variants that programs and recorders write, and malformed ones.

use std::path::Path;

use proptest::prelude::*;

use crate::AudioReader;
use crate::testing::{Kind, fmt_body, read_bytes, read_whatever};

const NONE: Kind = Kind { tag: 1, bits: 16, extensible_mask: None };
const FLOAT: Kind = Kind { tag: 3, bits: 32, extensible_mask: None };

/// A file and the sizes in its header; `None` for the true size.
#[derive(Clone, Debug)]
struct Shape {
    magic: [u8; 4],
    riff_bytes: Option<u32>,
    data_bytes: Option<u32>,
    /// Chunks before `fmt `, between it and `data`, and after `data`.
    first: Vec<u8>,
    fmt: Vec<u8>,
    middle: Vec<u8>,
    data: Vec<u8>,
    last: Vec<u8>,
}

impl Shape {
    fn new(fmt: Vec<u8>, data: Vec<u8>) -> Self {
        let none = Vec::new;
        let (first, middle, last) = (none(), none(), none());
        let magic = *b"RIFF";
        Self { magic, riff_bytes: None, data_bytes: None, first, fmt, middle, data, last }
    }

    /// Creates a mono file at 48 kHz.
    fn of(kind: Kind, data: Vec<u8>) -> Self {
        Self::new(fmt_body(kind, 48_000, 1), data)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut body = b"WAVE".to_vec();
        if &self.magic != b"RIFF" {
            let mut sizes = Vec::new();
            for size in [0, self.data.len() as u64, 0] {
                sizes.extend(size.to_le_bytes());
            }
            sizes.extend(0_u32.to_le_bytes());
            body.extend(chunk(b"ds64", &sizes));
        }
        body.extend(&self.first);
        body.extend(chunk(b"fmt ", &self.fmt));
        body.extend(&self.middle);
        body.extend(b"data");
        let true_bytes = u32::try_from(self.data.len()).unwrap();
        body.extend(self.data_bytes.unwrap_or(true_bytes).to_le_bytes());
        body.extend(&self.data);
        body.extend(&self.last);
        let true_bytes = u32::try_from(body.len()).unwrap();
        let mut bytes = self.magic.to_vec();
        bytes.extend(self.riff_bytes.unwrap_or(true_bytes).to_le_bytes());
        bytes.extend(body);
        bytes
    }
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn samples() -> Vec<f32> {
    (0..10_000).map(|n| (n as f32 * 0.01).sin() * 1.5).collect()
}

fn float_bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn read(shape: &Shape) -> Vec<f32> {
    read_bytes(&shape.bytes(), 700).unwrap().remove(0)
}

fn message(bytes: &[u8]) -> String {
    let message = read_bytes(bytes, 512).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message:?}");
    message.strip_prefix("mic: ").unwrap().to_owned()
}

#[test]
fn integers_are_justified_to_the_left_of_their_container() {
    // Valid bits, bits of the container, the container's bytes, and their value.
    for (valid, bits, bytes, expected) in [
        (24, 32, vec![0, 1, 0, 0], 2_f32.powi(-23)),
        (24, 32, vec![0, 0, 0, 0x80], -1.0),
        (20, 24, vec![0x10, 0, 0], 2_f32.powi(-19)),
        (12, 16, vec![0x10, 0], 2_f32.powi(-11)),
        (20, 32, vec![0, 0, 0, 0x40], 0.5),
        (7, 8, vec![0x82], 2.0 / 128.0),
    ] {
        let mut fmt = fmt_body(Kind { tag: 1, bits, extensible_mask: Some(4) }, 48_000, 1);
        fmt[18..20].copy_from_slice(&u16::to_le_bytes(valid));
        assert_eq!(read(&Shape::new(fmt, bytes)), [expected], "{valid} in {bits}");
    }
    // Without the extension, numbers of bits that are no whole bytes have the same effect.
    let mut fmt = fmt_body(NONE, 48_000, 1);
    fmt[14] = 12;
    assert_eq!(read(&Shape::new(fmt, vec![0x10, 0])), [2_f32.powi(-11)]);
}

#[test]
fn doubles_are_rounded_once_and_stay_beyond_full_scale() {
    let wide = [1.0 / 3.0, -7.5, 1e-40, 0.1 + 2_f64.powi(-30)];
    let data: Vec<u8> = wide.iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    for extensible_mask in [None, Some(0)] {
        let shape = Shape::of(Kind { tag: 3, bits: 64, extensible_mask }, data.clone());
        assert_eq!(read(&shape), wide.map(|x| x as f32));
    }
    let shape = Shape::of(Kind { tag: 3, bits: 64, extensible_mask: None }, [0xFF; 8].to_vec());
    assert!(message(&shape.bytes()).contains("sample 0 of channel 1 is NaN"));
    let beyond = Shape::of(
        Kind { tag: 3, bits: 64, extensible_mask: None },
        1e300_f64.to_le_bytes().to_vec(),
    );
    assert!(message(&beyond.bytes()).contains("sample 0 of channel 1 is inf"));
}

#[test]
fn the_format_may_be_followed_by_anything() {
    for num_bytes in [16, 18, 20, 40, 41, 100] {
        let mut shape = Shape::of(FLOAT, float_bytes(&samples()));
        shape.fmt.resize(num_bytes, 0);
        assert_eq!(read(&shape), samples(), "{num_bytes}");
    }
}

#[test]
fn sizes_of_blocks_may_be_missing_but_not_wrong() {
    let mut shape = Shape::of(FLOAT, float_bytes(&samples()));
    shape.fmt[8..14].fill(0);
    assert_eq!(read(&shape), samples());
    shape.fmt[12] = 8;
    assert!(message(&shape.bytes()).contains("1 channels of 32 bits in blocks of 8 bytes"));
}

#[test]
fn chunks_of_any_length_may_stand_around_the_samples() {
    let odd = [chunk(b"iXML", b"<a/> "), chunk(b"inst", &[0; 7])].concat();
    for (first, middle, last) in [
        (odd.clone(), vec![], vec![]),
        (vec![], odd.clone(), vec![]),
        (vec![], vec![], odd.clone()),
        (chunk(b"JUNK", &[0; 31_000]), odd, chunk(b"id3 ", b"ID3")),
        (vec![], chunk(b"fact", &7_u32.to_le_bytes()), b"data\x02\0\0\0xy".to_vec()),
        (vec![], vec![], b"LIST\xF0\xFF\xFF\xFFand so on".to_vec()),
        (vec![], vec![], b"a line that is no chunk".to_vec()),
    ] {
        let shape = Shape { first, middle, last, ..Shape::of(FLOAT, float_bytes(&samples())) };
        assert_eq!(read(&shape), samples(), "{shape:?}");
    }
}

#[test]
fn the_size_of_the_container_is_not_believed() {
    for riff_bytes in [0, 1, 100, u32::MAX] {
        let mut shape = Shape::of(FLOAT, float_bytes(&samples()));
        shape.riff_bytes = Some(riff_bytes);
        assert_eq!(read(&shape), samples(), "{riff_bytes}");
    }
}

#[test]
fn sizes_that_were_never_filled_in_reach_to_the_end_of_the_file() {
    for (data_bytes, riff_bytes) in [
        (u32::MAX, u32::MAX),
        (u32::MAX - 36, u32::MAX),
        (0x7FFF_F000, 0x7FFF_F024),
        (0x7FFF_FFFF, 0x7FFF_FFFF),
        (0x8000_0000, 0x8000_0024),
        (0, 0),
        (0, 36),
        (0, u32::MAX),
    ] {
        let mut shape = Shape::of(FLOAT, float_bytes(&samples()));
        (shape.data_bytes, shape.riff_bytes) = (Some(data_bytes), Some(riff_bytes));
        assert_eq!(read(&shape), samples(), "{data_bytes:#x}");
    }
    // Empty `data` is distinguished from a size that was never filled in.
    let mut empty = Shape::of(FLOAT, Vec::new());
    assert_eq!(message(&empty.bytes()), "has no samples");
    empty.last = chunk(b"LIST", b"INFO");
    assert_eq!(message(&empty.bytes()), "has no samples");
}

#[test]
fn stray_bytes_behind_the_last_whole_sample_are_left_away() {
    for stray in 1..4 {
        let mut shape = Shape::of(FLOAT, float_bytes(&samples()));
        shape.data.extend(vec![0xFF; stray]);
        assert_eq!(read(&shape), samples());
    }
    let stereo = Kind { tag: 1, bits: 16, extensible_mask: None };
    let shape = Shape::new(fmt_body(stereo, 48_000, 2), vec![0, 0x40, 0, 0x20, 0, 0x10]);
    assert_eq!(read_bytes(&shape.bytes(), 8).unwrap(), [[0.5], [0.25]]);
}

#[test]
fn a_file_that_is_shorter_than_it_says_is_refused_when_it_is_opened() {
    let whole = Shape::of(FLOAT, float_bytes(&samples())).bytes();
    for (cut, left) in [(1, 9_999), (4, 9_999), (20_000, 5_000), (40_000, 0)] {
        let bytes = whole[..whole.len() - cut].to_vec();
        let error = AudioReader::from_bytes(Path::new("mic"), bytes).unwrap_err();
        assert_eq!(error.to_string(), format!("mic: ends after {left} of 10000 samples"));
    }
}

#[test]
fn rf64_and_bw64_have_their_sizes_in_ds64() {
    for magic in [*b"RF64", *b"BW64"] {
        let mut shape = Shape::of(FLOAT, float_bytes(&samples()));
        (shape.magic, shape.data_bytes) = (magic, Some(u32::MAX));
        shape.last = chunk(b"LIST", b"INFO");
        assert_eq!(read(&shape), samples());
        let bytes = shape.bytes();
        assert!(message(&bytes[..bytes.len() - 13]).starts_with("ends after 9999 of 10000"));
    }
}

/// Returns a big-endian file with these contents.
fn rifx(fmt: &[u8], data: &[u8], chunks: &[u8]) -> Vec<u8> {
    let big_chunk = |id: &[u8; 4], body: &[u8]| {
        let mut bytes = chunk(id, body);
        bytes[4..8].reverse();
        bytes
    };
    let mut fmt = fmt.to_vec();
    for (at, num_bytes) in [(0, 2), (2, 2), (4, 4), (8, 4), (12, 2), (14, 2)] {
        fmt[at..at + num_bytes].reverse();
    }
    let mut bytes = b"RIFX\0\0\0\0WAVE".to_vec();
    bytes.extend(big_chunk(b"fmt ", &fmt));
    bytes.extend(chunks);
    bytes.extend(big_chunk(b"data", data));
    bytes
}

#[test]
fn rifx_is_riff_with_the_highest_byte_first() {
    let floats: Vec<u8> = samples().iter().flat_map(|x| x.to_be_bytes()).collect();
    let bytes = rifx(&fmt_body(FLOAT, 48_000, 1), &floats, &[]);
    assert_eq!(read_bytes(&bytes, 512).unwrap(), [samples()]);
    let reader = AudioReader::from_bytes(Path::new("mic"), bytes.clone()).unwrap();
    assert_eq!((reader.rate_hz(), reader.foreign_format()), (48_000, Some("RIFX")));
    assert!(message(&bytes[..bytes.len() - 1]).starts_with("ends after 9999 of 10000"));
    let kind = |bits| Kind { tag: 1, bits, extensible_mask: None };
    for (bits, data, expected) in [
        (8, vec![0x00, 0xC0], [-1.0, 0.5]),
        (16, vec![0x80, 0x00, 0x00, 0x01], [-1.0, 2_f32.powi(-15)]),
        (24, vec![0xC0, 0x00, 0x00, 0x00, 0x00, 0x01], [-0.5, 2_f32.powi(-23)]),
        (32, vec![0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80], [0.5, 2_f32.powi(-24)]),
    ] {
        let bytes = rifx(&fmt_body(kind(bits), 44_100, 2), &data, &[]);
        assert_eq!(read_bytes(&bytes, 8).unwrap(), expected.map(|x| [x]), "{bits}");
    }
    let riff = Shape::of(FLOAT, float_bytes(&samples())).bytes();
    let reader = AudioReader::from_bytes(Path::new("mic"), riff).unwrap();
    assert_eq!(reader.foreign_format(), None);
}

#[test]
fn of_rifx_the_time_stamp_is_turned_around_and_cues_are_left_away() {
    let mut bext = vec![0; 602];
    bext[338..346].copy_from_slice(&[0x89, 0xAB, 0xCD, 0xEF, 0, 0, 0, 1]);
    let mut chunks = [chunk(b"bext", &bext), chunk(b"iXML", b"<a/>")].concat();
    chunks.extend(chunk(b"cue ", &[0; 4]));
    // Converts the sizes of the chunks, whose bodies have 602, 4 and 4 bytes.
    for at in [4, 614, 626] {
        chunks[at..at + 4].reverse();
    }
    let bytes = rifx(&fmt_body(FLOAT, 48_000, 1), &1_f32.to_be_bytes(), &chunks);
    let reader = AudioReader::from_bytes(Path::new("mic"), bytes).unwrap();
    assert_eq!(reader.metadata().time_stamp_samples(), Some(0x1_89AB_CDEF));
    let kept = reader.metadata().to_bytes();
    assert_eq!(kept.len(), 8 + 602 + 8 + 4);
    assert!(kept.ends_with(b"iXML\x04\0\0\0<a/>"));
}

/// Returns a Wave64 file, whose chunks have long identifiers and sizes that include the header.
fn wave64(fmt: &[u8], data: &[u8], chunks: &[u8]) -> Vec<u8> {
    const TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
    let chunk = |id: &[u8; 4], body: &[u8]| -> Vec<u8> {
        let mut bytes = [id.as_slice(), &TAIL].concat();
        bytes.extend((24 + body.len() as u64).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    };
    let mut bytes = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0".to_vec();
    bytes.extend(1_000_000_u64.to_le_bytes());
    bytes.extend([b"wave".as_slice(), &TAIL].concat());
    bytes.extend(chunk(b"junk", chunks));
    bytes.extend(chunk(b"fmt ", fmt));
    bytes.extend(chunk(b"data", data));
    bytes
}

#[test]
fn wave64_is_read() {
    let data = float_bytes(&samples());
    for junk in 0..9 {
        let bytes = wave64(&fmt_body(FLOAT, 48_000, 1), &data, &vec![0; junk]);
        assert_eq!(read_bytes(&bytes, 512).unwrap(), [samples()], "{junk}");
        assert!(message(&bytes[..bytes.len() - 1]).starts_with("ends after 9999 of 10000"));
    }
}

#[test]
fn formats_that_are_not_read_are_named() {
    for (tag, bits, name) in [
        (0x31, 0, "GSM 6.10 in WAV is not supported"),
        (0x55, 0, "MP3 in WAV is not supported"),
        (0x06, 8, "A-law in WAV is not supported"),
        (0x07, 8, "mu-law in WAV is not supported"),
        (0x02, 4, "Microsoft ADPCM in WAV is not supported"),
        (0x1234, 4, "WAV of format 0x1234 is not supported"),
        (1, 64, "64-bit integer WAV is not supported"),
        (1, 0, "0-bit integer WAV is not supported"),
        (3, 16, "16-bit float WAV is not supported"),
    ] {
        let mut fmt = fmt_body(FLOAT, 48_000, 1);
        fmt[..2].copy_from_slice(&u16::to_le_bytes(tag));
        fmt[14..16].copy_from_slice(&u16::to_le_bytes(bits));
        let message = message(&Shape::new(fmt, vec![0; 64]).bytes());
        assert!(message.starts_with(name), "{message}");
    }
    let mut fmt = fmt_body(Kind { extensible_mask: Some(0), ..FLOAT }, 48_000, 1);
    fmt[30] ^= 1;
    let error = message(&Shape::new(fmt, vec![0; 64]).bytes());
    assert!(error.starts_with("WAV with a custom format is not supported"), "{error}");
    let error = message(b"RIFF\0\0\0\0AVI LIST");
    assert!(error.starts_with("AVI (video) is not supported"), "{error}");
    let error = message(b"FORM\0\0\0\0ILBMBMHD");
    assert!(error.starts_with("IFF of type 'ILBM' is not supported; convert it to WAV"), "{error}");
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let whole = Shape::of(FLOAT, float_bytes(&samples()));
    let data_first =
        [b"RIFF\0\0\0\0WAVEdata\x04\0\0\0\0\0\0\0".as_slice(), &chunk(b"fmt ", &whole.fmt)];
    let with = |change: fn(&mut Shape)| {
        let mut shape = whole.clone();
        change(&mut shape);
        shape.bytes()
    };
    for (bytes, part) in [
        (data_first.concat(), "the data chunk comes before the fmt chunk"),
        (b"RIFF\0\0\0\0WAVE".to_vec(), "no fmt chunk"),
        ([b"RIFF\0\0\0\0WAVE".as_slice(), &chunk(b"fmt ", &whole.fmt)].concat(), "no data chunk"),
        (with(|shape| shape.fmt[4..8].fill(0)), "no channels or no sample rate"),
        (with(|shape| shape.fmt[2..4].fill(0)), "no channels or no sample rate"),
        (with(|shape| shape.fmt.truncate(14)), "the fmt chunk is too short"),
        (with(|shape| shape.fmt[..2].fill(0xFE)), "WAV of format 0xfefe"),
        (with(|shape| shape.fmt[..2].copy_from_slice(&[0xFE, 0xFF])), "the fmt chunk is too short"),
        (
            with(|shape| shape.first = b"LIST\xF0\xFF\xFF\xFF".to_vec()),
            "the 'LIST' chunk is longer than the file",
        ),
        (b"RIF".to_vec(), "the header is incomplete"),
        (b"hello\nworld".to_vec(), "unknown format"),
    ] {
        let message = message(&bytes);
        assert!(message.contains(part), "{message}");
    }
}

/// Returns valid files of all kinds, for tests that damage them.
fn good_files() -> Vec<Vec<u8>> {
    let data = float_bytes(&samples()[..200]);
    let mut rich = Shape::of(FLOAT, data.clone());
    rich.first = [chunk(b"bext", &[7; 603]), chunk(b"iXML", b"<a><TRACK/></a>")].concat();
    rich.last = chunk(b"LIST", b"adtl");
    let mut long = Shape { magic: *b"RF64", data_bytes: Some(u32::MAX), ..rich.clone() };
    long.fmt = fmt_body(Kind { extensible_mask: Some(3), ..FLOAT }, 48_000, 2);
    let many = Shape::new(fmt_body(NONE, 48_000, 7), data.clone());
    let tagged =
        [b"ID3\x04\0\0\0\0\0\x02ab".as_slice(), &crate::testing::flac_bytes(&[5; 300], 2, 16)];
    vec![
        rich.bytes(),
        long.bytes(),
        many.bytes(),
        wave64(&fmt_body(FLOAT, 48_000, 1), &data, b"x"),
        rifx(&fmt_body(NONE, 48_000, 2), &data, &[]),
        tagged.concat(),
        crate::testing::flac_bytes(&crate::testing::ramp(300, 16), 1, 16),
    ]
}

#[test]
fn good_files_are_good() {
    for (number, bytes) in good_files().iter().enumerate() {
        assert!(read_whatever(bytes).is_ok(), "{number}: {:?}", read_whatever(bytes));
    }
}

/// Truncated files give an error, or are whole: bytes may be missing after the samples of `rich`
/// and `long`, and in the padding of Wave64.
#[test]
fn files_that_are_cut_anywhere_are_errors_or_whole() {
    for bytes in good_files() {
        let whole = read_bytes(&bytes, 64).unwrap();
        for end in 0..bytes.len() {
            if let Ok(read) = read_bytes(&bytes[..end], 64) {
                assert_eq!(read, whole, "{end} of {}", bytes.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_samples_or_an_error(
        magic in prop::sample::select(vec![
            b"".as_slice(), b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVEds64",
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0", b"RIFX\0\0\0\0WAVE",
            b"fLaC\x80\0\0\x22", b"ID3", b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        // Any result is accepted, except a panic.
        let _ = read_whatever(&[magic, &bytes].concat());
    }

    #[test]
    fn damaged_files_are_samples_or_an_error(
        file in 0_usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = good_files().swap_remove(file);
        for (at, with) in changes {
            // Three quarters of the damage is in the headers.
            let at = at.index(if with % 4 == 0 { bytes.len() } else { bytes.len().min(200) });
            bytes[at] = with;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read_whatever(&bytes);
    }
}
