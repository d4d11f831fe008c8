//! The cancellation filters of one mic: weighted least squares per bin, over bleeders and taps.

mod front;
mod pending;
mod stage;

use super::lanes::{Complex, Real};

#[cfg(test)]
pub(super) use front::MOST_LOUDER;
pub(super) use front::{Front, Planes, bounded, powers_into, predict};
pub(super) use pending::{Lesson, Pending};
pub(super) use stage::Stage;

/// Most bleeders that a mic's filters use; of more bleeders, the strongest are chosen.
pub(super) const MAX_SLOTS: usize = 6;
/// Most taps of a filter.
pub(super) const MAX_TAPS: usize = 8;
/// Most unknowns of one bin's filters.
pub(super) const MAX_UNKNOWNS: usize = MAX_SLOTS * MAX_TAPS;
/// Most hops that wait for the equations, which take them together.
pub(super) const MAX_WAITING: usize = 8;

/// Share of a mic's mean power that is added to the power of its own source in the weights; keeps
/// silent hops from outweighing all others.
const WEIGHT_FLOOR: f32 = 1e-2;
/// Ridge on the normal equations, relative to each diagonal entry.
const RIDGE: f32 = 1e-3;
/// Factor by which a filter's power may exceed its pair's bound: rooms differ that much from bin to
/// bin within a band.
const OVER_BOUND: f32 = 4.0;
/// Hops of overlapping windows per independent observation.
pub(super) const HOPS_PER_NEWS: f32 = 3.0;
/// Added to bounds in the prior, so that they are at least -90 dB.
const SMALLEST_BOUND: f32 = 1e-9;
/// Added to the diagonal; keeps the normal equations of a silent bin solvable.
const TINY: f32 = 1e-6;

/// Bleeder in each slot of a mic's filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots(pub(super) Vec<usize>);

/// Normal equations and filters of one mic.
///
/// For every bin the filter minimises `sum_t |x(t) - sum_{j,k} w_jk s_j(t-k)|^2 / v(t)` plus a
/// prior, where `x` is the mic, `s_j` are the bleeders' guides and `v` is the power of the mic's
/// own source. Hops in which the own source plays count little, which protects it.
///
/// Three limits keep a filter from removing the own source. A prior sets its expected power to the
/// pair's bound. A cap limits its excess over the bound. A positive-part shrinkage, per block of
/// bins, reduces it by the part that chance explains.
///
/// # Shapes
///
/// Bins come in blocks of `LANES`; unknowns are ordered `[slot, tap]`, `taps` per block.
///
/// # Source
///
/// Weighted linear prediction as in Wang et al., "Convolutive prediction for monaural speech
/// dereverberation and noisy-reverberant speaker separation", TASLP 2021 (forward convolutive
/// prediction), recursive with forgetting; shrinkage after James and Stein, 1961.
#[derive(Debug)]
pub(super) struct Filters {
    max_slots: usize,
    max_unknowns: usize,
    taps: Vec<usize>,
    /// Lower triangles, `[block, row (row + 1) / 2 + column]`, each as large as its block requires;
    /// empty before the first [`Filters::clear_equations`].
    matrix: Vec<Complex>,
    /// Start of each block's triangle, and the end of the last one.
    starts: Vec<usize>,
    /// Right-hand sides, `[block, unknown]`.
    rhs: Vec<Complex>,
    /// Solutions, `[block, unknown]`.
    filter: Vec<Complex>,
    /// Weighted power of the mic, `[block]`.
    power: Vec<Real>,
    /// Number of learned hops, with the same forgetting, `[block]`.
    hops: Vec<f32>,
}

impl Filters {
    /// Creates filters for blocks of `taps[block]` taps and at most `max_slots` bleeders.
    ///
    /// The equations take no memory before [`Filters::reset`], which must precede the first hop
    /// that is learned. Filters that are only restored and played never need them.
    pub(super) fn new(taps: &[usize], max_slots: usize) -> Self {
        let blocks = taps.len();
        let max_unknowns = max_slots * taps.iter().copied().max().unwrap_or(1);
        let mut entries = 0;
        let mut starts = vec![0];
        for taps in taps {
            entries += triangle(max_slots * taps);
            starts.push(entries);
        }
        Self {
            max_slots,
            max_unknowns,
            taps: taps.to_vec(),
            matrix: Vec::new(),
            starts,
            rhs: Vec::new(),
            filter: vec![Complex::ZERO; blocks * max_unknowns],
            power: vec![Real::ZERO; blocks],
            hops: vec![0.0; blocks],
        }
    }

