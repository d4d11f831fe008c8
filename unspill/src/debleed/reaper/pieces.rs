//! Passages of sound files that items play, in samples of the project.

use super::files::{SoundFile, SoundFiles};
use super::project::{Item, MAX_TIME_S, Source, Track};
use anyhow::{Result, ensure};
use std::ops::Range;

/// Part of a sample that is rounding of a time in seconds, and no sound of its own.
pub(super) const ROUNDING_SAMPLES: f64 = 1e-3;

/// Channels of a file that an item plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    /// All channels: one or two.
    All(usize),
    /// The channel with this index.
    One(usize),
}

impl Channels {
    /// Returns the number of channels that are played.
    pub(super) fn count(self) -> usize {
        match self {
            Self::All(count) => count,
            Self::One(_) => 1,
        }
    }
}

/// The passage that one item plays.
///
/// # Units
///
/// Places are in samples at the rate of the file: those of the project count from its start, those
/// of the file from the file's first sample.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Index of the item in its track.
    pub(super) item: usize,
    /// Index among the sound files.
    pub(super) file: usize,
    pub(super) channels: Channels,
    /// The item's part of the project.
    pub(super) extent: Range<i64>,
    /// The part of it with samples of the file; the rest is silent.
    pub(super) sound: Range<i64>,
    /// Place in the file minus place in the project. In a loop, that of its first pass.
    pub(super) shift: i64,
    /// Part of the file that may be played.
    pub(super) region: Range<i64>,
    /// The region is played again and again.
    pub(super) is_loop: bool,
    /// Start of the item on the grid of the file's samples, not rounded.
    pub(super) start: f64,
}

impl Piece {
    /// Returns true if one file can hold both: they do not overlap, or they play the same sound
    /// at the same time.
    pub(super) fn shares_a_file_with(&self, other: &Self) -> bool {
        let is_apart =
            self.extent.end <= other.extent.start || other.extent.end <= self.extent.start;
        let key = |piece: &Self| (piece.file, piece.channels, piece.shift, piece.region.clone());
        is_apart || (!self.is_loop && !other.is_loop && key(self) == key(other))
    }
}

/// The piece of an item, or the reason why the item stays as it is.
pub(super) enum Verdict {
    Moves(Piece),
    Stays(String),
    /// The item has no sound at all.
    Empty,
}

/// Returns the piece of an item.
///
/// # Errors
///
/// If the item's sound ends too late to be possible.
pub(super) fn verdict(track: &Track, index: usize, files: &mut SoundFiles) -> Result<Verdict> {
    let item = &track.items[index];
    let stays = |reason: &str| Ok(Verdict::Stays(reason.to_owned()));
    let Some(outer) = item.take.sources.first().filter(|source| source.kind != "EMPTY") else {
        return Ok(Verdict::Empty);
    };
    if let Some(reason) = refusal(track, item) {
        return stays(reason);
    }
    let section = (outer.kind == "SECTION").then_some(outer);
    let inner = if section.is_some() { item.take.sources.get(1) } else { Some(outer) };
    let Some(written) = inner.and_then(|source| source.file.as_ref()) else {
        return match inner.map(|source| source.kind.as_str()) {
            Some("MIDI" | "MIDIPOOL") => stays("MIDI"),
            _ => stays("a source without a file"),
        };
    };
    let index_of_file = match files.find(written) {
        Ok(index) => index,
        Err(reason) => return Ok(Verdict::Stays(reason)),
    };
    let file = files.get(index_of_file);
    let channels = match channels(item.take.channel_mode, file.num_channels) {
        Ok(channels) => channels,
        Err(reason) => return stays(reason),
    };
    let section = section.filter(|section| section.mode & 1 == 0);
    let mut piece = placed(item, section, file);
    if piece.is_loop && section.is_some_and(|section| section.overlap_s != 0.0) {
        return stays("a section that loops with a crossfade");
    }
    if piece.sound.is_empty() {
        return stays("its file has no sound there");
    }
    ensure!(
        piece.sound.end as f64 <= MAX_TIME_S * f64::from(file.rate_hz),
        "track {}: the item at {:.3} s ends more than a day later",
        track.number,
        item.position_s
    );
    (piece.item, piece.file, piece.channels) = (index, index_of_file, channels);
    Ok(Verdict::Moves(piece))
}

