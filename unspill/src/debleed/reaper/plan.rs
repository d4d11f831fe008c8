//! Division of a project's tracks into the files that are cleaned.

use super::files::{SoundFiles, common_rate_hz};
use super::pieces::{Piece, Verdict, verdict};
use super::project::{Project, Track};
use anyhow::{Context, Result, bail, ensure};
use audiofile::{MicChannel, has_sound_extension, readable, track_file_name};
use engine::MAX_MICS;
use std::ops::RangeInclusive;
use std::path::Path;

/// Positions of items that a line about a track names; it counts the others.
const MAX_NAMED: usize = 4;

/// The files that are cleaned, and the items that stay as they are.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) rate_hz: u32,
    pub(super) layers: Vec<Layer>,
    /// One line for each track and reason, with REAPER's number of the track.
    pub(super) not_cleaned: Vec<(usize, String)>,
}

/// Pieces of one track that share a file: one mic.
#[derive(Debug)]
pub(super) struct Layer {
    /// Index of the track.
    pub(super) track: usize,
    /// REAPER's number of the track.
    pub(super) track_number: usize,
    /// Name of the file without its extension; each layer has another, also if case is ignored.
    pub(super) name: String,
    pub(super) num_channels: usize,
    /// The pieces, sorted by their starts.
    pub(super) pieces: Vec<Piece>,
    /// Place of the file's first sample, in samples from the start of the project.
    pub(super) first: i64,
    /// Pieces that may overlap later ones, by index.
    recent: Vec<usize>,
}

impl Plan {
    /// Divides the chosen tracks; all tracks if `choice` is `None`.
    ///
    /// # Errors
    ///
    /// If a chosen track does not exist or has no sound, the rates of files differ, or the number
    /// of mics is impossible.
    pub(super) fn new(
        project: &Project,
        files: &mut SoundFiles,
        choice: Option<&str>,
    ) -> Result<Self> {
        let chosen = choice.map(|choice| numbers(choice, project.tracks.len())).transpose()?;
        let mut plan = Self { rate_hz: 0, layers: Vec::new(), not_cleaned: Vec::new() };
        for (index, track) in project.tracks.iter().enumerate() {
            let is_chosen = |ranges: &Vec<RangeInclusive<usize>>| {
                ranges.iter().any(|range| range.contains(&track.number))
            };
            if chosen.as_ref().is_none_or(is_chosen) {
                plan.add(index, track, files)?;
            }
        }
        for range in chosen.iter().flatten() {
            let cleaned = plan.layers.iter().map(|layer| layer.track_number);
            let mut known = cleaned.chain(plan.not_cleaned.iter().map(|(number, _)| *number));
            let (first, last) = (range.start(), range.end());
            ensure!(
                known.any(|number| range.contains(&number)),
                "--tracks: no sound on track {first}{}",
                if first == last { String::new() } else { format!(" to {last}") }
            );
        }
        let pieces = plan.layers.iter().flat_map(|layer| &layer.pieces);
        plan.rate_hz = common_rate_hz(pieces.map(|piece| files.get(piece.file)))?;
        plan.check_mics()?;
        plan.name(project);
        Ok(plan)
    }

