//! Finds the samples of a WAV file and the chunks beside them.

use crate::aiff;
use crate::chunks::{Chunk, Chunks, Container, printable};
use crate::input::{Fault, Input};
use crate::metadata::{self, Metadata};
use crate::pcm::{Order, Pcm, PcmFile};

#[cfg(test)]
mod tests;

/// Reads the chunks and seeks to the first sample; `None` if the file is not RIFF, RIFX, RF64,
/// BW64, Wave64 or AIFF.
pub(crate) fn open(input: &mut Input) -> Result<Option<PcmFile>, Fault> {
    let Some(mut chunks) = Chunks::open(input)? else { return Ok(None) };
    let container = chunks.container();
    if matches!(container, Container::Aiff | Container::Aifc) {
        return aiff::open(input, chunks).map(Some);
    }
    let order = container.order();
    let mut pcm = None;
    let mut metadata = Metadata::default();
    let data = loop {
        let chunk = chunks.next(input)?.ok_or_else(|| missing(pcm.is_some()))?;
        if &chunk.id == b"data" {
            break chunk;
        }
        if chunk.end_bytes() > input.len_bytes() {
            let id = printable(chunk.id);
            return Err(Fault::format(format!("the {id} chunk is longer than the file")));
        }
        if &chunk.id == b"fmt " && pcm.is_none() {
            pcm = Some(Pcm::from_fmt(&input.up_to(chunk.size_bytes.min(64))?, order)?);
        } else {
            metadata.keep(input, chunk, order)?;
        }
    };
    let pcm = pcm.ok_or_else(|| Fault::format("the data chunk comes before the fmt chunk"))?;
    let rest_bytes = input.len_bytes().saturating_sub(data.start_bytes);
    let open_ended = is_open_ended(data, rest_bytes, chunks.end_bytes(), pcm.block_bytes());
    let size_bytes = if open_ended { rest_bytes } else { data.size_bytes };
    let num_samples = size_bytes / pcm.block_bytes();
    let there = rest_bytes / pcm.block_bytes();
    if there < num_samples {
        return Err(Fault::Short { read: there, expected: num_samples });
    }
    if !open_ended {
        // Faults after the samples only end the search for further chunks.
        while let Ok(Some(chunk)) = chunks.next(input) {
            if chunk.end_bytes() > input.len_bytes() || !chunk.id.is_ascii() {
                break;
            }
            metadata.keep(input, chunk, order)?;
        }
    }
    input.seek_to(data.start_bytes)?;
    let foreign = (container == Container::Rifx).then_some("RIFX");
    Ok(Some(PcmFile { pcm, num_samples, metadata, foreign }))
}

fn missing(has_format: bool) -> Fault {
    Fault::format(if has_format { "no data chunk" } else { "no fmt chunk" })
}

/// Returns true if the size of the samples was never filled in, as after writing to a pipe or a
/// recorder's power failure. The samples then extend to the end of the file.
///
/// Programs leave zero or one of these values: `0xFFFFFFFF` (ffmpeg), `0x7FFFF000` (SoX), in AIFF
/// `0x7F000000` (SoX), `0x7FFFFFFF` and `0x80000000` (arecord). The value may be reduced by the
/// header's size or to whole samples.
pub(crate) fn is_open_ended(
    data: Chunk,
    rest_bytes: u64,
    end_bytes: u64,
    block_bytes: u64,
) -> bool {
    const HEADER_BYTES: u64 = 256;
    if data.size_bytes == 0 {
        // If the stated end of the container is after the empty chunk, other chunks follow it,
        // not samples.
        let goes_on = end_bytes > data.start_bytes && end_bytes < 0x7FFF_F000;
        return rest_bytes > 0 && !goes_on;
    }
    let just_below = |most: u64| {
        (most.saturating_sub(block_bytes + HEADER_BYTES)..=most).contains(&data.size_bytes)
    };
    rest_bytes < data.size_bytes
        && ([0xFFFF_FFFF, 0x7FFF_F000, 0x7F00_0000, 0x8000_0000].into_iter().any(just_below)
            || data.size_bytes >= u64::MAX >> 1)
}

impl Metadata {
    fn keep(&mut self, input: &mut Input, chunk: Chunk, order: Order) -> Result<(), Fault> {
        if chunk.size_bytes <= metadata::MOST_BYTES && metadata::is_kept(chunk.id) {
            input.seek_to(chunk.start_bytes)?;
            let body = input.up_to(chunk.size_bytes)?;
            self.add(chunk.id, body, order);
        }
        Ok(())
    }
}
