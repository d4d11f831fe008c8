//! Learning-free optimisation in the time domain: gains between mics that explain a mono mix.

use crate::convert::{to_f32, to_index};
use anyhow::{Result, ensure};
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// Knowledge of the mono mix `m`, the plain sum of all sources.
#[derive(Clone, Copy, Debug)]
pub enum Mix<'a> {
    /// The mix itself, as in the published experiments.
    Known(&'a [f32]),
    /// An unknown mix, approximated by the scaled sum of the mics. The scale corrects for the bleed
    /// in that sum if every path has the gain that [`typical_crosstalk`] returns.
    FromMics,
}

/// Limits and length of the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// `gamma_1` and `gamma_2`: least and greatest gain from a source to the mic of another source.
    pub crosstalk_range: (f64, f64),
    /// True to learn the weights `b` of the mix as well; otherwise they are 1.
    pub learns_weights: bool,
    /// Unexplained share of the energy of mics and mix at which the search stops.
    pub enough: f64,
    /// Maximum number of turns.
    pub max_turns: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { crosstalk_range: (0.0, 0.5), learns_weights: false, enough: 1e-9, max_turns: 200 }
    }
}

/// Result of the search.
#[derive(Clone, Debug)]
pub struct Optimised {
    /// `Lambda`, `[mic][source]`: 1 on the diagonal.
    pub crosstalk: Vec<Vec<f64>>,
    /// `b`, `[source]`.
    pub weights: Vec<f64>,
    /// `S`, `[source][sample]`: the cleaned mics.
    pub sources: Vec<Vec<f32>>,
    /// Number of turns taken.
    pub num_turns: usize,
}

/// `eta`: keeps `S S'` invertible while a source is silent; from the authors' program.
const ETA: f64 = 1e-5;

/// Parameters of [`typical_crosstalk`]. Of three quantiles over the pairs (the median, the lower
/// quartile, the minimum), the quartile gained most on linear mixes of nine SoundFont ensembles. In
/// rooms all three lose.
const WINDOW_S: f64 = 0.05;
const QUIET_SHARE: f64 = 0.05;
const PAIR_SHARE: f64 = 0.25;
const LOUD_DB: f64 = -30.0;

/// Minimises `||X - Lambda S||^2 + ||m - b' S||^2` in turns over `Lambda`, `S` and `b`, with the
/// gains off the diagonal held within their limits.
///
/// `mics` is `[mic][sample]`, all of one length. The model has one gain per path: no delay, no
/// room. It is underdetermined: every `Lambda` for which `Lambda^-T b` equals the weights of the
/// mics in `m` explains everything. For `b = 1` that fixes one number per source, the sum of its
/// gains. From its start at `Lambda = I`, the search ends where the bleed of each source is spread
/// about evenly over the other mics. It therefore finds equal gains exactly, but not unequal ones.
///
/// With [`Mix::FromMics`] that number is estimated instead of known. Learned weights leave the
/// problem even less determined: `Lambda = I` with other weights explains everything too, and the
/// search stops on its way there.
///
/// Each step of the published algorithm only multiplies the signals by small matrices:
/// `S = P [X; m]`. This implementation therefore works on `[X; m] [X; m]'`, which changes no result
/// and makes the cost of a turn independent of the length of the signals.
///
/// # Errors
///
/// Returns an error if lengths differ or the limits are not in order.
///
/// # Source
///
/// R. Rajesh, "Interference reduction in music source separation for live recordings", open
/// seminar, IIT Mandi, 27 October 2023, algorithm 1. Its first line contains a slip: `X S S'`
/// stands for `X S'`. The authors' program also adds `eta I` to `X S'`, and so does this function.
pub fn optimise(
    mics: &[Vec<f32>],
    mix: Mix<'_>,
    rate_hz: u32,
    search: &Search,
) -> Result<Optimised> {
    let num_mics = mics.len();
    let num_samples = mics.first().map_or(0, Vec::len);
    ensure!(mics.iter().all(|mic| mic.len() == num_samples), "mics differ in length");
    let (low, high) = search.crosstalk_range;
    ensure!((0.0..=high).contains(&low), "crosstalk between {low} and {high}");
    let mix: Vec<f32> = match mix {
        Mix::Known(mix) => {
            ensure!(mix.len() == num_samples, "the mix is not as long as the mics");
            mix.to_vec()
        }
        Mix::FromMics => {
            let crosstalk = typical_crosstalk(mics, rate_hz).clamp(low, high);
            let scale = to_f32(1.0 / (1.0 + (num_mics as f64 - 1.0) * crosstalk));
            (0..num_samples).map(|n| scale * mics.iter().map(|mic| mic[n]).sum::<f32>()).collect()
        }
    };
    let known: Vec<&[f32]> =
        mics.iter().map(Vec::as_slice).chain(std::iter::once(mix.as_slice())).collect();
    let energies = products(&known);
    let mut turns = Turns::new(num_mics);
    let limit = search.enough * (0..=num_mics).map(|row| energies[(row, row)]).sum::<f64>();
    let mut num_turns = 0;
    while num_turns < search.max_turns && turns.unexplained(&energies) > limit {
        turns.crosstalk(&energies, (low, high));
        turns.sources();
        if search.learns_weights {
            turns.weights(&energies);
        }
        num_turns += 1;
    }
    let Turns { crosstalk, projection, weights } = turns;
    let sources = (0..num_mics)
        .map(|source| {
            let mut sum = vec![0.0_f64; num_samples];
            for (row, signal) in known.iter().enumerate() {
                let gain = projection[(source, row)];
                sum.iter_mut().zip(*signal).for_each(|(sum, &x)| *sum += gain * f64::from(x));
            }
            sum.into_iter().map(to_f32).collect()
        })
        .collect();
    Ok(Optimised {
        crosstalk: (0..num_mics)
            .map(|mic| (0..num_mics).map(|source| crosstalk[(mic, source)]).collect())
            .collect(),
        weights: (0..num_mics).map(|source| weights[(source, 0)]).collect(),
        sources,
        num_turns,
    })
}

