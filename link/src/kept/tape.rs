//! The sound of one instance as far as it was played, by its place on the host's timeline.

use std::collections::BTreeMap;
use std::ops::Range;

use super::file::SavedPage;
use crate::stamp::MicSettings;

/// Number of samples of each mic in a page: 1.4 s at 48 kHz.
pub(super) const PAGE_SAMPLES: usize = 1 << 16;

/// Largest distance in samples at which the same sound is looked for: more than the latency that
/// a host may add to places.
const REACH: usize = 1 << 17;
/// Least number of changes from sample to sample in a sound that is looked for.
const LEAST_CHANGES: usize = 64;

/// Samples of one page that were played, with the settings in effect.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    /// Offsets in the page.
    pub(super) offsets: Range<usize>,
    pub(super) settings: MicSettings,
}

/// Samples at places that follow each other.
#[derive(Debug)]
pub(crate) struct Page {
    /// `[mic, PAGE_SAMPLES]`.
    samples: Box<[f32]>,
    /// In order, none touching another with the same settings.
    stretches: Vec<Stretch>,
    /// Time of the last recording, on the clock of whoever records.
    pub(super) recorded: u64,
    /// `recorded` when the page was saved last; 0 if never.
    saved: u64,
}

impl Page {
    fn new(num_mics: usize) -> Self {
        let samples = vec![0.0; num_mics * PAGE_SAMPLES].into_boxed_slice();
        Self { samples, stretches: Vec::new(), recorded: 0, saved: 0 }
    }

    /// Notes that the samples of a stretch are new.
    fn mark(&mut self, new: Stretch) {
        let Range { start, end } = new.offsets.clone();
        let mut merged = new;
        let mut others = Vec::with_capacity(self.stretches.len() + 2);
        for stretch in self.stretches.drain(..) {
            let Stretch { offsets, settings } = stretch;
            let is_same = settings == merged.settings;
            if is_same && offsets.start <= end && offsets.end >= start {
                let joined = &mut merged.offsets;
                *joined = joined.start.min(offsets.start)..joined.end.max(offsets.end);
                continue;
            }
            // The parts before and after the new samples.
            for part in [offsets.start..offsets.end.min(start), offsets.start.max(end)..offsets.end]
            {
                if !part.is_empty() {
                    others.push(Stretch { offsets: part, settings });
                }
            }
        }
        others.push(merged);
        others.sort_by_key(|stretch| stretch.offsets.start);
        self.stretches = others;
    }
}

/// A part of a hop that was found on a tape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Offsets from the first place that was looked for.
    pub(crate) offsets: Range<usize>,
    pub(crate) settings: MicSettings,
}

/// The sound of one instance, page by page.
#[derive(Debug)]
pub(crate) struct Tape {
    num_mics: usize,
    /// By the place of their first sample, divided by the length of a page.
    pages: BTreeMap<i64, Page>,
}

impl Tape {
    pub(super) fn new(num_mics: usize) -> Self {
        Self { num_mics, pages: BTreeMap::new() }
    }

    pub(crate) fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// Returns the size of one page in bytes.
    pub(super) fn page_bytes(&self) -> usize {
        self.num_mics * PAGE_SAMPLES * size_of::<f32>()
    }

    pub(super) fn pages(&self) -> impl Iterator<Item = (i64, &Page)> {
        self.pages.iter().map(|(number, page)| (*number, page))
    }

    pub(super) fn remove(&mut self, number: i64) -> Option<Page> {
        self.pages.remove(&number)
    }

    /// Records samples `[mic][sample]` from the place `sample` on. `now` is the time on the clock
    /// of pages. Returns the number of new pages.
    pub(super) fn record(
        &mut self,
        sample: i64,
        mics: &[&[f32]],
        settings: MicSettings,
        now: u64,
    ) -> usize {
        let num_samples = mics.first().map_or(0, |mic| mic.len());
        let before = self.pages.len();
        for part in parts(sample, num_samples) {
            let page = self.pages.entry(part.page).or_insert_with(|| Page::new(self.num_mics));
            let length = part.offsets.len();
            for (to, from) in page.samples.chunks_exact_mut(PAGE_SAMPLES).zip(mics) {
                to[part.offsets.clone()].copy_from_slice(&from[part.at..part.at + length]);
            }
            page.recorded = now;
            page.mark(Stretch { offsets: part.offsets, settings });
        }
        self.pages.len() - before
    }

    /// Adds a saved page, as far as nothing was recorded at its places. Returns true if the page is
    /// new here.
    pub(super) fn restore(&mut self, saved: &SavedPage) -> bool {
        if saved.samples.len() != self.num_mics * PAGE_SAMPLES {
            return false;
        }
        let is_new = !self.pages.contains_key(&saved.number);
        let page = self.pages.entry(saved.number).or_insert_with(|| Page::new(self.num_mics));
        for Stretch { offsets, settings } in &saved.stretches {
            let mut at = offsets.start;
            let recorded: Vec<Range<usize>> =
                page.stretches.iter().map(|stretch| stretch.offsets.clone()).collect();
            for taken in recorded.into_iter().chain(std::iter::once(offsets.end..offsets.end)) {
                let free = at..taken.start.clamp(at, offsets.end);
                at = at.max(taken.end.min(offsets.end));
                if free.is_empty() {
                    continue;
                }
                let sides = page.samples.chunks_exact_mut(PAGE_SAMPLES);
                for (to, from) in sides.zip(saved.samples.chunks_exact(PAGE_SAMPLES)) {
                    to[free.clone()].copy_from_slice(&from[free.clone()]);
                }
                page.mark(Stretch { offsets: free, settings: *settings });
            }
        }
        is_new
    }

