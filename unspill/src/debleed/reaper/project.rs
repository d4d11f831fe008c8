//! Tracks, items and takes of a REAPER project, read from its text.

use super::lines::{Kind, Line, lines, words};
use anyhow::{Context, Result, bail, ensure};
use audiofile::readable;
use std::ops::Range;

/// Largest number of chunks inside one another; REAPER's own projects have fewer than ten.
const MAX_DEPTH: usize = 100;

/// Largest number of items and takes, which bounds the memory.
const MAX_ITEMS: usize = 50_000;

/// Latest time in seconds, one day: a later one is a damaged number.
pub(super) const MAX_TIME_S: f64 = 86_400.0;

/// The tracks of a project, in their order.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) tracks: Vec<Track>,
}

/// One track.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// REAPER's number of the track, from 1.
    pub(super) number: usize,
    /// Name of the track; empty if it has none.
    pub(super) name: String,
    pub(super) is_muted: bool,
    /// The track has fixed lanes, of which some may not play.
    pub(super) has_lanes: bool,
    pub(super) items: Vec<Item>,
}

/// One item, with its active take.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) position_s: f64,
    pub(super) length_s: f64,
    pub(super) is_looped: bool,
    pub(super) is_muted: bool,
    pub(super) plays_all_takes: bool,
    /// Text that is equal for items of one lane.
    pub(super) lane: Vec<u8>,
    pub(super) num_takes: usize,
    /// Files of all takes, as written.
    pub(super) files: Vec<Vec<u8>>,
    pub(super) take: Take,
}

/// One take of an item: a passage of a source.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) is_active: bool,
    /// Start in the source in seconds.
    pub(super) start_s: f64,
    /// Place of the line with the start.
    pub(super) start_line: Option<Range<usize>>,
    /// Source seconds per second of the project.
    pub(super) rate: f64,
    /// Change of the pitch in semitones.
    pub(super) pitch: f64,
    pub(super) has_stretch_markers: bool,
    pub(super) has_pitch_envelope: bool,
    /// REAPER's number of the channel mode; 0 plays all channels.
    pub(super) channel_mode: u32,
    /// Place of that number.
    pub(super) channel_mode_at: Option<Range<usize>>,
    /// The source, followed by the source inside it.
    pub(super) sources: Vec<Source>,
}

impl Default for Take {
    fn default() -> Self {
        Self {
            is_active: false,
            start_s: 0.0,
            start_line: None,
            rate: 1.0,
            pitch: 0.0,
            has_stretch_markers: false,
            has_pitch_envelope: false,
            channel_mode: 0,
            channel_mode_at: None,
            sources: Vec::new(),
        }
    }
}

/// One source chunk.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// `WAVE`, `FLAC`, `SECTION`, `MIDI` and so on.
    pub(super) kind: String,
    /// Place of the kind.
    pub(super) kind_at: Range<usize>,
    /// Place of the chunk, from `<` to `>`.
    pub(super) chunk: Range<usize>,
    /// Path as written.
    pub(super) file: Option<Vec<u8>>,
    /// Place of the path with its quotes.
    pub(super) file_at: Range<usize>,
    /// Start of a section in seconds.
    pub(super) start_s: f64,
    /// Length of a section in seconds; `None` extends to the end.
    pub(super) length_s: Option<f64>,
    /// Crossfade of a section that loops, in seconds.
    pub(super) overlap_s: f64,
    /// Bits of a section: 1 plays the whole file, 2 plays it backwards.
    pub(super) mode: u32,
}

/// The chunks that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Project,
    Track,
    Item,
    /// Index among the take's sources.
    Source(usize),
    PitchEnvelope,
    Other,
}

impl Project {
    /// Reads the text of a project.
    ///
    /// # Errors
    ///
    /// If the text is no project, a chunk is not closed, or a number makes no sense; the error
    /// names the line.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { bytes, ..Reader::default() };
        for line in lines(bytes) {
            let number = line.number;
            reader.take(line).with_context(|| format!("line {number}"))?;
        }
        if let Some((number, name)) = reader.open.last().map(|open| (open.number, open.name(bytes)))
        {
            bail!("line {number}: {name} is never closed; the project is not complete");
        }
        ensure!(reader.has_begun, "not a REAPER project");
        Ok(Self { tracks: reader.tracks })
    }
}

/// An open chunk.
#[derive(Debug)]
struct Open {
    chunk: Chunk,
    number: usize,
    name: Range<usize>,
}

impl Open {
    fn name(&self, bytes: &[u8]) -> String {
        let name: Vec<u8> = bytes[self.name.clone()].iter().take(40).copied().collect();
        readable(String::from_utf8_lossy(&name).as_ref())
    }
}

