//! AIFF and AIFF-C files of all variants that programs write, and malformed ones.

use std::path::Path;

use proptest::prelude::*;

use crate::AudioReader;
use crate::testing::{ramp, read_bytes, read_whatever};

/// 44100 and 48000 Hz as 80-bit floats.
const RATE_44100: [u8; 10] = [0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0];
const RATE_48000: [u8; 10] = [0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0];

/// A file and the numbers in its header.
#[derive(Clone, Debug)]
struct Shape {
    /// Compression type; `Some` makes the file AIFF-C.
    kind: Option<[u8; 4]>,
    num_channels: u16,
    num_samples: u32,
    bits: u16,
    rate: [u8; 10],
    offset: u32,
    form_bytes: Option<u32>,
    sound_bytes: Option<u32>,
    /// Chunks before `COMM`, and after the samples.
    first: Vec<u8>,
    last: Vec<u8>,
    /// True if `SSND` comes before `COMM`.
    is_turned: bool,
    data: Vec<u8>,
}

impl Shape {
    fn new(kind: Option<&[u8; 4]>, bits: u16, num_samples: u32, data: Vec<u8>) -> Self {
        Self {
            kind: kind.copied(),
            num_channels: 1,
            num_samples,
            bits,
            rate: RATE_48000,
            offset: 0,
            form_bytes: None,
            sound_bytes: None,
            first: Vec::new(),
            last: Vec::new(),
            is_turned: false,
            data,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut common = self.num_channels.to_be_bytes().to_vec();
        common.extend(self.num_samples.to_be_bytes());
        common.extend(self.bits.to_be_bytes());
        common.extend(self.rate);
        if let Some(kind) = self.kind {
            common.extend(kind);
            common.extend(b"\x0Enot compressed\0");
        }
        let common = chunk(b"COMM", &common);
        let mut sound = self.offset.to_be_bytes().to_vec();
        sound.extend([0; 4]);
        sound.extend(vec![0xEE; self.offset as usize]);
        sound.extend(&self.data);
        let mut sound = chunk(b"SSND", &sound);
        if let Some(size) = self.sound_bytes {
            sound[4..8].copy_from_slice(&size.to_be_bytes());
        }
        let mut body: Vec<u8> = if self.kind.is_some() { b"AIFC" } else { b"AIFF" }.to_vec();
        body.extend(&self.first);
        for part in if self.is_turned { [&sound, &common] } else { [&common, &sound] } {
            body.extend(part);
        }
        body.extend(&self.last);
        let mut bytes = b"FORM".to_vec();
        let true_bytes = u32::try_from(body.len()).unwrap();
        bytes.extend(self.form_bytes.unwrap_or(true_bytes).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn read(&self) -> Vec<Vec<f32>> {
        read_bytes(&self.bytes(), 700).unwrap()
    }

    fn message(&self) -> String {
        message(&self.bytes())
    }
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn message(bytes: &[u8]) -> String {
    let message = read_bytes(bytes, 512).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message:?}");
    message.strip_prefix("mic: ").unwrap().to_owned()
}

/// Returns a file of 16-bit samples, most significant byte first, and the expected samples.
fn sixteen(num_samples: u32) -> (Shape, Vec<f32>) {
    let numbers = ramp(num_samples as usize, 16);
    let data = numbers.iter().flat_map(|&x| (x as i16).to_be_bytes()).collect();
    let expected = numbers.iter().map(|&x| x as f32 / 32_768.0).collect();
    (Shape::new(None, 16, num_samples, data), expected)
}

#[test]
fn integers_of_all_sizes_have_the_highest_byte_first() {
    for (bits, data, expected) in [
        (8, vec![0x80, 0x40, 0x01], [-1.0, 0.5, 1.0 / 128.0]),
        (4, vec![0x80, 0x40, 0x10], [-1.0, 0.5, 0.125]),
        (16, vec![0x80, 0, 0x40, 0, 0, 1], [-1.0, 0.5, 2_f32.powi(-15)]),
        (12, vec![0x80, 0, 0x40, 0, 0, 0x10], [-1.0, 0.5, 2_f32.powi(-11)]),
        (24, vec![0x80, 0, 0, 0x40, 0, 0, 0, 0, 1], [-1.0, 0.5, 2_f32.powi(-23)]),
        (32, vec![0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0x80], [-1.0, 0.5, 2_f32.powi(-24)]),
    ] {
        for kind in [None, Some(b"NONE"), Some(b"twos")] {
            let shape = Shape::new(kind, bits, 3, data.clone());
            assert_eq!(shape.read(), [expected], "{bits} {kind:?}");
        }
    }
    let shape = Shape { num_channels: 2, ..Shape::new(None, 16, 1, vec![0x40, 0, 0xC0, 0]) };
    assert_eq!(shape.read(), [[0.5], [-0.5]]);
}

#[test]
fn aiff_c_names_its_encoding() {
    let third = 1.0_f64 / 3.0;
    let floats = [1.5_f32, -0.25].iter().flat_map(|x| x.to_be_bytes()).collect::<Vec<u8>>();
    let doubles = [third, -7.0].iter().flat_map(|x| x.to_be_bytes()).collect::<Vec<u8>>();
    for (kind, bits, data, expected) in [
        (b"sowt", 16, vec![0, 0x40, 0, 0xC0], [0.5, -0.5]),
        (b"sowt", 24, vec![0, 0, 0x40, 0, 0, 0xC0], [0.5, -0.5]),
        (b"sowt", 8, vec![0x40, 0xC0], [0.5, -0.5]),
        (b"raw ", 8, vec![0xC0, 0x40], [0.5, -0.5]),
        (b"in24", 16, vec![0x40, 0, 0, 0xC0, 0, 0], [0.5, -0.5]),
        (b"in32", 16, vec![0x40, 0, 0, 0, 0xC0, 0, 0, 0], [0.5, -0.5]),
        (b"42n1", 24, vec![0, 0, 0x40, 0, 0, 0xC0], [0.5, -0.5]),
        (b"23ni", 32, vec![0, 0, 0, 0x40, 0, 0, 0, 0xC0], [0.5, -0.5]),
        (b"fl32", 32, floats.clone(), [1.5, -0.25]),
        (b"FL32", 16, floats, [1.5, -0.25]),
        (b"fl64", 64, doubles.clone(), [third as f32, -7.0]),
        (b"FL64", 64, doubles, [third as f32, -7.0]),
    ] {
        let shape = Shape::new(Some(kind), bits, 2, data);
        assert_eq!(shape.read(), [expected], "{}", kind.escape_ascii());
    }
    let bytes = Shape::new(Some(b"sowt"), 16, 1, vec![0, 1]).bytes();
    let reader = AudioReader::from_bytes(Path::new("mic"), bytes).unwrap();
    assert_eq!(reader.foreign_format(), Some("AIFF-C"));
}

#[test]
fn rates_are_rounded_80_bit_floats() {
    let (shape, _) = sixteen(1);
    for (rate, rate_hz) in [
        (RATE_44100, 44_100),
        (RATE_48000, 48_000),
        ([0x40, 0x0F, 0xBB, 0x80, 0, 0, 0, 0, 0, 0], 96_000),
        // 47952.047952 Hz, from film transfers.
        ([0x40, 0x0E, 0xBB, 0x50, 0x0C, 0x46, 0, 0, 0, 0], 47_952),
        // 22254.5454 Hz, from old machines.
        ([0x40, 0x0D, 0xAD, 0xDD, 0x17, 0x46, 0, 0, 0, 0], 22_255),
        ([0x3F, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1),
    ] {
        let bytes = Shape { rate, ..shape.clone() }.bytes();
        let reader = AudioReader::from_bytes(Path::new("mic"), bytes).unwrap();
        assert_eq!((reader.rate_hz(), reader.foreign_format()), (rate_hz, Some("AIFF")));
    }
    for rate in [
        [0xC0, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0],
        [0x7F, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0],
        [0x40, 0x1F, 0x80, 0, 0, 0, 0, 0, 0, 0],
        [0; 10],
        [0x3F, 0xFD, 0x80, 0, 0, 0, 0, 0, 0, 0],
    ] {
        let message = Shape { rate, ..shape.clone() }.message();
        assert!(message.contains("sample rate"), "{rate:?}: {message}");
    }
}

#[test]
fn chunks_of_any_length_may_stand_around_the_samples() {
    let (shape, expected) = sixteen(5_000);
    let odd = [chunk(b"NAME", b"Kick "), chunk(b"ANNO", b"x")].concat();
    let unpadded = [b"NAME\0\0\0\x03abc".to_vec(), chunk(b"ANNO", b"xy")].concat();
    for is_turned in [false, true] {
        for (first, last) in [
            (odd.clone(), vec![]),
            (vec![], odd.clone()),
            (chunk(b"FVER", &[0xA2, 0x80, 0x51, 0x40]), chunk(b"MARK", &[0; 31])),
            (unpadded.clone(), vec![]),
            (vec![], b"APPL\xF0\xFF\xFF\xFFand so on".to_vec()),
            (vec![], b"no chunk".to_vec()),
        ] {
            let shape = Shape { first, last, is_turned, ..shape.clone() };
            assert_eq!(shape.read(), [&expected[..]], "{shape:?}");
        }
    }
    // Three samples of 8 bits also need padding.
    let shape = Shape { is_turned: true, ..Shape::new(None, 8, 3, vec![1, 2, 3]) };
    assert_eq!(shape.read()[0].len(), 3);
    let shape = Shape { offset: 512, ..sixteen(5_000).0 };
    assert_eq!(shape.read(), [expected]);
}

#[test]
fn sizes_that_were_never_filled_in_reach_to_the_end_of_the_file() {
    let (whole, expected) = sixteen(5_000);
    for (form_bytes, sound_bytes, num_samples) in [
        (0, 0, 0),
        (46, 8, 0),
        (u32::MAX, u32::MAX, u32::MAX),
        (0x7FFF_F02E, 0x7FFF_F008, 0x3FFF_F800),
        (0x7F00_002E, 0x7F00_0008, 0x3F80_0000),
        (0, 0, 5_000),
        (u32::MAX, u32::MAX, 5_000),
        (100, 10_008, 5_000),
    ] {
        let mut shape = whole.clone();
        (shape.form_bytes, shape.sound_bytes) = (Some(form_bytes), Some(sound_bytes));
        shape.num_samples = num_samples;
        assert_eq!(shape.read(), [&expected[..]], "{sound_bytes:#x} {num_samples}");
    }
    // Fewer samples than the chunk has room for are no fault.
    let shape = Shape { num_samples: 4_000, ..whole.clone() };
    assert_eq!(shape.read(), [expected[..4_000].to_vec()]);
    let mut empty = Shape::new(None, 16, 0, vec![]);
    assert_eq!(empty.message(), "has no samples");
    empty.last = chunk(b"NAME", b"Kick");
    assert_eq!(empty.message(), "has no samples");
}

#[test]
fn a_file_that_is_shorter_than_it_says_is_refused() {
    let (shape, _) = sixteen(5_000);
    let bytes = shape.bytes();
    for (cut, left) in [(1, 4_999), (2, 4_999), (4_000, 3_000)] {
        let message = message(&bytes[..bytes.len() - cut]);
        assert_eq!(message, format!("ends after {left} of 5000 samples"));
    }
    let message = Shape { num_samples: 5_001, ..shape }.message();
    assert_eq!(message, "ends after 5000 of 5001 samples");
}

#[test]
fn formats_that_are_not_read_are_named() {
    for (kind, name) in [
        (b"ulaw", "mu-law in AIFF-C is not supported"),
        (b"ALAW", "A-law in AIFF-C is not supported"),
        (b"ima4", "IMA ADPCM in AIFF-C is not supported"),
        (b"MAC6", "MACE in AIFF-C is not supported"),
        (b"abcd", "AIFF-C of format 'abcd' is not supported"),
    ] {
        let message = Shape::new(Some(kind), 16, 4, vec![0; 8]).message();
        assert!(message.starts_with(name), "{message}");
    }
    let message = Shape::new(None, 33, 4, vec![0; 32]).message();
    assert!(message.starts_with("33-bit integer AIFF is not supported"), "{message}");
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let (shape, _) = sixteen(10);
    for (bytes, part) in [
        (Shape { num_channels: 0, ..shape.clone() }.bytes(), "no channels"),
        (b"FORM\0\0\0\0AIFF".to_vec(), "no COMM chunk"),
        ([b"FORM\0\0\0\0AIFF".as_slice(), &chunk(b"COMM", &[0; 17])].concat(), "too short"),
        (shape.bytes()[..38].to_vec(), "no SSND chunk"),
        (
            Shape { first: b"NAME\xF0\xFF\xFF\xFF".to_vec(), ..shape }.bytes(),
            "the 'NAME' chunk is longer than the file",
        ),
    ] {
        let message = message(&bytes);
        assert!(message.contains(part), "{message}");
    }
}

fn good_files() -> Vec<Vec<u8>> {
    let (plain, _) = sixteen(301);
    let turned = Shape { is_turned: true, first: chunk(b"NAME", b"Kick "), ..plain.clone() };
    let floats = Shape { num_channels: 2, ..Shape::new(Some(b"fl32"), 32, 40, vec![0; 320]) };
    [plain, turned, floats].iter().map(Shape::bytes).collect()
}

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
        form in prop::sample::select(vec![
            b"FORM\0\0\0\0AIFF".as_slice(), b"FORM\0\0\0\0AIFC", b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        // Any result is accepted, except a panic.
        let _ = read_whatever(&[form, &bytes].concat());
    }

    #[test]
    fn damaged_files_are_samples_or_an_error(
        file in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = good_files().swap_remove(file);
        for (at, with) in changes {
            let at = at.index(bytes.len().min(90));
            bytes[at] = with;
        }
        let _ = read_whatever(&bytes);
    }
}
