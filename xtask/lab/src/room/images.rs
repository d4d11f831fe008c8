//! The image method itself: every mirror image of the source adds one delayed, damped impulse.

use super::decay::wall_energy_kept;
use super::{BAND_CENTRES_HZ, BAND_DECAY, PlacedMic, Point, Room, SPEED_OF_SOUND, distance};
use crate::convert::{to_f32, to_index};
use realfft::RealFftPlanner;

/// Taps of the interpolation filter on either side; errs by under 0.004 % up to 15 kHz at 44.1 kHz.
pub(super) const HALF_TAPS: usize = 40;

/// Reflections up to this time after the direct sound are placed between samples; later ones, by
/// then hundreds per millisecond, on the nearest sample.
const FRACTIONAL_S: f64 = 0.08;

/// Reflections lose what lies under this frequency, in Hz.
const REFLECTION_HIGH_PASS_HZ: f64 = 40.0;

const NUM_BANDS: usize = BAND_CENTRES_HZ.len();

pub(super) fn response(room: &Room, source: Point, mic: &PlacedMic, rate_hz: f64) -> Vec<f32> {
    let direct_s = distance(source, mic.at) / SPEED_OF_SOUND;
    let slowest = BAND_DECAY.iter().fold(0.0_f64, |most, &decay| most.max(decay));
    let last_s = direct_s + room.rt60_s * slowest;
    let length = to_index(last_s * rate_hz) + 2 * HALF_TAPS + 1;
    let mut response = vec![0.0_f32; length];
    if room.rt60_s > 0.0 {
        let mut trains: [Vec<f32>; NUM_BANDS] = std::array::from_fn(|_| vec![0.0; length]);
        let gains = reflection_gains(room, last_s);
        for_each_image(room, source, mic.at, last_s * SPEED_OF_SOUND, |image| {
            if image.reflections == 0 {
                return;
            }
            let level = image_level(&image, mic);
            let per_band = &gains[image.reflections.min(gains.len() - 1)];
            let at = image.metres / SPEED_OF_SOUND * rate_hz;
            for (train, gain) in trains.iter_mut().zip(per_band) {
                if image.metres / SPEED_OF_SOUND < direct_s + FRACTIONAL_S {
                    add_impulse(train, at, level * gain);
                } else if let Some(sample) = train.get_mut(to_index(at) + HALF_TAPS) {
                    *sample += to_f32(level * gain);
                }
            }
        });
        combine_bands(&trains, rate_hz, &mut response);
    }
    let direct = Image {
        from_mic: std::array::from_fn(|axis| source[axis] - mic.at[axis]),
        metres: distance(source, mic.at),
        reflections: 0,
    };
    add_impulse(&mut response, direct_s * rate_hz, image_level(&direct, mic));
    response
}

struct Image {
    from_mic: Point,
    metres: f64,
    reflections: usize,
}

fn image_level(image: &Image, mic: &PlacedMic) -> f64 {
    let dot: f64 = image.from_mic.iter().zip(&mic.aim).map(|(a, b)| a * b).sum();
    let aim_length = distance(mic.aim, [0.0; 3]);
    mic.pattern.gain(dot / (image.metres * aim_length)) / image.metres
}

/// Calls `visit` for every image of the source within `reach_m` of the mic.
fn for_each_image(
    room: &Room,
    source: Point,
    mic: Point,
    reach_m: f64,
    mut visit: impl FnMut(Image),
) {
    // One list per axis: offset from the mic and the number of walls met on the way.
    let axes: [Vec<(f64, usize)>; 3] = std::array::from_fn(|axis| {
        let size = room.size_m[axis];
        let most = to_index((reach_m / (2.0 * size)).ceil()) + 1;
        let mut offsets = Vec::with_capacity(4 * most + 2);
        for cell in 0..=2 * most {
            let shift = 2.0 * size * (cell as f64 - most as f64);
            let pairs = cell.abs_diff(most);
            offsets.push((shift + source[axis] - mic[axis], 2 * pairs));
            // Mirrored once more at the near wall: one wall fewer or one more.
            let walls = if cell > most { 2 * pairs - 1 } else { 2 * pairs + 1 };
            offsets.push((shift - source[axis] - mic[axis], walls));
        }
        offsets.retain(|(offset, _)| offset.abs() <= reach_m);
        offsets
    });
    for &(x, walls_x) in &axes[0] {
        for &(y, walls_y) in &axes[1] {
            let flat = x * x + y * y;
            if flat > reach_m * reach_m {
                continue;
            }
            for &(z, walls_z) in &axes[2] {
                let metres = (flat + z * z).sqrt();
                if metres <= reach_m {
                    visit(Image {
                        from_mic: [x, y, z],
                        metres,
                        reflections: walls_x + walls_y + walls_z,
                    });
                }
            }
        }
    }
}

