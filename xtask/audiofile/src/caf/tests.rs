//! CAF files of all variants that programs write, and malformed ones.

use std::path::Path;

use proptest::prelude::*;

use crate::AudioReader;
use crate::testing::{ramp, read_bytes, read_whatever};

/// A file and the numbers in its header.
#[derive(Clone, Debug)]
struct Shape {
    rate_hz: f64,
    format: [u8; 4],
    flags: u32,
    packet_bytes: u32,
    packet_samples: u32,
    num_channels: u32,
    bits: u32,
    data_bytes: Option<i64>,
    /// Chunks between `desc` and `data`, and after `data`.
    middle: Vec<u8>,
    last: Vec<u8>,
    data: Vec<u8>,
}

impl Shape {
    /// Creates a mono file at 48 kHz.
    fn new(flags: u32, bits: u32, data: Vec<u8>) -> Self {
        Self {
            rate_hz: 48_000.0,
            format: *b"lpcm",
            flags,
            packet_bytes: bits / 8,
            packet_samples: 1,
            num_channels: 1,
            bits,
            data_bytes: None,
            middle: Vec::new(),
            last: Vec::new(),
            data,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut description = self.rate_hz.to_be_bytes().to_vec();
        description.extend(self.format);
        for number in
            [self.flags, self.packet_bytes, self.packet_samples, self.num_channels, self.bits]
        {
            description.extend(number.to_be_bytes());
        }
        let mut bytes = b"caff\0\x01\0\0".to_vec();
        bytes.extend(chunk(b"desc", &description));
        bytes.extend(&self.middle);
        bytes.extend(b"data");
        let true_bytes = 4 + i64::try_from(self.data.len()).unwrap();
        bytes.extend(self.data_bytes.unwrap_or(true_bytes).to_be_bytes());
        bytes.extend(7_u32.to_be_bytes());
        bytes.extend(&self.data);
        bytes.extend(&self.last);
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
    bytes.extend(i64::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn message(bytes: &[u8]) -> String {
    let message = read_bytes(bytes, 512).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message:?}");
    message.strip_prefix("mic: ").unwrap().to_owned()
}

fn sixteen(num_samples: usize) -> (Shape, Vec<f32>) {
    let numbers = ramp(num_samples, 16);
    let data = numbers.iter().flat_map(|&x| (x as i16).to_be_bytes()).collect();
    let expected = numbers.iter().map(|&x| x as f32 / 32_768.0).collect();
    (Shape::new(0, 16, data), expected)
}

#[test]
fn integers_and_floats_of_both_orders_are_read() {
    let third = 1.0_f64 / 3.0;
    // Each with the most significant byte first.
    for (flags, bits, samples, expected) in [
        (0, 8, vec![vec![0x40], vec![0xC0]], [0.5, -0.5]),
        (0, 16, vec![vec![0x40, 0], vec![0, 1]], [0.5, 2_f32.powi(-15)]),
        (0, 24, vec![vec![0xC0, 0, 0], vec![0, 0, 1]], [-0.5, 2_f32.powi(-23)]),
        (0, 32, vec![vec![0x80, 0, 0, 0], vec![0, 0, 0, 0x80]], [-1.0, 2_f32.powi(-24)]),
        (
            1,
            32,
            vec![1.5_f32.to_be_bytes().to_vec(), (-0.25_f32).to_be_bytes().to_vec()],
            [1.5, -0.25],
        ),
        (
            1,
            64,
            vec![third.to_be_bytes().to_vec(), (-7.0_f64).to_be_bytes().to_vec()],
            [third as f32, -7.0],
        ),
    ] {
        assert_eq!(Shape::new(flags, bits, samples.concat()).read(), [expected], "{bits} big");
        let little: Vec<u8> =
            samples.iter().flat_map(|sample| sample.iter().rev().copied()).collect();
        assert_eq!(Shape::new(flags | 2, bits, little).read(), [expected], "{bits} little");
    }
    let mut stereo = Shape::new(2, 16, vec![0, 0x40, 0, 0xC0]);
    (stereo.num_channels, stereo.packet_bytes, stereo.rate_hz) = (2, 4, 44_100.0);
    assert_eq!(stereo.read(), [[0.5], [-0.5]]);
    let reader = AudioReader::from_bytes(Path::new("mic"), stereo.bytes()).unwrap();
    assert_eq!((reader.rate_hz(), reader.foreign_format()), (44_100, Some("CAF")));
}

#[test]
fn chunks_of_any_length_may_stand_around_the_samples() {
    let (shape, expected) = sixteen(5_000);
    let odd = [chunk(b"info", b"abc"), chunk(b"free", &[0; 4_075])].concat();
    for (middle, last) in [
        (odd.clone(), vec![]),
        (vec![], odd.clone()),
        (chunk(b"chan", &[0; 12]), b"uuid\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFx".to_vec()),
        (vec![], b"no chunk".to_vec()),
    ] {
        let shape = Shape { middle, last, ..shape.clone() };
        assert_eq!(shape.read(), [&expected[..]], "{shape:?}");
    }
}

#[test]
fn a_size_of_minus_one_reaches_to_the_end_of_the_file() {
    let (shape, expected) = sixteen(5_000);
    let open = Shape { data_bytes: Some(-1), ..shape.clone() };
    assert_eq!(open.read(), [&expected[..]]);
    // Stray bytes are no sample.
    let stray = Shape { last: vec![1], ..open };
    assert_eq!(stray.read(), [expected]);
    assert!(Shape { data_bytes: Some(-2), ..shape }.message().contains("has no size"));
    assert_eq!(Shape::new(0, 16, vec![]).message(), "has no samples");
}

#[test]
fn a_file_that_is_shorter_than_it_says_is_refused() {
    let bytes = sixteen(5_000).0.bytes();
    for (cut, left) in [(1, 4_999), (2, 4_999), (4_000, 3_000)] {
        let message = message(&bytes[..bytes.len() - cut]);
        assert_eq!(message, format!("ends after {left} of 5000 samples"));
    }
    let shape = Shape { data_bytes: Some(i64::MAX), ..sixteen(5_000).0 };
    assert!(shape.message().starts_with("ends after 5000 of "));
}

#[test]
fn formats_that_are_not_read_are_named() {
    for (format, name) in [
        (b"alac", "Apple Lossless in CAF is not supported"),
        (b"aac ", "AAC in CAF is not supported"),
        (b"ulaw", "mu-law in CAF is not supported"),
        (b"opus", "Opus in CAF is not supported"),
        (b"abcd", "CAF of format 'abcd' is not supported"),
    ] {
        let shape = Shape { format: *format, ..sixteen(10).0 };
        assert!(shape.message().starts_with(name), "{}", shape.message());
    }
    for (flags, bits, name) in [
        (0, 20, "20-bit integer CAF is not supported"),
        (1, 16, "16-bit float CAF is not supported"),
    ] {
        let message = Shape::new(flags, bits, vec![0; 64]).message();
        assert!(message.starts_with(name), "{message}");
    }
    let mut bytes = sixteen(10).0.bytes();
    bytes[5] = 2;
    assert!(message(&bytes).starts_with("CAF version 2 is not supported"));
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let (shape, _) = sixteen(10);
    let with = |change: fn(&mut Shape)| {
        let mut shape = shape.clone();
        change(&mut shape);
        shape.bytes()
    };
    let mut data_first = b"caff\0\x01\0\0".to_vec();
    data_first.extend(chunk(b"data", &[0; 20]));
    let mut twice = shape.bytes()[..52].to_vec();
    twice.extend(chunk(b"free", &[]));
    for (bytes, part) in [
        (with(|shape| shape.num_channels = 0), "no channels"),
        (with(|shape| shape.num_channels = 70_000), "70000 channels"),
        (with(|shape| shape.rate_hz = 0.0), "sample rate"),
        (with(|shape| shape.rate_hz = f64::NAN), "sample rate"),
        (with(|shape| shape.rate_hz = 1e300), "sample rate"),
        (with(|shape| shape.packet_bytes = 4), "in packets of 4 bytes"),
        (with(|shape| shape.packet_samples = 2), "2 samples in packets"),
        (with(|shape| shape.middle = b"info\0\0\0\0\0\0\x7F\xFF".to_vec()), "longer than the file"),
        (
            with(|shape| shape.middle = b"info\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec()),
            "longer than",
        ),
        (data_first, "the data chunk comes before the desc chunk"),
        (b"caff\0\x01\0\0".to_vec(), "no desc chunk"),
        (twice, "no data chunk"),
        (b"caff\0\x01".to_vec(), "the header is incomplete"),
    ] {
        let message = message(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn files_that_are_cut_anywhere_are_errors_or_whole() {
    let shape = Shape { middle: chunk(b"info", b"abc"), ..sixteen(301).0 };
    let bytes = shape.bytes();
    for end in 0..bytes.len() {
        assert!(read_bytes(&bytes[..end], 64).is_err(), "{end} of {}", bytes.len());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_samples_or_an_error(
        head in prop::sample::select(vec![
            b"caff\0\x01\0\0".as_slice(), b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        // Any result is accepted, except a panic.
        let _ = read_whatever(&[head, &bytes].concat());
    }

    #[test]
    fn damaged_files_are_samples_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = Shape { middle: chunk(b"info", b"abc"), ..sixteen(301).0 }.bytes();
        for (at, with) in changes {
            let at = at.index(bytes.len().min(90));
            bytes[at] = with;
        }
        let _ = read_whatever(&bytes);
    }
}
