//! BSS Eval: splits an output into its source, the other sources and artefacts, up to
//! short filters.

mod correlation;

use super::{SILENT_POWER, is_silent, power_ratio_db};
use anyhow::{Result, bail, ensure};
use correlation::Correlations;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par};
use serde::Serialize;

/// Number of taps of the distortion filters that BSS Eval v3 allows.
pub const FILTER_TAPS: usize = 512;

/// Loads on the diagonal of the correlations of targets scaled to energy 1.
///
/// They ensure that the Cholesky factorisation exists; if it fails with one load, the next one is
/// tried. The first one bounds the ratios at 100 dB, which is [`LIMIT_DB`](super::LIMIT_DB).
const LOADS: [f64; 3] = [1e-10, 1e-8, 1e-6];

/// Ground truth of a scene. A named type, because targets and outputs have the same type.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    /// `[mic][sample]`, the image of each mic's own source at this mic.
    pub targets: &'a [&'a [f32]],
    /// `[mic]`, a number for the mic's own source that is equal for all mics of a group. `None` for
    /// a mic without a source (a room mic), which is neither scored nor counted as interference.
    pub sources: &'a [Option<usize>],
    /// Sample rate in Hz.
    pub rate_hz: u32,
}

/// Outputs of the mics of a scene, `[mic][sample]`.
#[derive(Clone, Copy, Debug)]
pub struct Estimates<'a>(pub &'a [&'a [f32]]);

/// BSS Eval of an output, in dB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BssScore {
    /// Ratio of the filtered target to everything else.
    pub sdr_db: f64,
    /// Ratio of the filtered target to the interference of the other targets; `None` if no other
    /// source plays.
    pub sir_db: Option<f64>,
    /// Ratio of the part explained by the targets to the unexplained part.
    pub sar_db: f64,
}

/// The spaces spanned by the targets of a scene, prepared once for any number of methods.
///
/// An output is split into three parts:
///
/// - `s_target` is its projection on the own target delayed by 0 to 511 samples.
/// - `e_interf` is the part explained in addition by the other sources' targets with the
///   same delays.
/// - `e_artif` is the rest: noise, bleed of sources without a mic, and artefacts.
///
/// Only energies are needed, so nothing is filtered. Let `G` be the correlations of the delayed
/// targets, `G = L L'` their Cholesky factorisation and `d` the correlations of the output with
/// the delayed targets. A projection then has the energy `|L^-1 d|^2`, and `L` is the same for
/// every method.
///
/// A source with several mics (a group) counts once: the first of its mics that is not silent
/// represents it as interference, and the other mics of the own group are no interference. The
/// members of a group therefore have a space each. Silent targets span nothing.
///
/// # Source
///
/// E. Vincent, R. Gribonval, C. Fevotte, "Performance measurement in blind audio source
/// separation", IEEE Trans. Audio, Speech and Language Processing 14(4), 2006, section III, with
/// the time-invariant filters of 512 taps of the BSS Eval toolbox, version 3. It differs in the
/// treatment of groups (above) and by the load on the diagonal, a share of 1e-10.
pub struct SourceSpaces {
    num_samples: usize,
    /// `[place][sample]`, the targets scaled to energy 1, without silent ones and room mics.
    targets: Vec<Vec<f64>>,
    /// `[mic]`, the place in `targets`; `None` if the mic is not scored.
    places: Vec<Option<usize>>,
    /// `[place]`, the Cholesky factor of each target's own correlations.
    own: Vec<Mat<f64>>,
    spaces: Vec<Space>,
    /// `[place]`, the space in which the output is scored.
    space_of_place: Vec<usize>,
}

/// The space of several targets.
struct Space {
    /// Places of the targets.
    members: Vec<usize>,
    factor: Mat<f64>,
}

impl std::fmt::Debug for SourceSpaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceSpaces").field("places", &self.places).finish_non_exhaustive()
    }
}

impl SourceSpaces {
    /// Correlates the targets and factors the correlations.
    ///
    /// Together with the scoring of one method this takes 3 s of one core and 0.7 GB for 16 mics of
    /// 12 s. Mics that share a source have a space each, which multiplies both.
    ///
    /// # Errors
    ///
    /// Returns an error if the targets differ in length or number, or if the factorisation fails.
    pub fn new(truth: &Truth<'_>) -> Result<Self> {
        let num_samples = truth.targets.first().map_or(0, |target| target.len());
        ensure!(
            truth.targets.iter().all(|target| target.len() == num_samples)
                && truth.sources.len() == truth.targets.len(),
            "targets differ in length or number"
        );
        let mut targets = Vec::new();
        let mut sources = Vec::new();
        let mut places = vec![None; truth.targets.len()];
        for (mic, (&target, &source)) in truth.targets.iter().zip(truth.sources).enumerate() {
            let Some(source) = source else { continue };
            if !is_silent(target, truth.rate_hz) {
                places[mic] = Some(targets.len());
                targets.push(normalised(target).0);
                sources.push(source);
            }
        }
        let correlations = Correlations::of(&targets, &targets, FILTER_TAPS - 1)?;
        let own = (0..targets.len())
            .map(|place| factor(&correlations, &[place]))
            .collect::<Result<_>>()?;
        let mut spaces: Vec<Space> = Vec::new();
        let mut space_of_place = Vec::new();
        for (place, source) in sources.iter().enumerate() {
            let stands_for_its_source = |other: usize| !sources[..other].contains(&sources[other]);
            let members: Vec<usize> = (0..targets.len())
                .filter(|&other| {
                    other == place || (sources[other] != *source && stands_for_its_source(other))
                })
                .collect();
            let known = spaces.iter().position(|space| space.members == members);
            space_of_place.push(known.unwrap_or(spaces.len()));
            if known.is_none() {
                spaces.push(Space { factor: factor(&correlations, &members)?, members });
            }
        }
        Ok(Self { num_samples, targets, places, own, spaces, space_of_place })
    }

