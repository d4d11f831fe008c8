//! Newtypes for quantities in public interfaces, and the few conversions between them.

use crate::MAX_MICS;

/// Sample rate of the engine: 8 kHz to 192 kHz.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SampleRate(f32);

impl SampleRate {
    /// Lowest accepted rate, in Hz.
    pub const MIN_HZ: f32 = 8_000.0;
    /// Highest accepted rate, in Hz.
    pub const MAX_HZ: f32 = 192_000.0;

    /// Checks that the engine accepts `rate_hz`.
    ///
    /// # Errors
    ///
    /// Returns [`UnitError::SampleRate`] if the rate is outside 8 kHz to 192 kHz, or not finite.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn new(rate_hz: f32) -> Result<Self, UnitError> {
        if (Self::MIN_HZ..=Self::MAX_HZ).contains(&rate_hz) {
            Ok(Self(rate_hz))
        } else {
            Err(UnitError::SampleRate { rate_hz })
        }
    }

    /// Returns the rate in Hz.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn hz(self) -> f32 {
        self.0
    }

    /// Returns the number of samples in `duration_s` seconds, rounded to the nearest. A negative
    /// duration gives 0.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn samples_in(self, duration_s: f32) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float to integer casts saturate, which is the documented behaviour"
        )]
        let samples = (self.0 * duration_s).round() as usize;
        samples
    }
}

/// Level ratio in decibels of amplitude. Negative infinity is silence.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Decibels(pub f32);

impl Decibels {
    /// Silence. As a floor: no limit.
    pub const NEG_INFINITY: Self = Self(f32::NEG_INFINITY);

    /// Returns the amplitude factor `10^(dB / 20)`.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn to_lin(self) -> f32 {
        10.0_f32.powf(self.0 / 20.0)
    }
}

/// Index of a mic in its session, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicIndex(u8);

impl MicIndex {
    /// Checks that `index` is a possible mic of a session.
    ///
    /// # Errors
    ///
    /// Returns [`UnitError::MicIndex`] if `index` is [`MAX_MICS`] or more.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn new(index: usize) -> Result<Self, UnitError> {
        match u8::try_from(index) {
            Ok(small) if index < MAX_MICS => Ok(Self(small)),
            _ => Err(UnitError::MicIndex { index }),
        }
    }

    /// Returns the index as a number, from 0.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// Identifier of a group of mics that share a source (snare top and bottom, the two sides of a
/// stereo mic).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId(pub u8);

/// Number that is not a valid unit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The sample rate is out of range.
    #[error(
        "sample rate {rate_hz} Hz is outside {} to {} Hz",
        SampleRate::MIN_HZ,
        SampleRate::MAX_HZ
    )]
    SampleRate {
        /// Requested rate, in Hz.
        rate_hz: f32,
    },
    /// The mic index is out of range.
    #[error("mic {index} is out of range; the last possible mic is {}", MAX_MICS - 1)]
    MicIndex {
        /// Requested index.
        index: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_outside_8_to_192_khz_are_refused() {
        for bad in [0.0, 7_999.0, 192_001.0, f32::NAN, f32::INFINITY, -48_000.0] {
            assert!(SampleRate::new(bad).is_err(), "{bad}");
        }
        for good in [8_000.0, 44_100.0, 192_000.0] {
            assert_eq!(SampleRate::new(good).unwrap().hz(), good);
        }
    }

    #[test]
    fn a_duration_becomes_the_nearest_sample_count() {
        let rate = SampleRate::new(44_100.0).unwrap();
        assert_eq!(rate.samples_in(0.5), 22_050);
        assert_eq!(rate.samples_in(-1.0), 0);
    }

    #[test]
    fn mic_positions_end_at_the_limit() {
        assert_eq!(MicIndex::new(MAX_MICS - 1).unwrap().get(), MAX_MICS - 1);
        assert_eq!(MicIndex::new(MAX_MICS), Err(UnitError::MicIndex { index: MAX_MICS }));
    }

    #[test]
    fn minus_six_decibels_is_about_half() {
        assert!((Decibels(-6.0206).to_lin() - 0.5).abs() < 1e-6);
        assert_eq!(Decibels::NEG_INFINITY.to_lin(), 0.0);
    }
}
