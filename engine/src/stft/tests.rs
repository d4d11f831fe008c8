//! Promises of the transform: identity, exact zeros, complete resets, and agreement with
//! its oracle.

use realfft::num_complex::{Complex32, Complex64};

use super::*;

/// Largest error of analysis followed by synthesis on noise of peak 1: measured 3.6e-7
/// on x86-64.
const RECONSTRUCTION_TOLERANCE: f32 = 1e-6;
/// Largest error of a bin against the slow transform, relative to the window's sum: measured
/// 1.9e-8 on x86-64.
const ORACLE_TOLERANCE: f64 = 1.5e-7;

const GEOMETRIES: [(usize, usize, usize); 7] = [
    (64, 16, 64),
    (1024, 256, 1024),
    (2048, 512, 1024),
    (2048, 256, 1024),
    (4096, 1024, 4096),
    (1920, 480, 960),
    (36, 6, 12),
];

fn noise(seed: u32, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 * 2.0 - 1.0
        })
        .collect()
}

/// Analyses and synthesises `mics`, a hop at a time.
fn round_trip(geometry: Geometry, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let hop = geometry.hop_samples();
    let mut analysis = Analysis::new(geometry, mics.len());
    let mut synthesis = Synthesis::new(geometry, mics.len());
    let mut spectrum = Spectrum::new(mics.len(), geometry.num_bins());
    let mut out = vec![Vec::new(); mics.len()];
    let mut block = vec![0.0; mics.len() * hop];
    for start in (0..mics[0].len()).step_by(hop) {
        for (mic, samples) in mics.iter().enumerate() {
            block[mic * hop..][..hop].copy_from_slice(&samples[start..start + hop]);
        }
        analysis.push_hop(&block, &mut spectrum);
        synthesis.push_hop(&spectrum, &mut block);
        for (mic, out) in out.iter_mut().enumerate() {
            out.extend_from_slice(&block[mic * hop..][..hop]);
        }
    }
    out
}

#[test]
fn analysis_then_synthesis_is_the_identity_after_the_latency() {
    let mut worst = 0.0_f32;
    for (window, hop, overlap) in GEOMETRIES {
        let geometry = Geometry::new(window, hop, overlap).unwrap();
        let mics: Vec<_> = (1..4).map(|seed| noise(seed, 24 * window / hop * hop)).collect();
        let latency = Synthesis::new(geometry, 1).latency_samples();
        for (out, mic) in round_trip(geometry, &mics).iter().zip(&mics) {
            for (y, x) in out[latency..].iter().zip(mic) {
                worst = worst.max((y - x).abs());
            }
        }
    }
    println!("worst error {worst:e}");
    assert!(worst <= RECONSTRUCTION_TOLERANCE, "{worst:e}");
}

#[test]
fn a_bin_is_the_windowed_sum_of_the_definition() {
    let geometry = Geometry::new(48, 8, 16).unwrap();
    let samples = noise(9, 48);
    let mut analysis = Analysis::new(geometry, 1);
    let mut spectrum = Spectrum::new(1, geometry.num_bins());
    for hop in samples.chunks(8) {
        analysis.push_hop(hop, &mut spectrum);
    }
    let window = geometry.analysis_window();
    let sum: f64 = window.iter().map(|&w| f64::from(w)).sum();
    let mut worst = 0.0_f64;
    for (bin, &fast) in spectrum.mic(0).iter().enumerate() {
        let slow: Complex64 = samples
            .iter()
            .zip(&window)
            .enumerate()
            .map(|(n, (&x, &w))| {
                let angle = -std::f64::consts::TAU * (bin * n) as f64 / 48.0;
                Complex64::from_polar(f64::from(x) * f64::from(w), angle)
            })
            .sum();
        let fast = Complex64::new(f64::from(fast.re), f64::from(fast.im));
        let error = (fast - slow).norm() / sum;
        worst = worst.max(error);
        assert!(error <= ORACLE_TOLERANCE, "bin {bin}: {fast} {slow}");
    }
    println!("worst error {worst:e}");
}

