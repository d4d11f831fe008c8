//! Second-order filters: high-pass, shelves and bells.

use crate::convert::to_f32;

/// A second-order section, normalised to `a0 = 1`.
///
/// # Source
///
/// R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients", W3C
/// note, 2021. Shelves have slope S = 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    /// Returns a Butterworth high-pass of second order.
    pub(super) fn high_pass(hz: f64, rate_hz: f64) -> Self {
        let (cosine, alpha) = angles(hz, rate_hz, std::f64::consts::FRAC_1_SQRT_2);
        let half = 0.5 * (1.0 + cosine);
        Self::normalised([half, -2.0 * half, half], [1.0 + alpha, -2.0 * cosine, 1.0 - alpha])
    }

    /// Returns a filter with a gain around a centre frequency, about an octave and a half wide.
    pub(super) fn bell(hz: f64, gain_db: f64, rate_hz: f64) -> Self {
        let (cosine, alpha) = angles(hz, rate_hz, 0.9);
        let root = 10.0_f64.powf(gain_db / 40.0);
        Self::normalised(
            [1.0 + alpha * root, -2.0 * cosine, 1.0 - alpha * root],
            [1.0 + alpha / root, -2.0 * cosine, 1.0 - alpha / root],
        )
    }

    /// Returns a filter with a gain below a corner frequency.
    pub(super) fn low_shelf(hz: f64, gain_db: f64, rate_hz: f64) -> Self {
        Self::shelf(hz, gain_db, rate_hz, 1.0)
    }

    /// Returns a filter with a gain above a corner frequency.
    pub(super) fn high_shelf(hz: f64, gain_db: f64, rate_hz: f64) -> Self {
        Self::shelf(hz, gain_db, rate_hz, -1.0)
    }

    /// Returns a shelf. Low and high shelf are mirror images: `side` is 1 for the low one, -1 for
    /// the high one.
    fn shelf(hz: f64, gain_db: f64, rate_hz: f64, side: f64) -> Self {
        let (cosine, alpha) = angles(hz, rate_hz, std::f64::consts::FRAC_1_SQRT_2);
        let root = 10.0_f64.powf(gain_db / 40.0);
        let (up, down) = (root + 1.0, root - 1.0);
        let (lean, width) = (side * down * cosine, 2.0 * root.sqrt() * alpha);
        Self::normalised(
            [
                root * (up - lean + width),
                2.0 * root * (side * down - up * cosine),
                root * (up - lean - width),
            ],
            [up + lean + width, -2.0 * (side * down + up * cosine), up + lean - width],
        )
    }

    fn normalised(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|value| value / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    /// Filters a signal in place, starting from a zero state.
    pub(super) fn apply(&self, signal: &mut [f32]) {
        let (mut first, mut second) = (0.0, 0.0);
        for sample in signal {
            let x = f64::from(*sample);
            let y = self.b[0] * x + first;
            first = self.b[1] * x - self.a[0] * y + second;
            second = self.b[2] * x - self.a[1] * y;
            *sample = to_f32(y);
        }
    }
}

/// Returns the cosine and alpha of the cookbook. Limits the corner to 0.45 of the sample rate.
fn angles(hz: f64, rate_hz: f64, q: f64) -> (f64, f64) {
    let angle = std::f64::consts::TAU * hz.min(0.45 * rate_hz) / rate_hz;
    (angle.cos(), angle.sin() / (2.0 * q))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    fn gain_db(filter: Biquad, hz: f64) -> f64 {
        let mut response = vec![0.0; 48_000];
        response[0] = 1.0;
        filter.apply(&mut response);
        let step = std::f64::consts::TAU * hz / RATE_HZ;
        let (re, im) = response.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, &h)| {
            let angle = step * n as f64;
            (re + f64::from(h) * angle.cos(), im + f64::from(h) * angle.sin())
        });
        20.0 * f64::hypot(re, im).log10()
    }

    /// Measured with this test: 0.003 dB (shelves at a tenth of their corner).
    const ERROR_DB: f64 = 0.02;

    #[test]
    fn bands_have_their_gain_where_they_should_and_none_elsewhere() {
        for (filter, hz, expected_db) in [
            (Biquad::high_pass(100.0, RATE_HZ), 100.0, -3.01),
            (Biquad::high_pass(100.0, RATE_HZ), 5_000.0, 0.0),
            (Biquad::high_pass(100.0, RATE_HZ), 25.0, -24.1),
            (Biquad::bell(1_000.0, 6.0, RATE_HZ), 1_000.0, 6.0),
            (Biquad::bell(1_000.0, 6.0, RATE_HZ), 20.0, 0.0),
            (Biquad::low_shelf(200.0, -5.0, RATE_HZ), 10.0, -5.0),
            (Biquad::low_shelf(200.0, -5.0, RATE_HZ), 200.0, -2.5),
            (Biquad::low_shelf(200.0, -5.0, RATE_HZ), 6_000.0, 0.0),
            (Biquad::high_shelf(3_000.0, 7.0, RATE_HZ), 23_900.0, 7.0),
            (Biquad::high_shelf(3_000.0, 7.0, RATE_HZ), 3_000.0, 3.5),
            (Biquad::high_shelf(3_000.0, 7.0, RATE_HZ), 100.0, 0.0),
        ] {
            let found_db = gain_db(filter, hz);
            assert!((found_db - expected_db).abs() < ERROR_DB, "{filter:?} {hz} Hz: {found_db}");
        }
    }
}
