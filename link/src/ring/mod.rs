//! Audio of one member in its segment: written by the member's audio thread, read by any worker.
//!
//! The ring holds the last samples of each mic, numbered by a count that never goes back. A table
//! of *runs* states the place of the samples: within a run, places and counts advance together. A
//! new run begins where the host jumps, at a reset, and where settings change.
//!
//! Nothing here waits. A reader that was overtaken by the writer gets an error instead of samples.

mod raw;
mod sync;

pub(crate) use raw::{Places, RECORD_LONGS, RawReader, RawWriter, Record};
use sync::Ordering::{Relaxed, Release};
use sync::{Memory, MemoryView};

use crate::segment::Shape;
use crate::stamp::{Line, MicSettings, Place, Stamp};

/// Largest number of mono mics of a member: both sides of a stereo track.
pub const MAX_MEMBER_MICS: usize = 2;

/// Number of samples of all mics: 5.4 s of one mic at 48 kHz, half of that of two.
const NUM_SAMPLES: usize = 1 << 18;
/// Number of runs that the table holds.
const NUM_RUNS: usize = 1024;

// Longs of the header.
const NUM_MICS: usize = 0;
const RATE: usize = 1;
const SESSION: usize = 2;
const PROCESS: usize = 3;
/// Count after the samples that are being written.
const WRITING: usize = 4;
/// Count after the samples that are complete.
const WRITTEN: usize = 5;
/// Number of runs that have begun.
const RUNS: usize = 6;
/// First long of the table, at a cache line.
const TABLE: usize = 8;

/// First long of the board, at a cache line. The ring leaves it alone.
pub(crate) const BOARD: usize = TABLE + NUM_RUNS * RECORD_LONGS;
/// Number of longs of the board.
pub(crate) const BOARD_LONGS: usize = 16_656;

/// Size of every member's segment: 1 MiB of audio, 33 KiB of runs, and 130 KiB of the board.
pub(crate) const SHAPE: Shape = Shape { longs: BOARD + BOARD_LONGS, samples: NUM_SAMPLES };

/// Returns the places in the memory of a member with `num_mics` mics.
const fn places(num_mics: usize) -> Places {
    Places {
        writing: WRITING,
        written: WRITTEN,
        num_records: RUNS,
        table: TABLE,
        table_records: NUM_RUNS,
        capacity: NUM_SAMPLES / num_mics,
    }
}

/// Properties of a member that stay the same while it is linked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct About {
    /// Number of mono mics, 1 or 2.
    pub(crate) num_mics: usize,
    /// Sample rate in Hz.
    pub(crate) rate_hz: f32,
    /// Session, 0 for A.
    pub(crate) session: u8,
    /// System's number of the process.
    pub(crate) process: u32,
}

/// Samples whose places and counts advance together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// Count of the first sample.
    pub(crate) start: i64,
    /// Place of the first sample; `None` if the host states none.
    pub(crate) place: Option<Place>,
    /// Number of the member's resets before the run.
    pub(crate) epoch: u32,
    pub(crate) is_offline: bool,
    pub(crate) settings: MicSettings,
}

/// Writing end of a member's ring.
///
/// # Real-time
///
/// [`Writer::write`] is wait-free. Creation and dropping belong on the main thread.
#[derive(Debug)]
pub(crate) struct Writer {
    ring: RawWriter,
    num_mics: usize,
    /// The run in progress, and the place after its last sample.
    run: Option<(Run, Option<Place>)>,
}

impl Writer {
    /// Begins an empty ring. `memory` has [`SHAPE`] and is all zero.
    pub(crate) fn new(memory: Memory, about: &About) -> Self {
        let longs = memory.longs();
        let num_mics = about.num_mics.clamp(1, MAX_MEMBER_MICS);
        longs[RATE].store(u64::from(about.rate_hz.to_bits()), Relaxed);
        longs[SESSION].store(u64::from(about.session), Relaxed);
        longs[PROCESS].store(u64::from(about.process), Relaxed);
        // Release: a reader that finds mics finds the values above.
        longs[NUM_MICS].store(num_mics as u64, Release);
        Self { ring: RawWriter::new(memory, places(num_mics)), num_mics, run: None }
    }

