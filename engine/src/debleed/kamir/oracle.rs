//! Reference implementation of KAMIR: slow and plain, in `f64`.
#![allow(clippy::needless_range_loop, reason = "loops as the equations have them")]

use super::KamirConfig;
use crate::debleed::batch::oracle::{Model, cube, equalised_power, flush};
use crate::debleed::batch::{ChunkView, CloseMics};

/// Returns all shares, `[mic, source, time, bin]`.
pub(super) fn kamir(chunk: ChunkView<'_>, close: &CloseMics, config: &KamirConfig) -> Vec<f32> {
    let (num_hops, num_bins) = (chunk.num_hops(), chunk.num_bins());
    let (power, _) = equalised_power(chunk, f64::from(config.gain_quantile));
    let mut model = Model::new(power, close, f64::from(config.initial_crosstalk), None);
    smooth(&mut model, config);
    for _ in 0..config.iterations {
        let mut updated = cube(close.num_sources(), num_hops, num_bins);
        for source in 0..close.num_sources() {
            for hop in 0..num_hops {
                for bin in 0..num_bins {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for mic in close.mics_of(source) {
                        if model.is_live(mic, bin) {
                            let crosstalk = model.crosstalk[mic][source][bin];
                            let source_power = model.source_power[source][hop][bin];
                            let gain = crosstalk * source_power / model.modelled(mic, hop, bin);
                            let gain = if config.sharpen {
                                1.0 - 1.0 / (1.0 + (20.0 * (gain - 0.6)).exp())
                            } else {
                                gain
                            };
                            // |Y_ij|^2 / L_ij
                            sum += gain.powi(2) * model.power[mic][hop][bin] / crosstalk;
                            count += 1.0;
                        }
                    }
                    updated[source][hop][bin] = flush(sum / count);
                }
            }
        }
        model.source_power = updated;
        smooth(&mut model, config);
        for _ in 0..config.crosstalk_iterations {
            model.update_crosstalk();
        }
        for mic in 0..close.num_mics() {
            for bin in 0..num_bins {
                let mut sum = 0.0;
                for source in 0..close.num_sources() {
                    sum += model.crosstalk[mic][source][bin];
                }
                for source in 0..close.num_sources() {
                    let crosstalk = &mut model.crosstalk[mic][source][bin];
                    *crosstalk = (*crosstalk / sum).max(f64::from(config.min_crosstalk));
                }
            }
        }
    }
    let mut shares = model.shares();
    if config.sharpen {
        sharpen(&mut shares, close, num_hops * num_bins);
    }
    shares
}

#[allow(clippy::cast_possible_truncation, reason = "to compare with f32")]
/// Replaces the sum of the own shares by its logistic function; the others keep their proportions.
fn sharpen(shares: &mut [f32], close: &CloseMics, size: usize) {
    for mic in 0..close.num_mics() {
        for at in 0..size {
            let index = |source: usize| (mic * close.num_sources() + source) * size + at;
            let (mut own, mut bleed) = (0.0, 0.0);
            for source in 0..close.num_sources() {
                let sum = if close.is_close(mic, source) { &mut own } else { &mut bleed };
                *sum += f64::from(shares[index(source)]);
            }
            let sharp = 1.0 - 1.0 / (1.0 + (20.0 * (own - 0.6)).exp());
            for source in 0..close.num_sources() {
                let is_own = close.is_close(mic, source);
                let factor = if is_own { sharp / own } else { (1.0 - sharp) / bleed };
                let share = &mut shares[index(source)];
                *share = (f64::from(*share) * factor) as f32;
            }
        }
    }
}

fn smooth(model: &mut Model, config: &KamirConfig) {
    let (reach_hops, reach_bins) = (config.median_hops / 2, config.median_bins / 2);
    for powers in &mut model.source_power {
        let old = powers.clone();
        for (hop, row) in powers.iter_mut().enumerate() {
            for (bin, value) in row.iter_mut().enumerate() {
                let mut window = Vec::new();
                for (other_hop, other_row) in old.iter().enumerate() {
                    for (other_bin, &other) in other_row.iter().enumerate() {
                        if other_hop.abs_diff(hop) <= reach_hops
                            && other_bin.abs_diff(bin) <= reach_bins
                        {
                            window.push(other);
                        }
                    }
                }
                window.sort_by(f64::total_cmp);
                *value = window[window.len() / 2];
            }
        }
    }
}
