//! Identity and settings of one member, as all members see them.

use super::layout::{
    ENTRY_LONGS, HEAD_LONGS, MAX_OWN_ENTRIES, MAX_SHARED_ENTRIES, SHEET, SHEET_LONGS,
};
use super::longs::{halves, joined};
use super::page;
use crate::segment::{Memory, MemoryView};

/// Code of a setting of one pair: the amount, `0.0 ..= 1.0`, of the sound of the member with
/// identity [`Entry::about`] that is removed from this member's mics. 1 if there is no such entry.
pub const PAIR_CODE: u32 = 0x5041_4952;

/// Difference between two values of a setting that is none.
const TOLERANCE: f32 = 1e-6;
/// Largest version that is believed. Nobody makes so many changes.
pub(super) const MAX_VERSION: u64 = 1 << 53;

/// One number of a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Entry {
    /// Code of the setting. Only [`PAIR_CODE`] has a meaning here.
    pub code: u32,
    /// Identity of the member that the setting is about; 0 for none.
    pub about: u128,
    /// Value, finite. Another program may have written any number, so whoever uses it clamps it.
    pub value: f32,
}

impl Entry {
    pub(super) fn to_longs(self) -> [u64; ENTRY_LONGS] {
        let [low, high] = halves(self.about);
        [u64::from(self.code) << 32 | u64::from(self.value.to_bits()), low, high]
    }

    #[allow(clippy::cast_possible_truncation, reason = "one half each")]
    pub(super) fn from_longs([first, low, high]: [u64; ENTRY_LONGS]) -> Self {
        let value = f32::from_bits(first as u32);
        Self { code: (first >> 32) as u32, about: joined(low, high), value }
    }

    /// Returns true if this is the same setting with the same value, but for rounding.
    fn is_like(&self, other: &Self) -> bool {
        (self.code, self.about) == (other.code, other.about)
            && (self.value - other.value).abs() <= TOLERANCE
    }
}

/// Returns true if these are the same settings with the same values, but for rounding.
pub(super) fn are_alike(a: &[Entry], b: &[Entry]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_like(b))
}

/// Identity and settings of one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Identity of the instance, which its session saves; 0 for none. No two members that are
    /// linked keep the same one.
    pub identity: u128,
    /// Time at which the instance took its identity, on a clock that all instances share. The
    /// later of two instances with one identity gives it up.
    pub claimed: u64,
    /// Number of the latest change of `shared` in the session; 0 if nobody has changed it.
    pub version: u64,
    /// Settings that all members of the session have in common, at most [`MAX_SHARED_ENTRIES`].
    pub shared: Vec<Entry>,
    /// Settings of this member, at most [`MAX_OWN_ENTRIES`].
    pub own: Vec<Entry>,
    /// Number of samples that were dry because nothing had arrived for them.
    pub late_samples: u64,
}

impl Sheet {
    /// Empties the sheet and keeps its memory.
    pub(super) fn clear(&mut self) {
        let Self { shared, own, .. } = self;
        shared.clear();
        own.clear();
        let (shared, own) = (std::mem::take(shared), std::mem::take(own));
        *self = Self { shared, own, ..Self::default() };
    }

    /// Leaves out what is too much, not finite or not plausible.
    pub(super) fn make_sound(&mut self) {
        let Self { version, shared, own, .. } = self;
        shared.truncate(MAX_SHARED_ENTRIES);
        own.truncate(MAX_OWN_ENTRIES);
        shared.retain(|entry| entry.value.is_finite());
        own.retain(|entry| entry.value.is_finite());
        if *version > MAX_VERSION {
            *version = 0;
        }
    }

    /// Returns the value of a setting of the member's own.
    pub(super) fn own_value(&self, code: u32, about: u128) -> Option<f32> {
        let mut entries = self.own.iter();
        entries.find(|entry| (entry.code, entry.about) == (code, about)).map(|entry| entry.value)
    }

    /// Reads the sheet of a member if it was written or has changed since the number of changes
    /// `seen`, which is brought up to date. Returns true if it was read.
    pub(super) fn read(&mut self, memory: &MemoryView, seen: &mut u64) -> bool {
        let longs = &memory.longs()[SHEET..];
        if page::changes(longs) == *seen {
            return false;
        }
        let Some((changes, values)) = page::read::<SHEET_LONGS>(longs) else { return false };
        *seen = changes;
        self.decode(&values);
        true
    }