/// Returns the reason why an item stays as it is, if the project alone shows it.
fn refusal(track: &Track, item: &Item) -> Option<&'static str> {
    let take = &item.take;
    let kind = |at: usize| take.sources.get(at).map_or("", |source| source.kind.as_str());
    let is_section = kind(0) == "SECTION";
    [
        (track.is_muted, "the track is muted"),
        (item.is_muted, "muted"),
        (item.plays_all_takes && item.num_takes > 1, "plays all its takes"),
        (item.position_s < 0.0, "starts before the project"),
        (kind(usize::from(is_section)) == "VIDEO", "video"),
        (is_section && take.sources[0].mode & 2 != 0, "plays backwards"),
        (kind(1) == "SECTION" || take.sources.len() > 2, "a section inside a section"),
        // The default is exactly 1 and exactly 0.
        (take.rate.to_bits() != 1.0_f64.to_bits(), "plays at another speed"),
        (take.pitch != 0.0 || take.has_pitch_envelope, "plays at another pitch"),
        (take.has_stretch_markers, "has stretch markers"),
    ]
    .into_iter()
    .find_map(|(is_so, reason)| is_so.then_some(reason))
}

/// Returns the channels that a channel mode of REAPER plays.
fn channels(mode: u32, num_channels: usize) -> Result<Channels, &'static str> {
    match (mode, num_channels) {
        // A mono file sounds the same in these modes.
        (0..=3, 1) => Ok(Channels::All(1)),
        (0, 2) => Ok(Channels::All(2)),
        (0, _) => Err("a file with more than two channels"),
        (1, _) => Err("swaps its channels"),
        (2, _) => Err("mixes its channels"),
        (3, _) => Ok(Channels::One(0)),
        (4, 2..) => Ok(Channels::One(1)),
        _ => Err("plays a channel other than the first two"),
    }
}

