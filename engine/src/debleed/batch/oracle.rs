//! Reference implementation of the batch methods' common steps: slow and plain, in `f64`.
#![allow(clippy::needless_range_loop, reason = "loops as the equations have them")]

use super::{ChunkView, CloseMics};

/// Values indexed `[a][b][c]`.
pub(crate) type Cube = Vec<Vec<Vec<f64>>>;

/// A model during its fit.
pub(crate) struct Model {
    /// `V`: equalised power, `[mic][time][bin]`
    pub(crate) power: Cube,
    /// `L`: `[mic][source][bin]`
    pub(crate) crosstalk: Cube,
    /// `P`: `[source][time][bin]`
    pub(crate) source_power: Cube,
}

pub(crate) fn cube(a: usize, b: usize, c: usize) -> Cube {
    vec![vec![vec![0.0; c]; b]; a]
}

/// Computes `V = |X|^2 / g^2` and `1 / g^2`, `[mic][bin]`. `g^2` is the quantile over time, at
/// least a millionth of the mean.
pub(crate) fn equalised_power(chunk: ChunkView<'_>, quantile: f64) -> (Cube, Vec<Vec<f64>>) {
    let (num_mics, num_hops, num_bins) = (chunk.num_mics(), chunk.num_hops(), chunk.num_bins());
    let mut power = cube(num_mics, num_hops, num_bins);
    let mut inverse = vec![vec![0.0; num_bins]; num_mics];
    for mic in 0..num_mics {
        for bin in 0..num_bins {
            let mut sorted = Vec::new();
            for hop in 0..num_hops {
                let value = chunk.row(mic, hop)[bin];
                let (re, im) = (f64::from(value.re), f64::from(value.im));
                power[mic][hop][bin] = re * re + im * im;
                sorted.push(power[mic][hop][bin]);
            }
            sorted.sort_by(f64::total_cmp);
            let mean = sorted.iter().sum::<f64>() / num_hops as f64;
            let position = quantile * (num_hops - 1) as f64;
            let (mut below, mut part) = (0, position);
            while part >= 1.0 {
                below += 1;
                part -= 1.0;
            }
            let above = sorted[(below + 1).min(num_hops - 1)];
            let floor = (sorted[below] * (1.0 - part) + above * part).max(1e-6 * mean);
            inverse[mic][bin] = if floor > 0.0 { 1.0 / floor } else { 0.0 };
            for hop in 0..num_hops {
                power[mic][hop][bin] *= inverse[mic][bin];
            }
        }
    }
    (power, inverse)
}

/// Returns 0 for values below 1e-30.
pub(crate) fn flush(value: f64) -> f64 {
    if value < 1e-30 { 0.0 } else { value }
}

impl Model {
    /// Creates the initial model. The crosstalk is `given`, or 1 from close sources and
    /// `elsewhere` from others. The source powers are the mean of `V / L` over the close mics that
    /// are not silent.
    pub(crate) fn new(power: Cube, close: &CloseMics, elsewhere: f64, given: Option<Cube>) -> Self {
        let (num_hops, num_bins) = (power[0].len(), power[0][0].len());
        let mut crosstalk = cube(close.num_mics(), close.num_sources(), num_bins);
        for mic in 0..close.num_mics() {
            for source in 0..close.num_sources() {
                for bin in 0..num_bins {
                    let level = if close.is_close(mic, source) { 1.0 } else { elsewhere };
                    crosstalk[mic][source][bin] = level;
                }
            }
        }
        let crosstalk = given.unwrap_or(crosstalk);
        let mut model =
            Self { power, crosstalk, source_power: cube(close.num_sources(), num_hops, num_bins) };
        for source in 0..close.num_sources() {
            for bin in 0..num_bins {
                for hop in 0..num_hops {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for mic in close.mics_of(source) {
                        if model.is_live(mic, bin) {
                            sum += model.power[mic][hop][bin] / model.crosstalk[mic][source][bin];
                            count += 1.0;
                        }
                    }
                    model.source_power[source][hop][bin] =
                        if count > 0.0 { sum / count } else { 0.0 };
                }
            }
        }
        model
    }

    /// Returns true if a mic has any power in a bin.
    pub(crate) fn is_live(&self, mic: usize, bin: usize) -> bool {
        self.power[mic].iter().any(|row| row[bin] > 0.0)
    }

    /// Returns `M_i = sum_j L_ij P_j`, at least 1e-12.
    pub(crate) fn modelled(&self, mic: usize, hop: usize, bin: usize) -> f64 {
        let mut sum = 0.0;
        for source in 0..self.source_power.len() {
            sum += self.crosstalk[mic][source][bin] * self.source_power[source][hop][bin];
        }
        sum.max(1e-12)
    }

    /// Updates the crosstalk: `L_ij *= sum_t V_i P_j / M_i^2 / sum_t P_j / M_i`.
    pub(crate) fn update_crosstalk(&mut self) {
        let mut updated = self.crosstalk.clone();
        for mic in 0..self.power.len() {
            for source in 0..self.source_power.len() {
                for bin in 0..self.power[0][0].len() {
                    let (mut numerator, mut denominator) = (0.0, 0.0);
                    for hop in 0..self.power[0].len() {
                        let modelled = self.modelled(mic, hop, bin);
                        let part = self.source_power[source][hop][bin] / modelled;
                        numerator += self.power[mic][hop][bin] / modelled * part;
                        denominator += part;
                    }
                    let factor = if denominator > 0.0 { numerator / denominator } else { 0.0 };
                    let crosstalk = &mut updated[mic][source][bin];
                    *crosstalk = flush(*crosstalk * factor);
                }
            }
        }
        self.crosstalk = updated;
    }

    /// Returns `L_ij P_j / M_i` for every mic and source, `[mic, source, time, bin]`.
    #[allow(clippy::cast_possible_truncation, reason = "to compare with f32")]
    pub(crate) fn shares(&self) -> Vec<f32> {
        let mut shares = Vec::new();
        for mic in 0..self.power.len() {
            for source in 0..self.source_power.len() {
                for hop in 0..self.power[0].len() {
                    for bin in 0..self.power[0][0].len() {
                        let part =
                            self.crosstalk[mic][source][bin] * self.source_power[source][hop][bin];
                        shares.push((part / self.modelled(mic, hop, bin)) as f32);
                    }
                }
            }
        }
        shares
    }
}
