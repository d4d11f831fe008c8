//! The diffuse tail: noise that decays in every band like the mirror images.

use super::crossfade::Crossfade;
use super::impulse::{HALF_TAPS, Train};
use super::setup::Setup;
use super::{NUM_BANDS, SPEED_OF_SOUND};
use crate::convert::{to_f32, to_index};
use crate::random::Random;

/// Number of directions per axis, in one eighth of the sphere, for averaging the sound field.
const DIRECTION_STEPS: usize = 12;

/// Time between two points of the envelope in seconds, with exponential interpolation.
const STEP_S: f64 = 0.005;

/// Part of the random stream of a source and mic that draws the tail.
const STREAM: u64 = 0x7A11;

/// Adds the tail to the train of every band.
///
/// All bands use one stream of white noise, shaped by the envelope of each band, so that bands
/// combine like those of the images.
pub(super) fn add(setup: &Setup<'_>, crossfade: Crossfade, seed: u64, train: &mut Train) {
    let rate_hz = setup.rate_hz;
    let first = to_index(crossfade.from_s * rate_hz);
    let num_samples = train.len().saturating_sub(first + HALF_TAPS);
    let step_samples = to_index(STEP_S * rate_hz).max(1);
    let num_steps = num_samples.div_ceil(step_samples);
    let envelope = envelope(setup, first as f64 / rate_hz, step_samples, num_steps + 1);
    let mut random = Random::for_part(seed, STREAM);
    for (step, samples) in train[first + HALF_TAPS..].chunks_mut(step_samples).enumerate() {
        let mut levels = envelope[step].map(to_f32);
        let slopes: [f32; NUM_BANDS] = std::array::from_fn(|band| {
            let ratio = envelope[step + 1][band] / envelope[step][band].max(1e-30);
            to_f32(ratio.max(1e-30).powf(1.0 / step_samples as f64))
        });
        for (n, sample) in samples.iter_mut().enumerate() {
            let at_s = (first + step * step_samples + n) as f64 / rate_hz;
            let fade = if at_s < crossfade.to_s { crossfade.gains(at_s).1 } else { 1.0 };
            let noise = white(&mut random) * to_f32(fade);
            for ((total, level), slope) in sample.iter_mut().zip(&mut levels).zip(&slopes) {
                *total += noise * *level;
                *level *= slope;
            }
        }
    }
}

/// Returns nearly normal noise of power 1: the sum of four uniform numbers from one draw.
fn white(random: &mut Random) -> f32 {
    let bits = random.bits();
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xFFFF).sum();
    // Four numbers of variance 65536^2 / 12 around 32767.5.
    (sum as f32 - 131_070.0) * (1.732_050_8 / 65_536.0)
}

