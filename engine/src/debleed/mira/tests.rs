//! Tests of MIRA and FastMIRA: equality with the oracle, invariance to order and gain, a divergence
//! that never rises, and crosstalk from a few columns close to that from all hops.

use super::*;
use crate::debleed::batch::scene::{
    Scene, SceneConfig, all_shares, keep, largest_difference, mean_sdr_gain_db, ratio_mask, tables,
};
use crate::debleed::batch::{MIN_POWER, promises};

/// Largest allowed difference of MIRA's shares from the oracle's. Measured on x86-64: 6.5e-5 with
/// sparsity, whose winner-takes-all behaviour magnifies rounding; 1.1e-5 without.
const ORACLE_TOLERANCE: f32 = 3e-4;

/// Largest allowed difference of FastMIRA's shares from the oracle's; measured on x86-64: 2.0e-4.
const FAST_ORACLE_TOLERANCE: f32 = 1e-3;

/// Largest allowed change of shares by rounding; measured on x86-64: 6.5e-6.
const ROUNDING_TOLERANCE: f32 = 5e-5;

const NO_SPARSITY: MiraConfig = MiraConfig {
    iterations: 6,
    gain_quantile: 0.05,
    initial_crosstalk: 0.9,
    sparsity: 0.0,
    smooth_passes: 3,
    smooth_hops: 10,
    smooth_bins: 10,
};

fn default_mira(chunk: ChunkView<'_>, close: &CloseMics) -> BleedShares {
    mira(chunk, close, &MiraConfig::default()).unwrap()
}

fn default_fast_mira(chunk: ChunkView<'_>, close: &CloseMics) -> BleedShares {
    fast_mira(chunk, close, &few_columns(MiraConfig::default())).unwrap()
}

/// Returns a configuration with few columns, as the test scenes are short.
fn few_columns(mira: MiraConfig) -> FastMiraConfig {
    FastMiraConfig { mira, num_columns: 48, seed: 3 }
}

fn configs() -> [MiraConfig; 3] {
    let plain = MiraConfig { smooth_passes: 0, iterations: 20, ..NO_SPARSITY };
    [MiraConfig::default(), NO_SPARSITY, plain]
}

#[test]
fn mira_shares_equal_the_oracles() {
    for (seed, close) in (1..).zip(tables()) {
        let scene = Scene::new(&SceneConfig { num_bins: 70, ..SceneConfig::new(seed, close) });
        for config in &configs() {
            let fast = mira(scene.chunk(), &scene.close, config).unwrap();
            let slow = oracle::mira(scene.chunk(), &scene.close, config);
            let off = largest_difference(&all_shares(&fast), &slow);
            println!("seed {seed}: {off}");
            assert!(off < ORACLE_TOLERANCE, "seed {seed}, {config:?}: {off}");
        }
    }
}

#[test]
fn fast_mira_shares_equal_the_oracles() {
    for (seed, close) in (1..).zip(tables()) {
        let scene = Scene::new(&SceneConfig { num_bins: 70, ..SceneConfig::new(seed, close) });
        for config in configs().map(few_columns) {
            let fast = fast_mira(scene.chunk(), &scene.close, &config).unwrap();
            let slow = oracle::fast_mira(scene.chunk(), &scene.close, &config);
            let off = largest_difference(&all_shares(&fast), &slow);
            println!("seed {seed}: {off}");
            assert!(off < FAST_ORACLE_TOLERANCE, "seed {seed}, {config:?}: {off}");
        }
    }
}

#[test]
fn shares_sum_to_one() {
    promises::shares_sum_to_one(default_mira);
    promises::shares_sum_to_one(default_fast_mira);
}

#[test]
fn reordering_mics_reorders_the_shares() {
    promises::reordering_mics_reorders_the_shares(default_mira, ROUNDING_TOLERANCE);
    promises::reordering_mics_reorders_the_shares(default_fast_mira, ROUNDING_TOLERANCE);
}

#[test]
fn a_mics_gain_changes_no_share() {
    promises::a_mics_gain_changes_no_share(default_mira, ROUNDING_TOLERANCE);
    promises::a_mics_gain_changes_no_share(default_fast_mira, ROUNDING_TOLERANCE);
}

#[test]
fn a_silent_mic_changes_no_other_mic() {
    promises::a_silent_mic_changes_no_other_mic(default_mira);
    promises::a_silent_mic_changes_no_other_mic(default_fast_mira);
}

#[test]
fn silence_is_left_alone() {
    promises::silence_is_left_alone(default_mira);
    promises::silence_is_left_alone(default_fast_mira);
}