#[derive(Debug, Default)]
struct Reader<'a> {
    bytes: &'a [u8],
    open: Vec<Open>,
    has_begun: bool,
    tracks: Vec<Track>,
    item: Item,
    takes: Vec<Take>,
    num_items: usize,
}

impl Reader<'_> {
    fn take(&mut self, line: Line) -> Result<()> {
        let inside = self.open.last().map(|open| open.chunk);
        match (line.kind, inside) {
            (Kind::Open, _) => self.enter(line, inside),
            (Kind::Close, None) => bail!("> closes nothing"),
            (Kind::Close, Some(chunk)) => {
                self.open.pop();
                self.leave(chunk, line.text.end)
            }
            (Kind::Entry, None) => {
                ensure!(self.has_begun, "not a REAPER project");
                Ok(())
            }
            (Kind::Entry, Some(Chunk::Other | Chunk::Project)) => Ok(()),
            (Kind::Entry, Some(chunk)) => self.entry(chunk, line),
        }
    }

    fn enter(&mut self, line: Line, inside: Option<Chunk>) -> Result<()> {
        ensure!(self.open.len() < MAX_DEPTH, "more than {MAX_DEPTH} chunks inside one another");
        let mut words = words(self.bytes, line.text.start + 1..line.text.end);
        let name = words.next().map_or(line.text.clone(), |word| word.text);
        let chunk = match (inside, &self.bytes[name.clone()]) {
            (None, name) => {
                let is_first = !std::mem::replace(&mut self.has_begun, true);
                ensure!(is_first && name == b"REAPER_PROJECT", "not a REAPER project");
                Chunk::Project
            }
            (Some(Chunk::Project), b"TRACK") => {
                let number = self.tracks.len() + 1;
                self.count()?;
                self.tracks.push(Track { number, ..Track::default() });
                Chunk::Track
            }
            (Some(Chunk::Track), b"ITEM") => {
                self.count()?;
                self.item = Item::default();
                self.takes = vec![Take::default()];
                Chunk::Item
            }
            (Some(Chunk::Item | Chunk::Source(_)), b"SOURCE") => {
                let kind_at = words.next().map_or(name.end..name.end, |word| word.text);
                let kind = String::from_utf8_lossy(&self.bytes[kind_at.clone()]).into_owned();
                let chunk = line.text.start..line.text.end;
                self.count()?;
                let Some(take) = self.takes.last_mut() else { bail!("a source outside of a take") };
                take.sources.push(Source { kind, kind_at, chunk, ..Source::default() });
                Chunk::Source(take.sources.len() - 1)
            }
            (Some(Chunk::Item), b"PITCHENV") => Chunk::PitchEnvelope,
            _ => Chunk::Other,
        };
        self.open.push(Open { chunk, number: line.number, name });
        Ok(())
    }

    fn count(&mut self) -> Result<()> {
        self.num_items += 1;
        ensure!(self.num_items <= MAX_ITEMS, "more than {MAX_ITEMS} tracks, items and takes");
        Ok(())
    }

    fn leave(&mut self, chunk: Chunk, end: usize) -> Result<()> {
        match chunk {
            Chunk::Source(index) => {
                if let Some(take) = self.takes.last_mut() {
                    take.sources[index].chunk.end = end;
                }
            }
            Chunk::Item => {
                let mut item = std::mem::take(&mut self.item);
                item.num_takes = self.takes.len();
                let sources = self.takes.iter().flat_map(|take| &take.sources);
                item.files = sources.filter_map(|source| source.file.clone()).collect();
                let active = self.takes.iter().position(|take| take.is_active).unwrap_or(0);
                item.take = self.takes.swap_remove(active);
                if let Some(track) = self.tracks.last_mut() {
                    track.items.push(item);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, chunk: Chunk, line: Line) -> Result<()> {
        let bytes = self.bytes;
        let mut words = words(bytes, line.text.clone());
        let Some(key) = words.next() else { return Ok(()) };
        let key = &bytes[key.text];
        let value = words.next().map_or(line.text.end..line.text.end, |word| word.whole);
        let values = Values { bytes, key, value, rest: line.text.end };
        match chunk {
            Chunk::Track => {
                if let Some(track) = self.tracks.last_mut() {
                    track.entry(&values)?;
                }
            }
            Chunk::Item => {
                if key == b"TAKE" {
                    self.count()?;
                    let is_active = values.words().any(|word| word == b"SEL");
                    self.takes.push(Take { is_active, ..Take::default() });
                } else if !self.item.entry(&values)?
                    && let Some(take) = self.takes.last_mut()
                {
                    take.entry(&values, line.text)?;
                }
            }
            Chunk::Source(index) => {
                if let Some(take) = self.takes.last_mut() {
                    take.sources[index].entry(&values)?;
                }
            }
            Chunk::PitchEnvelope => {
                if key == b"ACT"
                    && let Some(take) = self.takes.last_mut()
                {
                    take.has_pitch_envelope = values.whole()? != 0;
                }
            }
            Chunk::Project | Chunk::Other => {}
        }
        Ok(())
    }
}

impl Track {
    fn entry(&mut self, values: &Values<'_>) -> Result<()> {
        match values.key {
            b"NAME" => self.name = values.text(),
            b"MUTESOLO" => self.is_muted = values.whole()? != 0,
            b"FREEMODE" => self.has_lanes = values.whole()? == 2,
            _ => {}
        }
        Ok(())
    }
}

impl Item {
    /// Returns false if the line does not belong to the item itself.
    fn entry(&mut self, values: &Values<'_>) -> Result<bool> {
        match values.key {
            b"POSITION" => self.position_s = values.time_s()?,
            // An item may be much longer than its sound, whose end is checked later.
            b"LENGTH" => self.length_s = values.duration_s()?,
            b"LOOP" => self.is_looped = values.whole()? != 0,
            b"MUTE" => self.is_muted = values.whole()? != 0,
            b"ALLTAKES" => self.plays_all_takes = values.whole()? != 0,
            b"YPOS" => self.lane = values.words().flat_map(|word| [word, b" "].concat()).collect(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Take {
    fn entry(&mut self, values: &Values<'_>, line: Range<usize>) -> Result<()> {
        match values.key {
            b"SOFFS" => {
                self.start_s = values.time_s()?;
                self.start_line = Some(line);
            }
            b"PLAYRATE" => {
                self.rate = values.number(values.value.clone())?;
                let third = values.words_at().nth(2);
                self.pitch = third.map_or(Ok(0.0), |place| values.number(place))?;
            }
            b"CHANMODE" => {
                self.channel_mode = values.whole()?;
                self.channel_mode_at = Some(values.value.clone());
            }
            b"SM" => self.has_stretch_markers = true,
            _ => {}
        }
        Ok(())
    }
}

impl Source {
    fn entry(&mut self, values: &Values<'_>) -> Result<()> {
        match (self.kind.as_str(), values.key) {
            ("SECTION", b"STARTPOS") => self.start_s = values.time_s()?,
            ("SECTION", b"LENGTH") => self.length_s = Some(values.duration_s()?),
            ("SECTION", b"OVERLAP") => self.overlap_s = values.number(values.value.clone())?,
            ("SECTION", b"MODE") => self.mode = values.whole()?,
            (_, b"FILE") => {
                self.file = values.words().next().map(<[u8]>::to_vec);
                self.file_at = values.value.clone();
            }
            _ => {}
        }
        Ok(())
    }
}

/// A line's key and values.
struct Values<'a> {
    bytes: &'a [u8],
    key: &'a [u8],
    /// Place of the first value; empty at the line's end if there is none.
    value: Range<usize>,
    /// End of the line.
    rest: usize,
}

impl<'a> Values<'a> {
    fn words_at(&self) -> impl Iterator<Item = Range<usize>> {
        words(self.bytes, self.value.start..self.rest).map(|word| word.text)
    }

    fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        let bytes = self.bytes;
        words(bytes, self.value.start..self.rest).map(move |word| &bytes[word.text])
    }

    fn text(&self) -> String {
        self.words().next().map_or_else(String::new, |w| String::from_utf8_lossy(w).into_owned())
    }

    /// Returns the beginning of a word for an error.
    fn shown(&self, at: Range<usize>) -> String {
        let text = String::from_utf8_lossy(&self.bytes[at]);
        let short: String = text.chars().take(40).collect();
        format!("{} {}", String::from_utf8_lossy(self.key), readable(&short)).trim_end().to_owned()
    }

    fn number(&self, at: Range<usize>) -> Result<f64> {
        let text = std::str::from_utf8(&self.bytes[at.clone()]).ok();
        let number = text.and_then(|text| text.parse::<f64>().ok());
        let number = number.filter(|number| number.is_finite());
        number.with_context(|| format!("{}: not a number", self.shown(at)))
    }

    /// Returns a time of at most one day, before or after the start.
    fn time_s(&self) -> Result<f64> {
        let time_s = self.number(self.value.clone())?;
        let shown = || self.shown(self.value.clone());
        ensure!(time_s.abs() <= MAX_TIME_S, "{}: more than {MAX_TIME_S} seconds", shown());
        Ok(time_s)
    }

    fn duration_s(&self) -> Result<f64> {
        let duration_s = self.number(self.value.clone())?;
        ensure!(duration_s >= 0.0, "{}: less than 0 seconds", self.shown(self.value.clone()));
        Ok(duration_s)
    }

    fn whole(&self) -> Result<u32> {
        let number = self.number(self.value.clone())?;
        ensure!(
            number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number),
            "{}: not a whole number from 0",
            self.shown(self.value.clone())
        );
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
        let number = number as u32;
        Ok(number)
    }
}
