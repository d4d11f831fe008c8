//! MIRA and FastMIRA: maximum-likelihood fits of source powers and crosstalk to the mics' powers.

mod fast;
mod method;
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
pub use method::{FastMira, FastMiraChunks, Mira, MiraChunks};
#[cfg(test)]
pub(crate) use projection::Normal;
use sparsity::Sparsity;

/// Parameters of MIRA; the defaults are those of its authors' program.
///
/// # Real-time
///
/// Safe on the audio thread: plain data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MiraConfig {
    /// Number of alternating updates of powers and crosstalk.
    pub iterations: usize,
    /// Quantile (0 to 1) of a mic's power over time that serves as its quiet level in equalisation.
    pub gain_quantile: f32,
    /// Initial crosstalk from a source to the mics that are not close to it.
    pub initial_crosstalk: f32,
    /// Weight of the preference for one source per hop and bin (rho in the paper); 0 for none.
    pub sparsity: f32,
    /// Number of passes that thin out the initial powers by comparing neighbourhoods.
    pub smooth_passes: usize,
    /// Size of that neighbourhood in hops.
    pub smooth_hops: usize,
    /// Size of that neighbourhood in bins.
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

/// Computes the share of bleed in each mic, per bin, from the mics' powers alone.
///
/// Each mic's value is modelled as complex Gaussian with variance `M_i = sum_j L_ij P_j`. Powers
/// `P_j` and crosstalk `L_ij` are fitted alternately by multiplicative updates; a sparsity term
/// prefers few sources in each hop and bin.
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
/// - Without sparsity no update increases the Itakura-Saito divergence `sum V / M - ln(V / M) - 1`,
///   with `V` the mics' powers: each update moves to a point where the usual majorising function is
///   as high as before (C. Fevotte, J. Idier, "Algorithms for nonnegative matrix factorization with
///   the beta-divergence", Neural Computation 23(9), 2011, section 4.3).
///
/// # Real-time
///
/// Worker or main thread only: allocates about as much as the chunk. Takes about a second for ten
/// seconds of eight mics.
///
/// # Errors
///
/// [`BatchError::MicCount`] when `close` was made for another number of mics.
///
/// # Source
///
/// D. Di Carlo, K. Deguernel, A. Liutkus, "Gaussian framework for interference reduction in live
/// recordings", AES Conference on Semantic Audio, 2017, with the parameters of the authors'
/// program: model, updates, sparsity by Wiener entropy, thinned-out initial powers. Differences:
///
/// - gains are limited if a mic is digitally silent for a while; silent mics are left out of their
///   source's mean;
/// - silent sources are left out of the sparsity term, which assumes at least 1e-9 of the power for
///   each source;
/// - silent mics do not contribute to the sources' powers; modelled powers are at least 1e-12 of a
///   mic's quiet hops, and powers and crosstalk below 1e-30 are 0;
/// - all sources are updated from the same old state, so that the order of mics does not matter;
/// - at the edges, neighbourhood means cover only existing values, without zero padding.
pub fn mira(
    chunk: ChunkView<'_>,
    close: &CloseMics,
    config: &MiraConfig,
) -> Result<BleedShares, BatchError> {
    chunk.check(close)?;
    let gains = MicGains::of(chunk, config.gain_quantile);
    Ok(fit(chunk, close, config, &gains, None))
}

/// Runs MIRA with the given gains. It learns the crosstalk unless `known_crosstalk`,
/// `[mic, source, bin]`, is given.
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
            // A silent mic must not contribute to the sources' powers.
            for (crosstalk, &inverse) in crosstalk.iter_mut().zip(gains.inverse(mic)) {
                if inverse <= 0.0 {
                    *crosstalk = 0.0;
                }
            }
        }
    }
    let mut tile = Tile::new(close);
    // Thinning compares neighbouring bins, so the initial powers of all bins come first.
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

/// `P_j *= (sum_i V_i L_ij / M_i^2 + n) / (sum_i L_ij / M_i + d_j)`, `n` and `d` from [`Sparsity`].
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