    /// Returns the pages that were recorded since they were saved and before `until`, at most
    /// `most`, with the time of their last recording.
    pub(super) fn unsaved(&self, until: u64, most: usize) -> Vec<(u64, SavedPage)> {
        let is_meant = |page: &Page| page.recorded > page.saved && page.recorded <= until;
        let pages = self.pages.iter().filter(|(_, page)| is_meant(page)).take(most);
        let saved = pages.map(|(&number, page)| {
            let (stretches, samples) = (page.stretches.clone(), page.samples.to_vec());
            (page.recorded, SavedPage { number, stretches, samples })
        });
        saved.collect()
    }

    /// Notes that a page has been saved as it was at the time `recorded`.
    pub(super) fn is_saved(&mut self, number: i64, recorded: u64) {
        if let Some(page) = self.pages.get_mut(&number) {
            page.saved = recorded;
        }
    }

    /// Copies the samples that were recorded from the place `sample` on into `mics`,
    /// `[mic][sample]`; others stay as they are. Adds the parts that were found to `found`.
    pub(super) fn play(&self, sample: i64, mics: &mut [&mut [f32]], found: &mut Vec<Found>) {
        let num_samples = mics.first().map_or(0, |mic| mic.len());
        for part in parts(sample, num_samples) {
            let Some(page) = self.pages.get(&part.page) else { continue };
            for Stretch { offsets, settings } in &page.stretches {
                let start = offsets.start.max(part.offsets.start);
                let end = offsets.end.min(part.offsets.end);
                if start >= end {
                    continue;
                }
                let at = part.at + start - part.offsets.start;
                for (to, from) in mics.iter_mut().zip(page.samples.chunks_exact(PAGE_SAMPLES)) {
                    to[at..at + end - start].copy_from_slice(&from[start..end]);
                }
                found.push(Found { offsets: at..at + end - start, settings: *settings });
            }
        }
    }
}

impl Tape {
    /// Returns the samples from the place `sample` to that of the same sound of the first mic, the
    /// least of several; `None` if it is not within [`REACH`] or too short to tell.
    pub(super) fn shift(&self, sample: i64, sound: &[f32]) -> Option<i64> {
        // Silence and constants are everywhere.
        let num_changes =
            sound.windows(2).filter(|pair| pair[0].to_bits() != pair[1].to_bits()).count();
        if self.num_mics == 0 || num_changes < LEAST_CHANGES {
            return None;
        }
        let mut tape = vec![f32::NAN; 2 * REACH + sound.len()];
        let mut other = vec![0.0; tape.len()];
        let mut mics: Vec<&mut [f32]> = vec![&mut tape, &mut other];
        mics.truncate(self.num_mics);
        let reach = i64::try_from(REACH).ok()?;
        self.play(sample.saturating_sub(reach), &mut mics, &mut Vec::new());
        let shifts = (0..=REACH).flat_map(|shift| [REACH - shift, REACH + shift]);
        let is_same = |at: &usize| tape[*at..*at + sound.len()] == *sound;
        let found = i64::try_from({ shifts }.find(is_same)?).ok()?;
        Some(found - reach)
    }
}

/// Samples of a stretch that lie in one page.
struct Part {
    page: i64,
    /// Offsets in the page.
    offsets: Range<usize>,
    /// Offset of the first sample in the stretch.
    at: usize,
}