/// Returns `sum V / M - ln(V / M) - 1` over all mics, hops and bins with any power.
fn divergence(tile: &Tile<'_>, close: &CloseMics) -> f64 {
    let mut sum = 0.0;
    for mic in 0..close.num_mics() {
        for hop in 0..tile.num_hops() {
            for (bin, &power) in tile.power(mic, hop).iter().enumerate() {
                let model: f64 = (0..close.num_sources())
                    .map(|source| {
                        f64::from(tile.crosstalk(mic, source)[bin])
                            * f64::from(tile.source_power(source, hop)[bin])
                    })
                    .sum();
                let ratio = f64::from(power) / model.max(f64::from(MIN_POWER));
                sum += if power > 0.0 { ratio - ratio.ln() - 1.0 } else { 0.0 };
            }
        }
    }
    sum
}

#[test]
fn without_sparsity_no_update_increases_the_divergence() {
    for (seed, close) in (1..).zip(tables()) {
        let scene = Scene::new(&SceneConfig::new(seed, close));
        let gains = MicGains::of(scene.chunk(), 0.05);
        let mut tile = Tile::new(&scene.close);
        tile.load(scene.chunk(), &gains, 0..scene.num_bins);
        tile.set_crosstalk(0.9);
        tile.set_source_power_from_mics();
        let mut update = PowerUpdate::new(0.0);
        let first = divergence(&tile, &scene.close);
        let mut last = first;
        for step in 0..40 {
            if step % 2 == 0 {
                update.run(&mut tile, &scene.close);
            } else {
                tile.update_crosstalk();
            }
            let now = divergence(&tile, &scene.close);
            assert!(now <= last * (1.0 + 1e-6), "seed {seed}, step {step}: {last} to {now}");
            last = now;
        }
        assert!(last < 0.5 * first, "seed {seed}: {first} to {last}");
    }
}

#[test]
fn sparsity_leaves_fewer_sources_per_bin() {
    let scene = Scene::new(&SceneConfig::new(4, CloseMics::identity(4)));
    // 1 / sum of squared shares: 1 if one source has all the power, 4 if all have the same.
    let num_heard = |config: &MiraConfig| {
        let shares = all_shares(&mira(scene.chunk(), &scene.close, config).unwrap());
        let squares: f32 = shares.iter().map(|share| share * share).sum();
        (shares.len() / 4) as f32 / squares
    };
    let (plain, sparse) = (num_heard(&NO_SPARSITY), num_heard(&MiraConfig::default()));
    println!("{plain} sources without, {sparse} with sparsity");
    assert!(sparse < 1.05 && plain > 1.1, "{plain} {sparse}");
}

/// Returns the mean SDR improvement over mics, in dB, of MIRA and FastMIRA and of the ratio mask.
fn sdr_gains_db(num_mics: usize, crosstalk: [f32; 2], config: &MiraConfig) -> ([f32; 2], f32) {
    let scene = SceneConfig::new(num_mics as u64, CloseMics::identity(num_mics));
    let scene = Scene::new(&SceneConfig { num_hops: 400, crosstalk, ..scene });
    let slow = mira(scene.chunk(), &scene.close, config).unwrap();
    let fast = FastMiraConfig { mira: *config, ..FastMiraConfig::default() };
    let fast = fast_mira(scene.chunk(), &scene.close, &fast).unwrap();
    let gains_db = [slow, fast].map(|shares| mean_sdr_gain_db(&scene, |mic| keep(&shares, mic)));
    (gains_db, mean_sdr_gain_db(&scene, |mic| ratio_mask(&scene, mic)))
}

#[test]
fn sdr_rises_and_without_sparsity_more_than_by_the_ratio_mask() {
    for num_mics in [3, 4, 8] {
        for crosstalk in [[0.1, 0.3], [0.3, 0.6]] {
            let (gains_db, ratio_db) = sdr_gains_db(num_mics, crosstalk, &NO_SPARSITY);
            println!("{num_mics} mics, {crosstalk:?}: {gains_db:?} dB, ratio mask {ratio_db} dB");
            for gain_db in gains_db {
                assert!(gain_db > 3.0 && gain_db > ratio_db + 1.0, "{num_mics} mics: {gain_db} dB");
            }
        }
    }
}

/// The authors' sparsity leaves nearly one source per bin, which is of use only where bleed
/// is strong.
#[test]
fn with_the_authors_sparsity_sdr_rises_where_bleed_is_strong() {
    for num_mics in [3, 4, 8] {
        for crosstalk in [[0.1, 0.3], [0.3, 0.6]] {
            let (gains_db, _) = sdr_gains_db(num_mics, crosstalk, &MiraConfig::default());
            println!("{num_mics} mics, {crosstalk:?}: {gains_db:?} dB");
            for gain_db in gains_db {
                let least_db = if crosstalk[0] < 0.2 { -1.0 } else { 4.0 };
                assert!(gain_db > least_db, "{num_mics} mics, {crosstalk:?}: {gain_db} dB");
            }
        }
    }
}

