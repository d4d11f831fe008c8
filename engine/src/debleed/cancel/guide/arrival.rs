//! Order of arrival of a sound at the mics: the sign of the group delay between them, which is
//! independent of gains and known from the first hop on.

use std::ops::Range;

use crate::debleed::cancel::bands::{Bands, NUM_BANDS};
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Number of features per mic and band of this module.
pub(super) const NUM_ARRIVAL_FEATURES: usize = 3;

/// Weight of the newest hop in the smoothed spectra: the newest three hops dominate.
const SMOOTHING: f32 = 0.35;
/// Smallest number of bins compared per band. The delay turns the phase of a pair's cross-spectrum
/// from bin to bin; fewer bins give no reliable estimate of it.
const FEWEST_BINS: usize = 6;
/// Largest number of bins compared per band; more add no information.
const MOST_BINS: usize = 14;
/// Lead that counts half: half a millisecond (17 cm).
const HALF_LEAD_S: f32 = 5e-4;
/// Hops of silence after which a mic has left the smoothed spectra (170 dB). They are then cleared,
/// before they become subnormal, and the mic's pairs are skipped.
const QUIET_HOPS: usize = 90;
/// Products of powers below this count as no sound.
const NO_SOUND: f32 = 1e-30;

/// Compares the arrival of sound at every pair of mics, band by band.
///
/// The phase of the cross-spectrum `X_i conj(X_j)` of one source turns with frequency at a rate
/// equal to the delay from `i` to `j`. The product of neighbouring bins, averaged over a few bins,
/// therefore has the phase of that delay, and is short if the two mics pick up different sounds.
///
/// # Shapes
///
/// Values are `[mic, feature, band]`, -1 to 1:
///
/// 1. the smallest lead over any other mic: positive if the sound of the band reaches this
///    mic first;
/// 2. the mean lead over the other mics, weighted by the fourth power of their similarity;
/// 3. the largest similarity to another mic, 0 to 1.
///
/// # Invariants
///
/// Scaling mics changes nothing, and reordering them changes only the order; a silent mic leads
/// no other.
///
/// # Source
///
/// Group delay from the phase slope of the cross-spectrum: C. Knapp, G. Carter, "The generalized
/// correlation method for estimation of time delay", IEEE TASSP 24, 1976, in bands.
#[derive(Debug)]
pub(super) struct Arrival {
    num_mics: usize,
    stride: usize,
    /// Bins whose neighbours are compared, `[band]`.
    runs: Vec<Range<usize>>,
    /// Lead in units of [`HALF_LEAD_S`] for one radian per bin.
    lead_per_radian: f32,
    /// The newest hop, real and imaginary parts, `[mic, bin]`.
    re: Vec<f32>,
    im: Vec<f32>,
    /// Smoothed power, and the root of its product with that of the next bin, `[mic, bin]`.
    power: Vec<f32>,
    beside: Vec<f32>,
    /// Smoothed cross-spectra of the pairs `i < j`, `[pair, bin]`.
    cross_re: Vec<f32>,
    cross_im: Vec<f32>,
    /// Product of a pair's cross-spectrum with its neighbour in frequency, `[bin]`.
    turn_re: Vec<f32>,
    turn_im: Vec<f32>,
    /// Lead of the first mic of each pair and the pair's similarity, `[pair, band]`.
    lead: Vec<f32>,
    alike: Vec<f32>,
    /// Hops since each mic had sound, `[mic]`.
    quiet_hops: Vec<usize>,
}

impl Arrival {
    pub(super) fn new(
        geometry: Geometry,
        rate: SampleRate,
        bands: &Bands,
        num_mics: usize,
    ) -> Self {
        let runs = runs(bands, geometry.num_bins());
        let stride = runs.iter().map(|run| run.end).max().unwrap_or(0) + 1;
        let pairs = num_mics * num_mics.saturating_sub(1) / 2;
        let bin_hz = rate.hz() / geometry.window_samples() as f32;
        let bins = || vec![0.0; num_mics * stride];
        Self {
            num_mics,
            stride,
            runs,
            lead_per_radian: (std::f32::consts::TAU * bin_hz * HALF_LEAD_S).recip(),
            re: bins(),
            im: bins(),
            power: bins(),
            beside: bins(),
            cross_re: vec![0.0; pairs * stride],
            cross_im: vec![0.0; pairs * stride],
            turn_re: vec![0.0; stride],
            turn_im: vec![0.0; stride],
            lead: vec![0.0; pairs * NUM_BANDS],
            alike: vec![0.0; pairs * NUM_BANDS],
            quiet_hops: vec![QUIET_HOPS; num_mics],
        }
    }

