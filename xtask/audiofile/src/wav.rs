//! Finds the samples of a WAV file and the chunks beside them.

use crate::aiff;
use crate::byte_order::Order;
use crate::chunks::{Chunk, Chunks, Container, printable};
use crate::input::{Fault, Input};
use crate::metadata::{self, Metadata};
use crate::open_ended::is_open_ended;
use crate::pcm::{Pcm, PcmFile};

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
