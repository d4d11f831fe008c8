//! Uncompressed samples: their description in a WAV file, and their conversion to planar `f32`.

use crate::byte_order::Order;
use crate::input::{Fault, Input};
use crate::metadata::Metadata;

/// Largest number of bytes read at once.
const PACKET_BYTES: u64 = 1 << 18;
/// Largest number of samples per channel read at once.
const PACKET_SAMPLES: u64 = 4096;

const TAG_INTEGER: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// Bytes after the tag in the GUIDs of formats with a tag, and of Ambisonic B-format.
const GUID_TAILS: [[u8; 14]; 2] = [
    [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71],
    [0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0],
];

/// A file of uncompressed samples whose chunks have been read.
#[derive(Debug)]
pub(crate) struct PcmFile {
    pub(crate) pcm: Pcm,
    /// Samples per channel, all of them present in the file.
    pub(crate) num_samples: u64,
    pub(crate) metadata: Metadata,
    /// Name of the format if outputs are not written in it but as WAV.
    pub(crate) foreign: Option<&'static str>,
}

/// The encoding of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Unsigned8,
    Signed8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
}

impl Encoding {
    /// Returns the encoding of signed integers of 1 to 32 bits, left-justified in the fewest
    /// whole bytes.
    pub(crate) const fn signed(bits: u32) -> Option<Self> {
        match bits {
            1..=8 => Some(Self::Signed8),
            9..=16 => Some(Self::Signed16),
            17..=24 => Some(Self::Signed24),
            25..=32 => Some(Self::Signed32),
            _ => None,
        }
    }