    /// Adds one hop.
    pub(super) fn update(&mut self, mics: &Spectrum) {
        let stride = self.stride;
        for mic in 0..self.num_mics {
            let range = mic * stride..(mic + 1) * stride;
            if mics.is_active(mic) {
                self.quiet_hops[mic] = 0;
            } else if self.quiet_hops[mic] < QUIET_HOPS {
                self.quiet_hops[mic] += 1;
                if self.quiet_hops[mic] == QUIET_HOPS {
                    self.forget_mic(mic);
                }
            }
            if self.quiet_hops[mic] == QUIET_HOPS {
                continue;
            }
            let (re, im) = (&mut self.re[range.clone()], &mut self.im[range.clone()]);
            if mics.is_active(mic) {
                for ((re, im), bin) in re.iter_mut().zip(im.iter_mut()).zip(mics.mic(mic)) {
                    (*re, *im) = (bin.re, bin.im);
                }
            } else {
                re.fill(0.0);
                im.fill(0.0);
            }
            let power = &mut self.power[range.clone()];
            smooth_power(power, re, im);
            let next = power[1..].iter();
            for ((beside, power), next) in self.beside[range].iter_mut().zip(&*power).zip(next) {
                *beside = (power * next).sqrt();
            }
        }
        let mut pair = 0;
        for first in 0..self.num_mics {
            for second in first + 1..self.num_mics {
                if self.quiet_hops[first].max(self.quiet_hops[second]) < QUIET_HOPS {
                    self.update_pair(pair, first, second);
                }
                pair += 1;
            }
        }
    }

    /// Clears all values of a silent mic.
    fn forget_mic(&mut self, mic: usize) {
        let stride = self.stride;
        for values in [&mut self.re, &mut self.im, &mut self.power, &mut self.beside] {
            values[mic * stride..][..stride].fill(0.0);
        }
        for other in (0..self.num_mics).filter(|&other| other != mic) {
            let pair = self.pair(mic.min(other), mic.max(other));
            self.cross_re[pair * stride..][..stride].fill(0.0);
            self.cross_im[pair * stride..][..stride].fill(0.0);
            self.lead[pair * NUM_BANDS..][..NUM_BANDS].fill(0.0);
            self.alike[pair * NUM_BANDS..][..NUM_BANDS].fill(0.0);
        }
    }

    /// Returns the index of the pair `low < high`.
    fn pair(&self, low: usize, high: usize) -> usize {
        low * (2 * self.num_mics - low - 1) / 2 + high - low - 1
    }

    fn update_pair(&mut self, pair: usize, first: usize, second: usize) {
        let stride = self.stride;
        let of = |mic: usize| mic * stride..(mic + 1) * stride;
        let cross_re = &mut self.cross_re[pair * stride..][..stride];
        let cross_im = &mut self.cross_im[pair * stride..][..stride];
        smooth_cross(
            cross_re,
            cross_im,
            [&self.re[of(first)], &self.im[of(first)]],
            [&self.re[of(second)], &self.im[of(second)]],
        );
        turn(&mut self.turn_re, &mut self.turn_im, cross_re, cross_im);
        let (one, other) = (&self.beside[of(first)], &self.beside[of(second)]);
        let lead = &mut self.lead[pair * NUM_BANDS..][..NUM_BANDS];
        let alike = &mut self.alike[pair * NUM_BANDS..][..NUM_BANDS];
        for ((run, lead), alike) in self.runs.iter().zip(lead).zip(alike) {
            let sum = |values: &[f32]| values[run.clone()].iter().sum::<f32>();
            let both = one[run.clone()].iter().zip(&other[run.clone()]);
            let most: f32 = both.map(|(a, b)| a * b).sum();
            let (re, im) = (sum(&self.turn_re), sum(&self.turn_im));
            (*lead, *alike) = if most > NO_SOUND {
                let size = (re * re + im * im).sqrt();
                let alike = (size / most).min(1.0);
                // The sine instead of the angle: opposite phases give no lead.
                let delay = im / size.max(NO_SOUND) * self.lead_per_radian;
                (alike * delay / (1.0 + delay.abs()), alike)
            } else {
                (0.0, 0.0)
            };
        }
    }

