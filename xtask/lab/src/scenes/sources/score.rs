//! Passages of MIDI scores.

use crate::convert::to_index;
use crate::random::Random;
use crate::scenes::split::{Shares, Split};
use crate::soundfont::Note;
use anyhow::{Context, Result, anyhow, ensure};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use std::path::{Path, PathBuf};

/// A score: its parts with all their notes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Score {
    /// Name of the file.
    pub(crate) name: String,
    /// `[part][note]`, in order of time.
    parts: Vec<Vec<Note>>,
    duration_s: f64,
}

/// Loads the scores of a split from files or folders of files.
pub(crate) fn load(paths: &[PathBuf], split: Split) -> Result<Vec<Score>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let context = || format!("could not read the folder of scores {}", path.display());
            let mut found = Vec::new();
            for entry in std::fs::read_dir(path).with_context(context)? {
                found.push(entry.with_context(context)?.path());
            }
            found.retain(|file| {
                let extension = file.extension().and_then(|extension| extension.to_str());
                extension
                    .is_some_and(|e| ["mid", "midi"].contains(&e.to_ascii_lowercase().as_str()))
            });
            ensure!(!found.is_empty(), "no <score>.mid in {}", path.display());
            found.sort();
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    let name_of = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    files
        .iter()
        .filter(|path| Split::of_name(&name_of(path), Shares::FEW) == split)
        .map(|path| {
            let context = || format!("could not read the score {}", path.display());
            let bytes = std::fs::read(path).with_context(context)?;
            Score::parse(name_of(path), &bytes).with_context(context)
        })
        .collect()
}

impl Score {
    /// Parses a Standard MIDI File. Every track with notes is a part.
    fn parse(name: String, bytes: &[u8]) -> Result<Self> {
        let file = Smf::parse(bytes).map_err(|error| anyhow!("{error}"))?;
        let Timing::Metrical(ticks_per_beat) = file.header.timing else {
            return Err(anyhow!("times are not in beats"));
        };
        let ticks_per_beat = f64::from(ticks_per_beat.as_int());
        // (tick, microseconds per beat), from all tracks.
        let mut tempos = vec![(0_u64, 500_000.0)];
        for track in &file.tracks {
            let mut tick = 0;
            for event in track {
                tick += u64::from(event.delta.as_int());
                if let TrackEventKind::Meta(MetaMessage::Tempo(tempo)) = event.kind {
                    tempos.push((tick, f64::from(tempo.as_int())));
                }
            }
        }
        tempos.sort_by_key(|tempo| tempo.0);
        let seconds = |tick: u64| {
            let mut at_s = 0.0;
            for (index, &(from, tempo)) in tempos.iter().enumerate() {
                let to = tempos.get(index + 1).map_or(u64::MAX, |next| next.0).min(tick);
                if to > from {
                    at_s += (to - from) as f64 / ticks_per_beat * tempo * 1e-6;
                }
            }
            at_s
        };
        let mut parts = Vec::new();
        for track in &file.tracks {
            let mut tick = 0;
            let mut sounding: Vec<(u8, u8, u64)> = Vec::new();
            let mut notes = Vec::new();
            for event in track {
                tick += u64::from(event.delta.as_int());
                let TrackEventKind::Midi { message, .. } = event.kind else { continue };
                let (key, velocity) = match message {
                    MidiMessage::NoteOn { key, vel } => (key.as_int(), vel.as_int()),
                    MidiMessage::NoteOff { key, .. } => (key.as_int(), 0),
                    _ => continue,
                };
                if let Some(index) = sounding.iter().position(|note| note.0 == key) {
                    let (_, velocity, from) = sounding.swap_remove(index);
                    let at_s = seconds(from);
                    notes.push(Note { at_s, hold_s: seconds(tick) - at_s, key, velocity });
                }
                if velocity > 0 {
                    sounding.push((key, velocity, tick));
                }
            }
            notes.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then(a.key.cmp(&b.key)));
            if !notes.is_empty() {
                parts.push(notes);
            }
        }
        ensure!(!parts.is_empty(), "no notes");
        let ends = parts.iter().flatten().map(|note| note.at_s + note.hold_s);
        let duration_s = ends.fold(0.0, f64::max);
        Ok(Self { name, parts, duration_s })
    }

    /// Draws a passage of `duration_s` in which most parts play, transposed by a few semitones.
    ///
    /// Returns `[part][note]`.
    pub(crate) fn passage(&self, random: &mut Random, duration_s: f64) -> Vec<Vec<Note>> {
        let shift = i32::try_from(random.index(12)).unwrap_or(0) - 5;
        let latest_s = (self.duration_s - duration_s).max(0.0);
        let mut best: (usize, Vec<Vec<Note>>) = (0, vec![Vec::new(); self.parts.len()]);
        for _ in 0..8 {
            let from_s = random.between(0.0, latest_s);
            let parts: Vec<Vec<Note>> =
                self.parts.iter().map(|part| cut(part, from_s, duration_s, shift)).collect();
            let playing = parts.iter().filter(|part| part.len() >= 4).count();
            if playing > best.0 {
                best = (playing, parts);
            }
            if best.0 == self.parts.len() {
                break;
            }
        }
        best.1
    }
}

