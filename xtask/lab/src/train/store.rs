//! Recorded examples as files: written whole or not at all, read clip by clip.
//!
//! A file contains a magic number, the length of a JSON header, the header, and then for each hop
//! the features of all mics in half precision and the sums of all mics in single precision, little
//! endian. That is 4320 bytes per mic and hop: 8 mics over 10 s take 30 MB. If the header declares
//! them, the sums of all pairs follow, hop after hop, for combinations of mics: 1280 bytes per pair
//! and hop, 31 MB for 8 mics over 10 s. Clips are read when a step needs them, so that memory holds
//! only the clips of one step, whatever the number of scenes.

use super::band_sums::{NUM_PAIR_SUMS, NUM_SUMS, num_pairs};
use super::examples::Example;
use super::relations::Relations;
use anyhow::{Context, Result, ensure};
use audiofile::Existing;
use engine::debleed::cancel::{NUM_BANDS, NUM_FEATURES};
use half::f16;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Beginning of every file; its last byte counts changes of the recorded data.
const MAGIC: &[u8; 8] = b"UNSPEX\x00\x04";
const MIC_BYTES: usize = NUM_FEATURES * NUM_BANDS * 2 + NUM_SUMS * NUM_BANDS * 4;
const PAIR_BYTES: usize = NUM_PAIR_SUMS * NUM_BANDS * 4;

/// An example on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Relations between its mics.
    pub relations: Relations,
    /// Number of hops.
    pub num_hops: usize,
    /// True if the sums of pairs were recorded.
    pub has_pairs: bool,
    path: PathBuf,
    start: u64,
}

/// A part of an example in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// `[hop, mic, feature * band]`
    pub features: Vec<f32>,
    /// `[hop, mic, sum, band]`
    pub sums: Vec<f32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    relations: Relations,
    num_hops: usize,
    /// Omitted if there are none, as in recordings from before sums of pairs existed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_pairs: bool,
}

impl Header {
    /// Returns the bytes of one hop: of the data in all recordings, and of the sums of pairs.
    fn hop_bytes(&self) -> [usize; 2] {
        let num_mics = self.relations.num_mics;
        let of_pairs = if self.has_pairs { num_pairs(num_mics) * PAIR_BYTES } else { 0 };
        [num_mics * MIC_BYTES, of_pairs]
    }
}

impl Stored {
    /// Writes an example. The file is written whole or not at all.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn write(example: &Example, path: &Path) -> Result<Self> {
        let header = Header {
            relations: example.relations.clone(),
            num_hops: example.num_hops,
            has_pairs: example.pairs.is_some(),
        };
        let hop_bytes: usize = header.hop_bytes().iter().sum();
        let header = serde_json::to_vec(&header)?;
        let num_mics = example.relations.num_mics;
        let (inputs, row) = (NUM_FEATURES * NUM_BANDS * num_mics, NUM_SUMS * NUM_BANDS * num_mics);
        let mut bytes = Vec::with_capacity(64 + header.len() + example.num_hops * hop_bytes);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
        let hops = example.features.chunks_exact(inputs).zip(example.sums.chunks_exact(row));
        for (features, sums) in hops {
            bytes.extend(features.iter().flat_map(|value| value.to_le_bytes()));
            bytes.extend(sums.iter().flat_map(|value| value.to_le_bytes()));
        }
        let pairs = example.pairs.iter().flatten();
        bytes.extend(pairs.flat_map(|value| value.to_le_bytes()));
        write_whole(path, &bytes)?;
        Self::open(path)
    }

    /// Opens a file written by [`write`](Self::write).
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        Self::read_header(path)
            .with_context(|| format!("could not read the recording {}", path.display()))
    }

    fn read_header(path: &Path) -> Result<Self> {
        let mut file = File::open(path)?;
        let mut start = [0; 16];
        file.read_exact(&mut start)?;
        ensure!(&start[..8] == MAGIC, "not a recording, or of another version");
        let mut length = [0; 8];
        length.copy_from_slice(&start[8..]);
        let length = u64::from_le_bytes(length);
        ensure!(length < 1 << 20, "the header is damaged");
        let mut header = Vec::new();
        Read::by_ref(&mut file).take(length).read_to_end(&mut header)?;
        let header: Header = serde_json::from_slice(&header)?;
        let hop_bytes: usize = header.hop_bytes().iter().sum();
        let bytes = 16 + length + (header.num_hops * hop_bytes) as u64;
        let found = file.metadata()?.len();
        ensure!(found == bytes, "{found} bytes, but the header states {bytes}");
        Ok(Self {
            relations: header.relations,
            num_hops: header.num_hops,
            has_pairs: header.has_pairs,
            path: path.to_owned(),
            start: 16 + length,
        })
    }

    /// Reads `hops` hops from hop `start` on.
    ///
    /// # Errors
    ///
    /// Returns an error if the example has no such hops or its file cannot be read.
    pub fn clip(&self, start: usize, hops: usize) -> Result<Clip> {
        let hop_bytes = self.relations.num_mics * MIC_BYTES;
        let bytes = self.hops(self.start, (start, hops), hop_bytes)?;
        let mut clip = Clip { features: Vec::new(), sums: Vec::new() };
        for hop in bytes.chunks_exact(hop_bytes) {
            let (features, sums) =
                hop.split_at(self.relations.num_mics * NUM_FEATURES * NUM_BANDS * 2);
            let (features, _) = features.as_chunks::<2>();
            let (sums, _) = sums.as_chunks::<4>();
            clip.features.extend(features.iter().map(|&value| f16::from_le_bytes(value).to_f32()));
            clip.sums.extend(sums.iter().map(|&value| f32::from_le_bytes(value)));
        }
        Ok(clip)
    }

    /// Reads the sums of pairs of `hops` hops from hop `start` on, `[hop, pair, sum, band]`.
    ///
    /// # Errors
    ///
    /// Returns an error if they were not recorded, the example has no such hops or its file cannot
    /// be read.
    pub fn pairs(&self, start: usize, hops: usize) -> Result<Vec<f32>> {
        ensure!(
            self.has_pairs,
            "{} has no sums of pairs: it was recorded without a combination loss",
            self.path.display()
        );
        let num_mics = self.relations.num_mics;
        let behind = self.start + (self.num_hops * num_mics * MIC_BYTES) as u64;
        let bytes = self.hops(behind, (start, hops), num_pairs(num_mics) * PAIR_BYTES)?;
        let (values, _) = bytes.as_chunks::<4>();
        Ok(values.iter().map(|&value| f32::from_le_bytes(value)).collect())
    }

    /// Reads the bytes of some hops from those that begin at `origin` and have `hop_bytes` each.
    fn hops(
        &self,
        origin: u64,
        (start, hops): (usize, usize),
        hop_bytes: usize,
    ) -> Result<Vec<u8>> {
        let context = || format!("could not read the recording {}", self.path.display());
        ensure!(
            start + hops <= self.num_hops,
            "{} has {} hops, fewer than a clip needs",
            self.path.display(),
            self.num_hops
        );
        let mut bytes = vec![0; hops * hop_bytes];
        let mut file = File::open(&self.path).with_context(context)?;
        let at = origin + (start * hop_bytes) as u64;
        file.seek(SeekFrom::Start(at)).with_context(context)?;
        file.read_exact(&mut bytes).with_context(context)?;
        Ok(bytes)
    }
}

