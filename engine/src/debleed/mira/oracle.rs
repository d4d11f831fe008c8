//! Reference implementation of MIRA and FastMIRA: slow and plain, in `f64`.
#![allow(clippy::needless_range_loop, reason = "loops as the equations have them")]

use super::{FastMiraConfig, MiraConfig, projection::Normal};
use crate::debleed::batch::oracle::{Cube, Model, cube, equalised_power, flush};
use crate::debleed::batch::{ChunkView, CloseMics};
use realfft::num_complex::Complex32;

/// Returns all shares, `[mic, source, time, bin]`.
pub(super) fn mira(chunk: ChunkView<'_>, close: &CloseMics, config: &MiraConfig) -> Vec<f32> {
    let (power, _) = equalised_power(chunk, f64::from(config.gain_quantile));
    fit(power, close, config, None).shares()
}

/// Returns all shares, `[mic, source, time, bin]`.
pub(super) fn fast_mira(
    chunk: ChunkView<'_>,
    close: &CloseMics,
    config: &FastMiraConfig,
) -> Vec<f32> {
    let (num_mics, num_hops, num_bins) = (chunk.num_mics(), chunk.num_hops(), chunk.num_bins());
    let mut normal = Normal::new(config.seed);
    let weights: Vec<Vec<f32>> =
        (0..num_hops).map(|_| (0..config.num_columns).map(|_| normal.draw()).collect()).collect();
    // These sums are rounded to f32 like the fast ones, so that only later steps can differ.
    let mut columns = Vec::new();
    for mic in 0..num_mics {
        for column in 0..config.num_columns {
            for bin in 0..num_bins {
                let mut sum = Complex32::default();
                for (hop, weights) in weights.iter().enumerate() {
                    sum += chunk.row(mic, hop)[bin] * weights[column];
                }
                columns.push(sum);
            }
        }
    }
    let columns = ChunkView::new(&columns, [num_mics, config.num_columns, num_bins]).unwrap();
    let quantile = f64::from(config.mira.gain_quantile);
    let (power, column_inverse) = equalised_power(columns, quantile);
    let learning = MiraConfig { smooth_passes: 0, ..config.mira };
    let mut crosstalk = fit(power, close, &learning, None).crosstalk;

    let (power, inverse) = equalised_power(chunk, quantile);
    for bin in 0..num_bins {
        for mic in 0..num_mics {
            for source in 0..close.num_sources() {
                crosstalk[mic][source][bin] *= inverse[mic][bin] / column_inverse[mic][bin];
            }
        }
        for source in 0..close.num_sources() {
            let (mut unit, mut count) = (0.0, 0.0);
            for mic in close.mics_of(source) {
                unit += crosstalk[mic][source][bin];
                count += 1.0;
            }
            for row in &mut crosstalk {
                row[source][bin] /= unit / count;
            }
        }
    }
    fit(power, close, &config.mira, Some(crosstalk)).shares()
}

fn fit(power: Cube, close: &CloseMics, config: &MiraConfig, crosstalk: Option<Cube>) -> Model {
    let learns = crosstalk.is_none();
    let mut model = Model::new(power, close, f64::from(config.initial_crosstalk), crosstalk);
    for _ in 0..config.smooth_passes {
        thin_out(&mut model, config);
    }
    for _ in 0..config.iterations {
        update_source_power(&mut model, close, f64::from(config.sparsity));
        if learns {
            model.update_crosstalk();
        }
    }
    model
}

fn update_source_power(model: &mut Model, close: &CloseMics, rho: f64) {
    let num_sources = close.num_sources();
    let old = model.source_power.clone();
    for hop in 0..model.power[0].len() {
        for bin in 0..model.power[0][0].len() {
            let is_live = |source| close.mics_of(source).any(|mic| model.is_live(mic, bin));
            let live: Vec<usize> = (0..num_sources).filter(|&source| is_live(source)).collect();
            let total: f64 = live.iter().map(|&source| old[source][hop][bin]).sum();
            let count = live.len() as f64;
            let mean_log = live
                .iter()
                .map(|&source| old[source][hop][bin].max(1e-9 * total).ln() / count)
                .sum::<f64>();
            let geometric_mean = if live.len() < 2 { 0.0 } else { mean_log.exp() };
            for source in 0..num_sources {
                let (mut numerator, mut denominator) = (0.0, 0.0);
                for mic in 0..close.num_mics() {
                    let mut modelled = 0.0;
                    for (other, powers) in old.iter().enumerate() {
                        modelled += model.crosstalk[mic][other][bin] * powers[hop][bin];
                    }
                    let modelled = modelled.max(1e-12);
                    let crosstalk = model.crosstalk[mic][source][bin];
                    numerator += model.power[mic][hop][bin] * crosstalk / modelled.powi(2);
                    denominator += crosstalk / modelled;
                }
                let power = old[source][hop][bin];
                numerator += rho * count * geometric_mean / total.powi(2);
                denominator += rho * geometric_mean / (power.max(1e-9 * total) * total);
                model.source_power[source][hop][bin] = flush(power * numerator / denominator);
            }
        }
    }
}

fn thin_out(model: &mut Model, config: &MiraConfig) {
    let (num_sources, num_hops) = (model.source_power.len(), model.source_power[0].len());
    let num_bins = model.source_power[0][0].len();
    let mut near = cube(num_sources, num_hops, num_bins);
    for source in 0..num_sources {
        for hop in 0..num_hops {
            for bin in 0..num_bins {
                near[source][hop][bin] =
                    mean_around(&model.source_power[source], [hop, bin], config);
            }
        }
    }
    for hop in 0..num_hops {
        for bin in 0..num_bins {
            let total: f64 = near.iter().map(|powers| powers[hop][bin]).sum();
            for source in 0..num_sources {
                let part = ((near[source][hop][bin] + 1.0) / (total + 1.0)).min(1.0);
                model.source_power[source][hop][bin] *= 1.0 / (1.0 + (-5.0 * (part - 0.5)).exp());
            }
        }
    }
}

/// Returns the Hamming-weighted mean of the existing values around a hop and bin.
fn mean_around(powers: &[Vec<f64>], [hop, bin]: [usize; 2], config: &MiraConfig) -> f64 {
    let hamming = |tap: usize, size: usize| {
        0.54 - 0.46 * (std::f64::consts::TAU * tap as f64 / (size - 1) as f64).cos()
    };
    let (mut sum, mut weights) = (0.0, 0.0);
    for hop_tap in 0..config.smooth_hops {
        for bin_tap in 0..config.smooth_bins {
            let near_hop = (hop + hop_tap).checked_sub(config.smooth_hops / 2);
            let near_bin = (bin + bin_tap).checked_sub(config.smooth_bins / 2);
            let row = near_hop.and_then(|hop| powers.get(hop));
            if let Some(&power) = row.and_then(|row| row.get(near_bin?)) {
                let weight =
                    hamming(hop_tap, config.smooth_hops) * hamming(bin_tap, config.smooth_bins);
                sum += weight * power;
                weights += weight;
            }
        }
    }
    sum / weights
}
