//! Mics that carry the same sound: a file imported twice, or a microphone on two channels.
//!
//! Each of two such mics predicts the other, so a canceller would remove both. They share their
//! source and count as one group.

use std::ops::Range;

use realfft::num_complex::Complex32;

use crate::controls::{Controls, Role};
use crate::stft::Spectrum;
use crate::units::GroupId;

/// Bands in which two mics must agree, each wider than the one below by the same factor.
const NUM_BANDS: usize = 24;
/// First bin that is compared; below it there is little but offsets and rumble.
const FIRST_BIN: usize = 2;
/// Number of powers of a mic: those of the bands and that of the bins below.
const NUM_POWERS: usize = NUM_BANDS + 1;
/// A band has sound if its power is at least this share of the mic's strongest band (-40 dB).
const AUDIBLE: f32 = 1e-4;
/// Smallest number of bands with sound for a conclusion.
const FEWEST_BANDS: usize = 4;
/// Mean power per bin below which a mic is quiet.
const QUIET: f32 = 1e-9;
/// Largest power ratio of the levels (9 dB). Bleed of a lone player is fainter.
const MOST_GAIN: f32 = 8.0;
/// Coherence without delay that every band with sound must exceed, for alike and identical mics.
const ALIKE: f32 = 0.98;
const IDENTICAL: f32 = 0.9999;
/// Level relative to the loudest hop so far above which hops count (-30 dB): below it, mics have
/// noise of their own.
const LOUD: f32 = 1e-3;
/// Points of a pair: hops add points, and the pair counts as one source from [`ENOUGH`] on.
const ENOUGH: u8 = 32;
const POINTS_ALIKE: u8 = 1;
const POINTS_IDENTICAL: u8 = 4;
/// Number of differing hops from which a pair carries two sounds.
const MOST_DIFFERENT: u8 = 4;

/// Finds mics that carry the same sound: one gain, either polarity and no delay in all bands.
///
/// Identical mics are found within eight hops with sound (85 ms at 48 kHz), mics of one signal with
/// noise of their own within 32. After four hops in which they differ they count as two sounds
/// until a reset: a lone player may have sounded alike in both.
///
/// # Shapes
///
/// Spectra are `[mic, bin]`, powers of one hop.
///
/// # Real-time
///
/// Worker or main thread only; allocates in `new` only.
#[derive(Debug)]
pub(super) struct Twins {
    num_mics: usize,
    bands: Vec<Range<usize>>,
    /// Power of the newest hop, `[mic, band]`; the last value is the power below all bands.
    powers: Vec<f32>,
    /// `[mic, mic]`, used where the first is below the second.
    points: Vec<u8>,
    differences: Vec<u8>,
    /// Power of the loudest hop, `[mic]`.
    loudest: Vec<f32>,
}

impl Twins {
    pub(super) fn new(num_mics: usize, num_bins: usize) -> Self {
        let factor = (num_bins as f32 / FIRST_BIN as f32).powf(1.0 / NUM_BANDS as f32);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bins")]
        let edge = |band: usize| {
            ((FIRST_BIN as f32 * factor.powf(band as f32)).round() as usize).min(num_bins)
        };
        let bands = (0..NUM_BANDS).map(|band| edge(band)..edge(band + 1));
        Self {
            num_mics,
            bands: bands.filter(|band| !band.is_empty()).collect(),
            powers: vec![0.0; num_mics * NUM_POWERS],
            points: vec![0; num_mics * num_mics],
            differences: vec![0; num_mics * num_mics],
            loudest: vec![0.0; num_mics],
        }
    }

