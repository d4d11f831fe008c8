//! Ideal masks: gains per bin or band that are computed from the targets.

use super::bands::band_of_bins;
use super::transform;
use crate::convert::to_f32;
use crate::scenes::Scene;
use anyhow::Result;
use realfft::num_complex::Complex32;

/// A mask computed from target `S`, bleed `B` and mic `X = S + B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// `|S|^2 / (|S|^2 + |B|^2)`.
    Wiener,
    /// `|S| / (|S| + |B|)`.
    Ratio,
    /// `Re(S X*) / |X|^2` limited to `0 ..= 1`: the mask with the least squared error.
    LeastError,
}

/// Resolution of a mask in frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// One gain per bin.
    Bins,
    /// One gain per band, from the sums over its bins; about 119 bands that widen with frequency.
    Bands,
}

/// Inputs of a mask, summed over one or more bins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Energies {
    target: f64,
    bleed: f64,
    mic: f64,
    /// `Re(S X*)`.
    common: f64,
}

impl Energies {
    pub(super) fn add(&mut self, target: Complex32, mic: Complex32) {
        let power = |bin: Complex32| f64::from(bin.re).powi(2) + f64::from(bin.im).powi(2);
        self.target += power(target);
        self.bleed += power(mic - target);
        self.mic += power(mic);
        self.common += f64::from(target.re) * f64::from(mic.re);
        self.common += f64::from(target.im) * f64::from(mic.im);
    }

    /// Returns the gain of a mask; 0 if there is no energy.
    pub(super) fn gain(&self, mask: Mask) -> f64 {
        let (part, whole) = match mask {
            Mask::Wiener => (self.target, self.target + self.bleed),
            Mask::Ratio => (self.target.sqrt(), self.target.sqrt() + self.bleed.sqrt()),
            Mask::LeastError => (self.common, self.mic),
        };
        if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Cleans every mic of a scene with its ideal mask.
///
/// Uses the engine's transform of the mix mode: window 2048 and hop 512 samples at 44.1 kHz.
pub(super) fn clean(scene: &Scene, mask: Mask, resolution: Resolution) -> Result<Vec<Vec<f32>>> {
    let geometry = transform::geometry(scene.rate_hz, 1)?;
    let num_bins = geometry.num_bins();
    let band_of_bin: Vec<usize> = match resolution {
        Resolution::Bins => (0..num_bins).collect(),
        Resolution::Bands => band_of_bins(geometry.window_samples(), scene.rate_hz),
    };
    let num_bands = band_of_bin.last().map_or(0, |band| band + 1);
    let mut energies = vec![Energies::default(); num_bands];
    let mut cleaned = Vec::with_capacity(scene.mics.len());
    for (mic, target) in scene.mics.iter().zip(&scene.targets) {
        let output = transform::resynthesise(geometry, &[mic, target], 1, |spectra, output| {
            let (x, s) = (spectra.mic(0), spectra.mic(1));
            energies.fill(Energies::default());
            for ((&s, &x), &band) in s.iter().zip(x).zip(&band_of_bin) {
                energies[band].add(s, x);
            }
            for ((y, x), &band) in output.mic_mut(0).iter_mut().zip(x).zip(&band_of_bin) {
                *y = x * to_f32(energies[band].gain(mask));
            }
        });
        cleaned.extend(output);
    }
    Ok(cleaned)
}
