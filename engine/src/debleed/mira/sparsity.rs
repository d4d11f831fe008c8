//! The term that prefers few sources per hop and bin.

use super::super::batch::Tile;

/// Smallest share of the summed power assumed for a source; keeps the geometric mean above 0.
const MIN_PART: f32 = 1e-9;

/// Parts multiplied before a logarithm is taken: (1e-9)^4 = 1e-36 is still a normal `f32`.
const PARTS_PER_LOG: usize = 4;

/// Adds the gradient of `rho` times the sources' spectral flatness, `rho J G / sum_j P_j`.
///
/// `G` is the geometric mean of the `J` powers. The gradient has the parts
/// `n = rho J G / (sum P)^2` (added to the numerator) and `d_j = rho G / (P_j sum P)` (added to the
/// denominator). Sources that are silent throughout the bin do not count.
///
/// # Source
///
/// D. Di Carlo, K. Deguernel, A. Liutkus, "Gaussian framework for interference reduction in live
/// recordings", AES Conference on Semantic Audio, 2017: Wiener entropy over sources.
#[derive(Debug)]
pub(super) struct Sparsity {
    rho: f32,
    num_sources: usize,
    /// Number of sources that count, `[bin]`.
    num_live: Vec<f32>,
    /// Sum of the powers, `[bin]`.
    total: Vec<f32>,
    /// Product of up to [`PARTS_PER_LOG`] parts, `[bin]`.
    product: Vec<f32>,
    /// Sum of the parts' logarithms, then `rho G / sum P`, `[bin]`.
    flatness: Vec<f32>,
}

impl Sparsity {
    pub(super) fn new(rho: f32) -> Self {
        Self {
            rho,
            num_sources: 0,
            num_live: Vec::new(),
            total: Vec::new(),
            product: Vec::new(),
            flatness: Vec::new(),
        }
    }

    /// Counts the live sources of a tile in each bin.
    pub(super) fn prepare(&mut self, tile: &Tile<'_>, num_sources: usize) {
        let num_bins = tile.bins().len();
        self.num_sources = num_sources;
        for row in [&mut self.num_live, &mut self.total, &mut self.product, &mut self.flatness] {
            row.clear();
            row.resize(num_bins, 0.0);
        }
        for source in 0..num_sources {
            for (num_live, &live) in self.num_live.iter_mut().zip(tile.inverse_live(source)) {
                *num_live += if live > 0.0 { 1.0 } else { 0.0 };
            }
        }
    }

    /// Adds `n` and `d` of one hop to the numerator and denominator, `[source, bin]` each.
    pub(super) fn add(
        &mut self,
        tile: &Tile<'_>,
        hop: usize,
        numerator: &mut [f32],
        denominator: &mut [f32],
    ) {
        let num_bins = tile.bins().len();
        if self.rho <= 0.0 || num_bins == 0 {
            return;
        }
        self.total.fill(0.0);
        for source in 0..self.num_sources {
            for (total, &power) in self.total.iter_mut().zip(tile.source_power(source, hop)) {
                *total += power;
            }
        }
        self.find_flatness(tile, hop);
        for (source, (numerator, denominator)) in numerator
            .chunks_exact_mut(num_bins)
            .zip(denominator.chunks_exact_mut(num_bins))
            .enumerate()
        {
            let powers = tile.source_power(source, hop);
            let inputs = self.flatness.iter().zip(&self.total).zip(&self.num_live).zip(powers);
            for ((numerator, denominator), (((&flatness, &total), &num_live), &power)) in
                numerator.iter_mut().zip(denominator).zip(inputs)
            {
                *numerator += num_live * flatness / total.max(f32::MIN_POSITIVE);
                *denominator += flatness / power.max(MIN_PART * total).max(f32::MIN_POSITIVE);
            }
        }
    }

    /// Sets `flatness` to `rho G / sum P`; 0 where fewer than two sources count.
    fn find_flatness(&mut self, tile: &Tile<'_>, hop: usize) {
        self.flatness.fill(0.0);
        for first in (0..self.num_sources).step_by(PARTS_PER_LOG) {
            self.product.fill(1.0);
            for source in first..self.num_sources.min(first + PARTS_PER_LOG) {
                let inputs = tile.source_power(source, hop).iter().zip(&self.total);
                for (product, ((&power, &total), &live)) in
                    self.product.iter_mut().zip(inputs.zip(tile.inverse_live(source)))
                {
                    let part = (power / total.max(f32::MIN_POSITIVE)).max(MIN_PART);
                    *product *= if live > 0.0 { part } else { 1.0 };
                }
            }
            for (flatness, &product) in self.flatness.iter_mut().zip(&self.product) {
                *flatness += product.ln();
            }
        }
        for (flatness, (&num_live, &total)) in
            self.flatness.iter_mut().zip(self.num_live.iter().zip(&self.total))
        {
            *flatness = if num_live >= 2.0 && total > 0.0 {
                self.rho * (*flatness / num_live).exp()
            } else {
                0.0
            };
        }
    }
}
