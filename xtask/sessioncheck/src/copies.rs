//! Mics that carry the same sound: one gain, one delay and one sign in all bands.

use realfft::num_complex::Complex64;

use crate::Place;
use crate::excerpts::{EXCERPT_SAMPLES, NUM_BINS, Spectra};
use crate::paths::{Correlator, highest_where};

const NUM_BANDS: usize = 12;
/// Least power of a band, relative to the mic's strongest; weaker bands may be noise.
const LEAST_BAND: f64 = 1e-3;
/// Largest range of the gains of a copy's bands, in dB.
const MOST_SPREAD_DB: f64 = 1.5;
/// Least coherence of every band; two different mics have at least one band far below it.
const LEAST_COHERENCE: f64 = 0.95;

/// Two mics with the same sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copy {
    /// Mic indices, the lower one first.
    pub mics: [usize; 2],
    /// Gain of the second mic over the first, in dB.
    pub gain_db: f64,
    /// Delay of the second mic after the first, in seconds.
    pub lag_s: f64,
    /// True if the second mic has the opposite sign.
    pub is_inverted: bool,
}

/// Returns all pairs that carry the same sound and are not in one group.
pub(crate) fn find(spectra: &Spectra, places: &[Place]) -> Vec<Copy> {
    let num_mics = spectra.num_mics();
    let bands = bands(spectra);
    let powers: Vec<[f64; NUM_BANDS]> = (0..num_mics)
        .map(|mic| {
            let of = |&(from, to): &(usize, usize)| -> f64 {
                let of = |e: &Vec<Vec<_>>| power(&e[mic][from..to]);
                spectra.bins.iter().map(of).sum()
            };
            std::array::from_fn(|band| of(&bands[band]))
        })
        .collect();
    let mut correlator = Correlator::new(spectra);
    let mut found = Vec::new();
    for a in 0..num_mics {
        for b in a + 1..num_mics {
            let is_grouped = places[a].group.is_some() && places[a].group == places[b].group;
            if !is_grouped && has_one_gain(&powers[a], &powers[b]) {
                found.extend(compare(spectra, &mut correlator, &bands, [a, b], &powers));
            }
        }
    }
    found
}

fn power(bins: &[realfft::num_complex::Complex32]) -> f64 {
    bins.iter().map(|bin| f64::from(bin.norm_sqr())).sum()
}

/// Returns the first and end bin of every band; the bandwidths grow by a constant factor.
fn bands(spectra: &Spectra) -> [(usize, usize); NUM_BANDS] {
    let (low, high) = (spectra.first_bin.max(1) as f64, NUM_BINS as f64);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bins")]
    let edge = |band: usize| (low * (high / low).powf(band as f64 / NUM_BANDS as f64)) as usize;
    std::array::from_fn(|band| (edge(band), edge(band + 1)))
}

/// Returns the bands that are strong in both mics.
fn strong(a: &[f64; NUM_BANDS], b: &[f64; NUM_BANDS]) -> Vec<usize> {
    let strongest = |x: &[f64; NUM_BANDS]| x.iter().copied().fold(0.0, f64::max);
    let (top_a, top_b) = (strongest(a) * LEAST_BAND, strongest(b) * LEAST_BAND);
    (0..NUM_BANDS).filter(|&band| a[band] > top_a && b[band] > top_b).collect()
}

fn has_one_gain(a: &[f64; NUM_BANDS], b: &[f64; NUM_BANDS]) -> bool {
    let gains: Vec<f64> =
        strong(a, b).into_iter().map(|band| 10.0 * (b[band] / a[band]).log10()).collect();
    let (low, high) = gains
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
    // Without a band that is strong in both, `high - low` is below zero.
    (0.0..MOST_SPREAD_DB).contains(&(high - low))
}

fn compare(
    spectra: &Spectra,
    correlator: &mut Correlator,
    bands: &[(usize, usize); NUM_BANDS],
    [a, b]: [usize; 2],
    powers: &[[f64; NUM_BANDS]],
) -> Option<Copy> {
    let mut sum = vec![0.0_f32; EXCERPT_SAMPLES];
    for excerpt in &spectra.bins {
        let is_wanted = |bin: usize| bin >= spectra.first_bin;
        let (lags, _) = correlator.correlate(&excerpt[a], &excerpt[b], is_wanted);
        for (sum, lag) in sum.iter_mut().zip(lags) {
            *sum += lag;
        }
    }
    let lag_s = highest_where(&sum, 1.0, spectra.reduced_hz, |_| true).lag_s;
    let turn = std::f64::consts::TAU * lag_s * spectra.reduced_hz / EXCERPT_SAMPLES as f64;
    let strong = strong(&powers[a], &powers[b]);
    let mut sign = 0.0;
    for &band in &strong {
        let (from, to) = bands[band];
        let mut cross = Complex64::ZERO;
        for excerpt in &spectra.bins {
            let pairs = excerpt[a][from..to].iter().zip(&excerpt[b][from..to]);
            for (bin, (x, y)) in (from..).zip(pairs) {
                let product = Complex64::new(x.re.into(), (-x.im).into())
                    * Complex64::new(y.re.into(), y.im.into());
                cross += product * Complex64::from_polar(1.0, turn * bin as f64);
            }
        }
        if cross.norm() < LEAST_COHERENCE * (powers[a][band] * powers[b][band]).sqrt() {
            return None;
        }
        sign += cross.re;
    }
    let total = |mic: usize| strong.iter().map(|&band| powers[mic][band]).sum::<f64>();
    let gain_db = 10.0 * (total(b) / total(a)).log10();
    Some(Copy { mics: [a, b], gain_db, lag_s, is_inverted: sign < 0.0 })
}
