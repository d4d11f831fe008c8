//! Directivity of sources and mics, per band.

use super::NUM_BANDS;

/// Directivity of a source. The gain in front is 1; the kinds differ in the gain towards other
/// directions, and in its dependence on the band.
///
/// The kinds are smooth, rounded outlines of measurements of real sources. They have a realistic
/// difference between front and back that grows towards the treble, and none of the fine lobes,
/// which change from note to note.
///
/// # Source
///
/// J. Meyer, "Acoustics and the Performance of Music", 5th edition, 2009, chapter 4, and J.
/// Pätynen, T. Lokki, "Directivities of symphony orchestra instruments", Acta Acustica united with
/// Acustica 96, 2010: instruments. W. T. Chu, A. C. C. Warnock, "Detailed directivity of sound
/// fields around human talkers", NRC Canada, 2002: voices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directivity {
    /// Equal in all directions.
    Omni,
    /// A talker or singer, with the back in the acoustic shadow of the head.
    Voice,
    /// A trumpet or trombone: omnidirectional in the bass, a narrow beam from the bell in
    /// the treble.
    Brass,
    /// A reed or a flute, which radiates from the holes along its tube and from its end.
    Woodwind,
    /// A violin or cello, aimed along the normal of its top plate.
    Bowed,
    /// A guitar or bass amplifier: a piston in the front of a box.
    Amp,
    /// A drum: the struck head in front, the shell and the floor behind.
    Drum,
    /// A cymbal: a plate that radiates equally from both faces and less in its plane.
    Cymbal,
}

impl Directivity {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Omni,
        Self::Voice,
        Self::Brass,
        Self::Woodwind,
        Self::Bowed,
        Self::Amp,
        Self::Drum,
        Self::Cymbal,
    ];

    /// Returns the gain at a band of [`BAND_CENTRES_HZ`](super::BAND_CENTRES_HZ) in a direction
    /// with this cosine to the aim; 1 along the aim.
    #[must_use]
    pub fn gain(self, band: usize, cosine: f64) -> f64 {
        self.lobes()[band].gain(cosine)
    }

    pub(super) fn lobes(self) -> [Lobe; NUM_BANDS] {
        // Bands:                                 125  250  500  1 k  2 k  4 k  8 k  16 k
        let (rear_db, sharpness, both_faces) = match self {
            Self::Omni => ([0.0; NUM_BANDS], [0.0; NUM_BANDS], false),
            Self::Voice => (
                [-2.0, -3.0, -5.0, -7.0, -11.0, -15.0, -18.0, -22.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.2, 1.6, 2.0],
                false,
            ),
            Self::Brass => (
                [-1.0, -2.0, -4.0, -9.0, -15.0, -20.0, -24.0, -26.0],
                [1.0, 1.0, 1.0, 1.5, 3.0, 8.0, 14.0, 20.0],
                false,
            ),
            Self::Woodwind => (
                [-0.5, -1.0, -2.0, -4.0, -7.0, -10.0, -13.0, -15.0],
                [1.0, 1.0, 1.0, 1.0, 1.5, 2.0, 3.0, 4.0],
                false,
            ),
            Self::Bowed => (
                [-1.0, -1.0, -3.0, -6.0, -8.0, -10.0, -13.0, -15.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 2.0, 3.0],
                false,
            ),
            // Half power at the angle of a rigid piston of 12 cm radius (k a sin = 1.62; L.
            // Beranek, "Acoustics", 1954, chapter 4): 47° at 1 kHz, 21° at 2 kHz, 11° at 4 kHz.
            // Above that a cone breaks up and less of it radiates.
            Self::Amp => (
                [-1.0, -3.0, -8.0, -14.0, -18.0, -22.0, -24.0, -26.0],
                [1.0, 1.0, 1.0, 2.5, 10.0, 30.0, 30.0, 30.0],
                false,
            ),
            Self::Drum => (
                [-1.0, -2.0, -3.0, -5.0, -7.0, -10.0, -12.0, -14.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5],
                false,
            ),
            Self::Cymbal => (
                [-8.0, -8.0, -7.0, -6.0, -5.0, -5.0, -5.0, -5.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                true,
            ),
        };
        std::array::from_fn(|band| Lobe {
            rear: crate::convert::db_to_lin(rear_db[band]),
            sharpness: sharpness[band],
            both_faces,
        })
    }
}