/// Divides `num_samples` samples from the place `sample` on into pages.
fn parts(sample: i64, num_samples: usize) -> impl Iterator<Item = Part> {
    #[allow(clippy::cast_possible_wrap, reason = "a small constant")]
    const LENGTH: i64 = PAGE_SAMPLES as i64;
    let mut at = 0;
    std::iter::from_fn(move || {
        let place = sample.saturating_add(i64::try_from(at).ok()?);
        let offset = usize::try_from(place.rem_euclid(LENGTH)).ok()?;
        let length = (num_samples - at).min(PAGE_SAMPLES - offset);
        let part = Part { page: place.div_euclid(LENGTH), offsets: offset..offset + length, at };
        at += length;
        (length > 0).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Decibels;

    const ONE: MicSettings =
        MicSettings { role: engine::Role::Close, group: None, floor: Decibels(-1.0) };
    const TWO: MicSettings = MicSettings { floor: Decibels(-2.0), ..ONE };

    fn record(tape: &mut Tape, places: Range<i64>, value: f32, settings: MicSettings) {
        let samples: Vec<f32> = places.clone().map(|place| value + place as f32).collect();
        tape.record(places.start, &[&samples], settings, 1);
    }

    fn play(tape: &Tape, places: Range<i64>) -> (Vec<f32>, Vec<Found>) {
        let mut samples = vec![0.5; usize::try_from(places.end - places.start).unwrap()];
        let mut found = Vec::new();
        tape.play(places.start, &mut [&mut samples], &mut found);
        (samples, found)
    }

    #[test]
    fn the_latest_sound_of_a_place_is_played_over_the_ends_of_pages() {
        let length = i64::try_from(PAGE_SAMPLES).unwrap();
        let mut tape = Tape::new(1);
        record(&mut tape, -100..length + 50, 0.0, ONE);
        assert_eq!(tape.pages().map(|(number, _)| number).collect::<Vec<_>>(), [-1, 0, 1]);
        record(&mut tape, length - 10..length + 10, 1e6, TWO);
        let (samples, found) = play(&tape, length - 20..length + 60);
        let expected: Vec<f32> = (length - 20..length + 60)
            .map(|place| match place - length {
                -10..10 => 1e6 + place as f32,
                50.. => 0.5,
                _ => place as f32,
            })
            .collect();
        assert_eq!(samples, expected);
        let parts = [(0..10, ONE), (10..20, TWO), (20..30, TWO), (30..70, ONE)];
        let parts = parts.map(|(offsets, settings)| Found { offsets, settings });
        assert_eq!(found, parts);
        assert!(
            play(&tape, -300..-100).1.is_empty()
                && play(&tape, 9000 * length..9000 * length + 9).1.is_empty()
        );
    }

    #[test]
    fn stretches_grow_together_and_are_cut() {
        let mut tape = Tape::new(1);
        for (places, settings) in [
            (0..10, ONE),
            (20..30, ONE),
            (10..20, ONE),
            (15..18, TWO),
            (40..50, TWO),
            (18..19, TWO),
            (0..5, TWO),
        ] {
            record(&mut tape, places, 0.0, settings);
        }
        let stretches = &tape.pages().next().unwrap().1.stretches;
        let listed: Vec<_> =
            stretches.iter().map(|stretch| (stretch.offsets.clone(), stretch.settings)).collect();
        let expected = [(0..5, TWO), (5..15, ONE), (15..19, TWO), (19..30, ONE), (40..50, TWO)];
        assert_eq!(listed, expected);
        record(&mut tape, 0..60, 0.0, ONE);
        assert_eq!(tape.pages().next().unwrap().1.stretches.len(), 1);
    }

    #[test]
    fn a_saved_page_fills_the_places_where_nothing_was_recorded() {
        let mut old = Tape::new(1);
        record(&mut old, 0..100, 1e6, ONE);
        let (recorded, page) = old.unsaved(1, 9).remove(0);
        old.is_saved(0, recorded);
        assert!(old.unsaved(1, 9).is_empty());
        let mut tape = Tape::new(1);
        record(&mut tape, 20..30, 0.0, TWO);
        record(&mut tape, 50..60, 0.0, TWO);
        record(&mut tape, 95..120, 0.0, TWO);
        assert!(!tape.restore(&page));
        let (samples, found) = play(&tape, 0..130);
        let expected: Vec<f32> = (0..130)
            .map(|place| match place {
                20..30 | 50..60 | 95..120 => place as f32,
                0..95 => 1e6 + place as f32,
                _ => 0.5,
            })
            .collect();
        assert_eq!(samples, expected);
        assert_eq!(found.len(), 6);
        let mut empty = Tape::new(1);
        assert!(empty.restore(&page));
        assert_eq!(play(&empty, 0..130).1, play(&old, 0..130).1);
    }

    #[test]
    fn the_same_sound_is_found_at_the_nearest_place() {
        let mut tape = Tape::new(1);
        let sound: Vec<f32> =
            (0..70_000_u32).map(|n| ((n % 977) * (n % 977) % 977) as f32).collect();
        tape.record(-500, &[&sound], ONE, 1);
        let part = &sound[30_000..30_512];
        // 977 squares follow each other, so the sound repeats.
        for (sample, expected) in [(29_500, 0), (29_500 + 300, -300), (29_500 - 400, 400)] {
            assert_eq!(tape.shift(sample, part), Some(expected), "{sample}");
        }
        assert_eq!(tape.shift(29_500 + 977 - 100, part), Some(100));
        assert_eq!(tape.shift(29_500, &[0.25; 512]), None, "a constant");
        assert_eq!(tape.shift(29_500, &[0.5; 3]), None);
        let other: Vec<f32> = part.iter().map(|sample| sample + 0.5).collect();
        assert_eq!(tape.shift(29_500, &other), None, "another sound");
    }

    #[test]
    fn both_sides_of_a_track_are_kept() {
        let mut tape = Tape::new(2);
        tape.record(3, &[&[1.0, 2.0], &[3.0, 4.0]], ONE, 1);
        let (mut left, mut right) = ([0.0; 2], [0.0; 2]);
        tape.play(4, &mut [&mut left, &mut right], &mut Vec::new());
        assert_eq!((left, right), ([2.0, 0.0], [4.0, 0.0]));
    }
}
