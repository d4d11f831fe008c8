//! The close-mic ratio mask: each bin belongs to mics in proportion to their power in it.

use super::{Debleed, Hop, is_bleed};
use crate::Controls;
use crate::mode::Mode;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// The ratio mask `|x_i|^2 / (|x_i|^2 + sum_j |x_j|^2)` over the mics `j` that bleed into `i`.
///
/// The baseline that every other method must beat. It has no estimate of the actual leakage, so
/// loud neighbours cut holes into clean mics, and the gain of one mic changes the results of all.
///
/// # Latency
///
/// The latency of the transform; no lookahead.
///
/// # Real-time
///
/// Worker or main thread only.
///
/// # Source
///
/// The binwise Wiener gain with each mic's own power in place of its source's. It is the usual
/// first step of the methods in [`kamir`](super::kamir) and [`mira`](super::mira).
#[derive(Debug)]
pub struct Ratio {
    geometry: Geometry,
    /// Power of the bleed in the target at hand, `[bin]`: in full, and the part to keep.
    bleed: Vec<f32>,
    kept: Vec<f32>,
}

impl Ratio {
    /// Allocates for the transform of `mode` at `rate`.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, mode: Mode) -> Self {
        let geometry = mode.geometry(rate);
        let bins = geometry.num_bins();
        Self { geometry, bleed: vec![0.0; bins], kept: vec![0.0; bins] }
    }
}

impl Debleed for Ratio {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn lookahead_hops(&self) -> usize {
        0
    }

    fn learning_passes(&self) -> usize {
        0
    }

    fn learn_hop(&mut self, _spectrum: &Spectrum, _controls: &Controls) {}

    fn end_learning_pass(&mut self) {}

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        let (mics, controls) = (hop.current, hop.current_controls);
        for target in (0..mics.num_mics()).filter(|&target| mics.is_active(target)) {
            self.bleed.fill(0.0);
            self.kept.fill(0.0);
            let mut any = false;
            for bleeder in 0..mics.num_mics() {
                if !mics.is_active(bleeder) || !is_bleed(controls, target, bleeder) {
                    continue;
                }
                any = true;
                let kept = 1.0 - controls.pair(target, bleeder);
                for ((bleed, left), bin) in
                    self.bleed.iter_mut().zip(&mut self.kept).zip(mics.mic(bleeder))
                {
                    let power = bin.norm_sqr();
                    *bleed += power;
                    *left += kept * power;
                }
            }
            if !any {
                continue;
            }
            let bleeds = self.bleed.iter().zip(&self.kept);
            for ((out, bin), (bleed, kept)) in
                removed.mic_mut(target).iter_mut().zip(mics.mic(target)).zip(bleeds)
            {
                let all = bin.norm_sqr() + bleed;
                *out = if all > 0.0 { bin * ((bleed - kept) / all) } else { *bin * 0.0 };
            }
        }
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use realfft::num_complex::Complex32;

    use super::*;
    use crate::{GroupId, Role};

    fn removed(controls: &Controls, amplitudes: &[f32]) -> Vec<f32> {
        let mut method = Ratio::new(SampleRate::new(48_000.0).unwrap(), Mode::Live);
        let num_bins = method.geometry().num_bins();
        let mut mics = Spectrum::new(amplitudes.len(), num_bins);
        for (mic, &amplitude) in amplitudes.iter().enumerate() {
            if amplitude != 0.0 {
                mics.mic_mut(mic).fill(Complex32::new(amplitude, 0.0));
            }
        }
        let mut removed = Spectrum::new(amplitudes.len(), num_bins);
        let hop = Hop {
            newest: &mics,
            newest_controls: controls,
            current: &mics,
            current_controls: controls,
        };
        method.process_hop(&hop, &mut removed);
        (0..amplitudes.len()).map(|mic| removed.mic(mic)[7].re).collect()
    }

    #[test]
    fn a_bin_is_shared_by_power() {
        let out = removed(&Controls::default(), &[2.0, 1.0]);
        assert!((out[0] - 2.0 * 0.2).abs() < 1e-6 && (out[1] - 0.8).abs() < 1e-6, "{out:?}");
    }

    #[test]
    fn groups_rooms_pairs_and_silent_mics_are_honoured() {
        let mut controls = Controls::default();
        controls.mics[0].group = Some(GroupId(0));
        controls.mics[1].group = Some(GroupId(0));
        controls.mics[2].role = Role::Room;
        assert_eq!(removed(&controls, &[1.0, 1.0, 1.0, 0.0]), [0.0; 4]);
        let mut controls = Controls::default();
        controls.pair_amount[0][1] = 0.0;
        let out = removed(&controls, &[1.0, 1.0]);
        assert_eq!(out[0], 0.0);
        assert!((out[1] - 0.5).abs() < 1e-6);
    }
}
