//! Decodes FLAC (RFC 9639) of 4 to 32 bits block by block and verifies all checksums.

mod bits;
mod subframe;

#[cfg(test)]
mod tests;

use crate::byte_order::Order;
use crate::input::{Fault, Input};
use crate::metadata::{self, Metadata};
use crate::pcm::to_float;
use bits::Bits;

/// Largest number of metadata blocks; a file with more counts as damaged.
const MOST_METADATA_BLOCKS: u32 = 10_000;
const STREAMINFO_BYTES: u32 = 34;

/// Properties shared by all blocks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StreamInfo {
    rate_hz: u32,
    num_channels: usize,
    bits: u32,
    /// Samples per channel; `None` if the encoder did not know the length.
    num_samples: Option<u64>,
}

impl StreamInfo {
    fn from_bytes(bytes: [u8; STREAMINFO_BYTES as usize]) -> Result<Self, Fault> {
        // After the sizes of blocks: 20 bits of rate, 3 of channels, 5 of bits, 36 of samples.
        let [_, _, _, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h, ..] = bytes;
        let packed = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let field = |shift: u32, bits: u32| {
            u32::try_from((packed >> shift) & ((1 << bits) - 1)).unwrap_or_default()
        };
        let num_samples = packed & ((1 << 36) - 1);
        let info = Self {
            rate_hz: field(44, 20),
            num_channels: field(41, 3) as usize + 1,
            bits: field(36, 5) + 1,
            num_samples: (num_samples > 0).then_some(num_samples),
        };
        if info.rate_hz == 0 {
            return Err(Fault::format("no sample rate"));
        }
        if info.bits < 4 {
            return Err(Fault::format(format!("{} bits per sample", info.bits)));
        }
        Ok(info)
    }
}

/// The storage of a block's two channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stereo {
    Independent,
    LeftSide,
    SideRight,
    MidSide,
}

/// The fields of a block's header that are needed for its samples.
#[derive(Clone, Copy, Debug)]
struct BlockHeader {
    num_samples: usize,
    stereo: Stereo,
}

/// A decoder of one FLAC file.
#[derive(Debug)]
pub(crate) struct Flac {
    info: StreamInfo,
    metadata: Metadata,
    /// Samples of the last block, `[channel][sample]`.
    block: Vec<Vec<i64>>,
}

impl Flac {
    /// Reads the metadata, from the magic number up to the first block.
    pub(crate) fn open(input: &mut Input) -> Result<Self, Fault> {
        if &input.array::<4>()? != b"fLaC" {
            return Err(Fault::format("not a FLAC stream"));
        }
        let mut info = None;
        let mut metadata = Metadata::default();
        for _ in 0..MOST_METADATA_BLOCKS {
            let [kind, a, b, c] = input.array::<4>()?;
            let num_bytes = u32::from_be_bytes([0, a, b, c]);
            let end = input.pos_bytes() + u64::from(num_bytes);
            match (kind & 0x7F, info) {
                (0, None) if num_bytes >= STREAMINFO_BYTES => {
                    info = Some(StreamInfo::from_bytes(input.array()?)?);
                }
                (_, None) => return Err(Fault::format("no STREAMINFO block")),
                (2, _) if u64::from(num_bytes) <= metadata::MOST_BYTES => {
                    keep_chunk(&mut metadata, &input.up_to(num_bytes.into())?);
                }
                (0 | 127, _) => return Err(Fault::format("invalid type of metadata block")),
                _ => {}
            }
            if end > input.len_bytes() {
                return Err(Fault::Truncated);
            }
            input.seek_to(end)?;
            if let (Some(info), true) = (info, kind & 0x80 != 0) {
                let block = vec![Vec::new(); info.num_channels];
                return Ok(Self { info, metadata, block });
            }
        }
        Err(Fault::format("too many metadata blocks"))
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) fn rate_hz(&self) -> u32 {
        self.info.rate_hz
    }

    pub(crate) fn num_channels(&self) -> usize {
        self.info.num_channels
    }

    pub(crate) fn num_samples(&self) -> Option<u64> {
        self.info.num_samples
    }

    /// Appends the next block to `packet` (`[channel][sample]`); adds nothing at the end of
    /// the file.
    pub(crate) fn read(&mut self, input: &mut Input, packet: &mut [Vec<f32>]) -> Result<(), Fault> {
        if input.rest_bytes() == 0 {
            return Ok(());
        }
        self.decode(input)?;
        let full_scale = 1_i64 << (self.info.bits - 1);
        for (channel, out) in self.block.iter().zip(packet) {
            if channel.iter().any(|x| !(-full_scale..full_scale).contains(x)) {
                return Err(Fault::format("sample beyond full scale"));
            }
            #[allow(clippy::cast_precision_loss, reason = "samples have 32 bits at most")]
            out.extend(channel.iter().map(|&x| to_float(x as f64 / full_scale as f64)));
        }
        Ok(())
    }