    /// Returns the filters of one block, `[slot, tap]`.
    pub(super) fn block(&self, block: usize) -> &[Complex] {
        &self.filter[block * self.max_unknowns..][..self.max_unknowns]
    }

    /// Returns the filters of one block, `[slot, tap]`, mutably, to restore them.
    pub(super) fn block_mut(&mut self, block: usize) -> &mut [Complex] {
        &mut self.filter[block * self.max_unknowns..][..self.max_unknowns]
    }

    /// Returns the number of hops that a block has learned from, less forgotten ones.
    pub(super) fn hops(&self, block: usize) -> f32 {
        self.hops[block]
    }

    /// Returns the taps of one block.
    #[inline(always)]
    fn taps(&self, block: usize) -> usize {
        self.taps[block]
    }

    /// Adds some hops to the equations of one block. Every hop that adds something fades older hops
    /// by `forget`.
    #[inline(always)]
    fn learn(&mut self, block: usize, excerpt: &Excerpt<'_>, forget: f32) {
        let Excerpt { mic, guides, weights, are_silent } = *excerpt;
        // Hops of weight 0 do not age the others.
        let (mut keep, mut hops) = (1.0, 0.0);
        let mut faded = *weights;
        for weight in faded.iter_mut().rev() {
            if *weight != Real::ZERO {
                *weight = *weight * Real::splat(keep);
                hops += keep;
                keep *= forget;
            }
        }
        self.hops[block] = self.hops[block] * keep + hops;
        let keep = Real::splat(keep);
        let mut power = self.power[block] * keep;
        for (mic, &weight) in mic.iter().zip(&faded) {
            power = power + mic.norm_sqr() * weight;
        }
        self.power[block] = power;
        let matrix = &mut self.matrix[self.starts[block]..];
        let rhs = &mut self.rhs[block * self.max_unknowns..];
        let aging = Aging { keep, root: keep.map(f32::sqrt), are_silent, taps: self.taps[block] };
        accumulate(matrix, rhs, guides, mic, &faded, &aging);
    }

    /// Solves one block; `bounds` are the largest shares of the bleeders' power in the
    /// mic, `[slot]`.
    #[inline(always)]
    pub(super) fn solve(&mut self, block: usize, bounds: &[Real], scratch: &mut [Complex]) {
        let taps = self.taps[block];
        let unknowns = bounds.len() * taps;
        let matrix = &self.matrix[self.starts[block]..];
        let rhs = &self.rhs[block * self.max_unknowns..][..unknowns];
        let solution = &mut self.filter[block * self.max_unknowns..][..unknowns];

        factor_and_solve(matrix, rhs, bounds, taps, scratch, solution);

        let explained = solution
            .iter()
            .zip(rhs)
            .fold(Real::ZERO, |sum, (w, b)| sum + w.re * b.re + w.im * b.im);
        let news = (self.hops[block] / HOPS_PER_NEWS - unknowns as f32).max(1.0);
        let by_chance = unknowns as f32 / news;
        let shrink = shrinkage(explained, self.power[block], by_chance);
        for (slot, weights) in solution.chunks_exact_mut(taps).enumerate() {
            let size = weights.iter().fold(Real::ZERO, |sum, w| sum + w.norm_sqr());
            let limit = bounds[slot].map(|c| c * OVER_BOUND);
            let scale = size.zip(limit, |size, limit| {
                shrink * if size > limit { (limit / size).sqrt() } else { 1.0 }
            });
            for weight in weights {
                *weight = weight.scale(scale);
            }
        }
    }

    /// Clears one slot for another bleeder.
    pub(super) fn clear_slot(&mut self, slot: usize) {
        for block in 0..self.taps.len() {
            let taps = self.taps[block];
            let mine = slot * taps..(slot + 1) * taps;
            let matrix = &mut self.matrix[self.starts[block]..];
            for row in 0..self.max_slots * taps {
                for column in 0..=row {
                    if mine.contains(&row) || mine.contains(&column) {
                        matrix[triangle(row) + column] = Complex::ZERO;
                    }
                }
            }
            let base = block * self.max_unknowns;
            self.rhs[base..][mine.clone()].fill(Complex::ZERO);
            self.filter[base..][mine].fill(Complex::ZERO);
        }
    }

