//! MIRA and FastMIRA: fit each source's power and its crosstalk to the mics' powers by maximum likelihood.

mod fast;
#[cfg(test)]
mod oracle;
mod projection;
mod smooth;
mod sparsity;
#[cfg(test)]
mod tests;

use super::batch::{
    BatchError, BleedShares, ChunkView, CloseMics, MicGains, Tile, flush, multiply_add, tiles,
};

pub use fast::{Crosstalk, CrosstalkLearner, FastMiraConfig, fast_mira};
#[cfg(test)]
pub(crate) use projection::Normal;
use sparsity::Sparsity;

/// How MIRA works; the default is its authors' program's.
///
/// # Real-time
///
/// Safe on the audio thread: plain data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MiraConfig {
    /// How often powers and crosstalk are updated in turns.
    pub iterations: usize,
    /// The part of the hops (0 to 1) taken as a mic's quiet ones when gains are evened out.
    pub gain_quantile: f32,
    /// The crosstalk assumed at first between a source and the mics that are not close to it.
    pub initial_crosstalk: f32,
    /// How strongly one source per hop and bin is preferred over many (the paper's rho); 0 not at all.
    pub sparsity: f32,
    /// How often the first guess of the powers is thinned out by comparing neighbourhoods.
    pub smooth_passes: usize,
    /// The hops of that neighbourhood.
    pub smooth_hops: usize,
    /// The bins of that neighbourhood.
    pub smooth_bins: usize,
}

impl Default for MiraConfig {
    fn default() -> Self {
        Self {
            iterations: 6,
            gain_quantile: 0.05,
            initial_crosstalk: 0.9,
            sparsity: 1e4,
            smooth_passes: 3,
            smooth_hops: 10,
            smooth_bins: 10,
        }
    }
}

/// Finds how much of each mic is bleed, per bin, from the mics' powers alone.
///
/// Each mic's value is modelled as complex Gaussian with variance `M_i = sum_j L_ij P_j`; powers
/// `P_j` and crosstalk `L_ij` are fitted in turns by multiplicative updates, while a sparsity term
/// prefers that few sources sound in each hop and bin.
///
/// # Shapes
///
/// - `chunk`: `[mic, time, bin]`; seconds of audio, as the crosstalk is learnt from it
/// - result: shares `[mic, source, time, bin]`, on demand
///
/// # Invariants
///
/// - Reordering mics reorders the result, within rounding.
/// - A mic's gain changes nothing, within rounding; a gain of a power of two, not a bit.
/// - A mic that is silent or not finite throughout changes no other mic's shares.
/// - Without sparsity no update increases the Itakura-Saito divergence
///   `sum V / M - ln(V / M) - 1`, with `V` the mics' powers: each moves to where the usual
///   majorising function is as high as before (C. Fevotte, J. Idier, "Algorithms for nonnegative
///   matrix factorization with the beta-divergence", Neural Computation 23(9), 2011, section 4.3).
///
/// # Real-time
///
/// Worker or main thread only: allocates about as much as the chunk, works for about a second on ten
/// seconds of eight mics.
///
/// # Errors
///
/// [`BatchError::MicCount`] when `close` was made for another number of mics.
///
/// # Source
///
/// D. Di Carlo, K. Deguernel, A. Liutkus, "Gaussian framework for interference reduction in live
/// recordings", AES Conference on Semantic Audio, 2017, with the parameters of the authors' program:
/// model, updates, sparsity by Wiener entropy, thinned-out start. We differ in that
///
/// - gains are limited where a mic is digitally silent for a while, silent mics are left out of
///   their source's mean and silent sources out of the sparsity term, which also takes each
///   source's part of the power to be at least 1e-9;
/// - silent mics say nothing about the sources' powers; modelled powers are at least 1e-12 of a mic's
///   quiet hops, and powers and crosstalk below 1e-30 are 0;
/// - all sources are updated from the same old state, so that the order of mics does not matter;
/// - neighbourhood means are over what there is at the edges, not padded with zeros.
pub fn mira(
    chunk: ChunkView<'_>,
    close: &CloseMics,
    config: &MiraConfig,
) -> Result<BleedShares, BatchError> {
    chunk.check(close)?;
    let gains = MicGains::of(chunk, config.gain_quantile);
    Ok(fit(chunk, close, config, &gains, None))
}

