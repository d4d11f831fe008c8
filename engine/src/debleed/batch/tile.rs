//! A few bins of a chunk, small enough for the cache, and the update steps common to KAMIR
//! and MIRA.

use std::ops::Range;

use super::{BleedShares, ChunkView, CloseMics, MIN_POWER, MicGains, power};

/// Bins per tile: a tile of 8 mics and 15 s stays within 2 MB.
const TILE_BINS: usize = 64;

/// Threshold below which a power or crosstalk becomes 0: 300 dB below a mic's quiet hops.
const MIN_VALUE: f32 = 1e-30;

/// Returns consecutive ranges of bins of the given `width`, by default one that suits the cache.
pub(crate) fn tiles(num_bins: usize, width: Option<usize>) -> impl Iterator<Item = Range<usize>> {
    let width = width.unwrap_or(TILE_BINS).max(1);
    (0..num_bins).step_by(width).map(move |start| start..num_bins.min(start + width))
}

/// Some bins of a chunk: the mics' powers and the model that explains them.
///
/// The model is that mic `i`'s power is `sum_j crosstalk[i, j, bin] * source_power[j, time, bin]`.
///
/// # Shapes
///
/// - `power`: `[mic, time, bin]`, equalised by [`MicGains`]
/// - `crosstalk`: `[mic, source, bin]`
/// - `source_power`: `[source, time, bin]`
/// - `inverse_live`: `[source, bin]`, 1 / number of close mics that are not silent; 0 if all are
#[derive(Debug)]
pub(crate) struct Tile<'a> {
    close: &'a CloseMics,
    num_hops: usize,
    bins: Range<usize>,
    power: Vec<f32>,
    crosstalk: Vec<f32>,
    source_power: Vec<f32>,
    inverse_live: Vec<f32>,
    scratch: Scratch,
}

/// Working buffers, reused from tile to tile.
#[derive(Debug, Default)]
struct Scratch {
    /// `[bin]`
    inverse: Vec<f32>,
    /// `[bin]`
    ratio: Vec<f32>,
    /// `[mic, source, bin]`
    numerator: Vec<f32>,
    /// `[mic, source, bin]`
    denominator: Vec<f32>,
}