#[test]
fn silence_is_inactive_and_stays_exactly_silent() {
    let geometry = Geometry::new(1024, 256, 512).unwrap();
    let mut analysis = Analysis::new(geometry, 2);
    let mut synthesis = Synthesis::new(geometry, 2);
    let mut spectrum = Spectrum::new(2, geometry.num_bins());
    let mut block = [vec![0.0; 256], noise(3, 256)].concat();
    analysis.push_hop(&block, &mut spectrum);
    assert!(!spectrum.is_active(0) && spectrum.is_active(1));
    assert!(spectrum.mic(0).iter().all(|&bin| bin == Complex32::ZERO));
    synthesis.push_hop(&spectrum, &mut block);
    assert!(block[..256].iter().all(|&x| x == 0.0));
    // A mic is inactive again after a whole window of silence.
    for _ in 0..4 {
        analysis.push_hop(&[0.0; 512], &mut spectrum);
    }
    assert!(!spectrum.is_active(1));
    for _ in 0..2 {
        synthesis.push_hop(&spectrum, &mut block);
    }
    synthesis.push_hop(&spectrum, &mut block);
    assert!(block.iter().all(|&x| x == 0.0));
}

#[test]
fn dither_is_no_sound_until_there_was_some() {
    let geometry = Geometry::new(1024, 256, 512).unwrap();
    let mut analysis = Analysis::new(geometry, 1);
    let mut spectrum = Spectrum::new(1, geometry.num_bins());
    // -90 and -80 dB of full scale; noise in -1..1 has -4.8 dB.
    let at = |db: f32| -> Vec<f32> {
        let gain = 10_f32.powf((db + 4.8) / 20.0);
        noise(3, 1024).iter().map(|sample| gain * sample).collect()
    };
    let mut is_active = |samples: &[f32]| {
        for hop in samples.chunks(256) {
            analysis.push_hop(hop, &mut spectrum);
        }
        spectrum.is_active(0)
    };
    assert!(!is_active(&at(-90.0)));
    assert!(is_active(&at(-80.0)));
    assert!(is_active(&at(-90.0)), "the end of a sound");
    analysis.reset();
    analysis.push_hop(&at(-90.0)[..256], &mut spectrum);
    assert!(!spectrum.is_active(0));
}

#[test]
fn samples_that_are_not_numbers_count_as_silence() {
    let geometry = Geometry::new(64, 16, 64).unwrap();
    let mut analysis = Analysis::new(geometry, 2);
    let mut spectrum = Spectrum::new(2, geometry.num_bins());
    let mut block = [0.0; 32];
    block[3] = f32::NAN;
    block[4] = f32::NEG_INFINITY;
    block[20] = 1.0;
    analysis.push_hop(&block, &mut spectrum);
    assert!(!spectrum.is_active(0));
    assert!(spectrum.mic(1).iter().all(|bin| bin.is_finite()));
}

#[test]
fn reset_equals_new() {
    let geometry = Geometry::new(256, 64, 128).unwrap();
    let mut analysis = Analysis::new(geometry, 1);
    let mut synthesis = Synthesis::new(geometry, 1);
    let run = |analysis: &mut Analysis, synthesis: &mut Synthesis| {
        let mut spectrum = Spectrum::new(1, geometry.num_bins());
        let mut all = Vec::new();
        for hop in noise(5, 640).chunks(64) {
            let mut out = [0.0; 64];
            analysis.push_hop(hop, &mut spectrum);
            synthesis.push_hop(&spectrum, &mut out);
            all.extend(out);
        }
        all
    };
    let first = run(&mut analysis, &mut synthesis);
    analysis.reset();
    synthesis.reset();
    assert_eq!(first, run(&mut analysis, &mut synthesis));
}

#[test]
fn sizes_that_cannot_reconstruct_are_refused() {
    for (window, hop, overlap) in
        [(0, 1, 2), (63, 16, 48), (64, 0, 64), (64, 64, 64), (64, 24, 64), (64, 16, 96)]
    {
        assert!(Geometry::new(window, hop, overlap).is_err(), "{window} {hop} {overlap}");
    }
}
