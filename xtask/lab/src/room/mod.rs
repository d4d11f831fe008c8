//! A shoebox room: impulse responses from a source to a mic.

mod air;
mod bands;
#[cfg(test)]
mod checks;
mod crossfade;
mod decay;
mod directivity;
mod gobo;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_room;
#[cfg(test)]
mod golden_values;
mod images;
mod impulse;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod probe;
mod setup;
mod tail;

pub use air::{Air, Climate};
pub use decay::{eyring_rt60_s, measured_rt60_s};
pub use directivity::{Directivity, Pattern};

use anyhow::{Result, bail, ensure};

/// Speed of sound in air at 20 °C, in m/s.
pub const SPEED_OF_SOUND: f64 = 343.2;

/// Maximum RT60 in seconds; memory grows with it.
const MOST_RT60_S: f64 = 10.0;

/// A position or a direction: `[x, y, z]`, z upwards, in metres from a lower corner of the room.
pub type Point = [f64; 3];

/// A rectangular room whose six walls absorb equally.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// Length, width and height in metres.
    pub size_m: Point,
    /// Time in seconds in which sound at 1 kHz decays by 60 dB; 0 for a room without reflections.
    pub rt60_s: f64,
    /// Decay times of the bands from 125 Hz to 4 kHz relative to `rt60_s`. Above 4 kHz walls absorb
    /// as at 4 kHz, and the air absorbs more.
    pub band_decay: [f64; 6],
    /// Absorption by the air.
    pub air: Air,
    /// Method for the late part of a response.
    pub tail: Tail,
    /// Screens between players.
    pub gobos: Vec<Gobo>,
}

/// Method for the late part of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Mirror images to the end: exact for mirror walls, and slow.
    Images,
    /// Mirror images until the mixing time, then noise with the decay of the images.
    Diffuse,
}

/// A screen on the floor that attenuates the sound behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gobo {
    /// Both ends on the floor plan, `[x, y]` in metres.
    pub ends_m: [[f64; 2]; 2],
    /// Height in metres.
    pub height_m: f64,
}

/// A source with a position, and a front towards which it radiates most of its treble.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedSource {
    /// Position of the source.
    pub at: Point,
    /// Direction of its front, of any length but zero.
    pub aim: Point,
    /// Radiation pattern.
    pub directivity: Directivity,
}

/// Number of bands of walls, air, screens, sources and mics.
pub const NUM_BANDS: usize = 8;

/// Centre frequencies of the octave bands in Hz. The outer bands extend to 0 Hz and to half the
/// sample rate.
pub const BAND_CENTRES_HZ: [f64; NUM_BANDS] =
    [125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0];

/// Decay times of the bands from 125 Hz to 4 kHz relative to 1 kHz in an ordinary room. Furnished
/// rooms ring longer in the bass; air and fabric absorb the treble.
pub const BAND_DECAY: [f64; 6] = [1.25, 1.1, 1.0, 1.0, 0.9, 0.7];

/// A mic with a position, an aim and a first-order pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedMic {
    /// Position of the mic.
    pub at: Point,
    /// Direction of its front, of any length but zero.
    pub aim: Point,
    /// Directional sensitivity.
    pub pattern: Pattern,
}

impl PlacedSource {
    /// Returns an omnidirectional source.
    #[must_use]
    pub const fn omni(at: Point) -> Self {
        Self { at, aim: [1.0, 0.0, 0.0], directivity: Directivity::Omni }
    }
}

impl Room {
    /// Returns an empty room with ordinary walls and lossless air, simulated by mirror images to
    /// the end.
    #[must_use]
    pub const fn new(size_m: Point, rt60_s: f64) -> Self {
        Self {
            size_m,
            rt60_s,
            band_decay: BAND_DECAY,
            air: Air::Lossless,
            tail: Tail::Images,
            gobos: Vec::new(),
        }
    }

