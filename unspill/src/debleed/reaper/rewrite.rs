//! The copy of a project that plays the cleaned files.

use super::files::bytes_of;
use super::lines::quoted;
use super::pieces::{Channels, Piece, ROUNDING_SAMPLES};
use super::plan::Plan;
use super::project::{Project, Take};
use anyhow::{Context, Result};
use audiofile::readable;
use std::ops::Range;
use std::path::Path;

/// Returns the text of the copy: `bytes`, except for the lines of the items that are cleaned.
///
/// `folder` is the folder of the copy, and `out` that of the cleaned files.
///
/// # Errors
///
/// If the path of a cleaned file cannot be written in a project.
pub(super) fn copy(
    bytes: &[u8],
    project: &Project,
    plan: &Plan,
    folder: &Path,
    out: &Path,
) -> Result<Vec<u8>> {
    let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for layer in &plan.layers {
        let path = written_path(folder, out, &format!("{}.wav", layer.name))?;
        for piece in &layer.pieces {
            let take = &project.tracks[layer.track].items[piece.item].take;
            let start_s = seconds(piece.start - layer.first as f64, plan.rate_hz);
            edit(bytes, take, piece, &path, start_s, &mut edits);
        }
    }
    edits.sort_by_key(|(place, _)| (place.start, place.end));
    let mut copy = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (place, text) in edits {
        copy.extend_from_slice(&bytes[at..place.start]);
        copy.extend(text);
        at = place.end;
    }
    copy.extend_from_slice(&bytes[at..]);
    Ok(copy)
}

fn seconds(samples: f64, rate_hz: u32) -> f64 {
    let samples = if samples < 0.0 && samples > -ROUNDING_SAMPLES { 0.0 } else { samples };
    samples / f64::from(rate_hz)
}

/// Returns the path of a cleaned file in quotes: relative if it is inside the folder of the copy.
fn written_path(folder: &Path, out: &Path, name: &str) -> Result<Vec<u8>> {
    let absolute = |path: &Path| {
        path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or(path.to_owned())
    };
    let path = absolute(out).join(name);
    let inside = path.strip_prefix(absolute(folder)).ok();
    let bytes = match inside {
        // Slashes are understood on all systems.
        Some(inside) => {
            let parts: Vec<Vec<u8>> = inside.iter().map(|part| bytes_of(Path::new(part))).collect();
            parts.join(&b'/')
        }
        None => bytes_of(&path),
    };
    quoted(&bytes).with_context(|| format!("{}: REAPER cannot write such a path", readable(&path)))
}

/// Adds the edits of one take.
fn edit(
    bytes: &[u8],
    take: &Take,
    piece: &Piece,
    path: &[u8],
    start_s: f64,
    edits: &mut Vec<(Range<usize>, Vec<u8>)>,
) {
    let Some(source) = take.sources.first() else { return };
    let start = format!("SOFFS {start_s}").into_bytes();
    // Everything between the start of the chunk's line and the chunk.
    let line = bytes[..source.chunk.start].iter().rposition(|&byte| byte == b'\n');
    let indent = &bytes[line.map_or(0, |line| line + 1)..source.chunk.start];
    let opening = &bytes[source.chunk.clone()];
    let length = opening.iter().position(|&byte| byte == b'\n').unwrap_or(opening.len());
    let end: &[u8] = if opening[..length].ends_with(b"\r") { b"\r\n" } else { b"\n" };
    match &take.start_line {
        Some(place) => edits.push((place.clone(), start)),
        None => {
            let at = source.chunk.start;
            edits.push((at..at, [start.as_slice(), end, indent].concat()));
        }
    }
    if matches!(piece.channels, Channels::One(_))
        && let Some(place) = &take.channel_mode_at
    {
        edits.push((place.clone(), b"0".to_vec()));
    }
    if source.kind == "SECTION" {
        let text = [b"<SOURCE WAVE", end, indent, b"  FILE ", path, end, indent, b">"].concat();
        edits.push((source.chunk.clone(), text));
        return;
    }
    if source.kind != "WAVE" {
        edits.push((source.kind_at.clone(), b"WAVE".to_vec()));
    }
    edits.push((source.file_at.clone(), path.to_vec()));
}
