//! Compares the fast simulator with a slow and simple one in double precision.

use super::bands::{REFLECTION_HIGH_PASS_HZ, band_share};
use super::impulse::exact_taps;
use super::{
    Air, BAND_CENTRES_HZ, Climate, Directivity, NUM_BANDS, Pattern, PlacedMic, PlacedSource, Room,
    SPEED_OF_SOUND, distance, setup::Setup,
};
use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;

/// Computes the reflections of the six sums and eight parities of Allen and Berkley's equation 9,
/// one by one, each with its own exact filter and its own spectrum per band.
fn slow_reflections(
    room: &Room,
    source: &PlacedSource,
    mic: &PlacedMic,
    wall_gain: &[f64; NUM_BANDS],
    (rate_hz, num_samples, last_m): (f64, usize, f64),
) -> Vec<f64> {
    let cosine = |a: [f64; 3], b: [f64; 3]| {
        a.iter().zip(&b).map(|(p, q)| p * q).sum::<f64>()
            / (distance(a, [0.0; 3]) * distance(b, [0.0; 3]))
    };
    let mut trains = vec![vec![0.0; num_samples]; NUM_BANDS];
    let reach: i32 = 40;
    for x in -reach..=reach {
        for y in -reach..=reach {
            for z in -reach..=reach {
                let shift = [x, y, z].map(f64::from).map(|cells| 2.0 * cells);
                if shift.iter().zip(&room.size_m).any(|(s, l)| (s.abs() - 2.0) * l > last_m) {
                    continue;
                }
                for mirror in 0..8 {
                    let flips = [0, 1, 2].map(|axis| mirror >> axis & 1 == 1);
                    let to_image: [f64; 3] = std::array::from_fn(|axis| {
                        let at = if flips[axis] { -source.at[axis] } else { source.at[axis] };
                        at + shift[axis] * room.size_m[axis] - mic.at[axis]
                    });
                    // |n - p| + |n| walls per axis.
                    let walls: i32 = [x, y, z]
                        .iter()
                        .zip(flips)
                        .map(|(n, flip)| (n - i32::from(flip)).abs() + n.abs())
                        .sum();
                    let metres = distance(to_image, [0.0; 3]);
                    if walls == 0 || metres > last_m {
                        continue;
                    }
                    let left = std::array::from_fn(|axis| {
                        if flips[axis] { to_image[axis] } else { -to_image[axis] }
                    });
                    let at_samples = metres / SPEED_OF_SOUND * rate_hz;
                    let taps = exact_taps(at_samples.fract());
                    for (band, train) in trains.iter_mut().enumerate() {
                        let air_db = match room.air {
                            Air::Lossless => 0.0,
                            Air::Absorbing => {
                                Climate::INDOORS.absorption_db_per_m(BAND_CENTRES_HZ[band])
                            }
                        };
                        let level = wall_gain[band].powi(walls) / metres
                            * 10.0_f64.powf(-air_db * metres / 20.0)
                            * mic.pattern.band_gain(band, cosine(to_image, mic.aim))
                            * source.directivity.gain(band, cosine(left, source.aim));
                        let first = at_samples.floor() as usize + 1;
                        for (sample, tap) in train.iter_mut().skip(first).zip(taps) {
                            *sample += level * tap;
                        }
                    }
                }
            }
        }
    }
    let size = (8 * num_samples).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(size);
    let mut sum = vec![Complex64::default(); size / 2 + 1];
    for (band, mut train) in trains.into_iter().enumerate() {
        train.resize(size, 0.0);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut train, &mut spectrum).unwrap();
        for (bin, (total, value)) in sum.iter_mut().zip(&spectrum).enumerate() {
            let at_hz = bin as f64 * rate_hz / size as f64;
            let cut = REFLECTION_HIGH_PASS_HZ / at_hz.max(1e-3);
            *total += value * band_share(band, at_hz) / (1.0 + cut.powi(4)).sqrt() / size as f64;
        }
    }
    let mut response = vec![0.0; size];
    sum[0].im = 0.0;
    sum[size / 2].im = 0.0;
    planner.plan_fft_inverse(size).process(&mut sum, &mut response).unwrap();
    response.truncate(num_samples);
    response
}

/// Maximum error relative to the loudest sample of the reflections. Measured with this
/// test: 1.3e-6.
const REFLECTION_ERROR: f64 = 1e-5;

#[test]
fn the_fast_response_is_the_slow_one() {
    for (size_m, rt60_s, air, rate_hz, directivity, pattern) in [
        ([2.0, 2.1, 2.3], 0.06, Air::Lossless, 44_100.0, Directivity::Omni, Pattern::OMNI),
        (
            [6.0, 4.0, 3.0],
            0.06,
            Air::Absorbing,
            32_000.0,
            Directivity::Brass,
            Pattern::CARDIOID.as_built(),
        ),
        ([4.0, 6.0, 3.0], 0.05, Air::Absorbing, 96_000.0, Directivity::Cymbal, Pattern::FIGURE_8),
    ] {
        let room = Room { air, ..Room::new(size_m, rt60_s) };
        let at = |shares: [f64; 3]| std::array::from_fn(|axis| shares[axis] * size_m[axis]);
        let source = PlacedSource { at: at([0.23, 0.61, 0.4]), aim: [0.3, -1.0, 0.2], directivity };
        let mic = PlacedMic { at: at([0.7, 0.37, 0.55]), aim: [-1.0, 0.2, 0.4], pattern };
        let setup = Setup::new(&room, &source, &mic, rate_hz);
        let mut fast = setup.response(0);
        // Removes the direct sound, which is the whole response of a room without walls.
        let dry = Room { rt60_s: 0.0, ..room.clone() };
        let direct = dry.response(&source, &mic, rate_hz, 0).unwrap();
        fast.iter_mut().zip(&direct).for_each(|(sample, direct)| *sample -= direct);
        let last_m = setup.last_s.unwrap() * SPEED_OF_SOUND;
        let size = (rate_hz, fast.len(), last_m);
        let slow = slow_reflections(&room, &source, &mic, &setup.wall_gain, size);
        let top = slow.iter().fold(0.0_f64, |top, sample| top.max(sample.abs()));
        let most = fast
            .iter()
            .zip(&slow)
            .map(|(&fast, slow)| (f64::from(fast) - slow).abs() / top)
            .fold(0.0, f64::max);
        assert!(most < REFLECTION_ERROR, "{size_m:?}: {most}");
    }
}