    /// Clears the equations but keeps the filters, for the next learning pass.
    ///
    /// # Real-time
    ///
    /// Allocates the first time.
    pub(super) fn clear_equations(&mut self) {
        let entries = self.starts.last().copied().unwrap_or_default();
        for (values, length) in [(&mut self.matrix, entries), (&mut self.rhs, self.filter.len())] {
            values.clear();
            values.resize(length, Complex::ZERO);
        }
        self.power.fill(Real::ZERO);
        self.hops.fill(0.0);
    }

    /// Clears the filters, before others are restored. The equations are stale until
    /// [`Filters::reset`].
    pub(super) fn clear_filters(&mut self) {
        self.filter.fill(Complex::ZERO);
        self.hops.fill(0.0);
    }

    /// Clears everything.
    ///
    /// # Real-time
    ///
    /// Allocates the first time.
    pub(super) fn reset(&mut self) {
        self.clear_equations();
        self.clear_filters();
    }

    /// Returns scratch memory for [`Filters::solve`].
    pub(super) fn make_scratch(&self) -> Vec<Complex> {
        vec![Complex::ZERO; triangle(self.max_unknowns)]
    }
}

/// Returns the part of a block's filters that chance does not explain, 0 to 1. `explained` and
/// `power` are sums over hops; chance explains `by_chance` of the remaining power.
///
/// The bins of a block are judged together. A single bin's estimate scatters so much that
/// shrinkage drops correct filters of weak bins. Over eight bins, noise without any bleed still
/// loses its filters.
#[inline(always)]
fn shrinkage(explained: Real, power: Real, by_chance: f32) -> f32 {
    let sum = |lanes: Real| lanes.0.iter().map(|x| x.max(0.0)).sum::<f32>();
    let (explained, power) = (sum(explained), sum(power));
    if explained <= 0.0 {
        return 0.0;
    }
    (1.0 - by_chance * (power - explained).max(0.0) / explained).max(0.0)
}

/// Some hops of a block, the newest last.
#[derive(Clone, Copy)]
struct Excerpt<'a> {
    mic: &'a [Complex; MAX_WAITING],
    /// Guides of the bleeders, `[slot, tap]`.
    guides: &'a [&'a [Complex; MAX_WAITING]],
    /// 1 / power of the mic's own source; 0 in hops that are not learned.
    weights: &'a [Real; MAX_WAITING],
    /// Slots whose guides are 0 in all these hops: their equations do not age.
    are_silent: &'a [bool; MAX_SLOTS],
}

/// Decay of older hops in normal equations when new hops are added.
///
/// Between two bleeders that play, the factor is `keep`. A silent bleeder does not decay: its
/// equations would fade until only the prior remains, and finally become subnormal. Between a
/// silent bleeder and one that plays, the factor is the root of `keep`, which keeps the matrix
/// positive semidefinite.
struct Aging<'a> {
    keep: Real,
    root: Real,
    are_silent: &'a [bool; MAX_SLOTS],
    taps: usize,
}

impl Aging<'_> {
    /// Returns the decay factor between two unknowns.
    #[inline(always)]
    fn between(&self, row: usize, column: usize) -> Real {
        match (self.are_silent[row / self.taps], self.are_silent[column / self.taps]) {
            (false, false) => self.keep,
            (true, true) => Real::splat(1.0),
            _ => self.root,
        }
    }
}

/// Adds hops to normal equations: `matrix = keep matrix + sum_t weight(t) guides(t)^H guides(t)`,
/// and the same for the right-hand side.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn accumulate(
    matrix: &mut [Complex],
    rhs: &mut [Complex],
    guides: &[&[Complex; MAX_WAITING]],
    mic: &[Complex; MAX_WAITING],
    weights: &[Real; MAX_WAITING],
    aging: &Aging<'_>,
) {
    let mut at = 0;
    let mut weighted = [Complex::ZERO; MAX_WAITING];
    for (row, (guide, rhs)) in guides.iter().zip(rhs).enumerate() {
        for ((weighted, guide), weight) in weighted.iter_mut().zip(*guide).zip(weights) {
            *weighted = guide.conj().scale(*weight);
        }
        *rhs = add_products(rhs.scale(aging.between(row, row)), &weighted, mic);
        let entries = matrix[at..=at + row].iter_mut().zip(guides);
        for (column, (entry, guide)) in entries.enumerate() {
            *entry = add_products(entry.scale(aging.between(row, column)), &weighted, guide);
        }
        at += row + 1;
    }
}

#[inline(always)]
fn add_products(
    mut sum: Complex,
    a: &[Complex; MAX_WAITING],
    b: &[Complex; MAX_WAITING],
) -> Complex {
    for (a, b) in a.iter().zip(b) {
        sum = sum + *a * *b;
    }
    sum
}

