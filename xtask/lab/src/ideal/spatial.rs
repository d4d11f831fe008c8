//! The ideal multichannel Wiener filter: all mics, weighted at every frequency as the truth says.

use super::transform;
use crate::convert::to_f32;
use crate::scenes::Scene;
use anyhow::Result;
use faer::linalg::solvers::Solve;
use faer::{Mat, Side, c64};
use realfft::num_complex::{Complex32, Complex64};

/// Added to the diagonal of the mics' covariance, as a share of its mean.
const LOAD: f64 = 1e-6;

/// Cleans every mic `i` with `E[S_i X^H] E[X X^H]^-1 X` in every bin, the expectations being means
/// over the whole scene: the linear filter over all mics with the least squared error.
///
/// Window 4096 and hop 1024 samples at 44.1 kHz: longer than the masks' because it must hold the
/// paths between the mics; one filter for the whole scene, full rank, no mask after it.
///
/// # Source
///
/// S. Doclo, M. Moonen, "GSVD-based optimal filtering for single and multimicrophone speech
/// enhancement", IEEE Trans. Signal Processing 50(9), 2002: the multichannel Wiener filter, per
/// frequency and with true instead of estimated statistics.
pub(super) fn clean(scene: &Scene) -> Result<Vec<Vec<f32>>> {
    let geometry = transform::geometry(scene.rate_hz, 2)?;
    let (num_mics, num_bins) = (scene.mics.len(), geometry.num_bins());
    let mics: Vec<&[f32]> = scene.mics.iter().map(Vec::as_slice).collect();
    let all: Vec<&[f32]> = scene.mics.iter().chain(&scene.targets).map(Vec::as_slice).collect();
    // [bin][row][column]: X X^H and S X^H.
    let size = num_mics * num_mics;
    let mut mic_covariance = vec![Complex64::default(); num_bins * size];
    let mut target_covariance = mic_covariance.clone();
    let wide = |bin: Complex32| Complex64::new(f64::from(bin.re), f64::from(bin.im));
    transform::analyse(geometry, &all, |spectra| {
        for row in 0..num_mics {
            let (x, s) = (spectra.mic(row), spectra.mic(num_mics + row));
            for column in 0..num_mics {
                let place = row * num_mics + column;
                for (bin, &other) in spectra.mic(column).iter().enumerate() {
                    let other = wide(other).conj();
                    mic_covariance[bin * size + place] += wide(x[bin]) * other;
                    target_covariance[bin * size + place] += wide(s[bin]) * other;
                }
            }
        }
    });
    let pairs = mic_covariance.chunks_exact(size).zip(target_covariance.chunks_exact(size));
    // [bin][output][mic].
    let filters: Vec<Complex32> =
        pairs.flat_map(|(mics, targets)| filter(num_mics, mics, targets)).collect();
    Ok(transform::resynthesise(geometry, &mics, num_mics, |spectra, outputs| {
        for output in 0..num_mics {
            let cleaned = outputs.mic_mut(output);
            cleaned.fill(Complex32::default());
            for mic in 0..num_mics {
                for (bin, (y, x)) in cleaned.iter_mut().zip(spectra.mic(mic)).enumerate() {
                    *y += filters[bin * size + output * num_mics + mic] * x;
                }
            }
        }
    }))
}

/// `E[S X^H] E[X X^H]^-1` of one bin, `[output][mic]`; nothing where the mics are silent.
fn filter(num_mics: usize, mics: &[Complex64], targets: &[Complex64]) -> Vec<Complex32> {
    let trace: f64 = (0..num_mics).map(|mic| mics[mic * (num_mics + 1)].re).sum();
    let load = LOAD * trace / num_mics as f64;
    let at = |values: &[Complex64], row: usize, column: usize| {
        let value = values[row * num_mics + column];
        c64::new(value.re, value.im)
    };
    let covariance = Mat::<c64>::from_fn(num_mics, num_mics, |row, column| {
        let diagonal = if row == column { load } else { 0.0 };
        at(mics, row, column) + diagonal
    });
    let silence = vec![Complex32::default(); num_mics * num_mics];
    let Ok(factor) = covariance.llt(Side::Lower) else { return silence };
    // W R = T is R W^H = T^H, for R is its own adjoint.
    let adjoint =
        Mat::<c64>::from_fn(num_mics, num_mics, |mic, output| at(targets, output, mic).conj());
    let solution = factor.solve(&adjoint);
    (0..num_mics * num_mics)
        .map(|place| {
            let weight = solution[(place % num_mics, place / num_mics)].conj();
            Complex32::new(to_f32(weight.re), to_f32(weight.im))
        })
        .collect()
}