fn cut(part: &[Note], from_s: f64, duration_s: f64, shift: i32) -> Vec<Note> {
    let first = part.partition_point(|note| note.at_s < from_s);
    part[first..]
        .iter()
        .take_while(|note| note.at_s < from_s + duration_s - 0.3)
        .map(|note| {
            let at_s = note.at_s - from_s;
            let hold_s = note.hold_s.min(duration_s - 0.1 - at_s).max(0.05);
            let key = u8::try_from((i32::from(note.key) + shift).clamp(12, 115)).unwrap_or(60);
            Note { at_s, hold_s, key, ..*note }
        })
        .collect()
}

/// Returns the part of a passage for a seat that plays between `keys`, in the octave that fits.
///
/// Selects the unused part whose median key is nearest to the middle of `keys`. If all parts are
/// used, they become available again.
pub(crate) fn for_seat(parts: &[Vec<Note>], used: &mut Vec<usize>, keys: (u8, u8)) -> Vec<Note> {
    let middle = f64::midpoint(f64::from(keys.0), f64::from(keys.1));
    let center = |part: &Vec<Note>| {
        let mut sorted: Vec<u8> = part.iter().map(|note| note.key).collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().map(f64::from)
    };
    if used.len() >= parts.len() {
        used.clear();
    }
    let nearest = (0..parts.len())
        .filter(|index| !used.contains(index))
        .filter_map(|index| center(&parts[index]).map(|at| (index, at)))
        .min_by(|a, b| (a.1 - middle).abs().total_cmp(&(b.1 - middle).abs()));
    let Some((index, at)) = nearest else { return Vec::new() };
    used.push(index);
    let octaves = if at < middle {
        to_index((middle - at) / 12.0) as f64
    } else {
        -(to_index((at - middle) / 12.0) as f64)
    };
    parts[index]
        .iter()
        .map(|note| {
            let mut key = f64::from(note.key) + 12.0 * octaves;
            while key > f64::from(keys.1) && key - 12.0 >= f64::from(keys.0) {
                key -= 12.0;
            }
            while key < f64::from(keys.0) && key + 12.0 <= f64::from(keys.1) {
                key += 12.0;
            }
            let key = key.clamp(f64::from(keys.0), f64::from(keys.1));
            Note { key: crate::convert::to_u8(key), ..*note }
        })
        .collect()
}

/// Returns a MIDI file with two tracks: a tempo change at beat 2 from 120 to 60, and four beats of
/// one note each.
#[cfg(test)]
pub(super) fn test_file() -> Vec<u8> {
    let mut bytes = b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x00\x60".to_vec();
    let conductor = b"\x81\x40\xff\x51\x03\x0f\x42\x40\x00\xff\x2f\x00";
    let mut part = Vec::new();
    for key in [60, 62, 64, 65] {
        part.extend([0x00, 0x90, key, 80, 0x60, 0x80, key, 0]);
    }
    part.extend(b"\x00\xff\x2f\x00");
    for track in [conductor.as_slice(), &part] {
        bytes.extend(b"MTrk");
        bytes.extend(u32::try_from(track.len()).unwrap().to_be_bytes());
        bytes.extend(track);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_keep_the_time_of_the_score() {
        let score = Score::parse("a.mid".to_owned(), &test_file()).unwrap();
        let times: Vec<(f64, f64, u8)> =
            score.parts[0].iter().map(|note| (note.at_s, note.hold_s, note.key)).collect();
        assert_eq!(times, [(0.0, 0.5, 60), (0.5, 0.5, 62), (1.0, 1.0, 64), (2.0, 1.0, 65)]);
        assert_eq!(score.duration_s, 3.0);
        let passage = score.passage(&mut Random::new(1), 2.0);
        assert!(passage[0].iter().all(|note| note.at_s + note.hold_s <= 1.95));
    }

    #[test]
    fn seats_get_the_part_that_lies_nearest_in_their_octave() {
        let note = |key| Note { at_s: 0.0, hold_s: 1.0, key, velocity: 80 };
        let parts = vec![vec![note(76)], vec![note(43)]];
        let mut used = Vec::new();
        assert_eq!(for_seat(&parts, &mut used, (36, 60))[0].key, 43);
        assert_eq!(
            for_seat(&parts, &mut used, (36, 60))[0].key,
            52,
            "the other one, two octaves down"
        );
        assert_eq!(for_seat(&parts, &mut used, (60, 84))[0].key, 76, "all were used");
    }

    #[test]
    fn bad_scores_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let line = |path: &Path| {
            let splits = Split::ALL.map(|split| load(&[path.to_owned()], split));
            format!("{:#}", splits.into_iter().find_map(Result::err).unwrap())
        };
        assert!(line(folder.path()).contains("no <score>.mid"));
        std::fs::write(folder.path().join("x.mid"), b"MThd?").unwrap();
        assert!(line(folder.path()).contains("x.mid"));
    }
}
