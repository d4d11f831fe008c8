//! KAMIR: alternately estimates each source's power from its close mics and its crosstalk to
//! all mics.

mod median;
mod method;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use super::batch::{
    BatchError, BleedShares, ChunkView, CloseMics, MIN_POWER, MicGains, Tile, flush, sharpen, tiles,
};

pub use method::{Kamir, KamirChunks};

/// Parameters of KAMIR; the defaults are those of its authors' program.
///
/// # Real-time
///
/// Safe on the audio thread: plain data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KamirConfig {
    /// Number of alternating updates of powers and crosstalk: more separate more and damage more.
    pub iterations: usize,
    /// Number of crosstalk updates in each iteration.
    pub crosstalk_iterations: usize,
    /// Quantile (0 to 1) of a mic's power over time that serves as its quiet level in equalisation.
    pub gain_quantile: f32,
    /// Initial crosstalk from a source to the mics that are not close to it.
    pub initial_crosstalk: f32,
    /// Lower limit of the crosstalk, where all sources' crosstalk to a mic sums to 1.
    pub min_crosstalk: f32,
    /// Size in hops of the median that smooths each source's power; 1 for no smoothing.
    pub median_hops: usize,
    /// Size in bins of the median that smooths each source's power; 1 for no smoothing.
    pub median_bins: usize,
    /// True to replace each Wiener gain by a steep logistic function of it: the authors' fast
    /// approximation of many iterations. Removes more bleed and damages the own source more.
    pub sharpen: bool,
}

impl Default for KamirConfig {
    fn default() -> Self {
        Self {
            iterations: 5,
            crosstalk_iterations: 1,
            gain_quantile: 0.05,
            initial_crosstalk: 0.8,
            min_crosstalk: 0.05,
            median_hops: 1,
            median_bins: 1,
            sharpen: false,
        }
    }
}

/// Computes the share of bleed in each mic, per bin, from the mics' powers alone.
///
/// Wiener gains on its close mics give each source's power. The crosstalk from a source to a mic is
/// fitted, per bin, to the mics' powers. Phase and travel time are not modelled.
///
/// # Shapes
///
/// - `chunk`: `[mic, time, bin]`; seconds of audio, as the crosstalk is learnt from it
/// - result: shares `[mic, source, time, bin]`, computed on demand
///
/// # Invariants
///
/// - Reordering mics reorders the result, within rounding.
/// - A mic's gain changes the shares only by rounding; a power of two changes no bit.
/// - A mic that is silent or not finite throughout changes no other mic's shares.
///
/// # Real-time
///
/// Worker or main thread only: allocates about as much as the chunk. Takes a good part of a second
/// for ten seconds of eight mics, and many times longer with a median.
///
/// # Errors
///
/// [`BatchError::MicCount`] when `close` was made for another number of mics.
///
/// # Source
///
/// T. Praetzlich, R. Bittner, A. Liutkus, M. Mueller, "Kernel additive modeling for interference
/// reduction in multi-channel music recordings", ICASSP 2015, with the parameters of A. Liutkus'
/// program: spectra as powers (alpha = 2), Itakura-Saito divergence (beta = 0). Differences:
///
/// - all sources are updated from the same old state, not one after the other, so that the order of
///   mics does not matter;
/// - powers are computed *after* the equalisation of gains (a widespread port computes them before,
///   so that its gains and powers do not match);
/// - gains are limited if a mic is digitally silent for a while; silent mics are left out of their
///   source's mean;
/// - modelled powers are at least 1e-12 of a mic's quiet hops, and source powers below 1e-30 are 0:
///   a source of almost no power would otherwise dominate the crosstalk;
/// - the logistic approximation sharpens the own share; the bleeders keep their proportions in the
///   rest, so that shares still sum to 1.
pub fn kamir(
    chunk: ChunkView<'_>,
    close: &CloseMics,
    config: &KamirConfig,
) -> Result<BleedShares, BatchError> {
    chunk.check(close)?;
    let gains = MicGains::of(chunk, config.gain_quantile);
    let mut shares = BleedShares::silent(chunk, close, config.sharpen);
    let mut tile = Tile::new(close);
    // Bins are independent of one another unless the median spans them.
    let width = (config.median_bins > 1).then_some(chunk.num_bins());
    for bins in tiles(chunk.num_bins(), width) {
        tile.load(chunk, &gains, bins);
        tile.set_crosstalk(config.initial_crosstalk);
        tile.set_source_power_from_mics();
        smooth(&mut tile, close, config);
        for _ in 0..config.iterations {
            update_source_power(&mut tile, close, config.sharpen);
            smooth(&mut tile, close, config);
            for _ in 0..config.crosstalk_iterations {
                tile.update_crosstalk();
            }
            normalise_crosstalk(&mut tile, close, config.min_crosstalk);
        }
        tile.store(&mut shares);
    }
    Ok(shares)
}