    /// Processes the next hop.
    pub(super) fn update(&mut self, hop: &Spectrum) {
        for (mic, powers) in self.powers.chunks_exact_mut(NUM_POWERS).enumerate() {
            if hop.is_active(mic) {
                let bins = hop.mic(mic);
                for (power, band) in powers.iter_mut().zip(&self.bands) {
                    *power = bins[band.clone()].iter().map(Complex32::norm_sqr).sum();
                }
                powers[NUM_BANDS] = bins[..FIRST_BIN].iter().map(Complex32::norm_sqr).sum();
                self.loudest[mic] = powers.iter().sum::<f32>().max(self.loudest[mic]);
            }
        }
        for a in 0..self.num_mics {
            for b in a + 1..self.num_mics {
                if !hop.is_active(a) || !hop.is_active(b) {
                    continue;
                }
                let Some(coherence) = self.compare(hop, a, b) else { continue };
                let at = a * self.num_mics + b;
                if coherence > ALIKE {
                    let more = if coherence > IDENTICAL { POINTS_IDENTICAL } else { POINTS_ALIKE };
                    self.points[at] = (self.points[at] + more).min(ENOUGH);
                } else {
                    self.differences[at] = (self.differences[at] + 1).min(MOST_DIFFERENT);
                }
            }
        }
    }

    /// Returns the smallest coherence of two mics, without delay, in the bands with sound, 0 to 1;
    /// `None` if the hop is inconclusive.
    fn compare(&self, hop: &Spectrum, a: usize, b: usize) -> Option<f32> {
        let all = |mic: usize| &self.powers[mic * NUM_POWERS..][..NUM_POWERS];
        let of = |mic: usize| &all(mic)[..self.bands.len()];
        // Includes the power below all bands, as an offset leaks into them.
        let strongest = |mic: usize| all(mic).iter().copied().fold(0.0, f32::max);
        let (top_a, top_b) = (strongest(a), strongest(b));
        if top_a.min(top_b) < QUIET * hop.num_bins() as f32 {
            return None;
        }
        let is_loud = |mic: usize| all(mic).iter().sum::<f32>() > LOUD * self.loudest[mic];
        if !is_loud(a) && !is_loud(b) {
            return None;
        }
        let pairs = of(a).iter().zip(of(b)).zip(&self.bands);
        let has_sound = |a: f32, b: f32| a > AUDIBLE * top_a || b > AUDIBLE * top_b;
        let heard = pairs.filter(|((a, b), _)| has_sound(**a, **b));
        let is_one_gain =
            heard.clone().all(|((&a, &b), _)| a <= MOST_GAIN * b && b <= MOST_GAIN * a);
        if !is_one_gain {
            return Some(0.0);
        }
        let (mut least, mut sign, mut count) = (1.0_f32, 0.0_f32, 0);
        for ((&power_a, &power_b), band) in heard {
            let bins = hop.mic(a)[band.clone()].iter().zip(&hop.mic(b)[band.clone()]);
            let cross: f32 = bins.map(|(a, b)| a.re * b.re + a.im * b.im).sum();
            let coherence = cross / (power_a * power_b).sqrt();
            if sign * coherence < 0.0 {
                return Some(0.0);
            }
            sign = coherence;
            least = least.min(coherence.abs());
            if least < ALIKE {
                return Some(least);
            }
            count += 1;
        }
        (count >= FEWEST_BANDS).then_some(least)
    }

    /// Returns the first other mic with the same sound.
    pub(super) fn twin(&self, mic: usize) -> Option<usize> {
        (0..self.num_mics).find(|&other| self.are_twins(mic, other))
    }

    fn are_twins(&self, a: usize, b: usize) -> bool {
        let at = a.min(b) * self.num_mics + a.max(b);
        a != b && self.points[at] >= ENOUGH && self.differences[at] < MOST_DIFFERENT
    }

    /// Returns the controls with mics of one sound in one group. Nothing changes if the engineer
    /// has put both mics into groups, or if one of them is not a close mic.
    pub(super) fn join(&self, controls: &Controls) -> Controls {
        let mut joined = controls.clone();
        // Existing groups first: only mics that none of these reaches get a new one.
        for makes_new in [false, true] {
            for a in 0..self.num_mics {
                for b in a + 1..self.num_mics {
                    if self.are_twins(a, b) {
                        join_pair(&mut joined, (a, b), makes_new);
                    }
                }
            }
        }
        joined
    }