/// `rear + (1 - rear) ((1 + cos) / 2)^sharpness`. A source with two faces uses the cosine of twice
/// the angle, and its `rear` lies in its plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lobe {
    pub(super) rear: f64,
    pub(super) sharpness: f64,
    pub(super) both_faces: bool,
}

impl Lobe {
    pub(super) fn gain(self, cosine: f64) -> f64 {
        if self.rear >= 1.0 {
            return 1.0;
        }
        let cosine = if self.both_faces { 2.0 * cosine * cosine - 1.0 } else { cosine };
        let front = (0.5 + 0.5 * cosine).clamp(0.0, 1.0);
        let shape = if self.sharpness > 1.0 { front.powf(self.sharpness) } else { front };
        self.rear + (1.0 - self.rear) * shape
    }
}

/// First-order directivity: `part + (1 - part) * cos(angle)`, either equal at all frequencies or
/// with the deviations of a real mic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pattern {
    omni_part: f64,
    as_built: bool,
}

/// Widening of a directional mic in the bass, as a share of the way to an omni.
const BASS_WIDENING: [f64; NUM_BANDS] = [0.15, 0.08, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0];

/// Gain at the back of an omni mic, which its own body shades in the treble; typical of a
/// half-inch capsule.
const BODY_SHADE: [f64; NUM_BANDS] = [1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.7, 0.45];

impl Pattern {
    /// Equal sensitivity in all directions.
    pub const OMNI: Self = Self { omni_part: 1.0, as_built: false };
    /// Insensitive to the back.
    pub const CARDIOID: Self = Self { omni_part: 0.5, as_built: false };
    /// Narrower than a cardioid, with a small lobe behind.
    pub const SUPERCARDIOID: Self = Self { omni_part: 0.366, as_built: false };
    /// Sensitive to front and back with opposite polarity.
    pub const FIGURE_8: Self = Self { omni_part: 0.0, as_built: false };

    /// Returns this pattern with the deviations of a real mic; the gain on axis stays the same.
    ///
    /// Mics with a single front are wider in the bass: the back of a cardioid is 16 dB down at 125
    /// Hz instead of infinitely far. All mics are narrower in the treble, because the capsule's
    /// body shades its back.
    #[must_use]
    pub const fn as_built(self) -> Self {
        Self { omni_part: self.omni_part, as_built: true }
    }

    /// Returns the gain of the ideal pattern for sound from a direction with this cosine to
    /// the aim.
    #[must_use]
    pub fn gain(self, cosine: f64) -> f64 {
        self.omni_part + (1.0 - self.omni_part) * cosine
    }

    /// Returns the gain at a band of [`BAND_CENTRES_HZ`](super::BAND_CENTRES_HZ) for sound from a
    /// direction with this cosine to the aim.
    #[must_use]
    pub fn band_gain(self, band: usize, cosine: f64) -> f64 {
        if !self.as_built {
            return self.gain(cosine);
        }
        // No widening for omni and figure-8, which are symmetric; the most for a cardioid.
        let one_sided = 4.0 * self.omni_part * (1.0 - self.omni_part);
        let widening = BASS_WIDENING[band] * one_sided;
        let omni_part = self.omni_part + (1.0 - self.omni_part) * widening;
        // A figure-8 is equally sensitive behind and in front; its body shades the sides.
        let facing = if self.omni_part > 0.0 { 0.5 + 0.5 * cosine } else { cosine * cosine };
        let shade = BODY_SHADE[band] + (1.0 - BODY_SHADE[band]) * facing;
        (omni_part + (1.0 - omni_part) * cosine) * shade
    }