    /// Decodes the next block into `block`.
    fn decode(&mut self, input: &mut Input) -> Result<(), Fault> {
        let mut bits = Bits::new(input);
        let header = read_header(&mut bits, self.info)?;
        let side = match header.stereo {
            Stereo::Independent => None,
            Stereo::LeftSide | Stereo::MidSide => Some(1),
            Stereo::SideRight => Some(0),
        };
        for (index, channel) in self.block.iter_mut().enumerate() {
            // The difference of two channels needs one more bit.
            let depth = self.info.bits + u32::from(side == Some(index));
            channel.clear();
            subframe::read(&mut bits, depth, header.num_samples, channel)?;
        }
        bits.skip_to_byte();
        let expected = bits.crc16();
        if bits.read(16)? != u64::from(expected) {
            return Err(Fault::format("wrong checksum of a block"));
        }
        if let [first, second] = self.block.as_mut_slice() {
            join(header.stereo, first, second);
        }
        Ok(())
    }
}

/// Keeps a chunk of the WAV file from which the stream was made: `flac --keep-foreign-metadata`
/// stores each in an application block `riff`.
fn keep_chunk(metadata: &mut Metadata, block: &[u8]) {
    if let [b'r', b'i', b'f', b'f', a, b, c, d, e, f, g, h, body @ ..] = block
        && metadata::is_kept([*a, *b, *c, *d])
        && let Ok(size) = usize::try_from(u32::from_le_bytes([*e, *f, *g, *h]))
        && let Some(body) = body.get(..size)
    {
        metadata.add([*a, *b, *c, *d], body.to_vec(), Order::Little);
    }
}

/// Restores two channels from their difference and one of them, or their mean.
fn join(stereo: Stereo, first: &mut [i64], second: &mut [i64]) {
    for (first, second) in first.iter_mut().zip(second) {
        match stereo {
            Stereo::Independent => return,
            Stereo::LeftSide => *second = first.wrapping_sub(*second),
            Stereo::SideRight => *first = first.wrapping_add(*second),
            Stereo::MidSide => {
                let side = *second;
                let sum = (*first << 1) | (side & 1);
                *first = sum.wrapping_add(side) >> 1;
                *second = sum.wrapping_sub(side) >> 1;
            }
        }
    }
}

fn read_header(bits: &mut Bits<'_>, info: StreamInfo) -> Result<BlockHeader, Fault> {
    // A sync code of 15 bits; the next bit, the blocking strategy, is not used.
    if bits.read(15)? != 0b111_1111_1111_1100 {
        return Err(Fault::format("missing start of a block"));
    }
    bits.read(1)?;
    let (size, rate) = (bits.read(4)?, bits.read(4)?);
    let (channels, depth) = (bits.read(4)?, bits.read(3)?);
    if bits.read(1)? != 0 {
        return Err(Fault::format("reserved bit is set"));
    }
    skip_number(bits)?;
    let num_samples = match size {
        1 => 192,
        2..=5 => 144 << size,
        6 => bits.read(8)? + 1,
        7 => bits.read(16)? + 1,
        8..=15 => 1 << size,
        _ => return Err(Fault::format("reserved block size")),
    };
    let rate_hz = match rate {
        0 => info.rate_hz.into(),
        1 => 88_200,
        2 => 176_400,
        3 => 192_000,
        4 => 8_000,
        5 => 16_000,
        6 => 22_050,
        7 => 24_000,
        8 => 32_000,
        9 => 44_100,
        10 => 48_000,
        11 => 96_000,
        12 => 1_000 * bits.read(8)?,
        13 => bits.read(16)?,
        14 => 10 * bits.read(16)?,
        _ => return Err(Fault::format("reserved sample rate")),
    };
    let (num_channels, stereo) = match channels {
        0..=7 => (channels + 1, Stereo::Independent),
        8 => (2, Stereo::LeftSide),
        9 => (2, Stereo::SideRight),
        10 => (2, Stereo::MidSide),
        _ => return Err(Fault::format("reserved channel assignment")),
    };
    let depth = match depth {
        0 => info.bits,
        1 => 8,
        2 => 12,
        4 => 16,
        5 => 20,
        6 => 24,
        7 => 32,
        _ => return Err(Fault::format("reserved number of bits")),
    };
    let expected = bits.crc8();
    if bits.read(8)? != u64::from(expected) {
        return Err(Fault::format("wrong checksum of a block header"));
    }
    if (rate_hz, num_channels, depth) != (info.rate_hz.into(), info.num_channels as u64, info.bits)
    {
        return Err(Fault::format("sample rate, channels or bits change"));
    }
    let num_samples = usize::try_from(num_samples).map_err(|_| Fault::Truncated)?;
    Ok(BlockHeader { num_samples, stereo })
}

/// Skips the block's number: one to seven bytes in an encoding like UTF-8.
fn skip_number(bits: &mut Bits<'_>) -> Result<(), Fault> {
    let first = u8::try_from(bits.read(8)?).unwrap_or_default();
    let following = match first.leading_ones() {
        0 => 0,
        ones @ 2..=7 => ones - 1,
        _ => return Err(Fault::format("invalid block number")),
    };
    for _ in 0..following {
        if bits.read(8)? >> 6 != 0b10 {
            return Err(Fault::format("invalid block number"));
        }
    }
    Ok(())
}