/// Updates `P_j <- mean over close i of W_ij^2 V_i / L_ij`, with the Wiener
/// gain `W_ij = L_ij P_j / M_i`.
fn update_source_power(tile: &mut Tile<'_>, close: &CloseMics, sharpened: bool) {
    let (num_sources, num_bins) = (close.num_sources(), tile.bins().len());
    let mut updated = vec![0.0_f32; num_sources * num_bins]; // [source, bin]
    let mut inverse = vec![0.0_f32; num_bins];
    let mut ratio = vec![0.0_f32; num_bins];
    for hop in 0..tile.num_hops() {
        updated.fill(0.0);
        for mic in 0..close.num_mics() {
            if close.sources_of(mic).next().is_none() {
                continue;
            }
            tile.weigh(mic, hop, &mut inverse, &mut ratio);
            for source in close.sources_of(mic) {
                let crosstalk = tile.crosstalk(mic, source);
                let old = tile.source_power(source, hop);
                let updated = &mut updated[source * num_bins..][..num_bins];
                if sharpened {
                    let inputs = crosstalk.iter().zip(old).zip(tile.power(mic, hop));
                    for ((updated, ((&crosstalk, &old), &power)), &inverse) in
                        updated.iter_mut().zip(inputs).zip(&inverse)
                    {
                        let gain = sharpen(crosstalk * old * inverse);
                        *updated += gain * gain * power / crosstalk.max(MIN_POWER);
                    }
                } else {
                    // W^2 V / L = L P^2 V / M^2
                    for ((updated, (&crosstalk, &old)), &ratio) in
                        updated.iter_mut().zip(crosstalk.iter().zip(old)).zip(&ratio)
                    {
                        *updated += crosstalk * old * (old * ratio);
                    }
                }
            }
        }
        for source in 0..num_sources {
            let updated = &mut updated[source * num_bins..][..num_bins];
            for (updated, &live) in updated.iter_mut().zip(tile.inverse_live(source)) {
                *updated = flush(*updated * live);
            }
            tile.source_power_mut(source, hop).copy_from_slice(updated);
        }
    }
}

/// Normalises the crosstalk of all sources to a mic to a sum of 1, then applies the lower limit.
fn normalise_crosstalk(tile: &mut Tile<'_>, close: &CloseMics, min_crosstalk: f32) {
    let num_bins = tile.bins().len();
    if num_bins == 0 || close.num_sources() == 0 {
        return;
    }
    let mut sum = vec![0.0_f32; num_bins];
    for mic in 0..close.num_mics() {
        let rows = tile.mic_crosstalk_mut(mic); // [source, bin]
        sum.fill(0.0);
        for row in rows.chunks_exact(num_bins) {
            for (sum, &crosstalk) in sum.iter_mut().zip(row) {
                *sum += crosstalk;
            }
        }
        for row in rows.chunks_exact_mut(num_bins) {
            for (crosstalk, &sum) in row.iter_mut().zip(&sum) {
                *crosstalk = (*crosstalk / sum.max(MIN_POWER)).max(min_crosstalk);
            }
        }
    }
}

/// Smooths each source's power by the median, if one is configured.
fn smooth(tile: &mut Tile<'_>, close: &CloseMics, config: &KamirConfig) {
    if config.median_hops <= 1 && config.median_bins <= 1 {
        return;
    }
    let num_bins = tile.bins().len();
    for source in 0..close.num_sources() {
        let powers = tile.source_powers_mut(source);
        median::filter(powers, num_bins, config.median_hops, config.median_bins);
    }
}