    /// True if all bands have the same pattern.
    pub(super) fn is_flat(self) -> bool {
        !self.as_built
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the directivity index in dB: -10 log10 of the mean power over all directions,
    /// relative to the power in front.
    fn directivity_index_db(gain: impl Fn(f64) -> f64) -> f64 {
        let steps = 2_000;
        let mean = (0..steps)
            .map(|step| gain((f64::from(step) + 0.5) / f64::from(steps) * 2.0 - 1.0).powi(2))
            .sum::<f64>()
            / f64::from(steps);
        -10.0 * mean.log10()
    }

    #[test]
    fn every_source_is_whole_in_front_and_narrows_towards_the_treble() {
        for kind in Directivity::ALL {
            let mut last_db = -0.001;
            for band in 0..NUM_BANDS {
                assert!((kind.gain(band, 1.0) - 1.0).abs() < 1e-12, "{kind:?} {band}");
                for step in -10..10 {
                    let gain = kind.gain(band, f64::from(step) / 10.0);
                    assert!(gain > 0.0 && gain <= 1.0, "{kind:?} {band}: {gain}");
                }
                let index_db = directivity_index_db(|cosine| kind.gain(band, cosine));
                if kind != Directivity::Cymbal {
                    assert!(index_db >= last_db - 1e-9, "{kind:?} {band}: {index_db} {last_db}");
                }
                last_db = index_db;
            }
        }
    }

    #[test]
    fn sources_have_the_difference_of_front_and_back_they_are_listed_with() {
        let back_db = |kind: Directivity, band| 20.0 * kind.gain(band, -1.0).log10();
        assert_eq!(back_db(Directivity::Omni, 7), 0.0);
        assert!((back_db(Directivity::Voice, 3) + 7.0).abs() < 1e-9);
        assert!((back_db(Directivity::Brass, 5) + 20.0).abs() < 1e-9);
        assert!(back_db(Directivity::Cymbal, 5).abs() < 1e-9, "its other face");
        assert!((20.0 * Directivity::Cymbal.gain(5, 0.0).log10() + 5.0).abs() < 1e-9, "its edge");
    }

    #[test]
    fn an_amplifier_beams_like_a_piston() {
        // Half power where k a sin(angle) = 1.62 for a radius of 0.12 m.
        for (band, at_hz, most_db) in [(3, 1_000.0, 0.6), (4, 2_000.0, 0.6), (5, 4_000.0, 1.0)] {
            let wave_number = std::f64::consts::TAU * at_hz / super::super::SPEED_OF_SOUND;
            let sine: f64 = 1.62 / (wave_number * 0.12);
            let found_db = 20.0 * Directivity::Amp.gain(band, sine.asin().cos()).log10();
            assert!((found_db + 3.01).abs() < most_db, "{at_hz} Hz: {found_db}");
        }
    }

    #[test]
    fn mics_as_built_are_ideal_in_front_and_leak_behind() {
        for ideal in [Pattern::OMNI, Pattern::CARDIOID, Pattern::SUPERCARDIOID, Pattern::FIGURE_8] {
            for band in 0..NUM_BANDS {
                assert!((ideal.as_built().band_gain(band, 1.0) - 1.0).abs() < 1e-12);
                assert_eq!(ideal.band_gain(band, -0.3), ideal.gain(-0.3));
            }
            // The as-built pattern is ideal at 1 kHz.
            assert!((ideal.as_built().band_gain(3, -0.3) - ideal.gain(-0.3)).abs() < 1e-12);
        }
        let cardioid = Pattern::CARDIOID.as_built();
        assert!((20.0 * cardioid.band_gain(0, -1.0).log10() + 16.5).abs() < 0.1);
        let index = |band| directivity_index_db(|cosine| cardioid.band_gain(band, cosine));
        assert!(index(0) < index(2) && index(2) < index(3), "bass is wider");
        assert!((index(3) - 4.77).abs() < 0.01, "a cardioid's textbook value");
        assert!(index(7) > index(6) && index(6) > index(3), "treble is narrower");
        let eight = Pattern::FIGURE_8.as_built();
        assert_eq!(eight.band_gain(7, 1.0), -eight.band_gain(7, -1.0));
        assert_eq!(eight.band_gain(0, 0.0), 0.0);
    }
}
