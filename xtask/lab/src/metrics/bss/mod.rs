//! BSS Eval: what of an output is its source, the other sources, or neither, up to short filters.

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

/// Taps of the distortion filters that BSS Eval v3 forgives.
pub const FILTER_TAPS: usize = 512;

/// Added to the diagonal of the correlations of targets scaled to energy 1, so that their
/// factorisation exists; larger ones are tried when it does not. The first one bounds the ratios
/// at 100 dB, which is [`LIMIT_DB`](super::LIMIT_DB).
const LOADS: [f64; 3] = [1e-10, 1e-8, 1e-6];

/// The truth of a scene. Named, because targets and outputs have the same type.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    /// `[mic][sample]`: the own source's image at its own mic.
    pub targets: &'a [&'a [f32]],
    /// `[mic]`: a number for the mic's own source, the same for all mics of a group; `None` for a
    /// mic without one (a room mic), which is neither scored nor anybody's interference.
    pub sources: &'a [Option<usize>],
    /// Sample rate in Hz.
    pub rate_hz: u32,
}

/// What came out of the mics of a scene, `[mic][sample]`.
#[derive(Clone, Copy, Debug)]
pub struct Estimates<'a>(pub &'a [&'a [f32]]);

/// BSS Eval of one output, in dB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BssScore {
    /// The filtered target over everything else.
    pub sdr_db: f64,
    /// The filtered target over what the other targets explain; `None` when no other source plays.
    pub sir_db: Option<f64>,
    /// What the targets explain over what none of them does.
    pub sar_db: f64,
}

/// The spaces that the targets of a scene span, prepared once for any number of methods.
///
/// An output is split into `s_target` (its projection on the own target delayed by 0 to 511
/// samples), `e_interf` (what the other sources' targets, so delayed, explain beyond that) and
/// `e_artif` (the rest): noise, bleed of sources without a mic, and damage. Only energies are
/// needed, so nothing is filtered: with the correlations `G` of the delayed targets, their
/// Cholesky factor `G = L L'` and the correlations `d` of the output with them, a projection has
/// the energy `|L^-1 d|^2`, and `L` serves every method.
///
/// A source with several mics (a group) counts once: the first mic of it that is not silent
/// stands for it as interference, and the other mics of the own group are no interference at all.
/// The members of a group therefore have a space each. Silent targets span nothing.
///
/// # Source
///
/// E. Vincent, R. Gribonval, C. Fevotte, "Performance measurement in blind audio source
/// separation", IEEE Trans. Audio, Speech and Language Processing 14(4), 2006, section III,
/// with the time-invariant filters of 512 taps of the BSS Eval toolbox, version 3. It differs
/// where groups are concerned (above) and by the load on the diagonal, 1e-10 of it.
pub struct SourceSpaces {
    num_samples: usize,
    /// Targets of the mics in `spanning`, scaled to energy 1.
    targets: Vec<Vec<f64>>,
    /// For every mic its place in `targets`; `None` when it is not scored.
    places: Vec<Option<usize>>,
    /// Factor of each target's own correlations, `[place]`.
    own: Vec<Mat<f64>>,
    spaces: Vec<Space>,
    /// The space each place is judged in.
    space_of_place: Vec<usize>,
}

/// Several targets together.
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
    /// Correlates and factors. With the scoring of one method it takes 3 s of one core and 0.7 GB for
    /// 16 mics of 12 s; mics that share a source have spaces of their own, which multiplies both.
    ///
    /// # Errors
    ///
    /// When the targets do not fit together.
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

    /// Judges one output per mic; `None` for a mic without target, with a silent one, or with a
    /// silent output.
    ///
    /// # Errors
    ///
    /// When there are more or fewer outputs than targets, or their lengths differ.
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

/// The three ratios from the energies, of an output of energy 1, that the own target and all
/// targets explain.
fn split(own: f64, all: f64, has_others: bool) -> BssScore {
    let all = all.clamp(0.0, 1.0);
    let own = own.clamp(0.0, all);
    BssScore {
        sdr_db: power_ratio_db(own, 1.0 - own),
        sir_db: has_others.then(|| power_ratio_db(own, all - own)),
        sar_db: power_ratio_db(all, 1.0 - all),
    }
}

/// The signal scaled to energy 1, and the energy it had.
fn normalised(signal: &[f32]) -> (Vec<f64>, f64) {
    let energy: f64 = signal.iter().map(|&x| f64::from(x).powi(2)).sum();
    let scale = if energy > 0.0 { 1.0 / energy.sqrt() } else { 0.0 };
    (signal.iter().map(|&x| scale * f64::from(x)).collect(), energy)
}

/// The lower Cholesky factor of the correlations between the members' delayed targets.
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

/// The energy of each judged output's projection on the members' delayed targets.
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
