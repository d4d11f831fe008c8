//! Whole sound files in memory, for scenes of some seconds; long sessions are streamed elsewhere.

use anyhow::{Result, ensure};
use audiofile::{AudioReader, WavWriter};
use std::path::Path;

/// The samples of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// `[channel][sample]`, linear, full scale 1.
    pub channels: Vec<Vec<f32>>,
}

impl Sound {
    /// Samples per channel.
    #[must_use]
    pub fn num_samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

/// Reads a WAV or FLAC file.
///
/// # Errors
///
/// When the file is missing, damaged or of another kind.
pub fn read(path: &Path) -> Result<Sound> {
    let mut reader = AudioReader::open(path)?;
    let num_samples = usize::try_from(reader.num_samples())?;
    let mut channels = vec![vec![0.0; num_samples]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    reader.read(&mut slices)?;
    Ok(Sound { rate_hz: reader.rate_hz(), channels })
}

/// Reads a WAV or FLAC file that has one channel.
///
/// # Errors
///
/// As [`read`], and when there are more channels.
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

/// Writes one channel as a 32-bit float WAV file, whole or not at all.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) -> Result<()> {
    let mut writer = WavWriter::create(path, rate_hz, 1)?;
    writer.write(&[samples])?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..1_000).map(|n| (n as f32 * 0.1).sin()).collect();
        write_wav(&path, &samples, 48_000).unwrap();
        assert_eq!(read_mono(&path).unwrap(), (samples, 48_000));
        let line = format!("{:#}", read(&folder.path().join("b.wav")).unwrap_err());
        assert!(line.contains("b.wav") && !line.contains('\n'), "{line}");
    }
}
