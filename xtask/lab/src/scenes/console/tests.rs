//! Tests of the console: properties of recorded mics and targets.

use super::*;

const MAINS: Mains = Mains { hz: 50.0, rate_hz: 16_000 };

fn plain() -> Chain {
    Chain {
        peak_db: -6.0,
        inverted: false,
        offset_ms: 0.0,
        noise_below_db: None,
        hum_below_db: None,
        high_pass_hz: None,
        bands: Vec::new(),
        compressor: None,
        saturation_db: None,
        clipping_db: None,
    }
}

fn coloured() -> Chain {
    Chain {
        inverted: true,
        offset_ms: 1.234,
        high_pass_hz: Some(80.0),
        bands: vec![Band { shape: Shape::HighShelf, hz: 4_000.0, gain_db: 5.0 }],
        compressor: Some(Compressor {
            threshold_below_db: 20.0,
            ratio: 5.0,
            attack_ms: 2.0,
            release_ms: 60.0,
        }),
        saturation_db: Some(9.0),
        clipping_db: Some(3.0),
        ..plain()
    }
}

fn noise(seed: u64, level: f64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..8_000).map(|_| random.normal(0.0, level) as f32).collect()
}

fn record(chain: &Chain, own: Vec<f32>, bleed: Vec<f32>) -> Recorded {
    chain.record(Images { own, bleed }, None, MAINS, &mut Random::new(9))
}

fn peak(signal: &[f32]) -> f64 {
    f64::from(signal.iter().fold(0.0_f32, |top, sample| top.max(sample.abs())))
}

#[test]
fn a_mic_without_bleed_is_its_own_target_whatever_the_colour() {
    let recorded = record(&coloured(), noise(1, 0.2), vec![0.0; 8_000]);
    assert_eq!(recorded.mic, recorded.target);
    assert!((peak(&recorded.mic) - db_to_lin(-6.0)).abs() < 1e-6);
}

#[test]
fn a_silent_source_stays_silent_whatever_the_colour() {
    let recorded = record(&coloured(), vec![0.0; 8_000], noise(1, 0.2));
    assert!(recorded.target.iter().all(|&sample| sample == 0.0));
    assert!(peak(&recorded.mic) > 0.4);
}

/// Measured with this test: 2e-7 of full scale.
const ROUNDING: f32 = 1e-6;

#[test]
fn the_linear_stages_act_on_own_source_and_bleed_as_on_each_alone() {
    let chain = Chain { compressor: None, saturation_db: None, clipping_db: None, ..coloured() };
    let (own, bleed) = (noise(1, 0.2), noise(2, 0.1));
    let both = record(&chain, own.clone(), bleed.clone());
    let alone = record(&chain, own, vec![0.0; 8_000]);
    // The lone source has a lower peak and gets more gain; only the ratio of the gains differs.
    let ratio = db_to_lin(both.gain_db - alone.gain_db) as f32;
    for (&target, &alone) in both.target.iter().zip(&alone.target) {
        assert!((target - ratio * alone).abs() < ROUNDING);
    }
}

#[test]
fn colour_is_one_gain_for_mic_and_target() {
    let linear = Chain { compressor: None, saturation_db: None, clipping_db: None, ..coloured() };
    let (own, bleed) = (noise(1, 0.2), noise(2, 0.1));
    let before = record(&linear, own.clone(), bleed.clone());
    let after = record(&coloured(), own, bleed);
    let mut gains = Vec::new();
    for n in 0..8_000 {
        let (mic, target) = (before.mic[n], before.target[n]);
        if mic.abs() > 0.01 && target.abs() > 0.01 {
            let (of_mic, of_target) = (after.mic[n] / mic, after.target[n] / target);
            assert!((of_mic / of_target - 1.0).abs() < 1e-4, "{n}: {of_mic} {of_target}");
            gains.push(of_mic);
        }
    }
    gains.sort_by(f32::total_cmp);
    assert!(gains[gains.len() - 1] > 1.5 * gains[0], "the colour is there: {gains:?}");
}

#[test]
fn noise_and_hum_are_in_mic_and_target_alike() {
    let chain =
        Chain { noise_below_db: Some(40.0), hum_below_db: Some(45.0), peak_db: -1.0, ..plain() };
    let (own, bleed) = (noise(1, 0.1), noise(2, 0.1));
    let noisy = record(&chain, own.clone(), bleed.clone());
    let clean = record(&Chain { peak_db: -1.0, ..plain() }, own, bleed);
    let scale = db_to_lin(noisy.gain_db - clean.gain_db) as f32;
    let mut added = Vec::new();
    for n in 0..8_000 {
        let in_mic = noisy.mic[n] - scale * clean.mic[n];
        let in_target = noisy.target[n] - scale * clean.target[n];
        assert!((in_mic - in_target).abs() < ROUNDING);
        added.push(f64::from(in_mic));
    }
    let rms = (added.iter().map(|x| x * x).sum::<f64>() / 8_000.0).sqrt();
    let expected = (db_to_lin(-40.0).powi(2) + db_to_lin(-45.0).powi(2)).sqrt() * db_to_lin(-1.0);
    assert!((rms / expected - 1.0).abs() < 0.05, "{rms} {expected}");
}

#[test]
fn a_preamp_set_for_a_silent_source_leaves_the_mic_quiet() {
    let images = Images { own: vec![0.0; 8_000], bleed: noise(1, 0.01) };
    let heard = peak(&images.bleed);
    let recorded = plain().record(images, Some((10.0 * heard) as f32), MAINS, &mut Random::new(1));
    assert!((peak(&recorded.mic) / db_to_lin(-26.0) - 1.0).abs() < 1e-4);
    let nothing = record(&plain(), vec![0.0; 10], vec![0.0; 10]);
    assert_eq!((nothing.mic, nothing.target), (vec![0.0; 10], vec![0.0; 10]));
    assert!(nothing.gain_db.is_finite());
}

#[test]
fn chances_of_one_and_nought_are_kept() {
    let mut config = ConsoleConfig::default();
    config.noise.chance = 1.0;
    config.clipping.chance = 0.0;
    config.polarity = 0.0;
    for seed in 0..50 {
        let chain = Chain::draw(&config, true, &mut Random::new(seed));
        assert!(chain.noise_below_db.is_some() && chain.clipping_db.is_none());
        assert!(!chain.inverted && (-42.0..=-2.0).contains(&chain.peak_db));
    }
}
