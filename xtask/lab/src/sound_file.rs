//! Whole sound files in memory, for scenes of some seconds; long sessions are streamed elsewhere.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// The samples of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// `[channel][sample]`, linear, full scale 1.
    pub channels: Vec<Vec<f32>>,
}

/// Reads a FLAC file.
///
/// # Errors
///
/// When the file cannot be opened or is not valid FLAC.
pub fn read_flac(path: &Path) -> Result<Sound> {
    let context = || format!("could not read {}", path.display());
    let mut reader = claxon::FlacReader::open(path).with_context(context)?;
    let info = reader.streaminfo();
    let full_scale = f64::from(1_u32 << (info.bits_per_sample - 1));
    let num_channels = usize::try_from(info.channels)?;
    let mut channels = vec![Vec::new(); num_channels];
    for (position, sample) in reader.samples().enumerate() {
        let value = f64::from(sample.with_context(context)?) / full_scale;
        channels[position % num_channels].push(crate::convert::to_f32(value));
    }
    Ok(Sound { rate_hz: info.sample_rate, channels })
}

/// Writes one channel as a 32-bit float WAV file.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) -> Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let context = || format!("could not write {}", path.display());
    let mut writer = hound::WavWriter::create(path, spec).with_context(context)?;
    for &sample in samples {
        writer.write_sample(sample).with_context(context)?;
    }
    writer.finalize().with_context(context)
}

/// Checks that all sounds share a rate and a length, and gives both.
///
/// # Errors
///
/// When they differ or there are none.
pub fn common_shape(sounds: &[Sound]) -> Result<(u32, usize)> {
    let Some(first) = sounds.first() else { bail!("no sound given") };
    let length = |sound: &Sound| sound.channels.first().map_or(0, Vec::len);
    for sound in sounds {
        if sound.rate_hz != first.rate_hz || length(sound) != length(first) {
            bail!(
                "rates and lengths must agree, found {} Hz x {} and {} Hz x {} samples",
                first.rate_hz,
                length(first),
                sound.rate_hz,
                length(sound)
            );
        }
    }
    Ok((first.rate_hz, length(first)))
}
