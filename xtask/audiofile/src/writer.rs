//! Writes one 32-bit float WAV file that appears under its name only when it is whole.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::error::{AudioFileError, Problem};
use crate::names::folder_of;
use crate::outputs::Existing;
use crate::partial::{self, PartialFile};
use crate::wav;

/// Streams a 32-bit float WAV file into a temporary file beside its destination.
///
/// [`finish`](Self::finish) completes the header and renames it to its final name, replacing what
/// was there; dropping the writer without it leaves nothing behind.
#[derive(Debug)]
pub struct WavWriter {
    path: PathBuf,
    file: BufWriter<File>,
    temp: TempPath,
    rate_hz: u32,
    num_channels: u16,
    num_samples: u64,
    /// One block, interleaved, as bytes.
    scratch: Vec<u8>,
}

impl WavWriter {
    /// Creates the temporary file in the folder of `path`, which must exist.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to, `path` is a folder, or there are no channels.
    pub fn create(path: &Path, rate_hz: u32, num_channels: usize) -> Result<Self, AudioFileError> {
        if path.is_dir() {
            return Err(AudioFileError::new(path, Problem::IsFolder));
        }
        let num_channels = u16::try_from(num_channels).ok().filter(|&count| count > 0);
        let num_channels = num_channels.ok_or_else(|| {
            let detail = "a WAV file has 1 to 65535 channels".to_owned();
            AudioFileError::new(path, Problem::NotAudio { detail })
        })?;
        let (file, temp) = partial::create_in(folder_of(path))
            .map_err(|error| AudioFileError::io(path, "create it", error))?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            temp,
            rate_hz,
            num_channels,
            num_samples: 0,
            scratch: Vec::new(),
        };
        writer.write_header()?;
        Ok(writer)
    }

    /// The name the file will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples per channel written so far.
    #[must_use]
    pub fn num_samples(&self) -> u64 {
        self.num_samples
    }

    #[cfg(test)]
    pub(crate) fn temp_path(&self) -> &Path {
        &self.temp
    }

    pub(crate) fn num_channels(&self) -> usize {
        usize::from(self.num_channels)
    }

    /// Appends one block.
    ///
    /// # Shapes
    ///
    /// `channels`: `[channel][sample]`, one slice per channel, all of one length.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails, or the file would grow beyond what WAV can hold.
    ///
    /// # Panics
    ///
    /// When `channels` is not one slice per channel, all of one length.
    pub fn write(&mut self, channels: &[&[f32]]) -> Result<(), AudioFileError> {
        assert_eq!(channels.len(), usize::from(self.num_channels), "one slice per channel");
        let num_samples = channels[0].len();
        assert!(channels.iter().all(|channel| channel.len() == num_samples), "one length");

        let total = self.num_samples + num_samples as u64;
        if wav::header(self.rate_hz, self.num_channels, total).is_none() {
            let num_bytes = total.saturating_mul(4 * u64::from(self.num_channels));
            return Err(AudioFileError::new(&self.path, Problem::TooLong { num_bytes }));
        }
        self.scratch.clear();
        for index in 0..num_samples {
            for channel in channels {
                self.scratch.extend_from_slice(&channel[index].to_le_bytes());
            }
        }
        self.file
            .write_all(&self.scratch)
            .map_err(|error| AudioFileError::io(&self.path, "write it", error))?;
        self.num_samples = total;
        Ok(())
    }

    /// Completes the file and gives it its final name.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails; nothing is left behind then.
    pub fn finish(self) -> Result<(), AudioFileError> {
        self.complete()?.appear(Existing::Replace)
    }

    /// Writes everything out; what is left to do is the rename.
    pub(crate) fn complete(mut self) -> Result<PartialFile, AudioFileError> {
        self.write_header()?;
        let Self { path, file, temp, .. } = self;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        // Without the sync a full disk behind a write-back cache would only show after the rename.
        let synced = file.and_then(|file| file.sync_all().map(|()| file));
        let file = synced.map_err(|error| AudioFileError::io(&path, "write it", error))?;
        Ok(PartialFile::new(path, file, temp))
    }

    fn write_header(&mut self) -> Result<(), AudioFileError> {
        let header = wav::header(self.rate_hz, self.num_channels, self.num_samples);
        let header = header.ok_or_else(|| {
            let detail = "the rate or the number of channels is too high".to_owned();
            AudioFileError::new(&self.path, Problem::NotAudio { detail })
        })?;
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&header))
            .map_err(|error| AudioFileError::io(&self.path, "write it", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{names_in, read_all};

    #[test]
    fn what_is_written_reads_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wav");
        let left: Vec<f32> = (0..5_000).map(|i| (i as f32).sin() * 3.0).collect();
        let right: Vec<f32> = (0..5_000).map(|i| (i as f32).cos() * 1e-20).collect();
        let mut writer = WavWriter::create(&path, 88_200, 2).unwrap();
        for (left, right) in left.chunks(333).zip(right.chunks(333)) {
            writer.write(&[left, right]).unwrap();
        }
        assert_eq!(writer.num_samples(), 5_000);
        assert!(!path.exists(), "visible only when finished");
        writer.finish().unwrap();
        assert_eq!(crate::AudioReader::open(&path).unwrap().rate_hz(), 88_200);
        assert_eq!(read_all(&path, 100).unwrap(), [left, right]);
        assert_eq!(names_in(folder.path()), ["out.wav"]);
    }

    #[test]
    fn a_writer_dropped_before_its_end_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = WavWriter::create(&folder.path().join("out.wav"), 48_000, 1).unwrap();
        writer.write(&[&[0.5; 100_000]]).unwrap();
        assert_eq!(names_in(folder.path()).len(), 1);
        drop(writer);
        assert!(names_in(folder.path()).is_empty());
    }

    #[test]
    fn a_missing_folder_is_one_clear_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere/out.wav");
        let message = WavWriter::create(&path, 48_000, 1).unwrap_err().to_string();
        assert!(message.ends_with("cannot create it: No such file or directory (os error 2)"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_gets_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wav");
        let usual = folder.path().join("usual");
        std::fs::write(&usual, "x").unwrap();
        WavWriter::create(&path, 48_000, 1).unwrap().finish().unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&usual));
    }
}
