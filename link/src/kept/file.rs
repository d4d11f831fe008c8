//! The tape of one instance in a file: pages in slots, in the order in which they were first saved.
//!
//! | Part | Bytes |
//! |---|---|
//! | head: magic, version, bits of the sample rate, number of mics, samples of a page | 4096 |
//! | slot: checksum of the rest, number of stretches, number of the page, stretches | 4096 |
//! | and the samples `[mic, PAGE_SAMPLES]`, `f32` | 4 each |
//!
//! All numbers are little-endian. A slot that was written in part has a wrong checksum and is
//! ignored, and its place is used again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::tape::{PAGE_SAMPLES, Stretch};
use crate::stamp::MicSettings;

const MAGIC: [u8; 8] = *b"UNSPKEPT";
const VERSION: u32 = 1;
/// Bytes of the head, and of a slot before its samples.
const HEAD_BYTES: usize = 4096;
const STRETCH_BYTES: usize = 16;
/// Largest number of stretches of a saved page; the shortest further ones are lost.
const MAX_STRETCHES: usize = (HEAD_BYTES - 16) / STRETCH_BYTES;
const ENDING: &str = "unspill-kept";

/// The instance and the format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) identity: u128,
    pub(super) rate_bits: u32,
    pub(super) num_mics: usize,
}

impl Name {
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        let Self { identity, rate_bits, num_mics } = self;
        folder.join(format!("{identity:032x}-{rate_bits:08x}-{num_mics}.{ENDING}"))
    }

    fn head(&self) -> Vec<u8> {
        let mut head = MAGIC.to_vec();
        let num_mics = u32::try_from(self.num_mics).unwrap_or(0);
        #[allow(clippy::cast_possible_truncation, reason = "a small constant")]
        for number in [VERSION, self.rate_bits, num_mics, PAGE_SAMPLES as u32] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        head.resize(HEAD_BYTES, 0);
        head
    }

    fn slot_bytes(&self) -> usize {
        HEAD_BYTES + self.num_mics * PAGE_SAMPLES * size_of::<f32>()
    }
}

