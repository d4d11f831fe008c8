//! Finds the samples of a CAF file (Apple Core Audio Format 1.0).
//!
//! Chunks have an identifier of 4 bytes and a size of 64 bits, most significant byte first, without
//! padding. A size of -1 reaches to the end of the file. The chunk `desc` comes first and describes
//! the samples; `data` contains them after an edit count.

use crate::byte_order::Order;
use crate::chunks::printable;
use crate::input::{Fault, Input};
use crate::metadata::Metadata;
use crate::pcm::{Encoding, Pcm, PcmFile};

#[cfg(test)]
mod tests;

/// Largest number of chunks; a file with more counts as damaged.
const MOST_CHUNKS: u32 = 10_000;
/// Length of rate, format, flags, bytes and samples per packet, channels and bits, in bytes.
const DESC_BYTES: i64 = 32;
/// Length of the edit count before the samples, in bytes.
const EDITS_BYTES: u64 = 4;
const FLAG_FLOAT: u32 = 1;
const FLAG_LITTLE: u32 = 2;

/// Reads the chunks and seeks to the first sample; `None` if the file is not CAF.
pub(crate) fn open(input: &mut Input) -> Result<Option<PcmFile>, Fault> {
    if input.up_to(4)? != b"caff" {
        return Ok(None);
    }
    let [version, _] = [u16::from_be_bytes(input.array()?), u16::from_be_bytes(input.array()?)];
    if version != 1 {
        return Err(Fault::Unread(format!("CAF version {version}")));
    }
    let mut pcm = None;
    for _ in 0..MOST_CHUNKS {
        if input.rest_bytes() < 12 {
            return Err(Fault::format(if pcm.is_some() {
                "no data chunk"
            } else {
                "no desc chunk"
            }));
        }
        let id = input.array::<4>()?;
        let size_bytes = i64::from_be_bytes(input.array()?);
        match (&id, pcm.take()) {
            (b"desc", None) if size_bytes >= DESC_BYTES => pcm = Some(describe(input)?),
            (b"desc", None) => return Err(Fault::format("the desc chunk is too short")),
            (b"data", Some(pcm)) => return samples(input, pcm, size_bytes).map(Some),
            (b"data", None) => {
                return Err(Fault::format("the data chunk comes before the desc chunk"));
            }
            (_, known) => pcm = known,
        }
        let skipped = if &id == b"desc" { DESC_BYTES } else { 0 };
        let left = u64::try_from(size_bytes - skipped).unwrap_or(u64::MAX);
        if left > input.rest_bytes() {
            let id = printable(id);
            return Err(Fault::format(format!("the {id} chunk is longer than the file")));
        }
        input.seek_to(input.pos_bytes() + left)?;
    }
    Err(Fault::format(format!("more than {MOST_CHUNKS} chunks")))
}

fn samples(input: &mut Input, pcm: Pcm, size_bytes: i64) -> Result<PcmFile, Fault> {
    let start_bytes = input.pos_bytes().saturating_add(EDITS_BYTES);
    let there = input.len_bytes().saturating_sub(start_bytes) / pcm.block_bytes();
    let num_samples = match u64::try_from(size_bytes) {
        Ok(size_bytes) => size_bytes.saturating_sub(EDITS_BYTES) / pcm.block_bytes(),
        Err(_) if size_bytes == -1 => there,
        Err(_) => return Err(Fault::format("the data chunk has no size")),
    };
    if there < num_samples {
        return Err(Fault::Short { read: there, expected: num_samples });
    }
    input.seek_to(start_bytes)?;
    Ok(PcmFile { pcm, num_samples, metadata: Metadata::default(), foreign: Some("CAF") })
}

/// Reads the first bytes of `desc`.
fn describe(input: &mut Input) -> Result<Pcm, Fault> {
    let rate = f64::from_bits(u64::from_be_bytes(input.array()?)).round();
    let format = input.array::<4>()?;
    let mut number = || -> Result<u32, Fault> { Ok(u32::from_be_bytes(input.array()?)) };
    let (flags, packet_bytes, packet_samples) = (number()?, number()?, number()?);
    let (num_channels, bits) = (number()?, number()?);
    if &format != b"lpcm" {
        return Err(Fault::Unread(codec_name(format)));
    }
    if !(1.0..=f64::from(u32::MAX)).contains(&rate) {
        return Err(Fault::format("invalid sample rate"));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let rate_hz = rate as u32;
    let encoding = match (flags & FLAG_FLOAT != 0, bits) {
        (true, 32) => Encoding::Float32,
        (true, 64) => Encoding::Float64,
        (true, _) => return Err(Fault::Unread(format!("{bits}-bit float CAF"))),
        (false, 8 | 16 | 24 | 32) => Encoding::signed(bits)
            .ok_or_else(|| Fault::Unread(format!("{bits}-bit integer CAF")))?,
        (false, _) => return Err(Fault::Unread(format!("{bits}-bit integer CAF"))),
    };
    let order = if flags & FLAG_LITTLE != 0 { Order::Little } else { Order::Big };
    let num_channels = u16::try_from(num_channels)
        .map_err(|_| Fault::format(format!("{num_channels} channels are too many")))?;
    let pcm = Pcm::new(encoding, order, num_channels, rate_hz)?;
    // With any other size the position of a sample in its packet is unknown.
    if packet_samples != 1 || u64::from(packet_bytes) != pcm.block_bytes() {
        return Err(Fault::format(format!(
            "{num_channels} channels of {bits} bits, {packet_samples} samples in packets of \
             {packet_bytes} bytes"
        )));
    }
    Ok(pcm)
}

/// Returns the name of an unsupported format.
fn codec_name(format: [u8; 4]) -> String {
    let name = match &format {
        b"alac" => "Apple Lossless",
        b"aac " | b"aach" | b"aacl" | b"aacp" | b"aace" => "AAC",
        b"ulaw" => "mu-law",
        b"alaw" => "A-law",
        b"ima4" => "IMA ADPCM",
        b"MAC3" | b"MAC6" => "MACE",
        b".mp1" | b".mp2" => "MPEG audio",
        b".mp3" => "MP3",
        b"ac-3" | b"ec-3" => "Dolby AC-3",
        b"flac" => "FLAC",
        b"opus" => "Opus",
        _ => return format!("CAF of format {}", printable(format)),
    };
    format!("{name} in CAF")
}