/// Writes a file of the training's folder, whole or not at all; an existing file is replaced.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(audiofile::write_whole(path, bytes, Existing::Replace)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{random_example, with_pairs};
    use super::*;

    #[test]
    fn clips_are_what_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.example");
        let example = random_example(3, 9, 1);
        let stored = Stored::write(&example, &path).unwrap();
        assert_eq!(stored, Stored::open(&path).unwrap());
        assert_eq!((&stored.relations, stored.num_hops), (&example.relations, 9));
        let clip = stored.clip(4, 5).unwrap();
        let (inputs, row) = (3 * NUM_FEATURES * NUM_BANDS, 3 * NUM_SUMS * NUM_BANDS);
        let features: Vec<f32> =
            example.features[4 * inputs..].iter().map(|v| v.to_f32()).collect();
        assert_eq!((clip.features, clip.sums), (features, example.sums[4 * row..].to_vec()));
        let line = stored.clip(5, 5).unwrap_err().to_string();
        assert!(line.contains("9 hops"), "{line}");
        assert_eq!(std::fs::metadata(&path).unwrap().len() - stored.start, 9 * 3 * 4320);
    }

    #[test]
    fn sums_of_pairs_are_read_where_they_were_recorded_and_change_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let example = random_example(3, 9, 1);
        let without = Stored::write(&example, &at("without.example")).unwrap();
        // Recordings from before sums of pairs existed have no such field.
        let bytes = std::fs::read(at("without.example")).unwrap();
        assert!(!String::from_utf8_lossy(&bytes[..600]).contains("pairs"));
        let line = without.pairs(0, 1).unwrap_err().to_string();
        assert!(line.contains("without.example has no sums of pairs"), "{line}");

        let example = with_pairs(example);
        let with = Stored::write(&example, &at("with.example")).unwrap();
        assert_eq!(with.clip(2, 6).unwrap(), without.clip(2, 6).unwrap());
        let row = num_pairs(3) * NUM_PAIR_SUMS * NUM_BANDS;
        let wanted = &example.pairs.unwrap()[2 * row..8 * row];
        assert_eq!(with.pairs(2, 6).unwrap(), wanted);
        assert!(with.pairs(4, 6).is_err());
        let whole = std::fs::read(at("with.example")).unwrap();
        std::fs::write(at("with.example"), &whole[..whole.len() - 4]).unwrap();
        assert!(Stored::open(&at("with.example")).is_err());
    }

    #[test]
    fn damaged_recordings_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.example");
        Stored::write(&random_example(2, 4, 1), &path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for (bytes, part) in [
            (whole[..whole.len() - 1].to_vec(), "the header states"),
            (b"RIFF    WAVEfmt xxxxxxxx".to_vec(), "not a recording"),
            (whole[..20].to_vec(), "could not read"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let line = format!("{:#}", Stored::open(&path).unwrap_err());
            assert!(line.contains(part) && line.contains("a.example"), "{line}");
        }
    }
}