    /// Fills the features of a mic, `[feature, band]`; `bleeders` are the mics with sound that can
    /// bleed into it.
    pub(super) fn features_into(
        &self,
        mic: usize,
        bleeders: impl Iterator<Item = usize>,
        values: &mut [f32],
    ) {
        let (least, values) = values.split_at_mut(NUM_BANDS);
        let (nearest, alike) = values.split_at_mut(NUM_BANDS);
        let mut weights = [0.0_f32; NUM_BANDS];
        least.fill(1.0);
        nearest.fill(0.0);
        alike.fill(0.0);
        let mut any = false;
        for other in bleeders {
            any = true;
            let (low, high, sign) =
                if mic < other { (mic, other, 1.0) } else { (other, mic, -1.0) };
            let pair = self.pair(low, high);
            for band in 0..NUM_BANDS {
                let lead = sign * self.lead[pair * NUM_BANDS + band];
                let same = self.alike[pair * NUM_BANDS + band];
                let weight = same * same * same * same;
                least[band] = least[band].min(lead);
                nearest[band] += weight * lead;
                alike[band] = alike[band].max(same);
                weights[band] += weight;
            }
        }
        if !any {
            least.fill(0.0);
        }
        for (nearest, weight) in nearest.iter_mut().zip(weights) {
            *nearest /= weight.max(NO_SOUND);
        }
    }

    pub(super) fn reset(&mut self) {
        for values in [&mut self.re, &mut self.im, &mut self.power, &mut self.beside] {
            values.fill(0.0);
        }
        for values in [&mut self.cross_re, &mut self.cross_im, &mut self.lead, &mut self.alike] {
            values.fill(0.0);
        }
        self.quiet_hops.fill(QUIET_HOPS);
    }
}

/// Returns the bins to compare for each band: its own, and some around it if it has few.
fn runs(bands: &Bands, num_bins: usize) -> Vec<Range<usize>> {
    let last = num_bins - 1;
    (0..NUM_BANDS)
        .map(|band| {
            let own = bands.run(band);
            let count = own.len().clamp(FEWEST_BINS, MOST_BINS);
            let start = ((own.start + own.end).saturating_sub(count) / 2).max(1);
            // The bin after the last is used as well; bands beyond the spectrum have no bins.
            let start = start.min(last);
            start..(start + count).min(last)
        })
        .collect()
}

#[multiversion::multiversion(targets("x86_64+avx+avx2+fma"))]
fn smooth_power(power: &mut [f32], re: &[f32], im: &[f32]) {
    for ((power, re), im) in power.iter_mut().zip(re).zip(im) {
        *power += SMOOTHING * (re * re + im * im - *power);
    }
}

#[multiversion::multiversion(targets("x86_64+avx+avx2+fma"))]
fn smooth_cross(
    cross_re: &mut [f32],
    cross_im: &mut [f32],
    first: [&[f32]; 2],
    second: [&[f32]; 2],
) {
    let crosses = cross_re.iter_mut().zip(cross_im);
    let firsts = first[0].iter().zip(first[1]);
    let seconds = second[0].iter().zip(second[1]);
    for (((cross_re, cross_im), (a_re, a_im)), (b_re, b_im)) in crosses.zip(firsts).zip(seconds) {
        *cross_re += SMOOTHING * (a_re * b_re + a_im * b_im - *cross_re);
        *cross_im += SMOOTHING * (a_im * b_re - a_re * b_im - *cross_im);
    }
}

/// Multiplies each bin's conjugate by the next bin.
#[multiversion::multiversion(targets("x86_64+avx+avx2+fma"))]
fn turn(turn_re: &mut [f32], turn_im: &mut [f32], re: &[f32], im: &[f32]) {
    let turns = turn_re.iter_mut().zip(turn_im);
    let here = re.iter().zip(im);
    let next = re[1..].iter().zip(&im[1..]);
    for (((turn_re, turn_im), (re, im)), (next_re, next_im)) in turns.zip(here).zip(next) {
        *turn_re = next_re * re + next_im * im;
        *turn_im = next_im * re - next_re * im;
    }
}

#[cfg(test)]
mod tests {
    use test_signals::Noise;

