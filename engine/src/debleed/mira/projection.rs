//! Sums of hops with random weights: a session of any length in a fixed number of columns.

use std::f32::consts::TAU;

use realfft::num_complex::Complex32;

use crate::debleed::batch::{ChunkView, power, tiles};

/// Hops added to a column in one pass, to load and store the column less often.
const HOPS_AT_ONCE: usize = 8;

/// Adds the chunk's hops to `columns`, each multiplied by its random weight.
///
/// # Shapes
///
/// - `columns`: `[mic, column, bin]`
/// - `weights`: `[time, column]`, the same for all mics
pub(super) fn project(columns: &mut [Complex32], chunk: ChunkView<'_>, weights: &[f32]) {
    let (num_hops, num_bins) = (chunk.num_hops(), chunk.num_bins());
    if num_hops == 0 || num_bins == 0 {
        return;
    }
    let num_columns = weights.len() / num_hops;
    let mut values = Vec::new(); // [time, bin, re/im] of a tile
    let mut sums = Vec::new(); // [column, bin, re/im] of a tile
    for mic in 0..chunk.num_mics() {
        for bins in tiles(num_bins, None) {
            let width = 2 * bins.len();
            values.clear();
            for hop in 0..num_hops {
                for &value in &chunk.row(mic, hop)[bins.clone()] {
                    let usable = power(value) > 0.0;
                    values.extend(if usable { [value.re, value.im] } else { [0.0; 2] });
                }
            }
            values.resize(num_hops.next_multiple_of(HOPS_AT_ONCE) * width, 0.0);
            sums.clear();
            sums.resize(num_columns * width, 0.0);
            for (block, rows) in values.chunks_exact(HOPS_AT_ONCE * width).enumerate() {
                for (column, sums) in sums.chunks_exact_mut(width).enumerate() {
                    let weights = std::array::from_fn(|row| {
                        let hop = block * HOPS_AT_ONCE + row;
                        weights.get(hop * num_columns + column).copied().unwrap_or(0.0)
                    });
                    add_rows(sums, rows, weights);
                }
            }
            for (column, sums) in sums.chunks_exact(width).enumerate() {
                let start = (mic * num_columns + column) * num_bins + bins.start;
                let out = &mut columns[start..][..bins.len()];
                for (out, sum) in out.iter_mut().zip(sums.chunks_exact(2)) {
                    *out += Complex32::new(sum[0], sum[1]);
                }
            }
        }
    }
}

/// Adds each row times its weight to `sums`; `rows` holds the rows one after the other.
fn add_rows(sums: &mut [f32], rows: &[f32], weights: [f32; HOPS_AT_ONCE]) {
    let mut rows = rows.chunks_exact(sums.len());
    let rows: [&[f32]; HOPS_AT_ONCE] = std::array::from_fn(|_| rows.next().unwrap_or(&[]));
    let rows = rows.map(|row| &row[..sums.len()]);
    for (index, sum) in sums.iter_mut().enumerate() {
        let mut added = 0.0;
        for (row, weight) in rows.iter().zip(weights) {
            added += weight * row[index];
        }
        *sum += added;
    }
}

/// Generator of normally distributed numbers from a seed; repeatable on every run of one build.
///
/// # Source
///
/// Bits: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014
/// (SplitMix64). Shape: G. Box, M. Muller, "A note on the generation of random normal deviates",
/// Annals of Mathematical Statistics 29, 1958.
#[derive(Clone, Debug)]
pub(crate) struct Normal {
    state: u64,
    /// Second number of a pair, for the next call.
    spare: Option<f32>,
}

impl Normal {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    /// Returns the next number, of mean 0 and variance 1.
    pub(crate) fn draw(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Returns the next uniform number, from 0 up to but not including 1.
    pub(crate) fn uniform(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 40) as f32 / (1_u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_normal_and_repeat_with_the_seed() {
        let mut normal = Normal::new(1);
        let draws: Vec<f32> = (0..100_000).map(|_| normal.draw()).collect();
        let moment = |power: i32| {
            draws.iter().map(|draw| f64::from(*draw).powi(power)).sum::<f64>() / 100_000.0
        };
        // Standard errors of the first four moments at 100 000 draws: 0.003, 0.004, 0.012, 0.031.
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.015, "{}", moment(2));
        assert!(moment(3).abs() < 0.04, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.1, "{}", moment(4));
        let mut again = Normal::new(1);
        assert!(draws.iter().all(|&draw| draw == again.draw()));
        assert_ne!(Normal::new(2).draw(), draws[0]);
    }

    #[test]
    fn columns_are_weighted_sums_of_hops() {
        // 2 mics, 11 hops (not a multiple of the block), 70 bins (not a multiple of the tile).
        let mut normal = Normal::new(3);
        let (num_mics, num_hops, num_bins, num_columns) = (2, 11, 70, 5);
        let mut spectra: Vec<_> = (0..num_mics * num_hops * num_bins)
            .map(|_| Complex32::new(normal.draw(), normal.draw()))
            .collect();
        spectra[5] = Complex32::new(f32::NAN, 1.0);
        let weights: Vec<f32> = (0..num_hops * num_columns).map(|_| normal.draw()).collect();
        let chunk = ChunkView::new(&spectra, [num_mics, num_hops, num_bins]).unwrap();
        let mut columns = vec![Complex32::new(1.0, 2.0); num_mics * num_columns * num_bins];
        project(&mut columns, chunk, &weights);
        for mic in 0..num_mics {
            for column in 0..num_columns {
                for bin in 0..num_bins {
                    let mut expected = Complex32::new(1.0, 2.0);
                    for hop in 0..num_hops {
                        let value = chunk.row(mic, hop)[bin];
                        if value.is_finite() {
                            expected += value * weights[hop * num_columns + column];
                        }
                    }
                    let actual = columns[(mic * num_columns + column) * num_bins + bin];
                    assert!((actual - expected).norm() < 1e-5, "{mic} {column} {bin}");
                }
            }
        }
    }
}