impl<'a> Tile<'a> {
    /// Creates an empty tile. [`load`](Self::load) fills it with one range of bins after the other.
    pub(crate) fn new(close: &'a CloseMics) -> Self {
        Self {
            close,
            num_hops: 0,
            bins: 0..0,
            power: Vec::new(),
            crosstalk: Vec::new(),
            source_power: Vec::new(),
            inverse_live: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Loads `bins` of the chunk, equalised; crosstalk and source powers become 0.
    pub(crate) fn load(&mut self, chunk: ChunkView<'_>, gains: &MicGains, bins: Range<usize>) {
        let (num_mics, num_sources) = (self.close.num_mics(), self.close.num_sources());
        let (num_hops, num_bins) = (chunk.num_hops(), bins.len());
        self.num_hops = num_hops;
        self.bins = bins.clone();
        refill(&mut self.power, num_mics * num_hops * num_bins);
        refill(&mut self.crosstalk, num_mics * num_sources * num_bins);
        refill(&mut self.source_power, num_sources * num_hops * num_bins);
        refill(&mut self.inverse_live, num_sources * num_bins);
        refill(&mut self.scratch.inverse, num_bins);
        refill(&mut self.scratch.ratio, num_bins);
        refill(&mut self.scratch.numerator, num_mics * num_sources * num_bins);
        refill(&mut self.scratch.denominator, num_mics * num_sources * num_bins);
        if num_bins == 0 {
            return;
        }

        let mut loudest = vec![0.0_f32; num_bins];
        for (mic, rows) in self.power.chunks_exact_mut((num_hops * num_bins).max(1)).enumerate() {
            let inverse = &gains.inverse(mic)[bins.clone()];
            loudest.fill(0.0);
            for (hop, row) in rows.chunks_exact_mut(num_bins).enumerate() {
                let spectrum = &chunk.row(mic, hop)[bins.clone()];
                for (out, (&value, &inverse)) in row.iter_mut().zip(spectrum.iter().zip(inverse)) {
                    *out = power(value) * inverse;
                }
                for (loudest, &power) in loudest.iter_mut().zip(&*row) {
                    *loudest = loudest.max(power);
                }
            }
            for source in self.close.sources_of(mic) {
                let live = &mut self.inverse_live[source * num_bins..][..num_bins];
                for (live, &loudest) in live.iter_mut().zip(&loudest) {
                    *live += if loudest > 0.0 { 1.0 } else { 0.0 };
                }
            }
        }
        for live in &mut self.inverse_live {
            *live = if *live > 0.0 { live.recip() } else { 0.0 };
        }
    }

    /// Returns the bins of the chunk that this tile holds.
    pub(crate) fn bins(&self) -> Range<usize> {
        self.bins.clone()
    }

    /// Returns the number of hops.
    pub(crate) fn num_hops(&self) -> usize {
        self.num_hops
    }

    /// Sets the crosstalk to 1 from a source to its close mics, and to `elsewhere` at all others.
    pub(crate) fn set_crosstalk(&mut self, elsewhere: f32) {
        let (num_sources, num_bins) = (self.close.num_sources(), self.bins.len());
        for mic in 0..self.close.num_mics() {
            for source in 0..num_sources {
                let level = if self.close.is_close(mic, source) { 1.0 } else { elsewhere };
                self.crosstalk[(mic * num_sources + source) * num_bins..][..num_bins].fill(level);
            }
        }
    }

    /// Sets each source's power to the mean of its close mics that are not silent, each divided by
    /// its crosstalk.
    pub(crate) fn set_source_power_from_mics(&mut self) {
        let (num_sources, num_bins) = (self.close.num_sources(), self.bins.len());
        self.source_power.fill(0.0);
        for source in 0..num_sources {
            let live = &self.inverse_live[source * num_bins..][..num_bins];
            for mic in self.close.mics_of(source) {
                let crosstalk = &self.crosstalk[(mic * num_sources + source) * num_bins..];
                for hop in 0..self.num_hops {
                    let power = &self.power[(mic * self.num_hops + hop) * num_bins..];
                    let out = &mut self.source_power[(source * self.num_hops + hop) * num_bins..];
                    let inputs = power.iter().zip(crosstalk).zip(live);
                    for (out, ((&power, &crosstalk), &live)) in out.iter_mut().zip(inputs) {
                        *out += live * power / crosstalk.max(MIN_POWER);
                    }
                }
            }
        }
    }

    /// Returns one mic's power at one hop, `[bin]`.
    pub(crate) fn power(&self, mic: usize, hop: usize) -> &[f32] {
        &self.power[(mic * self.num_hops + hop) * self.bins.len()..][..self.bins.len()]
    }

    /// Returns the crosstalk of one source to one mic, `[bin]`.
    pub(crate) fn crosstalk(&self, mic: usize, source: usize) -> &[f32] {
        let row = mic * self.close.num_sources() + source;
        &self.crosstalk[row * self.bins.len()..][..self.bins.len()]
    }

    /// Returns the crosstalk of all sources to one mic, `[source, bin]`, mutably.
    pub(crate) fn mic_crosstalk_mut(&mut self, mic: usize) -> &mut [f32] {
        let size = self.close.num_sources() * self.bins.len();
        &mut self.crosstalk[mic * size..][..size]
    }

    /// Returns one source's power at one hop, `[bin]`.
    pub(crate) fn source_power(&self, source: usize, hop: usize) -> &[f32] {
        &self.source_power[(source * self.num_hops + hop) * self.bins.len()..][..self.bins.len()]
    }

    /// Returns one source's power at one hop, `[bin]`, mutably.
    pub(crate) fn source_power_mut(&mut self, source: usize, hop: usize) -> &mut [f32] {
        let row = source * self.num_hops + hop;
        &mut self.source_power[row * self.bins.len()..][..self.bins.len()]
    }

    /// Returns all powers of one source, `[time, bin]`, mutably.
    pub(crate) fn source_powers_mut(&mut self, source: usize) -> &mut [f32] {
        let size = self.num_hops * self.bins.len();
        &mut self.source_power[source * size..][..size]
    }

    /// Returns 1 / the number of close mics of `source` that are not silent, `[bin]`; 0 if all are.
    pub(crate) fn inverse_live(&self, source: usize) -> &[f32] {
        &self.inverse_live[source * self.bins.len()..][..self.bins.len()]
    }

    /// Computes `1 / M` into `inverse` and `V / M^2` into `ratio`, `[bin]` each, for one mic at one
    /// hop. `V` is the mic's power and `M` the model of it, at least [`MIN_POWER`].
    pub(crate) fn weigh(&self, mic: usize, hop: usize, inverse: &mut [f32], ratio: &mut [f32]) {
        inverse.fill(0.0);
        for source in 0..self.close.num_sources() {
            multiply_add(inverse, self.crosstalk(mic, source), self.source_power(source, hop));
        }
        let outputs = inverse.iter_mut().zip(ratio);
        for ((inverse, ratio), &power) in outputs.zip(self.power(mic, hop)) {
            *inverse = inverse.max(MIN_POWER).recip();
            *ratio = power * *inverse * *inverse;
        }
    }

    /// Multiplies each crosstalk by `sum_t V P / M^2 / sum_t P / M`, where `V` is the mic's power,
    /// `P` the source's power and `M` the model of the mic's power.
    ///
    /// Never increases the Itakura-Saito divergence of the model from the powers:
    /// see [`mira`](crate::debleed::mira::mira).
    pub(crate) fn update_crosstalk(&mut self) {
        let num_bins = self.bins.len();
        let num_sources = self.close.num_sources();
        let mut scratch = std::mem::take(&mut self.scratch);
        let Scratch { inverse, ratio, numerator, denominator } = &mut scratch;
        numerator.fill(0.0);
        denominator.fill(0.0);
        for hop in 0..self.num_hops {
            for mic in 0..self.close.num_mics() {
                self.weigh(mic, hop, inverse, ratio);
                for source in 0..num_sources {
                    let row = (mic * num_sources + source) * num_bins;
                    let source_power = self.source_power(source, hop);
                    multiply_add(&mut numerator[row..][..num_bins], ratio, source_power);
                    multiply_add(&mut denominator[row..][..num_bins], inverse, source_power);
                }
            }
        }
        for (crosstalk, (&numerator, &denominator)) in
            self.crosstalk.iter_mut().zip(numerator.iter().zip(&*denominator))
        {
            *crosstalk = flush(*crosstalk * (numerator / denominator.max(f32::MIN_POSITIVE)));
        }
        self.scratch = scratch;
    }

    /// Copies the crosstalk from `shares`.
    pub(crate) fn crosstalk_from(&mut self, shares: &BleedShares) {
        let (bins, num_sources) = (self.bins(), self.close.num_sources());
        for mic in 0..self.close.num_mics() {
            for source in 0..num_sources {
                let row = &shares.crosstalk(mic, source)[bins.clone()];
                self.crosstalk[(mic * num_sources + source) * bins.len()..][..bins.len()]
                    .copy_from_slice(row);
            }
        }
    }

    /// Copies the source powers from `shares`.
    pub(crate) fn source_power_from(&mut self, shares: &BleedShares) {
        let bins = self.bins();
        for source in 0..self.close.num_sources() {
            for hop in 0..self.num_hops {
                let row = &shares.source_power(source, hop)[bins.clone()];
                self.source_power_mut(source, hop).copy_from_slice(row);
            }
        }
    }

    /// Copies crosstalk and source powers to their place in `shares`.
    pub(crate) fn store(&self, shares: &mut BleedShares) {
        let bins = self.bins();
        for source in 0..self.close.num_sources() {
            for mic in 0..self.close.num_mics() {
                shares.crosstalk_mut(mic, source)[bins.clone()]
                    .copy_from_slice(self.crosstalk(mic, source));
            }
            for hop in 0..self.num_hops {
                shares.source_power_mut(source, hop)[bins.clone()]
                    .copy_from_slice(self.source_power(source, hop));
            }
        }
    }
}

/// Adds `a * b` to `sum`, value by value.
pub(crate) fn multiply_add(sum: &mut [f32], a: &[f32], b: &[f32]) {
    for (sum, (&a, &b)) in sum.iter_mut().zip(a.iter().zip(b)) {
        *sum += a * b;
    }
}

/// Returns 0 for negligible values, before they become subnormal and slow to compute with.
pub(crate) fn flush(value: f32) -> f32 {
    if value < MIN_VALUE { 0.0 } else { value }
}

/// Fills `values` with `len` zeros.
fn refill(values: &mut Vec<f32>, len: usize) {
    values.clear();
    values.resize(len, 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_bin_once() {
        assert_eq!(tiles(130, None).collect::<Vec<_>>(), [0..64, 64..128, 128..130]);
        assert_eq!(tiles(10, Some(5)).collect::<Vec<_>>(), [0..5, 5..10]);
        assert_eq!(tiles(0, None).count(), 0);
    }
}
