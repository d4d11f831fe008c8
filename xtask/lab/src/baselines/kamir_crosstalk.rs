//! Gains between mics derived from KAMIR's separation, for comparison with true or optimised gains.

use crate::ideal::transform;
use crate::metrics::LIMIT_DB;
use anyhow::{Context, Result};
use engine::debleed::batch::{ChunkView, CloseMics};
use engine::debleed::kamir::{KamirConfig, kamir};

/// Returns `[mic][source]`: the level of each source that KAMIR finds in each mic, relative to its
/// level in the source's own mic.
///
/// KAMIR's own crosstalk is a power per frequency, normalised per mic, and cannot be compared with
/// a gain. The level of the parts into which it splits the mics can: with the Wiener gains `W_ij`,
/// this function computes `sqrt(sum |W_ij X_i|^2 / sum |W_jj X_j|^2)`. The window is 8192 samples
/// at 44.1 kHz, as in the published method. The mics are processed as one chunk, which should last
/// 10 to 30 s.
///
/// # Errors
///
/// Returns an error if the engine's transform does not support this rate.
pub fn kamir_crosstalk(mics: &[Vec<f32>], rate_hz: u32) -> Result<Vec<Vec<f64>>> {
    let geometry = transform::geometry(rate_hz, 4)?;
    let num_bins = geometry.num_bins();
    let signals: Vec<&[f32]> = mics.iter().map(Vec::as_slice).collect();
    let mut by_mic = vec![Vec::new(); mics.len()]; // [mic][time, bin]
    transform::analyse(geometry, &signals, |spectra| {
        for (mic, bins) in by_mic.iter_mut().enumerate() {
            bins.extend_from_slice(spectra.mic(mic));
        }
    });
    let num_hops = by_mic.first().map_or(0, Vec::len) / num_bins;
    let spectra = by_mic.concat();
    let chunk = ChunkView::new(&spectra, [mics.len(), num_hops, num_bins])?;
    let close = CloseMics::identity(mics.len());
    let shares = kamir(chunk, &close, &KamirConfig::default()).context("KAMIR")?;
    let mut share = vec![0.0; num_bins];
    let mut energies = vec![vec![0.0_f64; mics.len()]; mics.len()];
    for (mic, row) in energies.iter_mut().enumerate() {
        for (source, energy) in row.iter_mut().enumerate() {
            for hop in 0..num_hops {
                shares.share_into(mic, source, hop, &mut share);
                let parts = chunk.row(mic, hop).iter().zip(&share);
                *energy += parts.map(|(x, w)| f64::from(x.norm_sqr() * w * w)).sum::<f64>();
            }
        }
    }
    let least = 10.0_f64.powf(-LIMIT_DB / 10.0);
    let own: Vec<f64> = (0..mics.len()).map(|mic| energies[mic][mic].max(least)).collect();
    let gains =
        |row: &Vec<f64>| row.iter().zip(&own).map(|(part, own)| (part / own).sqrt()).collect();
    Ok(energies.iter().map(gains).collect())
}