/// Returns the places of an item's sound; the item, the file and the channels are still to be set.
#[allow(clippy::cast_possible_truncation, reason = "a day at any rate is far below 2^63 samples")]
fn placed(item: &Item, section: Option<&Source>, file: &SoundFile) -> Piece {
    let rate = f64::from(file.rate_hz);
    let num_samples = file.num_samples.min(i64::MAX as u64).cast_signed();
    let section_s = section.map_or(0.0, |section| section.start_s);
    let from = ((section_s * rate).round() as i64).clamp(0, num_samples);
    let to = section.and_then(|section| section.length_s).map_or(num_samples, |length_s| {
        (((section_s + length_s) * rate).round() as i64).clamp(from, num_samples)
    });
    let start_in_file = (item.take.start_s + section_s) * rate;
    let shift = (start_in_file - item.position_s * rate).round() as i64;
    let start = start_in_file - shift as f64;
    let first = (start + ROUNDING_SAMPLES).floor() as i64;
    // Beyond any sound, and below the largest number.
    let length = (item.length_s * rate).min(1e17);
    let end = (start + length - ROUNDING_SAMPLES).ceil() as i64;
    let extent = first..end.max(first);
    // A loop of less than a sample more than the region is no loop, but a rounded time.
    let is_loop =
        item.is_looped && from < to && (first + shift < from || extent.end + shift > to + 1);
    let sound = if is_loop {
        extent.clone()
    } else {
        extent.start.max(from - shift)..extent.end.min(to - shift)
    };
    Piece {
        item: 0,
        file: 0,
        channels: Channels::All(1),
        extent,
        sound,
        shift,
        region: from..to,
        is_loop,
        start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> SoundFile {
        SoundFile { path: "a.wav".into(), rate_hz: 1_000, num_channels: 1, num_samples: 5_000 }
    }

    fn item(position_s: f64, length_s: f64, start_s: f64, is_looped: bool) -> Item {
        let mut item = Item { position_s, length_s, is_looped, ..Item::default() };
        item.take.start_s = start_s;
        item
    }

    fn piece(item: &Item) -> Piece {
        placed(item, None, &file())
    }

    #[test]
    fn sound_ends_with_the_file_unless_it_loops() {
        let whole = piece(&item(2.0, 5.0, 0.0, true));
        assert_eq!((whole.sound, whole.shift, whole.is_loop), (2_000..7_000, -2_000, false));
        let long = piece(&item(2.0, 9.0, 1.0, false));
        assert_eq!((long.extent, long.sound), (2_000..11_000, 2_000..6_000));
        let loops = piece(&item(2.0, 9.0, 1.0, true));
        assert_eq!((loops.sound, loops.is_loop), (2_000..11_000, true));
        let late = piece(&item(2.0, 3.0, -1.0, false));
        assert_eq!(late.sound, 3_000..5_000);
        assert!(piece(&item(2.0, 3.0, 7.0, false)).sound.is_empty());
        assert!(piece(&item(2.0, 1e300, 0.0, false)).sound.end == 7_000);
    }

    #[test]
    fn times_between_samples_are_neither_lost_nor_rounded() {
        let between = piece(&item(1.0, 2.0, 0.5004, false));
        assert_eq!((between.sound, between.shift), (1_000..3_001, -500));
        assert!((between.start - 1_000.4).abs() < 1e-9);
        // A time that is rounded in the project is a whole sample.
        let rounded = piece(&item(1.000_000_1, 2.000_000_1, 0.0, true));
        assert_eq!((rounded.sound, rounded.is_loop), (1_000..3_000, false));
    }

    #[test]
    fn sections_limit_the_part_of_the_file() {
        let section = Source { start_s: 1.0, length_s: Some(2.0), ..Source::default() };
        let inside = placed(&item(0.0, 9.0, 0.5, false), Some(&section), &file());
        assert_eq!((inside.region, inside.sound), (1_000..3_000, 0..1_500));
        let looped = placed(&item(0.0, 9.0, 0.5, true), Some(&section), &file());
        assert_eq!((looped.shift, looped.is_loop), (1_500, true));
        let open = Source { start_s: 9.0, length_s: Some(1e300), ..Source::default() };
        assert!(placed(&item(0.0, 9.0, 0.0, true), Some(&open), &file()).sound.is_empty());
    }

    #[test]
    fn pieces_share_a_file_if_apart_or_of_one_sound() {
        let first = piece(&item(0.0, 2.0, 0.0, false));
        assert!(first.shares_a_file_with(&piece(&item(2.0, 1.0, 0.3, false))));
        // Two halves of one recording with a crossfade.
        assert!(first.shares_a_file_with(&piece(&item(1.9, 1.0, 1.9, false))));
        assert!(!first.shares_a_file_with(&piece(&item(1.9, 1.0, 1.8, false))));
        let mut other = piece(&item(1.9, 1.0, 1.9, false));
        other.file = 1;
        assert!(!first.shares_a_file_with(&other));
        let loops = piece(&item(1.9, 9.0, 1.9, true));
        assert!(!first.shares_a_file_with(&loops));
    }

    #[test]
    fn channel_modes_play_what_reaper_plays() {
        assert_eq!(channels(0, 2), Ok(Channels::All(2)));
        assert_eq!(channels(3, 2), Ok(Channels::One(0)));
        assert_eq!(channels(4, 6), Ok(Channels::One(1)));
        assert_eq!(channels(2, 1), Ok(Channels::All(1)));
        for (mode, num_channels) in [(1, 2), (2, 2), (4, 1), (5, 8), (67, 8), (0, 3)] {
            assert!(channels(mode, num_channels).is_err(), "{mode} {num_channels}");
        }
    }
}