    fn add(&mut self, index: usize, track: &Track, files: &mut SoundFiles) -> Result<()> {
        // Items by reason, in the order of the first item with it.
        let mut reasons: Vec<(String, Vec<f64>)> = Vec::new();
        let mut pieces = Vec::new();
        let several_lanes =
            track.has_lanes && track.items.iter().any(|i| i.lane != track.items[0].lane);
        for (at, item) in track.items.iter().enumerate() {
            let reason = match verdict(track, at, files)? {
                Verdict::Empty => continue,
                Verdict::Moves(_) if several_lanes => "the track has several lanes".to_owned(),
                Verdict::Moves(piece) => {
                    pieces.push(piece);
                    continue;
                }
                Verdict::Stays(reason) => reason,
            };
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, positions)) => positions.push(item.position_s),
                None => reasons.push((reason, vec![item.position_s])),
            }
        }
        let lines = reasons.iter().map(|(reason, positions)| {
            let named: Vec<String> =
                positions.iter().take(MAX_NAMED).map(|at| format!("{at:.3} s")).collect();
            let more = match positions.len().saturating_sub(MAX_NAMED) {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            let items = if positions.len() == 1 { "item" } else { "items" };
            let at = format!("{items} at {}{more}", named.join(", "));
            (track.number, format!("{}, {at}: {reason}", label(track)))
        });
        self.not_cleaned.extend(lines);
        pieces.sort_by_key(|piece| piece.extent.start);
        let before = self.layers.len();
        for piece in pieces {
            let num_channels = piece.channels.count();
            let fits = |layer: &Layer| {
                layer.num_channels == num_channels
                    && layer.recent.iter().all(|&at| layer.pieces[at].shares_a_file_with(&piece))
            };
            let free = self.layers[before..].iter().position(fits);
            let layer = match free {
                Some(at) => &mut self.layers[before + at],
                None => {
                    ensure!(
                        self.layers.len() < MAX_MICS,
                        "more than {MAX_MICS} mics; choose tracks with --tracks"
                    );
                    self.layers.push(Layer {
                        track: index,
                        track_number: track.number,
                        name: String::new(),
                        num_channels,
                        pieces: Vec::new(),
                        first: i64::MAX,
                        recent: Vec::new(),
                    });
                    let last = self.layers.len() - 1;
                    &mut self.layers[last]
                }
            };
            layer.first = layer.first.min(piece.sound.start);
            let start = piece.extent.start;
            layer.recent.retain(|&at| layer.pieces[at].extent.end > start);
            layer.recent.push(layer.pieces.len());
            layer.pieces.push(piece);
        }
        Ok(())
    }

    /// Checks the number of mics, and that there is no time without any.
    fn check_mics(&self) -> Result<()> {
        match self.layers.as_slice() {
            [] => bail!("no track has sound that can be cleaned"),
            [one] => bail!(
                "only track {} has sound that can be cleaned: bleed shows only between mics",
                one.track_number
            ),
            _ => {}
        }
        let num_channels: usize = self.layers.iter().map(|layer| layer.num_channels).sum();
        ensure!(
            num_channels <= MAX_MICS,
            "{num_channels} mics, but at most {MAX_MICS} are possible (stereo tracks count \
             twice); choose tracks with --tracks"
        );
        let mut order: Vec<&Layer> = self.layers.iter().collect();
        order.sort_by_key(|layer| layer.first);
        let mut end = i64::MAX;
        for layer in order {
            ensure!(
                layer.first < end,
                "track {} starts after the tracks before it have ended; choose tracks of one \
                 recording with --tracks",
                layer.track_number
            );
            end = if end == i64::MAX { layer.end() } else { end.max(layer.end()) };
        }
        Ok(())
    }

    /// Gives every layer the name of its track, with a number if the name is taken.
    fn name(&mut self, project: &Project) {
        let mut taken: Vec<String> = Vec::new();
        for layer in &mut self.layers {
            let track = &project.tracks[layer.track];
            let path = Path::new(&track.name);
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let bare = stem.filter(|_| has_sound_extension(path)).unwrap_or(&track.name);
            let name = track_file_name(bare).unwrap_or_else(|| format!("track {}", track.number));
            let numbered = (2..).map(|number| format!("{name}.{number}"));
            let mut candidates = std::iter::once(name.clone()).chain(numbered);
            let is_free = |candidate: &String| !taken.contains(&candidate.to_lowercase());
            layer.name = candidates.find(is_free).unwrap_or_default();
            taken.push(layer.name.to_lowercase());
        }
    }

    /// Returns the mono mics of the session, as the files of the layers have them.
    pub(super) fn mic_channels(&self) -> Vec<MicChannel> {
        let channels = self.layers.iter().enumerate().flat_map(|(file, layer)| {
            let num_sides = layer.num_channels;
            (0..num_sides).map(move |channel| MicChannel { file, channel, mic: file, num_sides })
        });
        channels.collect()
    }

    /// Returns the mics of one track, by position from 1, for each track with several.
    pub(super) fn siblings(&self) -> Vec<Vec<usize>> {
        let mut tracks: Vec<(usize, Vec<usize>)> = Vec::new();
        for (layer, position) in self.layers.iter().zip(1..) {
            match tracks.last_mut().filter(|(track, _)| *track == layer.track) {
                Some((_, positions)) => positions.push(position),
                None => tracks.push((layer.track, vec![position])),
            }
        }
        tracks.into_iter().map(|(_, positions)| positions).filter(|p| p.len() > 1).collect()
    }
}

impl Layer {
    /// Returns the place after the last sample, in samples from the start of the project.
    pub(super) fn end(&self) -> i64 {
        self.pieces.iter().map(|piece| piece.sound.end).max().unwrap_or(self.first)
    }
}

/// Returns the number and the name of a track.
fn label(track: &Track) -> String {
    let name = readable(&track.name);
    format!("track {}{}{name}", track.number, if name.is_empty() { "" } else { " " })
}

/// Parses a list like `1-8,11` of track numbers.
fn numbers(list: &str, num_tracks: usize) -> Result<Vec<RangeInclusive<usize>>> {
    let number = |text: &str| -> Result<usize> {
        let number = text.trim().parse::<usize>().ok();
        let number =
            number.with_context(|| format!("--tracks {list}: {text:?} is not a number"))?;
        ensure!(
            (1..=num_tracks).contains(&number),
            "--tracks {list}: there are {num_tracks} tracks, numbered from 1"
        );
        Ok(number)
    };
    list.split(',')
        .map(|part| match part.split_once('-') {
            Some((first, last)) => {
                let range = number(first)?..=number(last)?;
                ensure!(!range.is_empty(), "--tracks {list}: {part} counts backwards");
                Ok(range)
            }
            None => number(part).map(|number| number..=number),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tracks_are_numbers_and_ranges() {
        assert_eq!(numbers("1-3, 5", 5).unwrap(), [1..=3, 5..=5]);
        for (list, part) in [
            ("0", "there are 5 tracks"),
            ("1-99999999999", "there are 5 tracks"),
            ("3-1", "counts backwards"),
            ("1,,2", "is not a number"),
            ("kick", "is not a number"),
        ] {
            let error = numbers(list, 5).unwrap_err().to_string();
            assert!(error.contains(part), "{list}: {error}");
        }
    }
}
