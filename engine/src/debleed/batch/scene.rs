//! Synthetic sessions with known truth, for the tests of the batch methods.

use realfft::num_complex::Complex32;

use super::{BleedShares, ChunkView, CloseMics};
use crate::debleed::mira::Normal;

/// A synthetic session: every source's image in every mic, and their sum.
pub(crate) struct Scene {
    pub(crate) close: CloseMics,
    pub(crate) num_hops: usize,
    pub(crate) num_bins: usize,
    /// Images by mic and source, each `[time, bin]`.
    images: Vec<Vec<Vec<Complex32>>>,
    /// `[mic, time, bin]`
    pub(crate) mix: Vec<Complex32>,
}

/// Parameters of a [`Scene`].
pub(crate) struct SceneConfig {
    pub(crate) seed: u64,
    pub(crate) close: CloseMics,
    pub(crate) num_hops: usize,
    pub(crate) num_bins: usize,
    /// Range of the random amplitude of each bleed path; close paths are 1.
    pub(crate) crosstalk: [f32; 2],
}

impl SceneConfig {
    pub(crate) fn new(seed: u64, close: CloseMics) -> Self {
        Self { seed, close, num_hops: 60, num_bins: 40, crosstalk: [0.1, 0.3] }
    }
}

impl Scene {
    /// Generates sources that play notes of some bins and hops at various levels, mixed by one gain
    /// per path, over noise at -60 dB.
    pub(crate) fn new(config: &SceneConfig) -> Self {
        let SceneConfig { seed, close, num_hops, num_bins, crosstalk } = config;
        let (num_hops, num_bins) = (*num_hops, *num_bins);
        let mut normal = Normal::new(*seed);
        let stems: Vec<Vec<Complex32>> =
            (0..close.num_sources()).map(|_| stem(&mut normal, num_hops, num_bins)).collect();
        let mut images = Vec::new();
        let mut mix = Vec::new();
        for mic in 0..close.num_mics() {
            let mut sum: Vec<_> = (0..num_hops * num_bins)
                .map(|_| Complex32::new(normal.draw(), normal.draw()) * 1e-3)
                .collect();
            let mut row = Vec::new();
            for (source, stem) in stems.iter().enumerate() {
                let drawn = crosstalk[0] + (crosstalk[1] - crosstalk[0]) * normal.uniform();
                let gain = if close.is_close(mic, source) { 1.0 } else { drawn };
                let image: Vec<_> = stem.iter().map(|value| value * gain).collect();
                for (sum, value) in sum.iter_mut().zip(&image) {
                    *sum += value;
                }
                row.push(image);
            }
            images.push(row);
            mix.extend(sum);
        }
        Self { close: close.clone(), num_hops, num_bins, images, mix }
    }

    pub(crate) fn num_mics(&self) -> usize {
        self.close.num_mics()
    }

    pub(crate) fn chunk(&self) -> ChunkView<'_> {
        ChunkView::new(&self.mix, [self.num_mics(), self.num_hops, self.num_bins]).unwrap()
    }

    /// Returns one mic, `[time, bin]`.
    pub(crate) fn mic(&self, mic: usize) -> &[Complex32] {
        let size = self.num_hops * self.num_bins;
        &self.mix[mic * size..][..size]
    }

    pub(crate) fn mic_mut(&mut self, mic: usize) -> &mut [Complex32] {
        let size = self.num_hops * self.num_bins;
        &mut self.mix[mic * size..][..size]
    }

    /// Returns the power of one source in one mic before and after the mask `keep`, `[time, bin]`.
    fn kept(&self, mic: usize, source: usize, keep: &[f32]) -> (f32, f32) {
        let image = &self.images[mic][source];
        let kept = image.iter().zip(keep).map(|(value, keep)| (value * keep).norm_sqr()).sum();
        (image.iter().map(Complex32::norm_sqr).sum(), kept)
    }

    /// Returns the signal-to-distortion ratio, in dB, of a mic times `keep` (`[time, bin]`). The
    /// reference is the image of the mic's own sources.
    pub(crate) fn sdr_db(&self, mic: usize, keep: &[f32]) -> f32 {
        let (mut signal, mut error) = (0.0, 0.0);
        let own: Vec<usize> = self.close.sources_of(mic).collect();
        for (at, (value, keep)) in self.mic(mic).iter().zip(keep).enumerate() {
            let truth: Complex32 = own.iter().map(|&source| self.images[mic][source][at]).sum();
            signal += truth.norm_sqr();
            error += (truth - value * keep).norm_sqr();
        }
        10.0 * (signal / error).log10()
    }

    /// Returns the reduction of a mic's bleed by the mask `keep`, in dB.
    pub(crate) fn bleed_reduction_db(&self, mic: usize, keep: &[f32]) -> f32 {
        let (mut before, mut after) = (0.0, 0.0);
        for source in 0..self.close.num_sources() {
            if !self.close.is_close(mic, source) {
                let (whole, kept) = self.kept(mic, source, keep);
                before += whole;
                after += kept;
            }
        }
        10.0 * (before / after).log10()
    }

    /// Returns the level of the own source above the part of it that `keep` removes, in dB.
    pub(crate) fn own_to_damage_db(&self, mic: usize, keep: &[f32]) -> f32 {
        let lost: Vec<f32> = keep.iter().map(|keep| 1.0 - keep).collect();
        let own = self.close.sources_of(mic).next().unwrap();
        let (whole, damage) = self.kept(mic, own, &lost);
        10.0 * (whole / damage).log10()
    }
}