    pub(crate) const fn num_bytes(self) -> u16 {
        match self {
            Self::Unsigned8 | Self::Signed8 => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

/// Interleaved samples of one encoding.
#[derive(Clone, Debug)]
pub(crate) struct Pcm {
    encoding: Encoding,
    order: Order,
    num_channels: u16,
    rate_hz: u32,
    /// Bytes of the last packet.
    bytes: Vec<u8>,
}

impl Pcm {
    /// Describes samples of a known encoding, interleaved without gaps.
    pub(crate) fn new(
        encoding: Encoding,
        order: Order,
        num_channels: u16,
        rate_hz: u32,
    ) -> Result<Self, Fault> {
        if num_channels == 0 || rate_hz == 0 {
            return Err(Fault::format("no channels or no sample rate"));
        }
        Ok(Self { encoding, order, num_channels, rate_hz, bytes: Vec::new() })
    }

    /// Reads the body of a `fmt ` chunk.
    ///
    /// Integers are left-justified in containers of whole bytes, so the number of valid bits has
    /// no effect.
    pub(crate) fn from_fmt(body: &[u8], order: Order) -> Result<Self, Fault> {
        let &[a, b, c, d, e, f, g, h, _, _, _, _, i, j, k, l, ref rest @ ..] = body else {
            return Err(Fault::format("the fmt chunk is too short"));
        };
        let mut tag = order.u16([a, b]);
        let num_channels = order.u16([c, d]);
        let rate_hz = order.u32([e, f, g, h]);
        let block_bytes = order.u16([i, j]);
        let bits = order.u16([k, l]);
        if tag == TAG_EXTENSIBLE {
            // Size of the extension, valid bits, speakers, then the GUID.
            let Some(&[first, second, ref tail @ ..]) = rest.get(8..24) else {
                return Err(Fault::format("the fmt chunk is too short"));
            };
            if !GUID_TAILS.iter().any(|known| known == tail) {
                return Err(Fault::Unread("WAV with a custom format".to_owned()));
            }
            tag = order.u16([first, second]);
        }
        let encoding = match (tag, bits) {
            (TAG_INTEGER, 8) => Encoding::Unsigned8,
            (TAG_INTEGER, 9..=16) => Encoding::Signed16,
            (TAG_INTEGER, 17..=24) => Encoding::Signed24,
            (TAG_INTEGER, 25..=32) => Encoding::Signed32,
            (TAG_FLOAT, 32) => Encoding::Float32,
            (TAG_FLOAT, 64) => Encoding::Float64,
            (TAG_INTEGER, _) => return Err(Fault::Unread(format!("{bits}-bit integer WAV"))),
            (TAG_FLOAT, _) => return Err(Fault::Unread(format!("{bits}-bit float WAV"))),
            _ => return Err(Fault::Unread(codec_name(tag))),
        };
        let pcm = Self::new(encoding, order, num_channels, rate_hz)?;
        let wanted = u32::from(num_channels) * u32::from(encoding.num_bytes());
        // Some programs set the block size to zero. With any other wrong size the position of a
        // sample in its container is unknown.
        if block_bytes != 0 && u32::from(block_bytes) != wanted {
            return Err(Fault::format(format!(
                "{num_channels} channels of {bits} bits in blocks of {block_bytes} bytes"
            )));
        }
        Ok(pcm)
    }

    pub(crate) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub(crate) fn num_channels(&self) -> usize {
        usize::from(self.num_channels)
    }

    /// Returns the bytes of one sample of all channels.
    pub(crate) fn block_bytes(&self) -> u64 {
        u64::from(self.num_channels) * u64::from(self.encoding.num_bytes())
    }

    /// Appends up to `left_samples` samples to `packet`, `[channel][sample]`.
    pub(crate) fn read(
        &mut self,
        input: &mut Input,
        left_samples: u64,
        packet: &mut [Vec<f32>],
    ) -> Result<(), Fault> {
        let at_once = (PACKET_BYTES / self.block_bytes()).clamp(1, PACKET_SAMPLES);
        let num_bytes = left_samples.min(at_once) * self.block_bytes();
        self.bytes.resize(usize::try_from(num_bytes).map_err(|_| Fault::Truncated)?, 0);
        input.read_exact(&mut self.bytes)?;
        let (bytes, order) = (&self.bytes, self.order);
        match self.encoding {
            Encoding::Unsigned8 => {
                split(bytes, order, packet, |[x]: [u8; 1]| (f32::from(x) - 128.0) / 128.0);
            }
            Encoding::Signed8 => {
                split(bytes, order, packet, |x: [u8; 1]| f32::from(i8::from_le_bytes(x)) / 128.0);
            }
            Encoding::Signed16 => {
                split(bytes, order, packet, |x: [u8; 2]| {
                    f32::from(i16::from_le_bytes(x)) / 32_768.0
                });
            }
            Encoding::Signed24 => {
                split(bytes, order, packet, |[a, b, c]: [u8; 3]| {
                    to_float(f64::from(i32::from_le_bytes([0, a, b, c])) / 2_147_483_648.0)
                });
            }
            Encoding::Signed32 => split(bytes, order, packet, |x: [u8; 4]| {
                to_float(f64::from(i32::from_le_bytes(x)) / 2_147_483_648.0)
            }),
            Encoding::Float32 => split(bytes, order, packet, f32::from_le_bytes),
            Encoding::Float64 => {
                split(bytes, order, packet, |x: [u8; 8]| to_float(f64::from_le_bytes(x)));
            }
        }
        Ok(())
    }
}

/// Splits interleaved samples of `N` bytes into `[channel][sample]`; `decode` receives
/// little-endian bytes.
fn split<const N: usize>(
    bytes: &[u8],
    order: Order,
    packet: &mut [Vec<f32>],
    decode: impl Fn([u8; N]) -> f32,
) {
    let (samples, _) = bytes.as_chunks::<N>();
    for block in samples.chunks_exact(packet.len()) {
        for (channel, &sample) in packet.iter_mut().zip(block) {
            let mut sample = sample;
            if order == Order::Big {
                sample.reverse();
            }
            channel.push(decode(sample));
        }
    }
}

/// Rounds to the nearest `f32`.
pub(crate) fn to_float(x: f64) -> f32 {
    #[allow(clippy::cast_possible_truncation, reason = "rounds to the nearest f32, as meant")]
    let value = x as f32;
    value
}

/// Returns the name of an unsupported format from its tag in the `fmt ` chunk.
fn codec_name(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x0010 => "OKI ADPCM",
        0x0011 => "IMA ADPCM",
        0x0014 => "G.723 ADPCM",
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 6.10",
        0x0040 => "G.721 ADPCM",
        0x0042 => "G.723.1",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0064 | 0x0045 => "G.726 ADPCM",
        0x0083 => "G.729",
        0x0092 => "Dolby AC-3",
        0x00FF | 0x1600..=0x1610 | 0x706D => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x0270 => "ATRAC3",
        0x2001 => "DTS",
        0x566F | 0x674F..=0x6771 => "Vorbis",
        0xF1AC => "FLAC",
        _ => return format!("WAV of format {tag:#06x}"),
    };
    format!("{name} in WAV")
}