/// Returns mean distances over paths and bins, in dB, from the crosstalk that MIRA learns from all
/// hops: that of the crosstalk learnt from columns, and that of MIRA's initial guess.
fn crosstalk_distances_db(config: &MiraConfig) -> [f32; 2] {
    let num_mics = 4;
    let scene = SceneConfig::new(4, CloseMics::identity(num_mics));
    let scene = Scene::new(&SceneConfig { num_hops: 600, ..scene });
    let slow = mira(scene.chunk(), &scene.close, config).unwrap();
    let gains = MicGains::of(scene.chunk(), config.gain_quantile);
    let fast = FastMiraConfig { mira: *config, ..FastMiraConfig::default() };
    let mut learner = CrosstalkLearner::new(&scene.close, scene.num_bins, &fast);
    learner.add(scene.chunk()).unwrap();
    let learnt = learner.learn();
    let (mut distance_db, mut guess_distance_db, mut count) = (0.0, 0.0, 0.0);
    for mic in 0..num_mics {
        for source in (0..num_mics).filter(|&source| source != mic) {
            let fast = learnt.relative_power(mic, source);
            for (bin, &fast) in fast.iter().enumerate() {
                let evened = gains.inverse(source)[bin] / gains.inverse(mic)[bin];
                let slow = slow.crosstalk(mic, source)[bin] / slow.crosstalk(source, source)[bin];
                let guess = config.initial_crosstalk * evened;
                let db = |ratio: f32| 10.0 * ratio.log10().abs();
                distance_db += db(fast / (slow * evened));
                guess_distance_db += db(guess / (slow * evened));
                count += 1.0;
            }
        }
    }
    [distance_db / count, guess_distance_db / count]
}

#[test]
fn crosstalk_from_columns_is_near_that_from_all_hops() {
    let [sparse_db, sparse_guess_db] = crosstalk_distances_db(&MiraConfig::default());
    let [plain_db, plain_guess_db] = crosstalk_distances_db(&NO_SPARSITY);
    println!("{sparse_db} dB of {sparse_guess_db}, {plain_db} dB of {plain_guess_db}");
    assert!(sparse_db < 5.0 && sparse_db < 0.6 * sparse_guess_db);
    assert!(plain_db < 4.0 && plain_db < 0.4 * plain_guess_db);
}

#[test]
fn any_cut_into_chunks_learns_the_same_crosstalk() {
    let scene = Scene::new(&SceneConfig::new(5, CloseMics::identity(3)));
    let config = few_columns(NO_SPARSITY);
    let mut whole = CrosstalkLearner::new(&scene.close, scene.num_bins, &config);
    whole.add(scene.chunk()).unwrap();
    let whole = whole.learn();
    let mut cut = CrosstalkLearner::new(&scene.close, scene.num_bins, &config);
    let mut start = 0;
    for num_hops in [1, 16, 30, 13] {
        let hops = start * scene.num_bins..(start + num_hops) * scene.num_bins;
        let part: Vec<_> =
            (0..3).flat_map(|mic| scene.mic(mic)[hops.clone()].iter().copied()).collect();
        cut.add(ChunkView::new(&part, [3, num_hops, scene.num_bins]).unwrap()).unwrap();
        start += num_hops;
    }
    assert_eq!(start, scene.num_hops);
    let cut = cut.learn();
    for mic in 0..3 {
        for source in 0..3 {
            let rows = cut.relative_power(mic, source).into_iter();
            for (cut, whole) in rows.zip(whole.relative_power(mic, source)) {
                assert!((cut / whole - 1.0).abs() < 1e-3, "{cut} {whole}");
            }
        }
    }
    let fresh = CrosstalkLearner::new(&scene.close, scene.num_bins, &config).learn();
    assert!((0..3).all(|mic| fresh.relative_power(mic, 0).iter().all(|&power| power == 0.0)));
}

#[test]
fn another_seed_gives_other_columns_and_the_same_seed_the_same() {
    let scene = Scene::new(&SceneConfig::new(6, CloseMics::identity(3)));
    let shares = |seed| {
        let config = FastMiraConfig { seed, ..few_columns(NO_SPARSITY) };
        all_shares(&fast_mira(scene.chunk(), &scene.close, &config).unwrap())
    };
    assert!(shares(1) == shares(1));
    assert!(shares(1) != shares(2));
}

#[test]
fn chunks_of_another_session_are_refused() {
    let scene = Scene::new(&SceneConfig::new(1, CloseMics::identity(3)));
    let mics = BatchError::MicCount { expected: 2, actual: 3 };
    let bins = BatchError::BinCount { expected: 39, actual: 40 };
    let two = CloseMics::identity(2);
    let config = few_columns(NO_SPARSITY);
    assert_eq!(mira(scene.chunk(), &two, &NO_SPARSITY).map(|_| ()), Err(mics));
    assert_eq!(fast_mira(scene.chunk(), &two, &config).map(|_| ()), Err(mics));
    assert_eq!(CrosstalkLearner::new(&two, 40, &config).add(scene.chunk()), Err(mics));
    let mut learner = CrosstalkLearner::new(&scene.close, 39, &config);
    assert_eq!(learner.add(scene.chunk()), Err(bins));
    assert_eq!(learner.learn().shares(scene.chunk()).map(|_| ()), Err(bins));
}
