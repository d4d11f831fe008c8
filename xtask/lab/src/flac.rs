//! FLAC writer: 16 bits for sound that is kept in the repository, 24 bits for scenes.

use crate::convert::to_f32;
use anyhow::{Context, Result, anyhow, ensure};
use audiofile::Existing;
use flacenc::bitsink::ByteSink;
use flacenc::component::BitRepr;
use flacenc::error::Verify;
use std::path::Path;

/// Bit depth of the stored samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Bits16,
    Bits24,
}

impl Depth {
    const fn num_bits(self) -> usize {
        match self {
            Self::Bits16 => 16,
            Self::Bits24 => 24,
        }
    }

    const fn full_scale(self) -> f32 {
        match self {
            Self::Bits16 => 32_768.0,
            Self::Bits24 => 8_388_608.0,
        }
    }
}

/// Returns the sound as stored in 16-bit FLAC: each sample rounded to the nearest of 65536 steps.
#[must_use]
pub fn quantised(samples: &[f32]) -> Vec<f32> {
    samples
        .iter()
        .map(|&sample| {
            let depth = Depth::Bits16;
            to_f32(f64::from(to_step(sample, depth)) / f64::from(depth.full_scale()))
        })
        .collect()
}

/// Encodes one channel in 16 bits.
///
/// # Errors
///
/// Returns an error if a sample exceeds full scale or the encoder fails.
pub fn encode(samples: &[f32], rate_hz: u32) -> Result<Vec<u8>> {
    encode_with(samples, rate_hz, Depth::Bits16)
}

fn encode_with(samples: &[f32], rate_hz: u32, depth: Depth) -> Result<Vec<u8>> {
    let steps: Vec<i32> = samples.iter().map(|&sample| to_step(sample, depth)).collect();
    let range = -(1_i32 << (depth.num_bits() - 1))..1 << (depth.num_bits() - 1);
    let clipped = steps.iter().filter(|step| !range.contains(*step)).count();
    ensure!(clipped == 0, "{clipped} samples are beyond full scale");
    let config = flacenc::config::Encoder::default()
        .into_verified()
        .map_err(|(_, error)| anyhow!("FLAC settings: {error}"))?;
    let source = flacenc::source::MemSource::from_samples(
        &steps,
        1,
        depth.num_bits(),
        usize::try_from(rate_hz)?,
    );
    let stream =
        flacenc::encode_with_fixed_block_size(&config, source, block_samples(samples.len())?)
            .map_err(|error| anyhow!("encoding FLAC: {error:?}"))?;
    let mut sink = ByteSink::new();
    stream.write(&mut sink).map_err(|error| anyhow!("writing FLAC: {error:?}"))?;
    Ok(sink.as_slice().to_vec())
}

/// Writes one channel to a file in 16 bits. The file is written whole or not at all.
///
/// # Errors
///
/// Returns an error as [`encode`] does, and if the file cannot be written.
pub fn write(path: &Path, samples: &[f32], rate_hz: u32) -> Result<()> {
    write_with(path, samples, rate_hz, Depth::Bits16)
}

/// Writes one channel to a file in 24 bits. The file is written whole or not at all.
///
/// # Errors
///
/// Returns an error in the same cases as [`write()`].
pub fn write_24(path: &Path, samples: &[f32], rate_hz: u32) -> Result<()> {
    write_with(path, samples, rate_hz, Depth::Bits24)
}

fn write_with(path: &Path, samples: &[f32], rate_hz: u32, depth: Depth) -> Result<()> {
    let context = || format!("could not write {}", path.display());
    let bytes = encode_with(samples, rate_hz, depth).with_context(context)?;
    Ok(audiofile::write_whole(path, &bytes, Existing::Replace)?)
}

/// Returns a block size for which the last block is not shorter than FLAC's minimum.
///
/// The encoder would record the length of a shorter last block as the minimum block size of the
/// file, and decoders refuse such a file.
fn block_samples(num_samples: usize) -> Result<usize> {
    const LEAST: usize = 16;
    ensure!(num_samples >= LEAST, "FLAC needs at least {LEAST} samples");
    let fits = |block: &usize| num_samples.is_multiple_of(*block) || num_samples % block >= LEAST;
    (1_024..=4_096).rev().find(fits).with_context(|| format!("no block size fits {num_samples}"))
}

fn to_step(sample: f32, depth: Depth) -> i32 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounded; beyond full scale is refused above"
    )]
    let step = (sample * depth.full_scale()).round() as i32;
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::sound_file;

    #[test]
    fn sounds_survive_the_round_trip_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("round.flac");
        let mut random = Random::new(1);
        let noise: Vec<f32> =
            (0..30_011).map(|_| random.normal(0.0, 0.1).clamp(-1.0, 0.99) as f32).collect();
        let tone: Vec<f32> = (0..10_000).map(|n| 0.9 * (n as f32 * 0.05).sin()).collect();
        for sound in [noise, tone, vec![0.0; 5_000], vec![-1.0; 4_101]] {
            write(&path, &sound, 44_100).unwrap();
            assert_eq!(sound_file::read_mono(&path).unwrap(), (quantised(&sound), 44_100));
        }
    }

    #[test]
    fn twenty_four_bits_keep_sounds_to_half_a_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fine.flac");
        let mut random = Random::new(2);
        let noise: Vec<f32> =
            (0..30_011).map(|_| random.normal(0.0, 0.2).clamp(-1.0, 0.999) as f32).collect();
        let quiet: Vec<f32> = noise.iter().map(|sample| 1e-4 * sample).collect();
        for sound in [noise, quiet, vec![0.0; 5_000], vec![-1.0; 4_101]] {
            write_24(&path, &sound, 96_000).unwrap();
            let (read, rate_hz) = sound_file::read_mono(&path).unwrap();
            assert_eq!((rate_hz, read.len()), (96_000, sound.len()));
            let most = read.iter().zip(&sound).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // Half a step of 24 bits, plus the rounding of 32-bit floats near full scale.
            assert!(most <= 0.5 / 8_388_608.0 + 1e-9, "{most}");
        }
        let line = format!("{:#}", write_24(&path, &[1.0; 20], 44_100).unwrap_err());
        assert!(line.contains("20 samples are beyond full scale"), "{line}");
    }

    #[test]
    fn clipping_is_refused_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loud.flac");
        let line = format!("{:#}", write(&path, &[0.0, 1.2, -1.2], 44_100).unwrap_err());
        assert!(line.contains("2 samples are beyond full scale"), "{line}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
