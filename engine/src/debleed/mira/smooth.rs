//! MIRA's initial powers: a source keeps its power where it dominates its neighbourhood.

use std::f32::consts::TAU;

use super::MiraConfig;
use crate::debleed::batch::{BleedShares, logistic};

/// Share of the neighbourhood's power at which the logistic curve is one half.
const THRESHOLD: f32 = 0.5;

/// Slope of that curve.
const SLOPE: f32 = 5.0;

/// Multiplies each source's power by a logistic function of its share of the neighbourhood's power.
///
/// `P_j *= f(min(1, (sm(P_j) + 1) / (sm(sum_k P_k) + 1)))`, where `sm` is a Hamming-weighted mean
/// over hops and bins, and `f` is one half at a share of one half. All sources are updated at once.
pub(super) fn thin_out(shares: &mut BleedShares, config: &MiraConfig) {
    let num_bins = shares.num_bins();
    let size = shares.num_hops() * num_bins;
    if size == 0 {
        return;
    }
    let mut total = vec![0.0_f32; size]; // [time, bin]
    let mut near_total = vec![0.0_f32; size]; // [time, bin]
    let mut near = vec![0.0_f32; size]; // [time, bin]
    let mut smoother = Smoother::new(config, num_bins);
    for _ in 0..config.smooth_passes {
        total.fill(0.0);
        for powers in shares.source_powers_mut().chunks_exact(size) {
            for (total, &power) in total.iter_mut().zip(powers) {
                *total += power;
            }
        }
        smoother.run(&total, &mut near_total);
        for powers in shares.source_powers_mut().chunks_exact_mut(size) {
            smoother.run(powers, &mut near);
            for (power, (&near, &near_total)) in powers.iter_mut().zip(near.iter().zip(&near_total))
            {
                let part = ((near + 1.0) / (near_total + 1.0)).min(1.0);
                *power *= logistic(part, THRESHOLD, SLOPE);
            }
        }
    }
}

/// A weighted mean over neighbouring hops and bins.
#[derive(Debug)]
struct Smoother {
    hops: Kernel,
    bins: Kernel,
    num_bins: usize,
    /// `[time, bin]`
    across_bins: Vec<f32>,
}

impl Smoother {
    fn new(config: &MiraConfig, num_bins: usize) -> Self {
        Self {
            hops: Kernel::hamming(config.smooth_hops),
            bins: Kernel::hamming(config.smooth_bins),
            num_bins,
            across_bins: Vec::new(),
        }
    }

    /// Fills `out` with the means of `values`, both `[time, bin]`.
    fn run(&mut self, values: &[f32], out: &mut [f32]) {
        let num_bins = self.num_bins;
        let num_hops = values.len() / num_bins;
        self.across_bins.clear();
        self.across_bins.resize(values.len(), 0.0);
        for (row, out) in
            values.chunks_exact(num_bins).zip(self.across_bins.chunks_exact_mut(num_bins))
        {
            for (&weight, back) in self.bins.taps() {
                // out[bin] += weight * row[bin - back], where both exist
                let (from, to) = overlap(back, num_bins);
                for (out, &value) in out[to..].iter_mut().zip(&row[from..]) {
                    *out += weight * value;
                }
            }
            for (bin, out) in out.iter_mut().enumerate() {
                *out /= self.bins.sum_at(bin, num_bins);
            }
        }
        for (hop, out) in out.chunks_exact_mut(num_bins).enumerate() {
            out.fill(0.0);
            for (&weight, back) in self.hops.taps() {
                if let Some(near) = hop.checked_add_signed(-back).filter(|&near| near < num_hops) {
                    for (out, &value) in out.iter_mut().zip(&self.across_bins[near * num_bins..]) {
                        *out += weight * value;
                    }
                }
            }
            let sum = self.hops.sum_at(hop, num_hops);
            for out in out {
                *out /= sum;
            }
        }
    }
}

/// Returns the first index to read and the first to write if each value moves up by `back`.
fn overlap(back: isize, len: usize) -> (usize, usize) {
    let distance = back.unsigned_abs().min(len);
    if back < 0 { (distance, 0) } else { (0, distance) }
}

/// Weights around a position; an even number reaches one further back than forward.
#[derive(Debug)]
struct Kernel {
    weights: Vec<f32>,
}

impl Kernel {
    /// Returns the symmetric Hamming window of `size` values; one value for sizes 0 and 1.
    fn hamming(size: usize) -> Self {
        let last = size.saturating_sub(1);
        let weights = (0..size.max(1))
            .map(|tap| 0.54 - 0.46 * (TAU * tap as f32 / last.max(1) as f32).cos())
            .collect();
        Self { weights }
    }

    /// Returns each weight with the number of positions that its value lies back.
    fn taps(&self) -> impl Iterator<Item = (&f32, isize)> {
        let centre = (self.weights.len() / 2).cast_signed();
        self.weights.iter().zip((0_isize..).map(move |tap| centre - tap))
    }

    /// Returns the sum of the weights that fall within `len` positions around `position`.
    fn sum_at(&self, position: usize, len: usize) -> f32 {
        self.taps()
            .filter(|&(_, back)| position.checked_add_signed(-back).is_some_and(|near| near < len))
            .map(|(&weight, _)| weight)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoother(hops: usize, bins: usize, num_bins: usize) -> Smoother {
        let config = MiraConfig { smooth_hops: hops, smooth_bins: bins, ..MiraConfig::default() };
        Smoother::new(&config, num_bins)
    }

    #[test]
    fn a_constant_stays_what_it_is_up_to_the_edges() {
        let mut out = vec![0.0; 12 * 7];
        smoother(10, 10, 7).run(&[3.0; 12 * 7], &mut out);
        assert!(out.iter().all(|&value| (value - 3.0).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn a_peak_spreads_as_the_window_says() {
        let mut values = vec![0.0; 31 * 31];
        values[15 * 31 + 15] = 1.0;
        let mut out = vec![0.0; 31 * 31];
        smoother(4, 3, 31).run(&values, &mut out);
        // Hamming of 4: 0.08 0.77 0.77 0.08 (sum 1.7); of 3: 0.08 1 0.08 (sum 1.16).
        let hops = [0.08, 0.77, 0.77, 0.08].map(|weight| weight / 1.7);
        let bins = [0.08, 1.0, 0.08].map(|weight| weight / 1.16);
        for hop in 0..31 {
            for bin in 0..31 {
                // A kernel that reaches from -2 to 1 spreads a peak from -1 to 2.
                let hop_weight = hops.get((hop + 1_usize).wrapping_sub(15)).copied();
                let bin_weight = bins.get((bin + 1_usize).wrapping_sub(15)).copied();
                let expected: f32 = hop_weight.unwrap_or(0.0) * bin_weight.unwrap_or(0.0);
                assert!((out[hop * 31 + bin] - expected).abs() < 1e-6, "hop {hop}, bin {bin}");
            }
        }
    }

    #[test]
    fn a_kernel_of_one_changes_nothing() {
        let values: Vec<f32> = (0..12_u8).map(f32::from).collect();
        let mut out = vec![0.0; 12];
        smoother(1, 1, 4).run(&values, &mut out);
        for (out, value) in out.iter().zip(&values) {
            assert!((out - value).abs() <= 2e-7 * value, "{out} for {value}");
        }
    }
}