    /// Returns the impulse response from a point source to a mic.
    ///
    /// A source of level 1 has level 1 at a mic that is aimed at it from 1 m. The direct sound is
    /// delayed by its exact travel time, including fractions of a sample, plus
    /// [`Room::MARGIN_SAMPLES`], which all responses of all rooms have in common. `seed` draws the
    /// noise of [`Tail::Diffuse`]; every pair of source and mic should have its own.
    ///
    /// Screens attenuate the direct sound and paths of one or two reflections.
    ///
    /// # Errors
    ///
    /// Returns an error if the source or the mic is outside the room or has no direction, if both
    /// are at one place, if the rate is below 8 kHz, or if the room's parameters are invalid.
    ///
    /// # Source
    ///
    /// J. B. Allen, D. A. Berkley, "Image method for efficiently simulating small-room
    /// acoustics", J. Acoust. Soc. Am. 65(4), 1979, equations 8 to 10. It differs in three ways:
    /// delays are fractional, walls, air, sources and mics differ per band, and the reflections
    /// (not the direct sound) are high-passed at 40 Hz, below which identical walls would add up
    /// to a false boom.
    pub fn response(
        &self,
        source: &PlacedSource,
        mic: &PlacedMic,
        rate_hz: f64,
        seed: u64,
    ) -> Result<Vec<f32>> {
        self.check()?;
        for (what, place, aim) in [("source", source.at, source.aim), ("mic", mic.at, mic.aim)] {
            let inside = |(&p, &size): (&f64, &f64)| p > 0.0 && p < size;
            if !place.iter().zip(&self.size_m).all(inside) {
                bail!("the {what} at {place:?} m is outside the room of {:?} m", self.size_m);
            }
            let aim_length = distance(aim, [0.0; 3]);
            ensure!(
                aim_length.is_finite() && aim_length > 0.0,
                "the {what} at {place:?} m has the invalid direction {aim:?}"
            );
        }
        if distance(source.at, mic.at) < 1e-3 {
            bail!("source and mic are both at {:?} m", source.at);
        }
        ensure!(
            rate_hz.is_finite() && rate_hz >= 8_000.0,
            "sample rate {rate_hz} Hz: responses need at least 8000 Hz"
        );
        Ok(setup::Setup::new(self, source, mic, rate_hz).response(seed))
    }

    /// Checks that sizes, times and screens are possible.
    fn check(&self) -> Result<()> {
        let positive = |value: &f64| value.is_finite() && *value > 0.0;
        ensure!(
            self.size_m.iter().all(positive),
            "room size {:?} m: every size must be greater than 0",
            self.size_m
        );
        ensure!(
            self.rt60_s.is_finite() && (0.0..=MOST_RT60_S).contains(&self.rt60_s),
            "RT60 {} s is not within 0 to {MOST_RT60_S}",
            self.rt60_s
        );
        ensure!(
            self.band_decay.iter().all(|&decay| positive(&decay) && decay <= 4.0),
            "band decays {:?}: each must be greater than 0 and at most 4",
            self.band_decay
        );
        for gobo in &self.gobos {
            let [a, b] = gobo.ends_m;
            ensure!(
                positive(&(a[0] - b[0]).hypot(a[1] - b[1])) && positive(&gobo.height_m),
                "the gobo from {a:?} to {b:?} m, {} m high, has no surface",
                gobo.height_m
            );
        }
        Ok(())
    }

    /// Number of samples before the travel time, for the front half of the interpolation filter.
    pub const MARGIN_SAMPLES: usize = impulse::HALF_TAPS;

    /// Returns the volume in cubic metres.
    #[must_use]
    pub fn volume(&self) -> f64 {
        self.size_m.iter().product()
    }

    /// Returns the surface of the walls in square metres.
    #[must_use]
    pub fn surface(&self) -> f64 {
        let [x, y, z] = self.size_m;
        2.0 * (x * y + y * z + z * x)
    }
}