    fn encode(&self) -> [u64; SHEET_LONGS] {
        let mut longs = [0; SHEET_LONGS];
        let (head, entries) = longs.split_at_mut(HEAD_LONGS);
        let [low, high] = halves(self.identity);
        let numbers = (self.shared.len() as u64) << 32 | self.own.len() as u64;
        head.copy_from_slice(&[low, high, self.claimed, self.version, self.late_samples, numbers]);
        let (shared, own) = entries.as_chunks_mut().0.split_at_mut(MAX_SHARED_ENTRIES);
        for (to, from) in shared.iter_mut().zip(&self.shared).chain(own.iter_mut().zip(&self.own)) {
            *to = from.to_longs();
        }
        longs
    }

    fn decode(&mut self, longs: &[u64; SHEET_LONGS]) {
        self.clear();
        let (&[low, high, claimed, version, late_samples, numbers], entries) =
            longs.split_first_chunk::<HEAD_LONGS>().unwrap_or((&[0; HEAD_LONGS], &[]));
        self.identity = joined(low, high);
        (self.claimed, self.version, self.late_samples) = (claimed, version, late_samples);
        let (shared, own) = entries.as_chunks().0.split_at(MAX_SHARED_ENTRIES);
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (num_shared, num_own) = (count(numbers >> 32), count(numbers & 0xffff_ffff));
        self.shared.extend(shared.iter().take(num_shared).map(|longs| Entry::from_longs(*longs)));
        self.own.extend(own.iter().take(num_own).map(|longs| Entry::from_longs(*longs)));
        self.make_sound();
    }
}

/// Writing end of a member's sheet. There is one writer.
#[derive(Debug)]
pub(super) struct SheetWriter {
    memory: Memory,
}

impl SheetWriter {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory }
    }

    /// Publishes a sound sheet.
    pub(super) fn write(&mut self, sheet: &Sheet) {
        page::write(&self.memory.longs()[SHEET..], &sheet.encode());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::ring::SHAPE;

    fn entries(count: usize, value: f32) -> Vec<Entry> {
        (0..count).map(|n| Entry { code: 5, about: (n as u128) << 90 | 3, value }).collect()
    }

    fn sheet() -> Sheet {
        let (shared, own) = (entries(16, -1.5), entries(64, 1e9));
        let (claimed, version, late_samples) = (3, MAX_VERSION, 9);
        Sheet { identity: 7 << 100 | 9, claimed, version, shared, own, late_samples }
    }

    #[test]
    fn a_sheet_is_read_as_it_was_written_and_only_after_a_change() {
        let memory = Memory::plain(SHAPE);
        let (view, mut writer) = (memory.view(), SheetWriter::new(memory));
        let (mut read, mut seen) = (Sheet::default(), 0);
        assert!(!read.read(&view, &mut seen), "never written");
        for sent in [sheet(), Sheet::default(), Sheet { own: entries(3, 0.0), ..sheet() }] {
            writer.write(&sent);
            assert!(read.read(&view, &mut seen));
            assert_eq!(read, sent);
            assert!(!read.read(&view, &mut seen));
        }
    }

    #[test]
    fn entries_that_are_too_many_or_not_finite_and_wild_versions_are_left_out() {
        let mut odd = Sheet { shared: entries(20, 1.0), own: entries(70, 2.0), ..sheet() };
        odd.version = MAX_VERSION + 1;
        odd.shared[3].value = f32::NAN;
        odd.own[4].value = f32::INFINITY;
        odd.make_sound();
        assert_eq!((odd.shared.len(), odd.own.len(), odd.version), (15, 63, 0));
        assert_eq!(odd.own_value(5, 9 << 90 | 3), Some(2.0));
        assert_eq!(odd.own_value(5, 4 << 90 | 3), None);
    }

    #[test]
    fn foreign_numbers_make_a_sound_sheet() {
        let memory = Memory::plain(SHAPE);
        let mut read = Sheet::default();
        for bits in [u64::MAX, 1 << 63, 0x7f80_0000_7f80_0000, 0x0000_ffff_0000_ffff] {
            memory.longs()[SHEET..].iter().for_each(|long| long.store(bits, Relaxed));
            memory.longs()[SHEET].store(2, Relaxed);
            assert!(read.read(&memory.view(), &mut 0));
            let mut sound = read.clone();
            sound.make_sound();
            assert_eq!(read, sound);
        }
        memory.longs()[SHEET].store(5, Relaxed);
        assert!(!read.read(&memory.view(), &mut 0), "a change that never ends");
    }

    #[test]
    fn rounding_is_no_change() {
        let before = entries(2, 0.5);
        assert!(are_alike(&before, &entries(2, 0.5 + 5e-7)));
        assert!(!are_alike(&before, &entries(2, 0.5 + 2e-6)));
        assert!(!are_alike(&before, &entries(1, 0.5)));
        let other = [before[0], Entry { about: 1, ..before[1] }];
        assert!(!are_alike(&before, &other));
    }
}
