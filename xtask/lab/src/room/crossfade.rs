//! The fade from mirror images to the diffuse tail.

use super::SPEED_OF_SOUND;

/// Share of the mixing time in which the images fade into noise.
const CROSSFADE: f64 = 0.3;

/// Number of images per second above which noise and images sound alike.
///
/// # Source
///
/// M. Karjalainen, H. Järveläinen, "Reverberation modeling using velvet noise", 30th AES
/// International Conference, 2007: about 1500 sparse impulses per second pass for smooth noise.
const DENSE_PER_S: f64 = 2_000.0;

/// Returns the time in seconds from the direct sound until the response consists of noise alone.
///
/// From this time on listeners cannot detect the transition to noise, and images arrive densely.
///
/// # Source
///
/// A. Lindau, L. Kosanke, S. Weinzierl, "Perceptual evaluation of model- and signal-based
/// predictors of the mixing time in binaural room impulse responses", J. Audio Eng. Soc. 60(11),
/// 2012: 0.0117 V + 50.1 ms (V in cubic metres) for the most critical 5 % of listeners.
pub(super) fn mixing_time_s(volume: f64) -> f64 {
    let heard_s = 1e-3 * (0.0117 * volume + 50.1);
    // Images arrive at a rate of 4 pi c^3 t^2 / V.
    let dense_s =
        (DENSE_PER_S * volume / (4.0 * std::f64::consts::PI * SPEED_OF_SOUND.powi(3))).sqrt();
    heard_s.max(dense_s)
}

/// Start and end of the fade from images to noise, in seconds after the emission.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crossfade {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

impl Crossfade {
    pub(super) fn after(direct_s: f64, volume: f64) -> Self {
        let mixing_s = mixing_time_s(volume);
        Self { from_s: direct_s + (1.0 - CROSSFADE) * mixing_s, to_s: direct_s + mixing_s }
    }

    /// Returns the amplitudes of images and noise; their powers sum to one.
    pub(super) fn gains(self, at_s: f64) -> (f64, f64) {
        let share = ((at_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0);
        let (noise, images) = (std::f64::consts::FRAC_PI_2 * share).sin_cos();
        (if share < 1.0 { images } else { 0.0 }, noise)
    }
}
