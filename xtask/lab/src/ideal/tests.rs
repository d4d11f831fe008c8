//! Tests of ideal masks and filters against values computed by hand, and of their optimality.

use super::masks::Energies;
use super::*;
use crate::metrics::Measured;
use crate::random::Random;
use crate::scenes::SceneInfo;
use realfft::num_complex::Complex32;

#[test]
fn masks_are_those_computed_by_hand() {
    // S = 3 + 4i (|S|^2 = 25), B = -3 + 4i (25), X = 8i (64): Re(S X*) = 32.
    let mut one = Energies::default();
    one.add(Complex32::new(3.0, 4.0), Complex32::new(0.0, 8.0));
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    close(one.gain(Mask::Wiener), 0.5);
    close(one.gain(Mask::Ratio), 0.5);
    close(one.gain(Mask::LeastError), 0.5);
    // S = 3, B = 1: 9 / 10, 3 / 4, 12 / 16.
    let mut other = Energies::default();
    other.add(Complex32::new(3.0, 0.0), Complex32::new(4.0, 0.0));
    close(other.gain(Mask::Wiener), 0.9);
    close(other.gain(Mask::Ratio), 0.75);
    close(other.gain(Mask::LeastError), 0.75);
    // Both bins as one band: 34 / 60, sqrt 34 / (sqrt 34 + sqrt 26), 44 / 80.
    other.add(Complex32::new(3.0, 4.0), Complex32::new(0.0, 8.0));
    close(other.gain(Mask::Wiener), 34.0 / 60.0);
    close(other.gain(Mask::Ratio), 34_f64.sqrt() / (34_f64.sqrt() + 26_f64.sqrt()));
    close(other.gain(Mask::LeastError), 0.55);
    // Bleed that opposes the target: the mask stays within 0 and 1.
    let mut against = Energies::default();
    against.add(Complex32::new(1.0, 0.0), Complex32::new(-0.5, 0.0));
    close(against.gain(Mask::LeastError), 0.0);
    close(Energies::default().gain(Mask::Wiener), 0.0);
}

/// Returns two sources that play in turns and together, in two mics with delays.
fn scene(bleed: f32) -> Scene {
    let num_samples = 40_000;
    let source = |seed: u64, at_hz: f64| -> Vec<f32> {
        let mut random = Random::new(seed);
        let tone = |n: usize| (n as f64 * at_hz * std::f64::consts::TAU / 44_100.0).sin();
        (0..num_samples).map(|n| (0.3 * tone(n) + random.normal(0.0, 0.1)) as f32).collect()
    };
    let mut targets = vec![source(1, 440.0), source(2, 1_500.0)];
    targets[0][..15_000].fill(0.0);
    targets[1][30_000..].fill(0.0);
    let heard = |own: usize| -> Vec<f32> {
        let other = &targets[1 - own];
        let mixed = |n: usize| {
            targets[own][n] + bleed * n.checked_sub(30).map_or(0.0, |earlier| other[earlier])
        };
        (0..num_samples).map(mixed).collect()
    };
    let mics = vec![heard(0), heard(1)];
    Scene { info: SceneInfo::default(), rate_hz: 44_100, mics, targets }
}

fn gain_db(scene: &Scene, ideal: Ideal) -> f64 {
    let outputs = ideal.clean(scene).unwrap();
    let gains = outputs.iter().enumerate().map(|(mic, output)| {
        let measured = Measured {
            reference: &scene.targets[mic],
            estimate: output,
            input: &scene.mics[mic],
            rate_hz: scene.rate_hz,
            source_is_silent: false,
        };
        measured.score().unwrap().sdr_gain_db.unwrap()
    });
    gains.sum::<f64>() / outputs.len() as f64
}

/// Maximum error of a sample. Measured with this test: 1.5e-7, from single precision.
const ROUNDING: f32 = 1e-6;

/// The same for the spatial filter, whose diagonal load attenuates signals far below the loudest
/// mic. Measured with this test: 1.6e-5.
const LOADED: f32 = 1e-4;

#[test]
fn mics_without_bleed_come_out_as_they_went_in() {
    let scene = scene(0.0);
    let mut worst_of_masks = 0.0_f32;
    for ideal in Ideal::ALL {
        let outputs = ideal.clean(&scene).unwrap();
        for (output, mic) in outputs.iter().zip(&scene.mics) {
            assert_eq!(output.len(), mic.len());
            let worst = output.iter().zip(mic).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            if ideal == Ideal::Spatial {
                assert!(worst < LOADED, "{worst}");
            } else {
                worst_of_masks = worst_of_masks.max(worst);
            }
        }
    }
    assert!(worst_of_masks < ROUNDING, "{worst_of_masks}");
}

#[test]
fn bounds_stand_in_their_order() {
    let scene = scene(0.4);
    let gain = |mask, resolution| gain_db(&scene, Ideal::Mask(mask, resolution));
    let best = gain(Mask::LeastError, Resolution::Bins);
    assert!(best > gain(Mask::Wiener, Resolution::Bins), "no mask has less error");
    assert!(best > gain(Mask::Ratio, Resolution::Bins));
    for mask in [Mask::Wiener, Mask::Ratio, Mask::LeastError] {
        let (bins, bands) = (gain(mask, Resolution::Bins), gain(mask, Resolution::Bands));
        assert!(bins > bands && bands > 2.0, "{mask:?}: {bins} {bands}");
    }
    // Two mics, two sources, short paths: the filter can invert them.
    let spatial = gain_db(&scene, Ideal::Spatial);
    assert!(spatial > best + 5.0, "{spatial} dB, the best mask {best} dB");
}
