//! Whole sound files in memory, for scenes of a few seconds; long sessions are streamed instead.

use anyhow::{Result, ensure};
use audiofile::{AudioReader, WavWriter};
use std::path::Path;

/// Number of samples per channel and read.
const READ_SAMPLES: usize = 1 << 16;

/// The samples of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// `[channel][sample]`, linear, full scale 1.
    pub channels: Vec<Vec<f32>>,
}

impl Sound {
    /// Returns the number of samples per channel.
    #[must_use]
    pub fn num_samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

/// Reads a WAV, AIFF, CAF or FLAC file.
///
/// # Errors
///
/// Returns an error if the file is missing, damaged or of another format.
pub fn read(path: &Path) -> Result<Sound> {
    let mut reader = AudioReader::open(path)?;
    let mut channels = vec![Vec::new(); reader.num_channels()];
    // The buffers grow with the data read: a damaged header may promise any number of samples.
    loop {
        let done = channels[0].len();
        channels.iter_mut().for_each(|channel| channel.resize(done + READ_SAMPLES, 0.0));
        let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(|c| &mut c[done..]).collect();
        let count = reader.read(&mut slices)?;
        if count < READ_SAMPLES {
            channels.iter_mut().for_each(|channel| channel.truncate(done + count));
            return Ok(Sound { rate_hz: reader.rate_hz(), channels });
        }
    }
}

/// Reads a WAV, AIFF, CAF or FLAC file that has one channel.
///
/// # Errors
///
/// Returns an error as [`read`] does, and if the file has more channels.
pub fn read_mono(path: &Path) -> Result<(Vec<f32>, u32)> {
    let mut sound = read(path)?;
    ensure!(
        sound.channels.len() == 1,
        "{} has {} channels, expected one",
        path.display(),
        sound.channels.len()
    );
    Ok((sound.channels.remove(0), sound.rate_hz))
}

/// Writes one channel as a 32-bit float WAV file. The file is written whole or not at all.
///
/// # Errors
///
/// Returns an error if the file cannot be written.
pub fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) -> Result<()> {
    let mut writer = WavWriter::create(path, rate_hz, 1)?;
    writer.write(&[samples])?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A FLAC header may promise 68 billion samples, which would take 275 GB.
    #[test]
    fn memory_follows_what_is_there_and_not_what_is_promised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.flac");
        crate::flac::write(&path, &[0.25; 5_000], 44_100).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[21] |= 0x0F;
        bytes[22..26].fill(0xFF);
        std::fs::write(&path, bytes).unwrap();
        let line = format!("{:#}", read(&path).unwrap_err());
        assert!(line.ends_with("ends after 5000 of 68719476735 samples"), "{line}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..1_000).map(|n| (n as f32 * 0.1).sin()).collect();
        write_wav(&path, &samples, 48_000).unwrap();
        assert_eq!(read_mono(&path).unwrap(), (samples, 48_000));
        let long: Vec<f32> = (0..2 * READ_SAMPLES).map(|n| (n as f32 * 0.1).sin()).collect();
        for length in [READ_SAMPLES - 1, READ_SAMPLES, READ_SAMPLES + 1, 2 * READ_SAMPLES] {
            write_wav(&path, &long[..length], 48_000).unwrap();
            assert_eq!(read(&path).unwrap().channels, [&long[..length]], "{length}");
        }
        let line = format!("{:#}", read(&folder.path().join("b.wav")).unwrap_err());
        assert!(line.contains("b.wav") && !line.contains('\n'), "{line}");
    }
}