    /// Returns the count of the next sample.
    pub(crate) fn count(&self) -> i64 {
        to_i64_bits(self.ring.count())
    }

    /// Appends a block, `[mic][sample]`. `epoch` is the number of resets before it.
    pub(crate) fn write(&mut self, mics: &[&mut [f32]], stamp: &Stamp, epoch: u32) {
        let num_samples = mics.first().map_or(0, |mic| mic.len());
        if num_samples == 0 {
            return;
        }
        let run = Run {
            start: self.count(),
            place: stamp.place,
            epoch,
            is_offline: stamp.is_offline,
            settings: stamp.settings,
        };
        let continues = self.run.is_some_and(|(last, next)| {
            next == run.place && Run { start: last.start, place: last.place, ..run } == last
        });
        if !continues {
            self.ring.record(&record_of(&run));
            self.run = Some((run, run.place));
        }
        // Short pieces, so that a reader of the oldest samples is overtaken by a part of the ring
        // at a time.
        let longest = NUM_SAMPLES / MAX_MEMBER_MICS / 8;
        let mut start = 0;
        while start < num_samples {
            let length = (num_samples - start).min(longest);
            self.ring.append(&mics[..self.num_mics], start, length);
            start += length;
        }
        let next = run.place.map(|place| place.plus(to_i64(num_samples)));
        if let Some((_, end)) = &mut self.run {
            *end = next;
        }
    }
}

/// Reading end of a member's ring. Checks every value, because another program may have written
/// it.
///
/// # Real-time
///
/// Wait-free.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    ring: RawReader,
    about: About,
}

impl Reader {
    /// Returns `None` for a segment that is no member's: of another shape, or not begun.
    pub(crate) fn new(memory: MemoryView) -> Option<Self> {
        let longs = memory.longs();
        if longs.len() != SHAPE.longs || memory.samples().len() != SHAPE.samples {
            return None;
        }
        // Acquire: pairs with the store in `Writer::new`.
        let num_mics = usize::try_from(longs[NUM_MICS].load_acquire()).ok()?;
        let rate_hz = f32::from_bits(u32::try_from(longs[RATE].load()).ok()?);
        let session = u8::try_from(longs[SESSION].load()).ok()?;
        let process = u32::try_from(longs[PROCESS].load()).ok()?;
        let about = About { num_mics, rate_hz, session, process };
        ((1..=MAX_MEMBER_MICS).contains(&num_mics) && rate_hz.is_finite())
            .then(|| Self { ring: RawReader::new(memory, places(num_mics)), about })
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Returns the whole segment, for the board.
    pub(crate) fn memory(&self) -> &MemoryView {
        self.ring.memory()
    }

    /// Returns the count after the newest sample.
    pub(crate) fn written(&self) -> i64 {
        to_i64_bits(self.ring.written()).max(0)
    }

    /// Returns the number of runs that have begun.
    pub(crate) fn num_runs(&self) -> u64 {
        self.ring.num_records()
    }

    /// Returns the number of the oldest run that may still be read if `num_runs` have begun.
    pub(crate) fn oldest_run(&self, num_runs: u64) -> u64 {
        self.ring.places().oldest_record(num_runs)
    }

    /// Returns a run, or `None` if it has been overwritten or has not begun.
    pub(crate) fn run(&self, number: u64) -> Option<Run> {
        let [start, sample, flags, settings] = self.ring.record(number)?;
        let line = match flags & 3 {
            1 => Some(Line::Timeline),
            2 => Some(Line::Steady),
            _ => None,
        };
        Some(Run {
            start: to_i64_bits(start).max(0),
            place: line.map(|line| Place { line, sample: to_i64_bits(sample) }),
            is_offline: flags & 4 != 0,
            #[allow(clippy::cast_possible_truncation, reason = "the upper half")]
            epoch: (flags >> 32) as u32,
            settings: MicSettings::from_bits(settings),
        })
    }

    /// Copies the samples of one mic from `count` on. Returns false, with any samples, if they
    /// have been overwritten or are not there yet. Samples that are not finite become silence.
    pub(crate) fn read(&self, mic: usize, count: i64, out: &mut [f32]) -> bool {
        if count < 0 || mic >= self.about.num_mics || !self.ring.read(mic, to_u64(count), out) {
            return false;
        }
        for sample in out.iter_mut().filter(|sample| !sample.is_finite()) {
            *sample = 0.0;
        }
        true
    }
}

fn record_of(run: &Run) -> raw::Record {
    let sample = run.place.map_or(0, |place| place.sample);
    [to_u64(run.start), to_u64(sample), flags_of(run), run.settings.to_bits()]
}

fn flags_of(run: &Run) -> u64 {
    let line = match run.place.map(|place| place.line) {
        None => 0,
        Some(Line::Timeline) => 1,
        Some(Line::Steady) => 2,
    };
    u64::from(run.epoch) << 32 | u64::from(run.is_offline) << 2 | line
}

fn to_i64(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_sign_loss, reason = "the bits are read back by `to_i64_bits`")]
fn to_u64(count: i64) -> u64 {
    count as u64
}

