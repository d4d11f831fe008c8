//! All parameters of the response from a source to a mic.

use super::air::{Air, Climate};
use super::bands::REFLECTION_HIGH_PASS_HZ;
use super::crossfade::Crossfade;
use super::decay::wall_energy_kept;
use super::directivity::{Lobe, Pattern};
use super::{
    BAND_CENTRES_HZ, Gobo, NUM_BANDS, PlacedMic, PlacedSource, Point, Room, SPEED_OF_SOUND, Tail,
    distance,
};

/// Time in seconds after the direct sound up to which reflections are placed between samples. Later
/// ones, by then hundreds per millisecond, are placed on the nearest sample.
const FRACTIONAL_S: f64 = 0.08;

/// All parameters of a response, per band.
pub(super) struct Setup<'a> {
    pub(super) size_m: Point,
    pub(super) source: Point,
    /// Unit vector.
    pub(super) source_aim: Point,
    pub(super) lobes: [Lobe; NUM_BANDS],
    pub(super) mic: Point,
    /// Unit vector.
    pub(super) mic_aim: Point,
    pub(super) pattern: Pattern,
    /// Amplitude gain of a reflection.
    pub(super) wall_gain: [f64; NUM_BANDS],
    /// Attenuation of the amplitude by the air, in nepers per metre.
    pub(super) air_per_m: [f64; NUM_BANDS],
    pub(super) gobos: &'a [Gobo],
    /// Corner frequency of the reflections' high-pass in Hz; 0 for none.
    pub(super) high_pass_hz: f64,
    pub(super) rate_hz: f64,
    /// Arrival of the last reflection in seconds after the emission; `None` without walls.
    pub(super) last_s: Option<f64>,
    pub(super) crossfade: Option<Crossfade>,
    /// Time in seconds after the direct sound up to which images are placed between samples.
    pub(super) fractional_s: f64,
}

impl<'a> Setup<'a> {
    /// Computes the parameters for one source and one mic, both checked to be inside the room.
    pub(super) fn new(
        room: &'a Room,
        source: &PlacedSource,
        mic: &PlacedMic,
        rate_hz: f64,
    ) -> Self {
        let direct_s = distance(source.at, mic.at) / SPEED_OF_SOUND;
        let slowest = room.band_decay.iter().fold(0.0_f64, |most, &decay| most.max(decay));
        let has_walls = room.rt60_s > 0.0;
        let air_per_m = match room.air {
            Air::Lossless => [0.0; NUM_BANDS],
            Air::Absorbing => BAND_CENTRES_HZ.map(|at_hz| {
                Climate::INDOORS.absorption_db_per_m(at_hz) * std::f64::consts::LN_10 / 20.0
            }),
        };
        let num_given = room.band_decay.len();
        let given: Vec<f64> = room
            .band_decay
            .iter()
            .zip(&air_per_m)
            .map(|(decay, air)| wall_energy_kept(room, room.rt60_s * decay, *air).sqrt())
            .collect();
        Self {
            size_m: room.size_m,
            source: source.at,
            source_aim: unit(source.aim),
            lobes: source.directivity.lobes(),
            mic: mic.at,
            mic_aim: unit(mic.aim),
            pattern: mic.pattern,
            // Above the bands with a decay of their own, the walls are those of the last such band.
            wall_gain: std::array::from_fn(|band| given[band.min(num_given - 1)]),
            air_per_m,
            gobos: &room.gobos,
            high_pass_hz: REFLECTION_HIGH_PASS_HZ,
            rate_hz,
            last_s: has_walls.then_some(direct_s + room.rt60_s * slowest),
            crossfade: (room.tail == Tail::Diffuse)
                .then(|| Crossfade::after(direct_s, room.volume())),
            fractional_s: FRACTIONAL_S,
        }
    }

    /// Returns the mean power over the eight mirror images of a direction, radiated by the source
    /// and picked up by the mic.
    pub(super) fn mirrored_powers(&self, direction: Point) -> ([f64; NUM_BANDS], [f64; NUM_BANDS]) {
        let (mut sent, mut heard) = ([0.0; NUM_BANDS], [0.0; NUM_BANDS]);
        for mirror in 0..8 {
            let towards: Point = std::array::from_fn(|axis| {
                if mirror >> axis & 1 == 0 { direction[axis] } else { -direction[axis] }
            });
            let at_source = dot(towards, self.source_aim);
            let at_mic = dot(towards, self.mic_aim);
            for band in 0..NUM_BANDS {
                sent[band] += self.lobes[band].gain(at_source).powi(2) / 8.0;
                heard[band] += self.pattern.band_gain(band, at_mic).powi(2) / 8.0;
            }
        }
        (sent, heard)
    }
}

/// Returns the scalar product of two directions.
pub(super) fn dot(a: Point, b: Point) -> f64 {
    a.iter().zip(&b).map(|(p, q)| p * q).sum()
}

/// Returns a direction with the length 1.
fn unit(direction: Point) -> Point {
    let length = distance(direction, [0.0; 3]);
    direction.map(|part| part / length)
}
