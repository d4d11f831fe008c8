//! The front: each mic's guide, an estimate of its own source, for one hop.

use realfft::num_complex::Complex32;

use super::{Filters, MAX_UNKNOWNS, Slots};
use crate::MAX_MICS;
use crate::debleed::cancel::bands::Bands;
use crate::debleed::cancel::gains::guide_gain;
use crate::debleed::cancel::lanes::{Complex, LANES, Real, num_blocks};
use crate::debleed::cancel::statistics::{Crosstalk, Order};
use crate::stft::Spectrum;

/// Planar spectra whose bins are padded to whole blocks of lanes.
#[derive(Debug)]
pub(crate) struct Planes {
    re: Vec<f32>,
    im: Vec<f32>,
    stride: usize,
}

impl Planes {
    pub(crate) fn new(rows: usize, num_blocks: usize) -> Self {
        let stride = num_blocks * LANES;
        Self { re: vec![0.0; rows * stride], im: vec![0.0; rows * stride], stride }
    }

    #[inline(always)]
    pub(crate) fn get(&self, row: usize, block: usize) -> Complex {
        let at = row * self.stride + block * LANES;
        Complex { re: Real::load(&self.re[at..]), im: Real::load(&self.im[at..]) }
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, row: usize, block: usize, value: Complex) {
        let at = row * self.stride + block * LANES;
        self.re[at..at + LANES].copy_from_slice(&value.re.0);
        self.im[at..at + LANES].copy_from_slice(&value.im.0);
    }

    fn set_row(&mut self, row: usize, bins: impl IntoIterator<Item = Complex32>) {
        let at = row * self.stride;
        let planes = self.re[at..].iter_mut().zip(&mut self.im[at..]);
        for ((re, im), bin) in planes.zip(bins) {
            *re = bin.re;
            *im = bin.im;
        }
    }

    fn clear_row(&mut self, row: usize) {
        let range = row * self.stride..(row + 1) * self.stride;
        self.re[range.clone()].fill(0.0);
        self.im[range].fill(0.0);
    }

    fn clear(&mut self) {
        self.re.fill(0.0);
        self.im.fill(0.0);
    }
}

/// The mics of one hop with their guides, and the guides of the previous hops.
#[derive(Debug)]
pub(crate) struct Front {
    num_mics: usize,
    max_taps: usize,
    num_bins: usize,
    /// The newest hop, `[mic]`.
    pub(crate) mics: Planes,
    /// Guides, `[tap ring, mic]`.
    guides: Planes,
    newest: usize,
    /// Number of hops added.
    looks: usize,
    /// Amplitude gain of each mic's guide, `[mic, bin]`.
    gain: Vec<f32>,
    /// Power of each mic, `[mic, bin]`.
    power: Vec<f32>,
    bleed: Vec<f32>,
    active: Vec<bool>,
    /// Hops since each mic had sound, `[mic]`; counted until the taps no longer reach that sound.
    quiet_hops: Vec<usize>,
}

impl Front {
    pub(crate) fn new(num_mics: usize, max_taps: usize, num_bins: usize) -> Self {
        let blocks = num_blocks(num_bins);
        Self {
            num_mics,
            max_taps,
            num_bins,
            mics: Planes::new(num_mics, blocks),
            guides: Planes::new(max_taps * num_mics, blocks),
            newest: 0,
            looks: 0,
            gain: vec![0.0; num_mics * blocks * LANES],
            power: vec![0.0; num_mics * num_bins],
            bleed: vec![0.0; num_bins],
            active: vec![false; num_mics],
            quiet_hops: vec![usize::MAX; num_mics],
        }
    }

    /// Returns true if a mic has sound in this hop.
    pub(crate) fn is_active(&self, mic: usize) -> bool {
        self.active[mic]
    }

    /// Returns the number of hops ever added.
    pub(super) fn looks(&self) -> usize {
        self.looks
    }

    /// Returns the number of stored hops before the newest one: as many as taps reach.
    pub(super) fn memory_hops(&self) -> usize {
        self.max_taps - 1
    }

    /// Returns the guide of a mic `tap` hops ago, at most [`memory_hops`](Self::memory_hops).
    #[inline(always)]
    pub(super) fn guide(&self, mic: usize, tap: usize, block: usize) -> Complex {
        let ring = (self.newest + self.max_taps - tap) % self.max_taps;
        self.guides.get(ring * self.num_mics + mic, block)
    }

    /// Collects the guides of `slots` for one block, `[slot, tap]`.
    #[inline(always)]
    pub(crate) fn collect(&self, slots: &Slots, taps: usize, block: usize, out: &mut [Complex]) {
        for (&mic, out) in slots.0.iter().zip(out.chunks_exact_mut(taps)) {
            for (tap, out) in out.iter_mut().enumerate() {
                *out = self.guide(mic, tap, block);
            }
        }
    }

    /// Adds one hop and forms its guides: masked mics, refined by the filters. Sums over mics go
    /// in `order`.
    pub(crate) fn look(
        &mut self,
        (spectrum, order): (&Spectrum, &Order),
        bands: &Bands,
        crosstalk: &Crosstalk,
        parts: &[(Slots, Filters)],
        taps: &[usize],
    ) {
        self.advance(spectrum);
        for mic in (0..self.num_mics).filter(|&mic| spectrum.is_active(mic)) {
            powers_into(spectrum.mic(mic), &mut self.power[mic * self.num_bins..]);
        }
        form_guides(self, (spectrum, order), bands, crosstalk, taps.len());
        refine(self, parts, taps);
    }