/// MIRA with the gains given, and with crosstalk `[mic, source, bin]` that is not to be learnt if any.
fn fit(
    chunk: ChunkView<'_>,
    close: &CloseMics,
    config: &MiraConfig,
    gains: &MicGains,
    known_crosstalk: Option<&[f32]>,
) -> BleedShares {
    let mut shares = BleedShares::silent(chunk, close, false);
    for mic in 0..close.num_mics() {
        for source in 0..close.num_sources() {
            let row = (mic * close.num_sources() + source) * chunk.num_bins();
            let crosstalk = shares.crosstalk_mut(mic, source);
            match known_crosstalk {
                Some(known) => crosstalk.copy_from_slice(&known[row..][..chunk.num_bins()]),
                None if close.is_close(mic, source) => crosstalk.fill(1.0),
                None => crosstalk.fill(config.initial_crosstalk),
            }
            // A silent mic hears nobody: it says nothing about how loud the sources are.
            for (crosstalk, &inverse) in crosstalk.iter_mut().zip(gains.inverse(mic)) {
                if inverse <= 0.0 {
                    *crosstalk = 0.0;
                }
            }
        }
    }
    let mut tile = Tile::new(close);
    // The first guess of the powers is thinned out across bins, so it must be there in full.
    for bins in tiles(chunk.num_bins(), None) {
        tile.load(chunk, gains, bins);
        tile.crosstalk_from(&shares);
        tile.set_source_power_from_mics();
        tile.store(&mut shares);
    }
    smooth::thin_out(&mut shares, config);
    let mut update = PowerUpdate::new(config.sparsity);
    for bins in tiles(chunk.num_bins(), None) {
        tile.load(chunk, gains, bins);
        tile.crosstalk_from(&shares);
        tile.source_power_from(&shares);
        for _ in 0..config.iterations {
            update.run(&mut tile, close);
            if known_crosstalk.is_none() {
                tile.update_crosstalk();
            }
        }
        tile.store(&mut shares);
    }
    shares
}

/// `P_j *= (sum_i V_i L_ij / M_i^2 + n) / (sum_i L_ij / M_i + d_j)`, `n` and `d` as [`Sparsity`] says.
#[derive(Debug)]
struct PowerUpdate {
    sparsity: Sparsity,
    /// `[bin]`
    inverse: Vec<f32>,
    /// `[bin]`
    ratio: Vec<f32>,
    /// `[source, bin]`
    numerator: Vec<f32>,
    /// `[source, bin]`
    denominator: Vec<f32>,
}

impl PowerUpdate {
    fn new(sparsity: f32) -> Self {
        Self {
            sparsity: Sparsity::new(sparsity),
            inverse: Vec::new(),
            ratio: Vec::new(),
            numerator: Vec::new(),
            denominator: Vec::new(),
        }
    }

    /// Updates all hops of a tile.
    fn run(&mut self, tile: &mut Tile<'_>, close: &CloseMics) {
        let (num_sources, num_bins) = (close.num_sources(), tile.bins().len());
        self.inverse.resize(num_bins, 0.0);
        self.ratio.resize(num_bins, 0.0);
        self.numerator.resize(num_sources * num_bins, 0.0);
        self.denominator.resize(num_sources * num_bins, 0.0);
        self.sparsity.prepare(tile, num_sources);
        for hop in 0..tile.num_hops() {
            self.numerator.fill(0.0);
            self.denominator.fill(0.0);
            for mic in 0..close.num_mics() {
                tile.weigh(mic, hop, &mut self.inverse, &mut self.ratio);
                for source in 0..num_sources {
                    let row = source * num_bins..(source + 1) * num_bins;
                    let crosstalk = tile.crosstalk(mic, source);
                    multiply_add(&mut self.numerator[row.clone()], crosstalk, &self.ratio);
                    multiply_add(&mut self.denominator[row], crosstalk, &self.inverse);
                }
            }
            self.sparsity.add(tile, hop, &mut self.numerator, &mut self.denominator);
            for source in 0..num_sources {
                let row = source * num_bins..(source + 1) * num_bins;
                let factors = self.numerator[row.clone()].iter().zip(&self.denominator[row]);
                for (power, (&numerator, &denominator)) in
                    tile.source_power_mut(source, hop).iter_mut().zip(factors)
                {
                    *power = flush(*power * (numerator / denominator.max(f32::MIN_POSITIVE)));
                }
            }
        }
    }
}
