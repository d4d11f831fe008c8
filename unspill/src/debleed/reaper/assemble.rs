//! Writes the sound of a layer's items into one file.

use super::files::SoundFiles;
use super::pieces::{Channels, Piece};
use super::plan::Layer;
use anyhow::{Result, ensure};
use audiofile::{AudioReader, Metadata, WavWriter, readable};
use std::path::Path;

/// Samples that are copied at a time.
const BLOCK_SAMPLES: usize = 1 << 16;

/// Longest loop that is kept in memory, in samples.
const MAX_LOOP_SAMPLES: usize = 1 << 20;

/// Writes the sound of a layer to `path`, with a time stamp that counts from the start of the
/// project. Between the items, the file is silent. Calls `advance` with the number of samples
/// after each block.
///
/// # Errors
///
/// If a sound file cannot be read, the disk is full, or `advance` fails.
pub(super) fn write(
    layer: &Layer,
    files: &SoundFiles,
    rate_hz: u32,
    path: &Path,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let time_stamp = Metadata::at_sample(layer.first.max(0).cast_unsigned());
    let mut writer = WavWriter::create_with(path, rate_hz, layer.num_channels, &time_stamp)?;
    let mut head = Head { files, open: None };
    let mut block = vec![vec![0.0_f32; BLOCK_SAMPLES]; layer.num_channels];
    let mut at = layer.first;
    for piece in &layer.pieces {
        // Pieces that overlap have the same sound there, so the first one fills it.
        let sound = piece.sound.start.max(at)..piece.sound.end;
        if sound.is_empty() {
            continue;
        }
        let cycle = head.cycle(piece)?;
        while at < sound.end {
            let is_silent = at < sound.start;
            let end = if is_silent { sound.start } else { sound.end };
            let mut count = usize::try_from(end - at).unwrap_or(usize::MAX).min(BLOCK_SAMPLES);
            match &cycle {
                _ if is_silent => block.iter_mut().for_each(|channel| channel[..count].fill(0.0)),
                Some(cycle) => {
                    repeat(cycle, place(piece, at) - piece.region.start, &mut block, count)
                }
                None => {
                    let from = place(piece, at);
                    let left = usize::try_from(piece.region.end - from).unwrap_or(usize::MAX);
                    count = count.min(left);
                    head.read(piece, from, count, &mut block)?;
                }
            }
            let slices: Vec<&[f32]> = block.iter().map(|channel| &channel[..count]).collect();
            writer.write(&slices)?;
            at += i64::try_from(count)?;
            advance(count as u64)?;
        }
    }
    Ok(writer.finish()?)
}

/// Returns the place in the file that a piece plays at this place of the project.
fn place(piece: &Piece, at: i64) -> i64 {
    let place = at + piece.shift;
    if !piece.is_loop {
        return place;
    }
    let region = &piece.region;
    region.start + (place - region.start).rem_euclid(region.end - region.start)
}

/// Fills the first `count` samples of `block` with a loop, from its sample `from` on.
fn repeat(cycle: &[Vec<f32>], from: i64, block: &mut [Vec<f32>], count: usize) {
    for (channel, cycle) in block.iter_mut().zip(cycle) {
        let from = usize::try_from(from).unwrap_or(0);
        let samples = cycle.iter().cycle().skip(from);
        channel[..count].iter_mut().zip(samples).for_each(|(out, sample)| *out = *sample);
    }
}

/// A reading position in the sound files. Items mostly play a file in order, so the file stays
/// open between them.
struct Head<'a> {
    files: &'a SoundFiles,
    open: Option<(usize, AudioReader, i64)>,
}

impl Head<'_> {
    /// Returns the region of a piece that loops, if it is short enough for the memory.
    fn cycle(&mut self, piece: &Piece) -> Result<Option<Vec<Vec<f32>>>> {
        let length = usize::try_from(piece.region.end - piece.region.start)?;
        if !piece.is_loop || length > MAX_LOOP_SAMPLES {
            return Ok(None);
        }
        let mut cycle = vec![vec![0.0; length]; piece.channels.count()];
        self.read(piece, piece.region.start, length, &mut cycle)?;
        Ok(Some(cycle))
    }

    /// Reads `count` samples of the piece's channels, from sample `from` of its file on.
    fn read(
        &mut self,
        piece: &Piece,
        from: i64,
        count: usize,
        block: &mut [Vec<f32>],
    ) -> Result<()> {
        let is_ahead =
            |(file, _, at): &(usize, AudioReader, i64)| *file == piece.file && *at <= from;
        let path = &self.files.get(piece.file).path;
        let (file, mut reader, mut at) = match self.open.take().filter(is_ahead) {
            Some(open) => open,
            None => (piece.file, AudioReader::open(path)?, 0),
        };
        let known = self.files.get(file);
        ensure!(
            reader.num_channels() == known.num_channels && reader.rate_hz() == known.rate_hz,
            "{}: the header changed while reading",
            readable(path)
        );
        while at < from {
            let skipped = usize::try_from(from - at)?.min(BLOCK_SAMPLES);
            at += read_all(&mut reader, skipped)?.1;
        }
        let (samples, read) = read_all(&mut reader, count)?;
        let first = match piece.channels {
            Channels::All(_) => 0,
            Channels::One(index) => index,
        };
        for (out, channel) in block.iter_mut().zip(&samples[first..]) {
            out[..count].copy_from_slice(channel);
        }
        self.open = Some((file, reader, at + read));
        Ok(())
    }
}

/// Reads exactly `count` samples of all channels.
fn read_all(reader: &mut AudioReader, count: usize) -> Result<(Vec<Vec<f32>>, i64)> {
    let mut channels = vec![vec![0.0; count]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    let read = reader.read(&mut slices)?;
    ensure!(read == count, "{}: became shorter while reading", readable(reader.path()));
    Ok((channels, i64::try_from(read)?))
}