/// Returns true if a file has the name of a tape.
pub(super) fn is_tape(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

/// Samples at places that follow each other, as saved.
#[derive(Debug, PartialEq)]
pub(super) struct SavedPage {
    pub(super) number: i64,
    pub(super) stretches: Vec<Stretch>,
    /// `[mic, PAGE_SAMPLES]`.
    pub(super) samples: Vec<f32>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct TapeFile {
    name: Name,
    file: File,
    /// Slot of each page.
    slots: BTreeMap<i64, u64>,
    num_slots: u64,
}

impl TapeFile {
    /// Opens the file of a tape, and creates it if necessary. A file of another format or version
    /// begins anew.
    pub(super) fn open(folder: &Path, name: Name) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
        }
        let file = options.open(name.path(folder))?;
        let mut tape = Self { name, file, slots: BTreeMap::new(), num_slots: 0 };
        let mut head = vec![0; HEAD_BYTES];
        tape.file.rewind()?;
        if tape.file.read_exact(&mut head).is_err() || head != name.head() {
            tape.file.set_len(0)?;
            tape.file.rewind()?;
            tape.file.write_all(&name.head())?;
            return Ok(tape);
        }
        let length = tape.file.metadata()?.len().saturating_sub(HEAD_BYTES as u64);
        tape.num_slots = length / name.slot_bytes() as u64;
        for slot in 0..tape.num_slots {
            let mut start = [0; 16];
            tape.seek(slot)?;
            tape.file.read_exact(&mut start)?;
            tape.slots.insert(i64::from_le_bytes(part(&start, 8)), slot);
        }
        Ok(tape)
    }

    fn seek(&mut self, slot: u64) -> io::Result<()> {
        let at = HEAD_BYTES as u64 + slot * self.name.slot_bytes() as u64;
        self.file.seek(SeekFrom::Start(at)).map(|_| ())
    }

    /// Returns the numbers of all pages, sound or not.
    pub(super) fn pages(&self) -> Vec<i64> {
        self.slots.keys().copied().collect()
    }

    /// Writes a page in place of its last version. Returns true if the file has grown.
    pub(super) fn write(&mut self, page: &SavedPage) -> io::Result<bool> {
        let mut stretches: Vec<&Stretch> = page.stretches.iter().collect();
        if stretches.len() > MAX_STRETCHES {
            stretches.sort_by_key(|stretch| std::cmp::Reverse(stretch.offsets.len()));
            stretches.truncate(MAX_STRETCHES);
        }
        let mut bytes = Vec::with_capacity(self.name.slot_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&u32::try_from(stretches.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&page.number.to_le_bytes());
        for Stretch { offsets, settings } in stretches {
            for offset in [offsets.start, offsets.end] {
                bytes.extend_from_slice(&u32::try_from(offset).unwrap_or(0).to_le_bytes());
            }
            bytes.extend_from_slice(&settings.to_bits().to_le_bytes());
        }
        bytes.resize(HEAD_BYTES, 0);
        bytes.extend(page.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        let checksum = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        let slot = self.slots.get(&page.number).copied().unwrap_or(self.num_slots);
        self.seek(slot)?;
        self.file.write_all(&bytes)?;
        self.slots.insert(page.number, slot);
        let has_grown = slot == self.num_slots;
        self.num_slots = self.num_slots.max(slot + 1);
        Ok(has_grown)
    }

    /// Reads a page; `None` if it is not there or not whole.
    pub(super) fn read(&mut self, number: i64) -> io::Result<Option<SavedPage>> {
        let Some(slot) = self.slots.get(&number).copied() else { return Ok(None) };
        let mut bytes = vec![0; self.name.slot_bytes()];
        self.seek(slot)?;
        self.file.read_exact(&mut bytes)?;
        let checksum = u32::from_le_bytes(part(&bytes, 0));
        if checksum != crc32fast::hash(&bytes[4..]) {
            return Ok(None);
        }
        let (head, samples) = bytes.split_at(HEAD_BYTES);
        let count = u32::from_le_bytes(part(head, 4)) as usize;
        let mut stretches: Vec<Stretch> = Vec::new();
        for stretch in head[16..].chunks_exact(STRETCH_BYTES).take(count) {
            let offset = |at: usize| u32::from_le_bytes(part(stretch, at)) as usize;
            let offsets = offset(0)..offset(4);
            if offsets.start < offsets.end && offsets.end <= PAGE_SAMPLES {
                let settings = MicSettings::from_bits(u64::from_le_bytes(part(stretch, 8)));
                stretches.push(Stretch { offsets, settings });
            }
        }
        stretches.sort_by_key(|stretch| stretch.offsets.start);
        let samples = samples.chunks_exact(4).map(|bytes| {
            let sample = f32::from_le_bytes(part(bytes, 0));
            if sample.is_finite() { sample } else { 0.0 }
        });
        Ok(Some(SavedPage { number, stretches, samples: samples.collect() }))
    }
}

/// Returns the bytes from `at` on; zeros if there are too few.
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Decibels;

    const NAME: Name = Name { identity: 7, rate_bits: 0x473b_8000, num_mics: 2 };

    fn page(number: i64, value: f32) -> SavedPage {
        let settings = MicSettings { floor: Decibels(-value), ..MicSettings::default() };
        let stretches = [3..40, 60..PAGE_SAMPLES];
        SavedPage {
            number,
            stretches: stretches.map(|offsets| Stretch { offsets, settings }).into(),
            samples: (0..2 * PAGE_SAMPLES).map(|n| value + n as f32).collect(),
        }
    }

    #[test]
    fn pages_come_back_and_newer_ones_replace_older_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = TapeFile::open(folder.path(), NAME).unwrap();
        assert!(file.write(&page(-2, 0.25)).unwrap());
        assert!(file.write(&page(9, 0.5)).unwrap());
        assert!(!file.write(&page(-2, 0.75)).unwrap());
        drop(file);
        let mut file = TapeFile::open(folder.path(), NAME).unwrap();
        assert_eq!(file.pages(), [-2, 9]);
        assert_eq!(file.read(-2).unwrap(), Some(page(-2, 0.75)));
        assert_eq!(file.read(9).unwrap(), Some(page(9, 0.5)));
        assert_eq!(file.read(0).unwrap(), None);
        // Another number of mics has a file of its own.
        assert_ne!(NAME.path(folder.path()), Name { num_mics: 1, ..NAME }.path(folder.path()));
    }

    #[test]
    fn damaged_pages_and_files_are_ignored_and_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = NAME.path(folder.path());
        let mut file = TapeFile::open(folder.path(), NAME).unwrap();
        file.write(&page(1, 0.25)).unwrap();
        file.write(&page(2, 0.5)).unwrap();
        drop(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[HEAD_BYTES + HEAD_BYTES + 77] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let mut file = TapeFile::open(folder.path(), NAME).unwrap();
        assert_eq!(file.read(1).unwrap(), None);
        assert_eq!(file.read(2).unwrap(), Some(page(2, 0.5)));
        file.write(&page(1, 0.75)).unwrap();
        assert_eq!(file.read(1).unwrap(), Some(page(1, 0.75)));
        // A program that died while it wrote.
        file.file.set_len(bytes.len() as u64 - 100).unwrap();
        let mut file = TapeFile::open(folder.path(), NAME).unwrap();
        assert_eq!(file.pages(), [1]);
        assert!(file.write(&page(2, 0.5)).unwrap());
        for foreign in [b"something else".to_vec(), Vec::new(), vec![0xff; 3 * HEAD_BYTES]] {
            std::fs::write(&path, foreign).unwrap();
            assert!(TapeFile::open(folder.path(), NAME).unwrap().pages().is_empty());
        }
    }
}