#[allow(clippy::cast_possible_wrap, reason = "the bits come from `to_u64`")]
fn to_i64_bits(bits: u64) -> i64 {
    bits as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { num_mics: 1, rate_hz: 48_000.0, session: 0, process: 1 };

    fn ring(about: &About) -> (Writer, Reader) {
        let memory = Memory::plain(SHAPE);
        let view = memory.view();
        assert!(Reader::new(view.clone()).is_none(), "not begun");
        let writer = Writer::new(memory, about);
        (writer, Reader::new(view).unwrap())
    }

    fn at(line: Line, sample: i64) -> Stamp {
        Stamp {
            place: Some(Place { line, sample }),
            is_offline: false,
            settings: MicSettings::default(),
        }
    }

    #[test]
    fn samples_of_both_sides_are_read_until_they_are_overwritten() {
        let about = About { num_mics: 2, ..ABOUT };
        let (mut writer, reader) = ring(&about);
        assert_eq!(*reader.about(), about);
        let capacity = NUM_SAMPLES / 2;
        let mut position = 0_usize;
        for length in [1, 5000, 0, 100_000, 200_000, 77] {
            let mut block: Vec<f32> = (position..position + length).map(|n| n as f32).collect();
            let mut other: Vec<f32> = block.iter().map(|sample| -sample).collect();
            let start = i64::try_from(position).unwrap();
            writer.write(&[&mut block, &mut other], &at(Line::Timeline, start), 0);
            position += length;
            let end = i64::try_from(position).unwrap();
            assert_eq!((writer.count(), reader.written()), (end, end));
            let mut out = [0.0; 50];
            for back in [50, 1000, capacity, capacity + 1, 250_000] {
                let Some(count) = position.checked_sub(back) else { continue };
                for (mic, sign) in [(0, 1.0), (1, -1.0)] {
                    let whole = reader.read(mic, i64::try_from(count).unwrap(), &mut out);
                    assert_eq!(whole, back <= capacity, "{position} {back}");
                    if whole {
                        assert_eq!(out[49], sign * (count + 49) as f32);
                    }
                }
            }
            assert!(!reader.read(0, end - 49, &mut out), "not written yet");
            assert!(!reader.read(2, 0, &mut out) && !reader.read(0, -1, &mut out));
        }
        assert_eq!(reader.num_runs(), 1);
    }

    #[test]
    fn a_run_begins_at_every_jump_reset_and_change() {
        let (mut writer, reader) = ring(&ABOUT);
        let louder = MicSettings { floor: engine::Decibels(-9.0), ..MicSettings::default() };
        let stamps = [
            (at(Line::Timeline, -100), 0),
            (at(Line::Timeline, -36), 0),
            (at(Line::Timeline, 1000), 0),
            (at(Line::Steady, 1064), 0),
            (at(Line::Steady, 1128), 1),
            (Stamp { settings: louder, ..at(Line::Steady, 1192) }, 1),
            (Stamp { settings: louder, is_offline: true, ..at(Line::Steady, 1256) }, 1),
            (Stamp { place: None, ..at(Line::Steady, 0) }, 1),
            (Stamp { place: None, ..at(Line::Steady, 0) }, 1),
        ];
        for (stamp, epoch) in &stamps {
            writer.write(&[&mut [0.5; 64]], stamp, *epoch);
        }
        let runs: Vec<Run> = (0..reader.num_runs()).map(|run| reader.run(run).unwrap()).collect();
        let expected = [0, 2, 3, 4, 5, 6, 7].map(|index: usize| {
            let (Stamp { place, is_offline, settings }, epoch) = stamps[index];
            Run { start: 64 * to_i64(index), place, epoch, is_offline, settings }
        });
        assert_eq!(runs, expected);
        assert_eq!(reader.run(7), None);
    }

    #[test]
    fn runs_are_read_until_they_are_overwritten() {
        let (mut writer, reader) = ring(&ABOUT);
        for jump in 0..3000 {
            writer.write(&[&mut [0.0; 2]], &at(Line::Timeline, 100 * jump), 0);
            let begun = reader.num_runs();
            assert_eq!(begun, to_u64(jump + 1));
            let oldest = reader.oldest_run(begun);
            assert_eq!(reader.run(begun - 1).unwrap().start, 2 * jump);
            assert_eq!(reader.run(oldest).unwrap().start, 2 * to_i64_bits(oldest));
            assert!(oldest == 0 || reader.run(oldest - 1).is_none());
        }
    }

    #[test]
    fn samples_that_are_not_finite_are_silence_and_foreign_values_are_refused() {
        let (mut writer, reader) = ring(&ABOUT);
        writer.write(&[&mut [1.0, f32::NAN, f32::INFINITY]], &at(Line::Timeline, 0), 0);
        let mut out = [9.0; 3];
        assert!(reader.read(0, 0, &mut out));
        assert_eq!(out, [1.0, 0.0, 0.0]);
        assert!(!reader.read(0, i64::MAX, &mut out));
        for odd in [0, 3, u64::MAX] {
            let memory = Memory::plain(SHAPE);
            memory.longs()[NUM_MICS].store(odd, Relaxed);
            assert!(Reader::new(memory.view()).is_none());
        }
        let small = Memory::plain(Shape { longs: 20, samples: 4 });
        assert!(Reader::new(small.view()).is_none());
    }

    /// The writer overtakes a reader again and again: every read is whole or refused.
    #[test]
    fn an_overtaken_reader_gets_no_mixture() {
        const BLOCKS: i64 = if cfg!(miri) { 40 } else { 4000 };
        let (mut writer, reader) = ring(&ABOUT);
        let length = to_i64(NUM_SAMPLES / 16);
        let thread = std::thread::spawn(move || {
            for block in 0..BLOCKS {
                let mut samples = vec![block as f32; NUM_SAMPLES / 16];
                writer.write(&[&mut samples], &at(Line::Timeline, 3 * block * length), 0);
            }
        });
        let mut out = vec![0.0; 512];
        let (mut whole, mut refused) = (0, 0);
        while !thread.is_finished() || whole == 0 {
            // About the oldest samples that are there.
            let count = reader.written() - to_i64(NUM_SAMPLES) + length / 2;
            if count >= 0 && reader.read(0, count, &mut out) {
                let block = (count / length) as f32;
                let next = ((count + 511) / length) as f32;
                assert!(out.iter().all(|&sample| sample == block || sample == next));
                whole += 1;
            } else {
                refused += 1;
            }
            let newest = reader.num_runs();
            if let Some(run) = newest.checked_sub(1020).and_then(|run| reader.run(run)) {
                assert_eq!(run.place.unwrap().sample, 3 * run.start);
            }
        }
        thread.join().unwrap();
        assert!(whole > 0 && refused > 0);
    }
}
