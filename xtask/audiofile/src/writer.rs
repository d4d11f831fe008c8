//! Writes one 32-bit float WAV file that appears under its name only when it is complete.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::error::{AudioFileError, Problem};
use crate::existing::Existing;
use crate::header::Header;
use crate::metadata::Metadata;
use crate::names::folder_of;
use crate::partial::{self, PartialFile};

/// A writer that streams a 32-bit float WAV file into a temporary file beside its destination.
///
/// [`finish`](Self::finish) completes the header and renames the file to its final name, replacing
/// an existing file. Dropping the writer removes the temporary file. Files beyond 4 GB become RF64,
/// for which the header reserves space from the start.
#[derive(Debug)]
pub struct WavWriter {
    path: PathBuf,
    file: BufWriter<File>,
    temp: TempPath,
    header: Header,
    num_samples: u64,
    /// One block, interleaved, as bytes.
    scratch: Vec<u8>,
}

impl WavWriter {
    /// Creates the temporary file in the folder of `path`, which must exist.
    ///
    /// # Errors
    ///
    /// If the folder is not writable, `path` is a folder, or there are no or too many channels.
    pub fn create(path: &Path, rate_hz: u32, num_channels: usize) -> Result<Self, AudioFileError> {
        Self::create_with(path, rate_hz, num_channels, &Metadata::default())
    }

    /// Like [`create`](Self::create), with chunks that were read from another file.
    ///
    /// # Errors
    ///
    /// The same as [`create`](Self::create).
    pub fn create_with(
        path: &Path,
        rate_hz: u32,
        num_channels: usize,
        metadata: &Metadata,
    ) -> Result<Self, AudioFileError> {
        if path.is_dir() {
            return Err(AudioFileError::new(path, Problem::IsFolder));
        }
        let num_channels = u16::try_from(num_channels).ok().filter(|&count| count > 0);
        let num_channels = num_channels.ok_or_else(|| {
            let detail = "1 to 65535 channels are possible".to_owned();
            AudioFileError::new(path, Problem::CannotWrite { detail })
        })?;
        let (file, temp) = partial::create_in(folder_of(path))
            .map_err(|error| AudioFileError::io(path, "create", error))?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            temp,
            header: Header::new(rate_hz, num_channels, metadata.to_bytes()),
            num_samples: 0,
            scratch: Vec::new(),
        };
        writer.write_header()?;
        Ok(writer)
    }

    /// Returns the final path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the samples per channel written so far.
    #[must_use]
    pub fn num_samples(&self) -> u64 {
        self.num_samples
    }

    #[cfg(test)]
    pub(crate) fn temp_path(&self) -> &Path {
        &self.temp
    }

    pub(crate) fn num_channels(&self) -> usize {
        usize::from(self.header.num_channels)
    }

    /// Appends one block.
    ///
    /// # Shapes
    ///
    /// `channels`: `[channel][sample]`, one slice per channel, all of one length.
    ///
    /// # Errors
    ///
    /// If the disk is full or fails.
    ///
    /// # Panics
    ///
    /// If `channels` is not one slice per channel, all of one length.
    pub fn write(&mut self, channels: &[&[f32]]) -> Result<(), AudioFileError> {
        assert_eq!(channels.len(), usize::from(self.header.num_channels), "one slice per channel");
        let num_samples = channels[0].len();
        assert!(channels.iter().all(|channel| channel.len() == num_samples), "one length");

        self.scratch.clear();
        for index in 0..num_samples {
            for channel in channels {
                self.scratch.extend_from_slice(&channel[index].to_le_bytes());
            }
        }
        self.file
            .write_all(&self.scratch)
            .map_err(|error| AudioFileError::io(&self.path, "write", error))?;
        self.num_samples += num_samples as u64;
        Ok(())
    }

    /// Completes the file and renames it to its final name.
    ///
    /// # Errors
    ///
    /// If the disk is full or fails; the temporary file is then removed.
    pub fn finish(self) -> Result<(), AudioFileError> {
        self.complete()?.appear(Existing::Replace)
    }

    /// Writes all data to the disk, so that only the rename is left.
    pub(crate) fn complete(mut self) -> Result<PartialFile, AudioFileError> {
        self.write_header()?;
        let Self { path, file, temp, .. } = self;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        // Without the sync, a full disk behind a write-back cache would be detected only after
        // the rename.
        let synced = file.and_then(|file| file.sync_all().map(|()| file));
        let file = synced.map_err(|error| AudioFileError::io(&path, "write", error))?;
        Ok(PartialFile::new(path, file, temp))
    }

    fn write_header(&mut self) -> Result<(), AudioFileError> {
        let header = self.header.to_bytes(self.num_samples).ok_or_else(|| {
            let detail = "the sample rate or the number of channels is too high".to_owned();
            AudioFileError::new(&self.path, Problem::CannotWrite { detail })
        })?;
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&header))
            .map_err(|error| AudioFileError::io(&self.path, "write", error))
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

    /// Checks the switch to RF64, which happens at 4 GB, with a limit of 8 kB.
    #[test]
    fn long_files_become_rf64_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wav");
        let samples: Vec<f32> = (0..2_000).map(|i| (i as f32).sin()).collect();
        for (most_riff_bytes, magic) in [(8_085, b"RF64"), (8_086, b"RIFF")] {
            let mut writer = WavWriter::create(&path, 48_000, 1).unwrap();
            writer.header.most_riff_bytes = most_riff_bytes;
            writer.write(&[&samples]).unwrap();
            writer.finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap()[..4], *magic);
            assert_eq!(read_all(&path, 64).unwrap()[0], samples);
        }
    }

    /// Checks a file of six gigabytes, nearly all of them a hole in the file.
    #[test]
    fn a_file_of_six_gigabytes_is_opened_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wav");
        let mut writer = WavWriter::create(&path, 48_000, 1).unwrap();
        writer.write(&[&[0.25; 10]]).unwrap();
        writer.num_samples = 1_500_000_000;
        let completed = writer.complete().unwrap();
        let bytes = 6_000_000_000 + 94;
        File::options().write(true).open(completed.temp_path()).unwrap().set_len(bytes).unwrap();
        completed.appear(Existing::Replace).unwrap();
        let mut reader = crate::AudioReader::open(&path).unwrap();
        assert_eq!(reader.num_samples(), 1_500_000_000);
        let mut block = [9.0; 11];
        assert_eq!(reader.read(&mut [&mut block]).unwrap(), 11);
        assert_eq!((block[9], block[10]), (0.25, 0.0));
        // Shortened by one byte, the file is refused before any sample is read.
        File::options().write(true).open(&path).unwrap().set_len(bytes - 1).unwrap();
        let message = crate::AudioReader::open(&path).unwrap_err().to_string();
        assert!(message.ends_with("ends after 1499999999 of 1500000000 samples"), "{message}");
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
        assert!(message.ends_with("cannot create: No such file or directory (os error 2)"));
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