/// State of the search: `Lambda`, `P` with `S = P [X; m]`, and `b`.
struct Turns {
    crosstalk: Mat<f64>,
    projection: Mat<f64>,
    weights: Mat<f64>,
}

impl Turns {
    /// Returns the start: `Lambda = I`, `S = X`, `b = 1`.
    fn new(num_mics: usize) -> Self {
        let one = |row, column| if row == column { 1.0 } else { 0.0 };
        Self {
            crosstalk: Mat::from_fn(num_mics, num_mics, one),
            projection: Mat::from_fn(num_mics, num_mics + 1, one),
            weights: Mat::from_fn(num_mics, 1, |_, _| 1.0),
        }
    }

    /// Returns `S S' + eta I`.
    fn source_energies(&self, energies: &Mat<f64>) -> Mat<f64> {
        let mut product = &self.projection * energies * self.projection.transpose();
        for source in 0..product.nrows() {
            product[(source, source)] += ETA;
        }
        product
    }

    /// Sets `Lambda = (X S' + eta I) (S S' + eta I)^-1`, then clamps its gains to the limits.
    fn crosstalk(&mut self, energies: &Mat<f64>, (low, high): (f64, f64)) {
        let num_mics = self.crosstalk.nrows();
        // [source][mic]: S X' + eta I.
        let mut common = (&self.projection * energies).subcols(0, num_mics).to_owned();
        for mic in 0..num_mics {
            common[(mic, mic)] += ETA;
        }
        let found = self.source_energies(energies).partial_piv_lu().solve(&common);
        self.crosstalk = Mat::from_fn(num_mics, num_mics, |mic, source| {
            if mic == source { 1.0 } else { found[(source, mic)].clamp(low, high) }
        });
    }

    /// Sets `S = (Lambda' Lambda + b b')^-1 (b m + Lambda' X)`.
    fn sources(&mut self) {
        let num_mics = self.crosstalk.nrows();
        let normal =
            self.crosstalk.transpose() * &self.crosstalk + &self.weights * self.weights.transpose();
        let side = Mat::from_fn(num_mics, num_mics + 1, |source, row| {
            if row == num_mics { self.weights[(source, 0)] } else { self.crosstalk[(row, source)] }
        });
        // Positive definite by construction: Lambda' Lambda plus a square, with b not 0.
        if let Ok(factor) = normal.llt(Side::Lower) {
            self.projection = factor.solve(&side);
        }
    }

    /// Sets `b = (S S' + eta I)^-1 S m'`.
    fn weights(&mut self, energies: &Mat<f64>) {
        let num_mics = self.crosstalk.nrows();
        let side = (&self.projection * energies).subcols(num_mics, 1).to_owned();
        self.weights = self.source_energies(energies).partial_piv_lu().solve(&side);
    }

    /// Returns `||X - Lambda S||^2 + ||m - b' S||^2`.
    fn unexplained(&self, energies: &Mat<f64>) -> f64 {
        let num_mics = self.crosstalk.nrows();
        let explained = Mat::from_fn(num_mics + 1, num_mics, |row, source| {
            if row == num_mics { self.weights[(source, 0)] } else { self.crosstalk[(row, source)] }
        });
        let identity = Mat::<f64>::identity(num_mics + 1, num_mics + 1);
        let left = identity - explained * &self.projection;
        let error = &left * energies * left.transpose();
        (0..=num_mics).map(|row| error[(row, row)]).sum::<f64>().max(0.0)
    }
}

/// Returns all inner products of `signals`.
fn products(signals: &[&[f32]]) -> Mat<f64> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    Mat::from_fn(signals.len(), signals.len(), |row, column| dot(signals[row], signals[column]))
}

/// Returns the typical gain from the source of one mic to another mic, measured while the source of
/// that other mic rests. The result is the lower quartile over all pairs of mics.
///
/// For each pair, the 50 ms windows are used in which the first mic is within 30 dB of its loudest
/// window. In the 5 % of them with the lowest power of the other mic relative to the first, the
/// other mic contains only bleed, if its source ever rests.
#[must_use]
pub fn typical_crosstalk(mics: &[Vec<f32>], rate_hz: u32) -> f64 {
    let window = to_index(f64::from(rate_hz) * WINDOW_S).max(1);
    let powers: Vec<Vec<f64>> = mics
        .iter()
        .map(|mic| {
            let power = |part: &[f32]| part.iter().map(|&x| f64::from(x).powi(2)).sum();
            mic.chunks(window).map(power).collect()
        })
        .collect();
    let mut pairs = Vec::new();
    for (index, from) in powers.iter().enumerate() {
        let loud = 10.0_f64.powf(LOUD_DB / 10.0) * from.iter().fold(0.0, |top, &p| p.max(top));
        for to in powers.iter().enumerate().filter(|(other, _)| *other != index).map(|pair| pair.1)
        {
            let heard = from.iter().zip(to).filter(|(power, _)| **power > loud);
            pairs.push(quantile(heard.map(|(from, to)| to / from).collect(), QUIET_SHARE));
        }
    }
    quantile(pairs, PAIR_SHARE).sqrt()
}

/// Returns the value that this share of all values stays below; 0 without values.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = to_index(share * values.len().saturating_sub(1) as f64);
    values.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