    use super::*;
    use crate::debleed::cancel::bands::band_edges_hz;
    use crate::mode::Mode;
    use crate::stft::Analysis;
    use realfft::num_complex::Complex32;

    const RATE_HZ: f32 = 48_000.0;

    /// Returns the features, after some hops, of three mics with the same noise at these delays (in
    /// samples) and gains.
    fn heard(delays: [usize; 3], gains: [f32; 3]) -> Vec<Vec<f32>> {
        let rate = SampleRate::new(RATE_HZ).unwrap();
        let geometry = Mode::Live.geometry(rate);
        let bands = Bands::between(geometry, rate, &band_edges_hz());
        let mut arrival = Arrival::new(geometry, rate, &bands, 3);
        let mut analysis = Analysis::new(geometry, 3);
        let mut spectrum = Spectrum::new(3, geometry.num_bins());
        let hop = geometry.hop_samples();
        let noise = Noise::new(1).samples(12 * hop + 1000, 1.0);
        for at in 0..12 {
            let samples: Vec<f32> = (0..3)
                .flat_map(|mic| {
                    let start = 1000 + at * hop - delays[mic];
                    noise[start..start + hop].iter().map(move |sample| gains[mic] * sample)
                })
                .collect();
            analysis.push_hop(&samples, &mut spectrum);
            arrival.update(&spectrum);
        }
        (0..3)
            .map(|mic| {
                let mut values = vec![0.0; NUM_ARRIVAL_FEATURES * NUM_BANDS];
                let others = (0..3).filter(|&other| other != mic);
                arrival.features_into(mic, others, &mut values);
                values
            })
            .collect()
    }

    fn mean(values: &[f32]) -> f32 {
        values.iter().sum::<f32>() / values.len() as f32
    }

    #[test]
    fn the_mic_that_hears_a_sound_first_leads_all_others() {
        let found = heard([0, 48, 144], [1.0, 1.0, 1.0]);
        let least: Vec<f32> = found.iter().map(|values| mean(&values[..NUM_BANDS])).collect();
        // One and three milliseconds are two and six half leads: 2/3 and 6/7, times the similarity
        // of the noise in a moving window.
        for (least, lead) in least.iter().zip([2.0 / 3.0, -2.0 / 3.0, -6.0 / 7.0]) {
            assert!((least / lead - 0.95).abs() < 0.04, "{least} of {lead}");
        }
        let alike = mean(&found[2][2 * NUM_BANDS..]);
        assert!(alike > 0.9, "{alike}");
    }

    #[test]
    fn a_silent_mic_leaves_nothing_behind() {
        let rate = SampleRate::new(RATE_HZ).unwrap();
        let geometry = Mode::Live.geometry(rate);
        let bands = Bands::between(geometry, rate, &band_edges_hz());
        let mut arrival = Arrival::new(geometry, rate, &bands, 2);
        let mut spectrum = Spectrum::new(2, geometry.num_bins());
        let all = |arrival: &Arrival, holds: fn(f32) -> bool| {
            let powers = [&arrival.power, &arrival.beside].into_iter().flatten();
            let crosses = [&arrival.cross_re, &arrival.cross_im].into_iter().flatten();
            let turns = [&arrival.turn_re, &arrival.turn_im].into_iter().flatten();
            powers.chain(crosses).chain(turns).all(|&value| holds(value))
        };
        for hop in 0..400 {
            for mic in 0..2 {
                if hop < 20 || mic == 0 {
                    let bins = spectrum.mic_mut(mic).iter_mut().enumerate();
                    bins.for_each(|(bin, value)| *value = Complex32::new(0.1, bin as f32 * 1e-4));
                } else {
                    spectrum.silence(mic);
                }
            }
            arrival.update(&spectrum);
            assert!(all(&arrival, |value| !value.is_subnormal()), "hop {hop}");
        }
        assert!(arrival.cross_re.iter().chain(&arrival.alike).all(|&value| value == 0.0));
        assert!(arrival.power[1..20].iter().all(|&power| power > 0.0));
    }

    #[test]
    fn no_gain_changes_who_leads() {
        let plain = heard([0, 48, 144], [1.0, 1.0, 1.0]);
        // Gains are powers of two: they change only exponents.
        let scaled = heard([0, 48, 144], [4.0, 0.125, -1.0 / 1024.0]);
        assert_eq!(plain, scaled);
    }
}