    /// Scores one output per mic. Returns `None` for a mic without a target, with a silent target
    /// or with a silent output.
    ///
    /// # Errors
    ///
    /// Returns an error if outputs and targets differ in length or number.
    pub fn score(&self, estimates: &Estimates<'_>) -> Result<Vec<Option<BssScore>>> {
        let outputs = estimates.0;
        ensure!(
            outputs.len() == self.places.len()
                && outputs.iter().all(|output| output.len() == self.num_samples),
            "outputs and targets differ in length or number"
        );
        let mut scaled = vec![Vec::new(); self.targets.len()];
        let mut heard = vec![false; self.targets.len()];
        for (output, place) in outputs.iter().zip(&self.places) {
            if let Some(place) = *place {
                let (signal, energy) = normalised(output);
                scaled[place] = signal;
                heard[place] = energy > SILENT_POWER * self.num_samples as f64;
            }
        }
        let correlations = Correlations::of(&self.targets, &scaled, FILTER_TAPS - 1)?;
        let mut by_place = vec![None; self.targets.len()];
        for (index, space) in self.spaces.iter().enumerate() {
            let judged: Vec<usize> = (0..self.targets.len())
                .filter(|&place| self.space_of_place[place] == index && heard[place])
                .collect();
            let explained =
                explained(&correlations, &space.members, space.factor.as_ref(), &judged);
            for (&place, all) in judged.iter().zip(explained) {
                let own =
                    self::explained(&correlations, &[place], self.own[place].as_ref(), &[place]);
                by_place[place] = Some(split(own[0], all, space.members.len() > 1));
            }
        }
        Ok(self.places.iter().map(|place| place.and_then(|place| by_place[place])).collect())
    }
}

/// Returns the three ratios of an output of energy 1, given the energies explained by the own
/// target and by all targets.
fn split(own: f64, all: f64, has_others: bool) -> BssScore {
    let all = all.clamp(0.0, 1.0);
    let own = own.clamp(0.0, all);
    BssScore {
        sdr_db: power_ratio_db(own, 1.0 - own),
        sir_db: has_others.then(|| power_ratio_db(own, all - own)),
        sar_db: power_ratio_db(all, 1.0 - all),
    }
}

/// Returns the signal scaled to energy 1, and its original energy.
fn normalised(signal: &[f32]) -> (Vec<f64>, f64) {
    let energy: f64 = signal.iter().map(|&x| f64::from(x).powi(2)).sum();
    let scale = if energy > 0.0 { 1.0 / energy.sqrt() } else { 0.0 };
    (signal.iter().map(|&x| scale * f64::from(x)).collect(), energy)
}

/// Returns the lower Cholesky factor of the correlations between the members' delayed targets.
fn factor(correlations: &Correlations, members: &[usize]) -> Result<Mat<f64>> {
    let size = members.len() * FILTER_TAPS;
    let zero = FILTER_TAPS - 1;
    for load in LOADS {
        let mut matrix = Mat::<f64>::zeros(size, size);
        for (column, &q) in members.iter().enumerate() {
            for (row, &p) in members.iter().enumerate().skip(column) {
                // <s_p(n - i), s_q(n - j)> = r_pq(i - j).
                let lags = correlations.pair(p, q);
                for j in 0..FILTER_TAPS {
                    for i in 0..FILTER_TAPS {
                        matrix[(row * FILTER_TAPS + i, column * FILTER_TAPS + j)] =
                            lags[zero + i - j];
                    }
                }
            }
        }
        for index in 0..size {
            matrix[(index, index)] += load;
        }
        let scratch = cholesky_in_place_scratch::<f64>(size, Par::Seq, faer::prelude::default());
        let done = cholesky_in_place(
            matrix.as_mut(),
            LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            faer::prelude::default(),
        );
        if done.is_ok() {
            return Ok(matrix);
        }
    }
    bail!("the targets' correlations cannot be factored")
}

/// Returns the energy of each scored output's projection on the members' delayed targets.
fn explained(
    correlations: &Correlations,
    members: &[usize],
    factor: faer::MatRef<'_, f64>,
    judged: &[usize],
) -> Vec<f64> {
    let zero = FILTER_TAPS - 1;
    let mut sides = Mat::from_fn(members.len() * FILTER_TAPS, judged.len(), |row, column| {
        // <y(n), s_q(n - j)> = r_qy(j).
        let lags = correlations.pair(members[row / FILTER_TAPS], judged[column]);
        lags[zero + row % FILTER_TAPS]
    });
    solve_lower_triangular_in_place(factor, sides.as_mut(), Par::Seq);
    (0..judged.len()).map(|column| sides.col(column).squared_norm_l2()).collect()
}

#[cfg(test)]
mod tests;
