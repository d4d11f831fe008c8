//! Files for tests: WAV in every supported kind, and FLAC.

use std::fs;
use std::path::Path;

use flacenc::component::BitRepr;
use flacenc::error::Verify;
use test_signals::Noise;

use crate::{AudioFileError, AudioReader};

/// The storage of samples in a test WAV.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Format tag: 1 for integers, 3 for floats.
    pub(crate) tag: u16,
    pub(crate) bits: u16,
    /// Channel mask of the extensible header; `None` for the plain header.
    pub(crate) extensible_mask: Option<u32>,
}

/// Returns the body of a `fmt ` chunk.
pub(crate) fn fmt_body(kind: Kind, rate_hz: u32, num_channels: u16) -> Vec<u8> {
    let block_align = num_channels * kind.bits / 8;
    let mut fmt = Vec::new();
    fmt.extend(if kind.extensible_mask.is_some() { 0xFFFE } else { kind.tag }.to_le_bytes());
    fmt.extend(num_channels.to_le_bytes());
    fmt.extend(rate_hz.to_le_bytes());
    fmt.extend((rate_hz * u32::from(block_align)).to_le_bytes());
    fmt.extend(block_align.to_le_bytes());
    fmt.extend(kind.bits.to_le_bytes());
    if let Some(mask) = kind.extensible_mask {
        fmt.extend(22_u16.to_le_bytes());
        fmt.extend(kind.bits.to_le_bytes());
        fmt.extend(mask.to_le_bytes());
        fmt.extend(kind.tag.to_le_bytes());
        fmt.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    }
    fmt
}

/// Returns a WAV file with these sample bytes, made without the code under test.
pub(crate) fn wav_bytes(kind: Kind, rate_hz: u32, num_channels: u16, data: &[u8]) -> Vec<u8> {
    wav_bytes_with(kind, rate_hz, num_channels, data, &[])
}

/// Like [`wav_bytes`], with whole chunks before the samples.
pub(crate) fn wav_bytes_with(
    kind: Kind,
    rate_hz: u32,
    num_channels: u16,
    data: &[u8],
    chunks: &[u8],
) -> Vec<u8> {
    let fmt = fmt_body(kind, rate_hz, num_channels);
    let mut bytes = b"RIFF".to_vec();
    let riff_bytes = 4 + 8 + fmt.len() + chunks.len() + 8 + data.len();
    bytes.extend(u32::try_from(riff_bytes).unwrap().to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(u32::try_from(fmt.len()).unwrap().to_le_bytes());
    bytes.extend(fmt);
    bytes.extend(chunks);
    bytes.extend(b"data");
    bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend(data);
    bytes
}

/// Writes a mono 32-bit float WAV at 48 kHz.
pub(crate) fn write_float_wav(path: &Path, samples: &[f32]) {
    write_float_wav_at(path, 48_000, 1, samples);
}

/// Writes a 32-bit float WAV from interleaved samples.
pub(crate) fn write_float_wav_at(path: &Path, rate_hz: u32, num_channels: u16, samples: &[f32]) {
    let data: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    let kind = Kind { tag: 3, bits: 32, extensible_mask: None };
    fs::write(path, wav_bytes(kind, rate_hz, num_channels, &data)).unwrap();
}

/// Returns a FLAC file with these interleaved integer samples.
pub(crate) fn flac_bytes(samples: &[i32], num_channels: usize, bits: usize) -> Vec<u8> {
    let config = flacenc::config::Encoder::default().into_verified().unwrap();
    let source = flacenc::source::MemSource::from_samples(samples, num_channels, bits, 44_100);
    let stream = flacenc::encode_with_fixed_block_size(&config, source, config.block_size).unwrap();
    let mut sink = flacenc::bitsink::ByteSink::new();
    stream.write(&mut sink).unwrap();
    sink.as_slice().to_vec()
}

/// Returns pseudo-random samples that use the whole range of `bits`.
pub(crate) fn ramp(num_samples: usize, bits: u32) -> Vec<i32> {
    let mut noise = Noise::new(1);
    (0..num_samples).map(|_| noise.bits().cast_signed() >> (32 - bits)).collect()
}

/// Reads a whole file in blocks of `block` samples, as `[channel][sample]`.
pub(crate) fn read_all(path: &Path, block: usize) -> Result<Vec<Vec<f32>>, AudioFileError> {
    read_rest(AudioReader::open(path)?, block)
}

/// Like [`read_all`], from memory; the file's name is `mic`.
pub(crate) fn read_bytes(bytes: &[u8], block: usize) -> Result<Vec<Vec<f32>>, AudioFileError> {
    read_rest(AudioReader::from_bytes(Path::new("mic"), bytes.to_vec())?, block)
}

fn read_rest(mut reader: AudioReader, block: usize) -> Result<Vec<Vec<f32>>, AudioFileError> {
    let mut all = vec![Vec::new(); reader.num_channels()];
    loop {
        let mut buffers = vec![vec![0.0; block]; reader.num_channels()];
        let mut slices: Vec<&mut [f32]> = buffers.iter_mut().map(Vec::as_mut_slice).collect();
        let count = reader.read(&mut slices)?;
        for (all, buffer) in all.iter_mut().zip(&buffers) {
            all.extend(&buffer[..count]);
        }
        if count < block {
            return Ok(all);
        }
    }
}

/// Reads a whole file in limited memory and discards the samples.
pub(crate) fn read_whatever(bytes: &[u8]) -> Result<(), AudioFileError> {
    let mut reader = AudioReader::from_bytes(Path::new("mic"), bytes.to_vec())?;
    let mut block = vec![vec![0.0; 64]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
    let mut num_read = 0;
    loop {
        let count = reader.read(&mut slices)?;
        num_read += count as u64;
        if count < 64 {
            assert_eq!(num_read, reader.num_samples());
            return Ok(());
        }
    }
}

/// Returns the sorted names of all entries of a folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
