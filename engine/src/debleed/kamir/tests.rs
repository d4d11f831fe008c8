//! Tests of KAMIR: equality with the oracle, invariance to order and gain, its authors' findings.

use super::*;
use crate::debleed::batch::promises;
use crate::debleed::batch::scene::{
    Scene, SceneConfig, all_shares, keep, largest_difference, mean_sdr_gain_db, ratio_mask, share,
    tables,
};

/// Largest allowed difference of shares from the oracle's. Measured on x86-64: 4.7e-5 sharpened,
/// 1.9e-5 with a median over hops and bins, 3.9e-6 without either.
const ORACLE_TOLERANCE: f32 = 1e-4;

/// Largest allowed change of shares by rounding; measured on x86-64: 1.4e-6.
const ROUNDING_TOLERANCE: f32 = 1e-5;

fn default_kamir(chunk: ChunkView<'_>, close: &CloseMics) -> BleedShares {
    kamir(chunk, close, &KamirConfig::default()).unwrap()
}

#[test]
fn shares_equal_the_oracles() {
    let configs = [
        KamirConfig::default(),
        KamirConfig { crosstalk_iterations: 3, min_crosstalk: 0.0, ..KamirConfig::default() },
        KamirConfig { median_hops: 3, ..KamirConfig::default() },
        KamirConfig { median_hops: 3, median_bins: 5, ..KamirConfig::default() },
        KamirConfig { iterations: 2, sharpen: true, ..KamirConfig::default() },
    ];
    for (seed, close) in (1..).zip(tables()) {
        let scene = Scene::new(&SceneConfig { num_bins: 70, ..SceneConfig::new(seed, close) });
        for config in &configs {
            let fast = kamir(scene.chunk(), &scene.close, config).unwrap();
            let slow = oracle::kamir(scene.chunk(), &scene.close, config);
            let off = largest_difference(&all_shares(&fast), &slow);
            println!("seed {seed}: {off}");
            assert!(off < ORACLE_TOLERANCE, "seed {seed}, {config:?}: {off}");
        }
    }
}

#[test]
fn shares_sum_to_one() {
    promises::shares_sum_to_one(default_kamir);
    let sharpened = KamirConfig { sharpen: true, ..KamirConfig::default() };
    promises::shares_sum_to_one(|chunk, close| kamir(chunk, close, &sharpened).unwrap());
}

#[test]
fn reordering_mics_reorders_the_shares() {
    promises::reordering_mics_reorders_the_shares(default_kamir, ROUNDING_TOLERANCE);
}

#[test]
fn a_mics_gain_changes_no_share() {
    promises::a_mics_gain_changes_no_share(default_kamir, ROUNDING_TOLERANCE);
}

#[test]
fn a_silent_mic_changes_no_other_mic() {
    promises::a_silent_mic_changes_no_other_mic(default_kamir);
}

#[test]
fn silence_is_left_alone() {
    promises::silence_is_left_alone(default_kamir);
    let with_median = KamirConfig { median_hops: 5, median_bins: 3, ..KamirConfig::default() };
    promises::silence_is_left_alone(|chunk, close| kamir(chunk, close, &with_median).unwrap());
}

#[test]
fn a_table_for_other_mics_is_refused() {
    let scene = Scene::new(&SceneConfig::new(1, CloseMics::identity(3)));
    let result = kamir(scene.chunk(), &CloseMics::identity(2), &KamirConfig::default());
    assert_eq!(result.map(|_| ()), Err(BatchError::MicCount { expected: 2, actual: 3 }));
}

#[test]
fn without_iterations_it_is_the_ratio_mask_of_evened_out_mics() {
    // Every mic starts with the same four values, so that all have the same quiet hops.
    let mut scene = Scene::new(&SceneConfig::new(2, CloseMics::identity(4)));
    let num_bins = scene.num_bins;
    for mic in 0..4 {
        for (at, value) in scene.mic_mut(mic).iter_mut().enumerate() {
            if at / num_bins < 4 {
                *value = 0.01.into();
            } else if value.norm() < 0.02 {
                *value = 0.02.into();
            }
        }
    }
    let config = KamirConfig { iterations: 0, initial_crosstalk: 1.0, ..KamirConfig::default() };
    let shares = kamir(scene.chunk(), &scene.close, &config).unwrap();
    for mic in 0..4 {
        let off = largest_difference(&share(&shares, mic, mic), &ratio_mask(&scene, mic));
        assert!(off < 1e-6, "mic {mic}: {off}"); // measured 2.4e-7 on x86-64
    }
}

#[test]
fn every_mic_gains_sdr_and_more_than_by_the_ratio_mask() {
    for num_mics in [2, 4, 8] {
        let config = SceneConfig::new(num_mics as u64, CloseMics::identity(num_mics));
        let scene = Scene::new(&SceneConfig { num_hops: 200, ..config });
        let shares = default_kamir(scene.chunk(), &scene.close);
        let gain_db = mean_sdr_gain_db(&scene, |mic| keep(&shares, mic));
        let ratio_gain_db = mean_sdr_gain_db(&scene, |mic| ratio_mask(&scene, mic));
        println!("{num_mics} mics: {gain_db} dB, ratio mask {ratio_gain_db} dB");
        assert!(gain_db > 5.0 && gain_db > ratio_gain_db + 1.0, "{gain_db} {ratio_gain_db}");
        let dry = vec![1.0; scene.num_hops * scene.num_bins];
        for mic in 0..num_mics {
            let (before, after) = (scene.sdr_db(mic, &dry), scene.sdr_db(mic, &keep(&shares, mic)));
            assert!(after > before + 3.0, "mic {mic} of {num_mics}: {before} to {after} dB");
        }
    }
}

/// From the authors' abstract: iterations trade distortion for separation. The effect needs strong
/// bleed; with paths of 0.1 to 0.3 the first iteration removes all the bleed that later ones do.
#[test]
fn more_iterations_separate_more_and_hurt_more() {
    let scenes: Vec<Scene> = (1..=4)
        .map(|seed| SceneConfig::new(seed, CloseMics::identity(3)))
        .map(|config| SceneConfig { num_hops: 200, crosstalk: [0.3, 0.6], ..config })
        .map(|config| Scene::new(&config))
        .collect();
    let mut last = (f32::NEG_INFINITY, f32::INFINITY);
    for iterations in [1, 2, 4, 8] {
        let config = KamirConfig { iterations, ..KamirConfig::default() };
        let (mut separated_db, mut intact_db) = (0.0, 0.0);
        for scene in &scenes {
            let shares = kamir(scene.chunk(), &scene.close, &config).unwrap();
            for mic in 0..3 {
                separated_db += scene.bleed_reduction_db(mic, &keep(&shares, mic)) / 12.0;
                intact_db += scene.own_to_damage_db(mic, &keep(&shares, mic)) / 12.0;
            }
        }
        println!("{iterations} iterations: bleed -{separated_db} dB, damage -{intact_db} dB");
        assert!(separated_db > last.0 && intact_db < last.1, "{iterations} iterations");
        last = (separated_db, intact_db);
    }
}
