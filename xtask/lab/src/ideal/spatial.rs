//! The ideal multichannel Wiener filter: weights of all mics per frequency, computed from
//! the targets.

use super::transform;
use crate::convert::to_f32;
use crate::scenes::Scene;
use anyhow::Result;
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use realfft::num_complex::{Complex32, Complex64};

/// Load on the diagonal of the mics' covariance, as a share of its mean.
const LOAD: f64 = 1e-6;

/// Cleans every mic `i` with `E[S_i X^H] E[X X^H]^-1 X` in every bin, where the expectations
/// are means over the whole scene. This is the linear filter over all mics with the least
/// squared error.
///
/// The window is 4096 and the hop 1024 samples at 44.1 kHz. The window is longer than that of the
/// masks because it must cover the paths between the mics. There is one filter of full rank for the
/// whole scene, without a mask after it.
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
    // [row][column][bin]: X X^H and S X^H.
    let mut mic_covariance = vec![Complex64::default(); num_mics * num_mics * num_bins];
    let mut target_covariance = mic_covariance.clone();
    transform::analyse(geometry, &all, |spectra| {
        for row in 0..num_mics {
            let (x, s) = (spectra.mic(row), spectra.mic(num_mics + row));
            for column in 0..num_mics {
                let place = (row * num_mics + column) * num_bins;
                let other = spectra.mic(column);
                // The other half of X X^H is the adjoint of this one.
                if column <= row {
                    add_products(&mut mic_covariance[place..][..num_bins], x, other);
                }
                add_products(&mut target_covariance[place..][..num_bins], s, other);
            }
        }
    });
    let mut filters = vec![Complex32::default(); mic_covariance.len()]; // [output][mic][bin]
    for bin in 0..num_bins {
        let at = |values: &[Complex64], row: usize, column: usize| {
            values[(row * num_mics + column) * num_bins + bin]
        };
        let mics = Mat::from_fn(num_mics, num_mics, |row, column| {
            if column <= row {
                at(&mic_covariance, row, column)
            } else {
                at(&mic_covariance, column, row).conj()
            }
        });
        let targets_adjoint = Mat::from_fn(num_mics, num_mics, |mic, output| {
            at(&target_covariance, output, mic).conj()
        });
        let Some(found) = filter(mics, &targets_adjoint) else { continue };
        for output in 0..num_mics {
            for mic in 0..num_mics {
                let weight = found[(mic, output)].conj();
                filters[(output * num_mics + mic) * num_bins + bin] =
                    Complex32::new(to_f32(weight.re), to_f32(weight.im));
            }
        }
    }
    Ok(transform::resynthesise(geometry, &mics, num_mics, |spectra, outputs| {
        for output in 0..num_mics {
            let cleaned = outputs.mic_mut(output);
            cleaned.fill(Complex32::default());
            for mic in 0..num_mics {
                let weights = &filters[(output * num_mics + mic) * num_bins..];
                for ((y, x), weight) in cleaned.iter_mut().zip(spectra.mic(mic)).zip(weights) {
                    *y += weight * x;
                }
            }
        }
    }))
}

/// Adds `a conj(b)` for every bin.
fn add_products(sums: &mut [Complex64], a: &[Complex32], b: &[Complex32]) {
    let wide = |bin: &Complex32| Complex64::new(f64::from(bin.re), f64::from(bin.im));
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += wide(a) * wide(b).conj();
    }
}

/// Returns the adjoint of `E[S X^H] E[X X^H]^-1` in one bin, `[mic][output]`, or `None` if the mics
/// are silent.
fn filter(mut mics: Mat<Complex64>, targets_adjoint: &Mat<Complex64>) -> Option<Mat<Complex64>> {
    let num_mics = mics.nrows();
    let trace: f64 = (0..num_mics).map(|mic| mics[(mic, mic)].re).sum();
    for mic in 0..num_mics {
        mics[(mic, mic)] += LOAD * trace / num_mics as f64;
    }
    // W R = T is equivalent to R W^H = T^H, because R is its own adjoint.
    let factor = mics.llt(Side::Lower).ok()?;
    Some(factor.solve(targets_adjoint))
}