/// Solves regularised normal equations by Cholesky factorisation, eight bins at once.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn factor_and_solve(
    matrix: &[Complex],
    rhs: &[Complex],
    bounds: &[Real],
    taps: usize,
    scratch: &mut [Complex],
    solution: &mut [Complex],
) {
    let unknowns = rhs.len();
    for row in 0..unknowns {
        let prior = bounds[row / taps].map(|c| (c + SMALLEST_BOUND).recip());
        let ridge = matrix[triangle(row) + row].re * Real::splat(RIDGE);
        let diagonal = ridge + prior + Real::splat(TINY);
        for column in 0..=row {
            let mut sum = matrix[triangle(row) + column];
            for k in 0..column {
                sum = sum - scratch[triangle(row) + k] * scratch[triangle(column) + k].conj();
            }
            scratch[triangle(row) + column] = if column == row {
                let root = (sum.re + diagonal).map(|x| x.max(TINY).sqrt().recip());
                Complex { re: root, im: Real::ZERO }
            } else {
                sum.scale(scratch[triangle(column) + column].re)
            };
        }
    }
    // The diagonal of `scratch` holds reciprocals.
    for row in 0..unknowns {
        let mut sum = rhs[row];
        for k in 0..row {
            sum = sum - scratch[triangle(row) + k] * solution[k];
        }
        solution[row] = sum.scale(scratch[triangle(row) + row].re);
    }
    for row in (0..unknowns).rev() {
        let mut sum = solution[row];
        for k in row + 1..unknowns {
            sum = sum - scratch[triangle(k) + row].conj() * solution[k];
        }
        solution[row] = sum.scale(scratch[triangle(row) + row].re);
    }
}

/// Returns the number of entries above `row` in a lower triangle.
const fn triangle(row: usize) -> usize {
    row * (row + 1) / 2
}

#[cfg(test)]
mod tests {
    use test_signals::Noise;

    use super::*;

    fn hops(noise: &mut Noise) -> [Complex; MAX_WAITING] {
        std::array::from_fn(|_| {
            let mut lanes = || Real(std::array::from_fn(|_| noise.draw()));
            Complex { re: lanes(), im: lanes() }
        })
    }

    /// Learns a mic with half of one bleeder and a tenth of another; the first bleeder is silent in
    /// the last `pauses` turns.
    fn taught(turns: usize, pauses: usize) -> Filters {
        let mut filters = Filters::new(&[1], 2);
        filters.reset();
        let mut noise = Noise::new(1);
        let weights = [Real::splat(1.0); MAX_WAITING];
        for turn in 0..turns + pauses {
            let is_paused = turn >= turns;
            let first = if is_paused { [Complex::ZERO; MAX_WAITING] } else { hops(&mut noise) };
            let second = hops(&mut noise);
            let own = hops(&mut noise);
            let mic: [Complex; MAX_WAITING] = std::array::from_fn(|hop| {
                let of = |guide: &[Complex; MAX_WAITING], gain| guide[hop].scale(Real::splat(gain));
                own[hop].scale(Real::splat(0.1)) + of(&first, 0.5) + of(&second, 0.1)
            });
            let mut are_silent = [false; MAX_SLOTS];
            are_silent[0] = is_paused;
            let guides: &[_] = &[&first, &second];
            let (weights, are_silent) = (&weights, &are_silent);
            filters.learn(0, &Excerpt { mic: &mic, guides, weights, are_silent }, 0.9995);
        }
        let mut scratch = filters.make_scratch();
        filters.solve(0, &[Real::splat(1.0); 2], &mut scratch);
        filters
    }

    #[test]
    fn a_silent_bleeder_is_not_forgotten_and_leaves_no_subnormal_number() {
        let before = taught(500, 0);
        // Three quarters of an hour.
        let after = taught(500, 32_000);
        for (filters, name) in [(&before, "before"), (&after, "after")] {
            for (weight, gain) in filters.block(0).iter().zip([0.5, 0.1]) {
                for found in weight.re.0 {
                    // Measured: 0.004.
                    assert!((found - gain).abs() < 0.02, "{name}: {found}, expected {gain}");
                }
            }
        }
        let sums = after.matrix.iter().chain(&after.rhs);
        let numbers = sums.flat_map(|sum| sum.re.0.into_iter().chain(sum.im.0));
        assert!(numbers.into_iter().all(|number| !number.is_subnormal()));
    }
}
