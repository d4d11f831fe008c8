//! Ratios over whole signals: SDR, SI-SDR and the level of the target.

use super::{LIMIT_DB, Measured, power_ratio_db};

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum()
}

/// Returns `10 log10(|s|^2 / |s - y|^2)`. The caller ensures that `s` is not silent.
pub(super) fn sdr_db(reference: &[f32], estimate: &[f32]) -> f64 {
    let error =
        reference.iter().zip(estimate).map(|(&s, &y)| (f64::from(s) - f64::from(y)).powi(2)).sum();
    power_ratio_db(dot(reference, reference), error)
}

/// Returns the SDR after scaling the reference to explain as much of the estimate as possible.
///
/// # Source
///
/// J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR - half-baked or well done?", ICASSP 2019,
/// equation 5: with `a = <y, s> / |s|^2`, `|a s|^2 / |a s - y|^2`.
pub(super) fn si_sdr_db(reference: &[f32], estimate: &[f32]) -> f64 {
    let scale = dot(estimate, reference) / dot(reference, reference);
    let explained = scale * scale * dot(reference, reference);
    let error: f64 = reference
        .iter()
        .zip(estimate)
        .map(|(&s, &y)| (scale * f64::from(s) - f64::from(y)).powi(2))
        .sum();
    if explained > 0.0 { power_ratio_db(explained, error) } else { -LIMIT_DB }
}

/// Returns the level of the target in the output relative to its level in the input, in dB.
///
/// Both signals are projected on the target, so that bleed, which is uncorrelated with it, does not
/// count as level. Returns `None` if the input does not contain the target.
pub(super) fn level_change_db(measured: &Measured<'_>) -> Option<f64> {
    let before = dot(measured.input, measured.reference);
    let after = dot(measured.estimate, measured.reference);
    (before > 0.0).then(|| power_ratio_db(after.max(0.0).powi(2), before.powi(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured with these tests: 1.7e-6, from the single precision of the inputs.
    const ROUNDING: f64 = 5e-6;

    #[test]
    fn sdr_is_that_computed_by_hand() {
        // |s|^2 = 4, error (0.1, 0, -0.1, 0.2): |e|^2 = 0.06, 10 log10(66.667) = 18.2391.
        let estimate = [1.1, -1.0, 0.9, -0.8];
        let found = sdr_db(&[1.0, -1.0, 1.0, -1.0], &estimate);
        assert!((found - 18.239_087_409_443_19).abs() < 10.0 * ROUNDING, "{found}");
        assert_eq!(sdr_db(&estimate, &estimate), LIMIT_DB);
        assert_eq!(sdr_db(&[1.0, 1.0], &[0.0, 0.0]), 0.0);
    }

    #[test]
    fn sdr_and_its_swap_differ() {
        // A swap of target and estimate must change the result, or it would go unnoticed.
        let (s, y) = ([1.0, 0.0], [0.5, 0.0]);
        assert!((sdr_db(&s, &y) - 6.020_599_913).abs() < ROUNDING);
        assert!(sdr_db(&y, &s).abs() < ROUNDING);
    }

    #[test]
    fn si_sdr_ignores_gain_and_sdr_does_not() {
        let s = [1.0, 2.0, -2.0, 1.0];
        // y = 3 (s + e) with e orthogonal to s, |e|^2 = 0.1, |s|^2 = 10: 20 dB.
        let e = [0.2, 0.05, 0.05, -0.2];
        let power: f64 = e.iter().map(|x: &f32| f64::from(x * x)).sum();
        let scale = (0.1 / power).sqrt() as f32;
        let y: Vec<f32> = s.iter().zip(&e).map(|(a, b)| 3.0 * (a + scale * b)).collect();
        assert!((si_sdr_db(&s, &y) - 20.0).abs() < ROUNDING, "{}", si_sdr_db(&s, &y));
        assert!(sdr_db(&s, &y) < -5.0);
        assert_eq!(si_sdr_db(&s, &[0.0; 4]), -LIMIT_DB);
    }

    #[test]
    fn the_level_is_that_of_the_target_alone() {
        let s = [1.0, -1.0, 1.0, -1.0];
        let bleed = [1.0, 1.0, -1.0, -1.0];
        let mix = |own: f32, other: f32| -> Vec<f32> {
            s.iter().zip(&bleed).map(|(a, b)| own * a + other * b).collect()
        };
        let (input, estimate) = (mix(1.0, 1.0), mix(0.5, 0.0));
        let measured = Measured {
            reference: &s,
            estimate: &estimate,
            input: &input,
            rate_hz: 8_000,
            source_is_silent: false,
        };
        assert!((level_change_db(&measured).unwrap() + 6.020_599_913).abs() < ROUNDING);
    }
}