/// Returns the standard deviation of the images' sum per sample and band, `[step][band]`.
///
/// Images arrive at `4 pi c^3 t^2 / V` per second, each with a power of `1 / (c t)^2` reduced by
/// walls and air. The power is therefore `4 pi c / V` times the mean over all directions of
/// `kept^(walls met per second in that direction) * exp(-2 air c t)`, times the gains of source and
/// mic. Mirror walls keep each direction within its eight mirror images, over which the powers of
/// source and mic are averaged separately.
fn envelope(
    setup: &Setup<'_>,
    from_s: f64,
    step_samples: usize,
    num_steps: usize,
) -> Vec<[f64; NUM_BANDS]> {
    let step_s = step_samples as f64 / setup.rate_hz;
    let num_directions = DIRECTION_STEPS * DIRECTION_STEPS;
    let volume: f64 = setup.size_m.iter().product();
    let level = 4.0 * std::f64::consts::PI * SPEED_OF_SOUND
        / (volume * setup.rate_hz * num_directions as f64);
    let mut powers = Vec::with_capacity(num_directions);
    let mut factors = Vec::with_capacity(num_directions);
    for polar in 0..DIRECTION_STEPS {
        let up = (polar as f64 + 0.5) / DIRECTION_STEPS as f64;
        let flat = (1.0 - up * up).sqrt();
        for turn in 0..DIRECTION_STEPS {
            let angle = (turn as f64 + 0.5) / DIRECTION_STEPS as f64 * std::f64::consts::FRAC_PI_2;
            let direction = [flat * angle.cos(), flat * angle.sin(), up];
            let walls_per_m: f64 =
                direction.iter().zip(&setup.size_m).map(|(part, size)| part / size).sum();
            let (sent, heard) = setup.mirrored_powers(direction);
            let loss_per_s: [f64; NUM_BANDS] = std::array::from_fn(|band| {
                let wall = -2.0 * setup.wall_gain[band].max(1e-12).ln() * walls_per_m;
                SPEED_OF_SOUND * (wall + 2.0 * setup.air_per_m[band])
            });
            powers.push(std::array::from_fn::<f64, NUM_BANDS, _>(|band| {
                level * sent[band] * heard[band] * (-loss_per_s[band] * from_s).exp()
            }));
            factors.push(loss_per_s.map(|loss| (-loss * step_s).exp()));
        }
    }
    (0..num_steps)
        .map(|_| {
            let mut sum = [0.0; NUM_BANDS];
            for (power, factor) in powers.iter_mut().zip(&factors) {
                for band in 0..NUM_BANDS {
                    sum[band] += power[band];
                    power[band] *= factor[band];
                }
            }
            sum.map(f64::sqrt)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::crossfade::mixing_time_s;
    use super::super::probe::{energy, octave, octave_rt60_s};
    use super::super::{Air, Directivity, Pattern, PlacedMic, PlacedSource, Point, Room, Tail};
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    fn pairs(
        room: &Room,
        directivity: Directivity,
        pattern: Pattern,
    ) -> Vec<(PlacedSource, PlacedMic)> {
        let at = |shares: Point| std::array::from_fn(|axis| shares[axis] * room.size_m[axis]);
        let mut random = Random::new(5);
        (0..4)
            .map(|_| {
                let mut place = || at(std::array::from_fn(|_| random.between(0.15, 0.85)));
                let (source, mic) = (place(), place());
                let mut aim = || std::array::from_fn(|_| random.between(-1.0, 1.0));
                (
                    PlacedSource { at: source, aim: aim(), directivity },
                    PlacedMic { at: mic, aim: aim(), pattern },
                )
            })
            .collect()
    }

    /// Returns the energy of the noise relative to that of the images it replaces, in dB, `[band]`.
    ///
    /// The energies are summed over all pairs and over half an RT60 from the mixing time on.
    fn excess_db(room: &Room, directivity: Directivity, pattern: Pattern) -> Vec<f64> {
        let diffuse = Room { tail: Tail::Diffuse, ..room.clone() };
        let mut energies = [[0.0; 2]; CENTRES_HZ.len()];
        for (seed, (source, mic)) in (0_u64..).zip(pairs(room, directivity, pattern)) {
            let from_s = super::super::distance(source.at, mic.at) / SPEED_OF_SOUND
                + mixing_time_s(room.volume());
            for (which, room) in [room, &diffuse].into_iter().enumerate() {
                let response = room.response(&source, &mic, RATE_HZ, seed).unwrap();
                for (sums, centre_hz) in energies.iter_mut().zip(CENTRES_HZ) {
                    let band = octave(&response, Some(centre_hz), RATE_HZ);
                    sums[which] += energy(&band, from_s, from_s + room.rt60_s / 2.0, RATE_HZ);
                }
            }
        }
        energies.iter().map(|[images, noise]| 10.0 * (noise / images).log10()).collect()
    }

    const CENTRES_HZ: [f64; 5] = [500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];

    /// Maximum error in one octave, where noise and images are both a single draw. Measured with
    /// this test: 1.5 dB.
    const OCTAVE_LEVEL_ERROR_DB: f64 = 1.8;
    /// Maximum mean error over the octaves. Measured with this test: 0.24 dB.
    const LEVEL_ERROR_DB: f64 = 1.0;

    #[test]
    fn the_tail_is_as_loud_as_the_images_it_stands_for() {
        let as_built = Pattern::CARDIOID.as_built();
        for (size_m, rt60_s, air, directivity, pattern) in [
            ([8.0, 6.0, 3.5], 0.5, Air::Absorbing, Directivity::Voice, as_built),
            ([5.1, 4.6, 4.2], 0.4, Air::Lossless, Directivity::Omni, Pattern::FIGURE_8),
            ([16.0, 11.0, 6.0], 1.2, Air::Absorbing, Directivity::Brass, Pattern::OMNI),
            ([30.0, 20.0, 12.0], 2.5, Air::Absorbing, Directivity::Cymbal, Pattern::OMNI),
        ] {
            let room = Room { air, ..Room::new(size_m, rt60_s) };
            let excess_db = excess_db(&room, directivity, pattern);
            for error_db in &excess_db {
                assert!(error_db.abs() < OCTAVE_LEVEL_ERROR_DB, "{size_m:?}: {excess_db:?}");
            }
            let mean_db = excess_db.iter().sum::<f64>() / excess_db.len() as f64;
            assert!(mean_db.abs() < LEVEL_ERROR_DB, "{size_m:?}: {mean_db}");
        }
    }

    /// Maximum relative error of the RT60. Measured with this test: 6.7 % with images (the hall),
    /// 2.7 % with noise.
    const RT60_ERROR: f64 = 0.1;

    #[test]
    fn rooms_of_all_sizes_decay_in_the_time_asked_for_with_either_tail() {
        for (size_m, rt60_s) in [
            ([2.0, 2.0, 2.2], 0.1),
            ([5.5, 4.5, 3.0], 0.3),
            ([8.0, 6.0, 3.5], 0.6),
            ([14.0, 11.0, 7.0], 1.3),
            ([30.0, 20.0, 12.0], 2.5),
        ] {
            for tail in [Tail::Images, Tail::Diffuse] {
                let room = Room { air: Air::Absorbing, tail, ..Room::new(size_m, rt60_s) };
                let pairs = pairs(&room, Directivity::Omni, Pattern::OMNI);
                let sum_s: f64 = (0_u64..)
                    .zip(&pairs)
                    .map(|(seed, (source, mic))| {
                        let response = room.response(source, mic, RATE_HZ, seed).unwrap();
                        octave_rt60_s(&response, 1_000.0, RATE_HZ).unwrap()
                    })
                    .sum();
                let error = sum_s / pairs.len() as f64 / rt60_s - 1.0;
                assert!(error.abs() < RT60_ERROR, "{size_m:?} {tail:?}: {error}");
            }
        }
    }

    #[test]
    fn tails_differ_from_pair_to_pair_and_repeat_by_seed() {
        let room = Room { tail: Tail::Diffuse, ..Room::new([8.0, 6.0, 3.5], 0.5) };
        let source = PlacedSource::omni([2.0, 3.0, 1.2]);
        let mic = PlacedMic { at: [5.0, 2.0, 1.4], aim: [1.0, 0.0, 0.0], pattern: Pattern::OMNI };
        let response = |seed| room.response(&source, &mic, RATE_HZ, seed).unwrap();
        let (first, second) = (response(1), response(2));
        assert_eq!(first, response(1));
        let crossfade = Crossfade::after(
            super::super::distance(source.at, mic.at) / SPEED_OF_SOUND,
            room.volume(),
        );
        // The bands' filters ring a few milliseconds ahead of the noise.
        let early = to_index((crossfade.from_s - 0.015) * RATE_HZ);
        let late = to_index(crossfade.to_s * RATE_HZ);
        let norm = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let difference: Vec<f32> = first.iter().zip(&second).map(|(a, b)| a - b).collect();
        let leak = norm(&difference[..early], &difference[..early]) / norm(&first, &first);
        assert!(leak < 1e-6, "the images do not depend on the seed: {leak}");
        let alike = norm(&first[late..], &second[late..])
            / (norm(&first[late..], &first[late..]) * norm(&second[late..], &second[late..]))
                .sqrt();
        assert!(alike.abs() < 0.1, "{alike}");
    }
}
