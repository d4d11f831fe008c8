//! The diffuse tail: noise that decays in every band as the mirror images would.

use super::images::Setup;
use super::impulse::{HALF_TAPS, Train};
use super::{NUM_BANDS, SPEED_OF_SOUND};
use crate::convert::{to_f32, to_index};
use crate::random::Random;

/// Directions per axis, in one eighth of the sphere, over which the sound field is averaged.
const DIRECTION_STEPS: usize = 12;

/// Time between two points of the envelope, in seconds; between them it is drawn exponentially.
const STEP_S: f64 = 0.005;

/// Share of the mixing time over which images give way to noise.
const CROSSFADE: f64 = 0.3;

/// Images per second from which noise and images sound alike.
///
/// # Source
///
/// M. Karjalainen, H. Järveläinen, "Reverberation modeling using velvet noise", 30th AES
/// International Conference, 2007: about 1500 sparse impulses per second pass for smooth noise.
const DENSE_PER_S: f64 = 2_000.0;

/// The part of the random stream of a pair that draws its tail.
const STREAM: u64 = 0x7A11;

/// Time from the direct sound to the moment from which a response is noise alone, in seconds: when
/// listeners no longer tell where the noise starts, and at least when images come densely.
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

/// From when to when, in seconds from the emission, images give way to noise.
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

    /// Amplitudes of images and noise; their powers sum to one.
    pub(super) fn gains(self, at_s: f64) -> (f64, f64) {
        let share = ((at_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0);
        let (noise, images) = (std::f64::consts::FRAC_PI_2 * share).sin_cos();
        (if share < 1.0 { images } else { 0.0 }, noise)
    }
}

/// Adds the tail to the train of every band: one stream of white noise, shaped by each band's
/// envelope, so that bands join as those of the images do.
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

/// Nearly normal noise of power 1: the sum of four uniform numbers from one draw.
fn white(random: &mut Random) -> f32 {
    let bits = random.bits();
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xFFFF).sum();
    // Four numbers of variance 65536^2 / 12 around 32767.5.
    (sum as f32 - 131_070.0) * (1.732_050_8 / 65_536.0)
}

/// Standard deviation of the images' sum per sample and band, `[step][band]`.
///
/// Images arrive at `4 pi c^3 t^2 / V` per second, each with a power of `1 / (c t)^2` less what
/// walls and air took: `4 pi c / V` times the mean over all directions of
/// `kept^(walls met per second in that direction) * exp(-2 air c t)`, times what source and mic
/// make of it. Mirror walls keep each direction within its eight mirror images, over which source
/// and mic are averaged apart.
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