    /// Replaces the newest guide of a mic by its cancelled spectrum, scaled per band; `gain`
    /// is `[band]`.
    pub(crate) fn reguide(
        &mut self,
        mic: usize,
        cancelled: &[Complex32],
        bands: &Bands,
        gain: &[f32],
    ) {
        let scaled = cancelled.iter().zip(bands.of_bin()).map(|(bin, &band)| bin * gain[band]);
        self.guides.set_row(self.newest * self.num_mics + mic, scaled);
    }

    /// Adds one hop with known guides.
    pub(crate) fn take(&mut self, spectrum: &Spectrum, guides: &Spectrum) {
        self.advance(spectrum);
        for mic in (0..self.num_mics).filter(|&mic| spectrum.is_active(mic)) {
            let row = self.newest * self.num_mics + mic;
            self.guides.set_row(row, guides.mic(mic).iter().copied());
        }
    }

    /// Moves to the next hop: stores its mics, and clears the guides of silent ones.
    fn advance(&mut self, spectrum: &Spectrum) {
        self.newest = (self.newest + 1) % self.max_taps;
        self.looks = self.looks.wrapping_add(1);
        for mic in 0..self.num_mics {
            self.active[mic] = spectrum.is_active(mic);
            if self.active[mic] {
                self.quiet_hops[mic] = 0;
                self.mics.set_row(mic, spectrum.mic(mic).iter().copied());
            } else if self.quiet_hops[mic] < self.max_taps {
                self.quiet_hops[mic] += 1;
                self.mics.clear_row(mic);
                self.guides.clear_row(self.newest * self.num_mics + mic);
            }
        }
    }

    pub(crate) fn reset(&mut self) {
        self.mics.clear();
        self.guides.clear();
        self.gain.fill(0.0);
        self.active.fill(false);
        self.quiet_hops.fill(usize::MAX);
        self.newest = 0;
    }
}

/// Forms the first guides: the masked mics.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn form_guides(
    front: &mut Front,
    (spectrum, order): (&Spectrum, &Order),
    bands: &Bands,
    crosstalk: &Crosstalk,
    num_blocks: usize,
) {
    let stride = num_blocks * LANES;
    let num_bins = front.num_bins;
    for mic in (0..front.num_mics).filter(|&mic| spectrum.is_active(mic)) {
        front.bleed.fill(0.0);
        for &bleeder in order.mics() {
            if bleeder != mic && spectrum.is_active(bleeder) {
                let power = &front.power[bleeder * num_bins..][..num_bins];
                bands.add_scaled(&mut front.bleed, crosstalk.pair(mic, bleeder), power);
            }
        }
        let gains = &mut front.gain[mic * stride..][..num_bins];
        let power = &front.power[mic * num_bins..][..num_bins];
        for ((gain, &power), &bleed) in gains.iter_mut().zip(power).zip(&front.bleed) {
            *gain = guide_gain(power, bleed).sqrt();
        }
        for block in 0..num_blocks {
            let gain = Real::load(&front.gain[mic * stride + block * LANES..]);
            let guide = front.mics.get(mic, block).scale(gain);
            front.guides.set(front.newest * front.num_mics + mic, block, guide);
        }
    }
}

/// Refines the guides: the mics after cancellation with the first guides, masked.
#[multiversion::multiversion(targets("x86_64+avx+avx2"))]
fn refine(front: &mut Front, parts: &[(Slots, Filters)], taps: &[usize]) {
    let stride = taps.len() * LANES;
    let mut refined = [Complex::ZERO; MAX_MICS];
    let mut collected = [Complex::ZERO; MAX_UNKNOWNS];
    for (block, &taps) in taps.iter().enumerate() {
        for (mic, (slots, filters)) in parts.iter().enumerate() {
            if !front.active[mic] || slots.0.is_empty() {
                continue;
            }
            let guides = &mut collected[..slots.0.len() * taps];
            front.collect(slots, taps, block, guides);
            let own = front.mics.get(mic, block);
            let bleed = predict(filters.block(block), guides);
            let gain = Real::load(&front.gain[mic * stride + block * LANES..]);
            refined[mic] = bounded(own, bleed).1.scale(gain);
        }
        for (mic, (slots, _)) in parts.iter().enumerate() {
            if front.active[mic] && !slots.0.is_empty() {
                front.guides.set(front.newest * front.num_mics + mic, block, refined[mic]);
            }
        }
    }
}

/// Computes the power of every bin.
pub(crate) fn powers_into(spectrum: &[Complex32], power: &mut [f32]) {
    for (power, bin) in power.iter_mut().zip(spectrum) {
        *power = bin.norm_sqr();
    }
}

/// Returns the sum of the filtered guides.
#[inline(always)]
pub(crate) fn predict(filter: &[Complex], guides: &[Complex]) -> Complex {
    let mut sum = Complex::ZERO;
    for (guide, weight) in guides.iter().zip(filter) {
        sum = sum + *weight * *guide;
    }
    sum
}

/// Largest power ratio of a bin's output to its input. If own sound and bleed partly cancel, the
/// own sound alone is louder than both. Without a limit, guides that are themselves cancelled
/// feed back.
pub(crate) const MOST_LOUDER: f32 = 4.0;

/// Returns the bleed and the cleaned mic; bleed that would raise a bin by more than [`MOST_LOUDER`]
/// is left out.
#[inline(always)]
pub(crate) fn bounded(mic: Complex, bleed: Complex) -> (Complex, Complex) {
    let cleaned = mic - bleed;
    let keep = cleaned
        .norm_sqr()
        .zip(mic.norm_sqr(), |after, before| if after <= MOST_LOUDER * before { 1.0 } else { 0.0 });
    let bleed = bleed.scale(keep);
    (bleed, mic - bleed)
}