/// Generates one source alone, `[time, bin]`.
fn stem(normal: &mut Normal, num_hops: usize, num_bins: usize) -> Vec<Complex32> {
    let mut stem = vec![Complex32::default(); num_hops * num_bins];
    let num_notes = num_hops * num_bins / 100;
    for _ in 0..num_notes {
        let (start, first) = (position(normal, num_hops), position(normal, num_bins));
        let level = 10.0_f32.powf(1.5 * normal.uniform() - 1.0);
        for hop in start..num_hops.min(start + 12) {
            let level = level * 0.75_f32.powi(i32::try_from(hop - start).unwrap());
            for bin in first..num_bins.min(first + 3) {
                let value = Complex32::new(normal.draw(), normal.draw());
                stem[hop * num_bins + bin] += value * level;
            }
        }
    }
    stem
}

/// Draws a random position below `len`.
fn position(normal: &mut Normal, len: usize) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 up to len")]
    let position = (normal.uniform() * len as f32) as usize;
    position
}

/// Returns the mask of a mic that removes all its bleed, `[time, bin]`.
pub(crate) fn keep(shares: &BleedShares, mic: usize) -> Vec<f32> {
    let amounts = vec![1.0; shares.close().num_sources()];
    let mut keep = vec![0.0; shares.num_hops() * shares.num_bins()];
    for (hop, row) in keep.chunks_exact_mut(shares.num_bins()).enumerate() {
        shares.bleed_mask_into(mic, hop, &amounts, row);
        row.iter_mut().for_each(|mask| *mask = 1.0 - *mask);
    }
    keep
}

/// Returns all shares of one mic and source, `[time, bin]`.
pub(crate) fn share(shares: &BleedShares, mic: usize, source: usize) -> Vec<f32> {
    let mut all = vec![0.0; shares.num_hops() * shares.num_bins()];
    for (hop, row) in all.chunks_exact_mut(shares.num_bins()).enumerate() {
        shares.share_into(mic, source, hop, row);
    }
    all
}

/// Returns every share of a chunk, `[mic, source, time, bin]`.
pub(crate) fn all_shares(shares: &BleedShares) -> Vec<f32> {
    let (num_mics, num_sources) = (shares.close().num_mics(), shares.close().num_sources());
    (0..num_mics)
        .flat_map(|mic| (0..num_sources).flat_map(move |source| share(shares, mic, source)))
        .collect()
}

/// Returns the close-mic ratio mask `|X_i|^2 / sum_j |X_j|^2` of one mic, `[time, bin]`.
pub(crate) fn ratio_mask(scene: &Scene, mic: usize) -> Vec<f32> {
    (0..scene.num_hops * scene.num_bins)
        .map(|at| {
            let total: f32 = (0..scene.num_mics()).map(|mic| scene.mic(mic)[at].norm_sqr()).sum();
            scene.mic(mic)[at].norm_sqr() / total
        })
        .collect()
}

/// Returns the mean SDR improvement by masks over mics, in dB.
pub(crate) fn mean_sdr_gain_db(scene: &Scene, keep: impl Fn(usize) -> Vec<f32>) -> f32 {
    let dry = vec![1.0; scene.num_hops * scene.num_bins];
    let gain = |mic| scene.sdr_db(mic, &keep(mic)) - scene.sdr_db(mic, &dry);
    (0..scene.num_mics()).map(gain).sum::<f32>() / scene.num_mics() as f32
}

/// Returns the largest difference between two rows of equal length.
pub(crate) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |largest, difference| {
        assert!(difference.is_finite(), "{difference}");
        f32::max(largest, difference)
    })
}

/// Returns tables for tests: two mics, five mics, groups of two, a room mic.
pub(crate) fn tables() -> Vec<CloseMics> {
    let grouped = [[0, 1, 1, 2], [0, 1, 2, 2]].map(|sources| {
        let table = sources.iter().flat_map(|&own| (0..3).map(move |source| source == own));
        CloseMics::new(4, 3, table.collect()).unwrap()
    });
    let room = vec![true, false, false, true, false, false];
    let [first, second] = grouped;
    vec![
        CloseMics::identity(2),
        CloseMics::identity(5),
        first,
        second,
        CloseMics::new(3, 2, room).unwrap(),
    ]
}
