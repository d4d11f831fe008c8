//! Finds the samples of an AIFF or AIFF-C file (Apple, 1989 and 1991).
//!
//! The chunk `COMM` describes the samples and `SSND` contains them; their order is arbitrary.

use crate::byte_order::Order;
use crate::chunks::{Chunk, Chunks, Container, printable};
use crate::input::{Fault, Input};
use crate::metadata::Metadata;
use crate::open_ended::is_open_ended;
use crate::pcm::{Encoding, Pcm, PcmFile};

#[cfg(test)]
mod tests;

/// Length of `COMM` without the compression type, in bytes.
const COMM_BYTES: usize = 18;
/// Length of the offset and block size before the samples in `SSND`, in bytes.
const SSND_BYTES: u64 = 8;

/// Reads the chunks and seeks to the first sample.
pub(crate) fn open(input: &mut Input, mut chunks: Chunks) -> Result<PcmFile, Fault> {
    let container = chunks.container();
    let (mut common, mut sound) = (None, None);
    while let Some(chunk) = chunks.next(input)? {
        match &chunk.id {
            b"SSND" if sound.is_none() => sound = Some(chunk),
            b"COMM" if common.is_none() => {
                let body = input.up_to(chunk.size_bytes.min(64))?;
                common = Some(Common::new(&body, container)?);
            }
            // Chunks after both are not needed, so faults in them are ignored.
            _ if common.is_some() && sound.is_some() => break,
            _ if chunk.end_bytes() > input.len_bytes() => {
                let id = printable(chunk.id);
                return Err(Fault::format(format!("the {id} chunk is longer than the file")));
            }
            _ => {}
        }
    }
    let Common { pcm, num_samples } = common.ok_or_else(|| Fault::format("no COMM chunk"))?;
    let file = |pcm, num_samples| PcmFile {
        pcm,
        num_samples,
        metadata: Metadata::default(),
        foreign: Some(if container == Container::Aiff { "AIFF" } else { "AIFF-C" }),
    };
    let Some(sound) = sound else {
        // A file without samples needs no `SSND` chunk.
        let missing = || Fault::format("no SSND chunk");
        return if num_samples == 0 { Ok(file(pcm, 0)) } else { Err(missing()) };
    };
    input.seek_to(sound.start_bytes)?;
    let offset_bytes = u64::from(u32::from_be_bytes(input.array()?));
    let start_bytes = sound.start_bytes.saturating_add(SSND_BYTES).saturating_add(offset_bytes);
    let samples = Chunk {
        id: sound.id,
        start_bytes,
        size_bytes: sound.end_bytes().saturating_sub(start_bytes),
    };
    let block_bytes = pcm.block_bytes();
    let rest_bytes = input.len_bytes().saturating_sub(start_bytes);
    let (there, stated) = (rest_bytes / block_bytes, samples.size_bytes / block_bytes);
    let open_ended = is_open_ended(samples, rest_bytes, chunks.end_bytes(), block_bytes);
    let room = if open_ended { there } else { stated };
    // A number that was never filled in is zero, or large and wrong like the size.
    let is_counted = num_samples > 0 && !(open_ended && num_samples > there);
    let promised = if is_counted { num_samples } else { room };
    let read = there.min(room);
    if read < promised {
        return Err(Fault::Short { read, expected: promised });
    }
    input.seek_to(start_bytes)?;
    Ok(file(pcm, promised))
}

/// The body of `COMM`.
struct Common {
    pcm: Pcm,
    num_samples: u64,
}

impl Common {
    fn new(body: &[u8], container: Container) -> Result<Self, Fault> {
        let Some((&[a, b, c, d, e, f, g, h, ref rate @ ..], rest)) =
            body.split_first_chunk::<COMM_BYTES>()
        else {
            return Err(Fault::format("the COMM chunk is too short"));
        };
        let num_channels = u16::from_be_bytes([a, b]);
        let num_samples = u64::from(u32::from_be_bytes([c, d, e, f]));
        let bits = u16::from_be_bytes([g, h]);
        let rate_hz = from_extended(*rate).ok_or_else(|| Fault::format("invalid sample rate"))?;
        let integers = |order| {
            let encoding = Encoding::signed(bits.into());
            encoding
                .map(|encoding| (encoding, order))
                .ok_or_else(|| Fault::Unread(format!("{bits}-bit integer AIFF")))
        };
        let (encoding, order) = if container == Container::Aiff {
            integers(Order::Big)?
        } else {
            let Some(kind) = rest.first_chunk::<4>() else {
                return Err(Fault::format("the COMM chunk is too short"));
            };
            match kind {
                b"NONE" | b"twos" => integers(Order::Big)?,
                b"sowt" => integers(Order::Little)?,
                b"in24" => (Encoding::Signed24, Order::Big),
                b"in32" => (Encoding::Signed32, Order::Big),
                b"42n1" => (Encoding::Signed24, Order::Little),
                b"23ni" => (Encoding::Signed32, Order::Little),
                b"raw " if bits <= 8 => (Encoding::Unsigned8, Order::Big),
                b"fl32" | b"FL32" => (Encoding::Float32, Order::Big),
                b"fl64" | b"FL64" => (Encoding::Float64, Order::Big),
                _ => return Err(Fault::Unread(codec_name(*kind))),
            }
        };
        Ok(Self { pcm: Pcm::new(encoding, order, num_channels, rate_hz)?, num_samples })
    }
}

/// Converts an 80-bit float to whole Hz; `None` if it is not a valid rate.
fn from_extended(bytes: [u8; 10]) -> Option<u32> {
    let [high, low, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([high, low]));
    let mantissa = u64::from_be_bytes(mantissa);
    // The sign is the highest bit; exponent 0x3FFF with the point after the first bit is 1.
    let right = 0x3FFF + 63 - exponent;
    let rounded = match right {
        1..=63 => (u128::from(mantissa) + (1_u128 << (right - 1))) >> right,
        0 => mantissa.into(),
        _ => return None,
    };
    u32::try_from(rounded).ok()
}

/// Returns the name of an unsupported format.
fn codec_name(kind: [u8; 4]) -> String {
    let name = match &kind.map(|byte| byte.to_ascii_lowercase()) {
        b"ulaw" => "mu-law",
        b"alaw" => "A-law",
        b"ima4" => "IMA ADPCM",
        b"mac3" | b"mac6" => "MACE",
        b"gsm " | b"agsm" => "GSM 6.10",
        b"qdm2" | b"qdmc" => "QDesign Music",
        b"qclp" => "PureVoice",
        b".mp3" => "MP3",
        b"adp4" | b"dwvw" | b"sdx2" | b"g722" | b"g726" => {
            return format!("compressed AIFF-C ({})", printable(kind));
        }
        _ => return format!("AIFF-C of format {}", printable(kind)),
    };
    format!("{name} in AIFF-C")
}