    /// Clears everything.
    pub(super) fn reset(&mut self) {
        self.points.fill(0);
        self.differences.fill(0);
        self.loudest.fill(0.0);
    }
}

/// Puts two close mics into one group; creates a new group only if `makes_new`.
fn join_pair(controls: &mut Controls, (a, b): (usize, usize), makes_new: bool) {
    if [a, b].iter().any(|&mic| controls.mics[mic].role != Role::Close) {
        return;
    }
    match (controls.mics[a].group, controls.mics[b].group) {
        (Some(group), None) => controls.mics[b].group = Some(group),
        (None, Some(group)) => controls.mics[a].group = Some(group),
        (None, None) if makes_new => {
            let is_free =
                |group: &GroupId| controls.mics.iter().all(|mic| mic.group != Some(*group));
            let free = (0..=u8::MAX).rev().map(GroupId).find(is_free);
            controls.mics[a].group = free;
            controls.mics[b].group = free;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use test_signals::Noise;

    use super::*;

    const BINS: usize = 257;

    fn bins(noise: &mut Noise) -> Vec<Complex32> {
        (0..BINS).map(|_| Complex32::new(noise.draw(), noise.draw())).collect()
    }

    fn hop(mics: &[Vec<Complex32>]) -> Spectrum {
        let mut spectrum = Spectrum::new(mics.len(), BINS);
        for (mic, bins) in mics.iter().enumerate() {
            spectrum.mic_mut(mic).copy_from_slice(bins);
        }
        spectrum
    }

    fn sum(a: &[Complex32], gain: f32, b: &[Complex32]) -> Vec<Complex32> {
        a.iter().zip(b).map(|(a, b)| a + b * gain).collect()
    }

    /// Returns the twins of three mics after some hops; `mics` makes a hop from noise.
    fn heard(hops: usize, mics: impl Fn(&mut Noise) -> [Vec<Complex32>; 3]) -> [Option<usize>; 3] {
        let mut twins = Twins::new(3, BINS);
        let mut noise = Noise::new(7);
        for _ in 0..hops {
            twins.update(&hop(&mics(&mut noise)));
        }
        [0, 1, 2].map(|mic| twins.twin(mic))
    }

    #[test]
    fn copies_are_found_at_any_gain_and_polarity() {
        for gain in [1.0, -1.0, 0.4, 2.5] {
            let mics = |noise: &mut Noise| {
                let (first, second) = (bins(noise), bins(noise));
                let copy = sum(&vec![Complex32::ZERO; BINS], gain, &first);
                [first, second, copy]
            };
            assert_eq!(heard(7, mics), [None; 3], "{gain}");
            assert_eq!(heard(8, mics), [Some(2), None, Some(0)], "{gain}");
        }
        // Copies with noise of their own, 30 dB below.
        let noisy = |noise: &mut Noise| {
            let (sound, other) = (bins(noise), bins(noise));
            let [a, b] = [(); 2].map(|()| sum(&sound, 0.03, &bins(noise)));
            [a, other, b]
        };
        assert_eq!(heard(31, noisy), [None; 3]);
        assert_eq!(heard(32, noisy), [Some(2), None, Some(0)]);
    }

    #[test]
    fn bleed_delays_and_lone_players_are_no_copies() {
        // Loud bleed both ways.
        let bleed = |noise: &mut Noise| {
            let (a, b) = (bins(noise), bins(noise));
            [sum(&a, 0.5, &b), sum(&b, 0.5, &a), bins(noise)]
        };
        assert_eq!(heard(300, bleed), [None; 3]);
        // A lone player in another mic, ten decibels fainter.
        let lone = |noise: &mut Noise| {
            let a = bins(noise);
            [a.clone(), sum(&vec![Complex32::ZERO; BINS], 0.3, &a), bins(noise)]
        };
        assert_eq!(heard(300, lone), [None; 3]);
        // Half a sample later.
        let late = |noise: &mut Noise| {
            let a = bins(noise);
            let turn = |bin: usize| -0.5 * std::f32::consts::PI * bin as f32 / BINS as f32;
            let later = |(bin, x): (usize, &Complex32)| x * Complex32::from_polar(1.0, turn(bin));
            [a.clone(), a.iter().enumerate().map(later).collect(), bins(noise)]
        };
        assert_eq!(heard(300, late), [None; 3]);
        // An offset is inconclusive, with traces in all bands.
        let offset = |noise: &mut Noise| {
            let traces = sum(&vec![Complex32::ZERO; BINS], 1e-3, &bins(noise));
            let mut a = traces;
            a[0] = Complex32::new(100.0, 0.0);
            [a.clone(), a, bins(noise)]
        };
        assert_eq!(heard(300, offset), [None; 3]);
        // A tone is inconclusive.
        let tone = |noise: &mut Noise| {
            let mut a = vec![Complex32::ZERO; BINS];
            a[40] = Complex32::new(noise.draw(), 1.0);
            [a.clone(), a, bins(noise)]
        };
        assert_eq!(heard(300, tone), [None; 3]);
    }

    #[test]
    fn four_hops_of_other_sound_end_it() {
        let mut twins = Twins::new(2, BINS);
        let mut noise = Noise::new(3);
        for _ in 0..300 {
            let sound = bins(&mut noise);
            twins.update(&hop(&[sound.clone(), sound]));
        }
        for _ in 0..4 {
            assert_eq!(twins.twin(0), Some(1));
            twins.update(&hop(&[bins(&mut noise), bins(&mut noise)]));
        }
        assert_eq!(twins.twin(0), None);
        let mut alike = |twins: &mut Twins| {
            let sound = bins(&mut noise);
            (0..8).for_each(|_| twins.update(&hop(&[sound.clone(), sound.clone()])));
        };
        alike(&mut twins);
        assert_eq!(twins.twin(0), None);
        twins.reset();
        alike(&mut twins);
        // Silence is inconclusive, and so is noise far below the sound.
        (0..300).for_each(|_| twins.update(&hop(&vec![vec![Complex32::ZERO; BINS]; 2])));
        let faint = |noise: &mut Noise| sum(&vec![Complex32::ZERO; BINS], 1e-2, &bins(noise));
        let mut other = Noise::new(9);
        (0..300).for_each(|_| twins.update(&hop(&[faint(&mut other), faint(&mut other)])));
        assert_eq!(twins.twin(1), Some(0));
        twins.reset();
        assert_eq!(twins.twin(1), None);
    }

    #[test]
    fn copies_are_one_group_unless_the_engineer_says_otherwise() {
        let mut twins = Twins::new(4, BINS);
        let mut noise = Noise::new(3);
        for _ in 0..8 {
            let (sound, other) = (bins(&mut noise), bins(&mut noise));
            twins.update(&hop(&[sound.clone(), other, sound.clone(), sound]));
        }
        let groups = |controls: &Controls| {
            let joined = twins.join(controls);
            [0, 1, 2, 3].map(|mic| joined.mics[mic].group)
        };
        let mut controls = Controls::default();
        let [a, b, c, d] = groups(&controls);
        assert!(a.is_some() && b.is_none() && a == c && c == d);
        controls.mics[1].group = a;
        controls.mics[2].group = Some(GroupId(4));
        assert_eq!(groups(&controls), [Some(GroupId(4)), a, Some(GroupId(4)), Some(GroupId(4))]);
        controls.mics[2].group = None;
        controls.mics[3].group = Some(GroupId(4));
        assert_eq!(groups(&controls), [Some(GroupId(4)), a, Some(GroupId(4)), Some(GroupId(4))]);
        controls.mics[0].role = Role::Room;
        assert_eq!(groups(&controls), [None, a, Some(GroupId(4)), Some(GroupId(4))]);
        controls.mics[2].group = Some(GroupId(5));
        assert_eq!(groups(&controls), [None, a, Some(GroupId(5)), Some(GroupId(4))]);
    }
}