/// `[reflections][band]` amplitude that is left.
fn reflection_gains(room: &Room, last_s: f64) -> Vec<[f64; NUM_BANDS]> {
    let amplitudes = BAND_DECAY.map(|decay| wall_energy_kept(room, room.rt60_s * decay).sqrt());
    let shortest = room.size_m.iter().fold(f64::INFINITY, |least, &size| least.min(size));
    let most = to_index(3.0 * last_s * SPEED_OF_SOUND / shortest) + 10;
    let mut gains = vec![[1.0; NUM_BANDS]];
    for count in 0..most {
        let previous = gains[count];
        gains.push(std::array::from_fn(|band| previous[band] * amplitudes[band]));
    }
    gains
}

/// Adds an impulse of this level at a time between samples: a sinc under a Hann window.
fn add_impulse(train: &mut [f32], at_samples: f64, level: f64) {
    let whole = at_samples.floor();
    let fraction = at_samples - whole;
    let first = to_index(whole) + 1;
    for tap in 0..2 * HALF_TAPS {
        // Tap 0 lies HALF_TAPS - 1 samples before `whole`; the margin shifts all by HALF_TAPS.
        let offset = tap as f64 - (HALF_TAPS as f64 - 1.0) - fraction;
        let phase = std::f64::consts::PI * offset;
        let sinc = if phase.abs() < 1e-9 { 1.0 } else { phase.sin() / phase };
        let window = (phase / (2.0 * HALF_TAPS as f64)).cos().powi(2);
        if let Some(sample) = train.get_mut(first + tap) {
            *sample += to_f32(level * sinc * window);
        }
    }
}

/// Filters each train to its band and adds them; the bands sum to one.
fn combine_bands(trains: &[Vec<f32>; NUM_BANDS], rate_hz: f64, response: &mut [f32]) {
    // Twice the length, so that the filters' tails wrap into silence.
    let size = (2 * response.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let forward = planner.plan_fft_forward(size);
    let inverse = planner.plan_fft_inverse(size);
    let mut sum = inverse.make_input_vec();
    let mut spectrum = forward.make_output_vec();
    let mut padded = forward.make_input_vec();
    for (band, train) in trains.iter().enumerate() {
        padded.fill(0.0);
        padded[..train.len()].copy_from_slice(train);
        if forward.process(&mut padded, &mut spectrum).is_err() {
            unreachable_sizes();
        }
        for (bin, (total, value)) in sum.iter_mut().zip(&spectrum).enumerate() {
            let at_hz = bin as f64 * rate_hz / size as f64;
            *total += value * to_f32(band_gain(band, at_hz) / size as f64);
        }
    }
    if inverse.process(&mut sum, &mut padded).is_err() {
        unreachable_sizes();
    }
    for (total, &sample) in response.iter_mut().zip(&padded) {
        *total += sample;
    }
}

fn unreachable_sizes() {
    debug_assert!(false, "buffers come from the plan and always fit");
}

/// How much of `at_hz` belongs to a band: raised cosines over the octave, 1 in sum, and the high
/// pass for reflections.
fn band_gain(band: usize, at_hz: f64) -> f64 {
    let octaves = (at_hz.max(1.0) / BAND_CENTRES_HZ[0]).log2().clamp(0.0, (NUM_BANDS - 1) as f64);
    let distance = (octaves - band as f64).abs();
    let share =
        if distance < 1.0 { 0.5 + 0.5 * (std::f64::consts::PI * distance).cos() } else { 0.0 };
    let high_pass = 1.0 / (1.0 + (REFLECTION_HIGH_PASS_HZ / at_hz.max(1e-3)).powi(4)).sqrt();
    share * high_pass
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_sum_to_one_above_the_high_pass() {
        for at_hz in [200.0, 333.0, 1_000.0, 3_210.0, 9_999.0, 20_000.0] {
            let sum: f64 = (0..NUM_BANDS).map(|band| band_gain(band, at_hz)).sum();
            assert!((sum - 1.0).abs() < 2e-3, "{at_hz} Hz: {sum}");
        }
    }

    #[test]
    fn images_and_their_walls_are_those_drawn_by_hand() {
        let room = Room::new([4.0, 100.0, 100.0], 1.0);
        let mut found = Vec::new();
        for_each_image(&room, [1.0, 50.0, 50.0], [3.0, 50.0, 50.0], 11.0, |image| {
            found.push((image.from_mic[0], image.reflections));
        });
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Source at 1 m between walls at 0 and 4 m, mic at 3 m; images at -7, -1, 7, 9 … m.
        let by_hand = [(-10.0, 2), (-4.0, 1), (-2.0, 0), (4.0, 1), (6.0, 2)];
        assert_eq!(found, by_hand);
    }
}