/// Returns the distance of two points in metres.
#[must_use]
pub fn distance(a: Point, b: Point) -> f64 {
    a.iter().zip(&b).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    fn mic(at: Point, aim: Point, pattern: Pattern) -> PlacedMic {
        PlacedMic { at, aim, pattern }
    }

    /// Returns gain and delay of a response at one frequency, computed by the Fourier sum.
    fn gain_and_delay_s(response: &[f32], at_hz: f64) -> (f64, f64) {
        let step = std::f64::consts::TAU * at_hz / RATE_HZ;
        let margin = Room::MARGIN_SAMPLES as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &h) in response.iter().enumerate() {
            let angle = step * (n as f64 - margin);
            re += f64::from(h) * angle.cos();
            im -= f64::from(h) * angle.sin();
        }
        (re.hypot(im), -im.atan2(re) / (std::f64::consts::TAU * at_hz))
    }

    /// Measured with this test: 3.6e-5 at most (at 15 kHz).
    const FREE_FIELD_GAIN_ERROR: f64 = 2e-4;
    /// Measured with this test: 1e-10 s at most.
    const FREE_FIELD_DELAY_ERROR_S: f64 = 1e-9;

    #[test]
    fn free_field_level_and_delay_are_exact() {
        let room = Room::new([9.0, 7.0, 4.0], 0.0);
        for metres in [0.05, 0.3, 1.0, 2.345_678] {
            let at = [1.0 + metres, 2.0, 1.5];
            let response = room
                .response(
                    &PlacedSource::omni([1.0, 2.0, 1.5]),
                    &mic(at, [-1.0, 0.0, 0.0], Pattern::CARDIOID),
                    RATE_HZ,
                    0,
                )
                .unwrap();
            for at_hz in [100.0, 1_000.0, 5_000.0, 15_000.0] {
                let (gain, delay_s) = gain_and_delay_s(&response, at_hz);
                let gain_error = gain * metres - 1.0;
                // The phase determines the delay only up to whole periods.
                let periods = (delay_s - metres / SPEED_OF_SOUND) * at_hz;
                let delay_error_s = (periods - periods.round()) / at_hz;
                assert!(
                    gain_error.abs() < FREE_FIELD_GAIN_ERROR,
                    "{metres} m, {at_hz} Hz: {gain_error}"
                );
                assert!(
                    delay_error_s.abs() < FREE_FIELD_DELAY_ERROR_S,
                    "{metres} m, {at_hz} Hz: {delay_error_s}"
                );
            }
            // The whole periods: the peak is at the travel time, to the sample.
            let loudest = (0..response.len())
                .max_by(|&a, &b| response[a].abs().total_cmp(&response[b].abs()));
            let expected = metres / SPEED_OF_SOUND * RATE_HZ + Room::MARGIN_SAMPLES as f64;
            assert!((loudest.unwrap() as f64 - expected).abs() <= 0.51, "{metres} m");
        }
    }

    #[test]
    fn the_direct_sound_follows_the_pattern() {
        let room = Room::new([9.0, 7.0, 4.0], 0.0);
        let source = [4.0, 3.0, 2.0];
        for (pattern, front, side, back) in [
            (Pattern::OMNI, 1.0, 1.0, 1.0),
            (Pattern::CARDIOID, 1.0, 0.5, 0.0),
            (Pattern::SUPERCARDIOID, 1.0, 0.366, -0.268),
            (Pattern::FIGURE_8, 1.0, 0.0, -1.0),
        ] {
            for (aim, expected) in
                [([-3.0, 0.0, 0.0], front), ([0.0, 0.5, 0.0], side), ([1.0, 0.0, 0.0], back)]
            {
                let response = room
                    .response(
                        &PlacedSource::omni(source),
                        &mic([5.0, 3.0, 2.0], aim, pattern),
                        RATE_HZ,
                        0,
                    )
                    .unwrap();
                let sum: f64 = response.iter().map(|&h| f64::from(h)).sum();
                assert!(
                    (sum - expected).abs() < FREE_FIELD_GAIN_ERROR,
                    "{pattern:?} {aim:?}: {sum}"
                );
            }
        }
    }

    #[test]
    fn the_first_reflection_comes_from_the_nearest_wall() {
        let room = Room::new([8.0, 6.0, 4.0], 0.4);
        // The floor is 0.5 m below both; all other walls are further away.
        let heard = room
            .response(
                &PlacedSource::omni([3.0, 3.0, 0.5]),
                &mic([4.0, 3.0, 0.5], [-1.0, 0.0, 0.0], Pattern::OMNI),
                RATE_HZ,
                0,
            )
            .unwrap();
        let expected = 2.0_f64.sqrt() / SPEED_OF_SOUND * RATE_HZ + Room::MARGIN_SAMPLES as f64;
        let direct = (1.0 / SPEED_OF_SOUND * RATE_HZ) as usize + Room::MARGIN_SAMPLES;
        let after = direct + 20..direct + 80;
        let loudest = after.max_by(|&a, &b| heard[a].total_cmp(&heard[b])).unwrap();
        assert!((loudest as f64 - expected).abs() <= 1.0, "{loudest} instead of {expected}");
    }

    #[test]
    fn places_outside_the_room_are_refused() {
        let room = Room::new([5.0, 4.0, 3.0], 0.3);
        let inside = mic([1.0, 1.0, 1.0], [1.0, 0.0, 0.0], Pattern::OMNI);
        let outside = mic([1.0, 1.0, 3.5], [1.0, 0.0, 0.0], Pattern::OMNI);
        assert!(room.response(&PlacedSource::omni([-0.1, 1.0, 1.0]), &inside, RATE_HZ, 0).is_err());
        assert!(room.response(&PlacedSource::omni([2.0, 1.0, 1.0]), &outside, RATE_HZ, 0).is_err());
        assert!(room.response(&PlacedSource::omni([1.0, 1.0, 1.0]), &inside, RATE_HZ, 0).is_err());
    }
}
