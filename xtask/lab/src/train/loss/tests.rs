//! Tests of the losses, with band sums made by hand.

use super::super::combination::Combinations;
use super::super::products::Products;
use super::*;
use burn::tensor::{Device, TensorData};

/// One hop of one mic in one band: power of the cancelled mic, its product with the truth,
/// power of the truth, power of the mic before cancellation.
type Hop = [f32; 4];

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn sums(mics: &[&[Hop]], weights: &[f32]) -> Sums {
    let shape = [1, mics.len(), mics[0].len(), 1];
    let of = |which: usize| {
        let hops = mics.iter().flat_map(|hops| hops.iter());
        tensor(hops.map(|hop| hop[which]).collect(), shape)
    };
    let weights = tensor(weights.to_vec(), [1, mics.len()]);
    Sums {
        after: of(0),
        product: of(1),
        truth: of(2),
        before: of(3),
        bleed: of(0) - of(1) * 2.0 + of(2),
        weights,
        combinations: None,
    }
}

fn mask(mics: usize, hops: usize, value: f32) -> Tensor<4> {
    tensor(vec![value; mics * hops], [1, mics, hops, 1])
}

fn value(loss: Tensor<1>) -> f64 {
    f64::from(loss.into_data().as_slice::<f32>().unwrap()[0])
}

/// Measured: 1e-6 dB, in single precision.
const ROUNDING_DB: f64 = 1e-5;

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < ROUNDING_DB, "{found}, expected {wanted}");
}

/// Computes by hand the part of a mic's power that counts as silence of its source.
fn silence(truth: f64, input: f64) -> f64 {
    input / (1.0 + 100.0 * truth / input)
}

#[test]
fn the_snr_is_that_computed_by_hand() {
    let config = LossConfig::default();
    // Y = 2, S = 1, X = 3: k = 1/2 is exact, k = 1 has the error 1.
    let sums = sums(&[&[[4.0, 2.0, 1.0, 9.0]]], &[1.0]);
    let at = |k: f32| value(negative_snr(&mask(1, 1, k), &sums, 1, &config));
    let floor = 9.0 * 1e-4 + 1e-6;
    let by_hand = |error: f64| {
        let above = error + 1e-4 + 3e-3 * silence(1.0, 9.0) + 0.1 * floor;
        10.0 * (above / (1.0 + 9.0 * 1e-4 + floor)).log10()
    };
    near(at(0.5), by_hand(0.0));
    near(at(1.0), by_hand(1.0));
    near(at(0.0), by_hand(1.0));
    assert!(at(0.5) < -25.0, "{}", at(0.5));
}

#[test]
fn a_silent_truth_asks_for_silence_and_stays_finite() {
    let config = LossConfig::default();
    let sums = sums(&[&[[1.0, 0.0, 0.0, 1.0]]], &[1.0]);
    let at = |k: f32| value(negative_snr(&mask(1, 1, k), &sums, 1, &config));
    // (E + b + f / 10) / (a + f) with X = 1.
    let floor: f64 = 1e-4 + 1e-6;
    near(at(1.0), 10.0 * ((1.0 + 3e-3 + 0.1 * floor) / (1e-4 + floor)).log10());
    near(at(0.0), 10.0 * ((3e-3 + 0.1 * floor) / (1e-4 + floor)).log10());
    // No mask changes the loss of a mic that is silent itself.
    let nothing = super::tests::sums(&[&[[0.0; 4]]], &[1.0]);
    near(
        value(negative_snr(&mask(1, 1, 1.0), &nothing, 1, &config)),
        value(negative_snr(&mask(1, 1, 0.0), &nothing, 1, &config)),
    );
}

#[test]
fn segments_make_the_own_sources_silence_count() {
    let config = LossConfig::default();
    // Own sound in the first hop; bleed alone, 20 dB below it, in the second.
    let sums = sums(&[&[[1.0, 1.0, 1.0, 1.0], [0.01, 0.0, 0.0, 0.01]]], &[1.0]);
    let leave = mask(1, 2, 1.0);
    let remove = tensor(vec![1.0, 0.0], [1, 1, 2, 1]);
    let gain = |segment_hops: usize| {
        let at = |mask: &Tensor<4>| value(negative_snr(mask, &sums, segment_hops, &config));
        at(&leave) - at(&remove)
    };
    // Over the whole clip: from 20 dB to the threshold. Over segments, the silent half gains as
    // well, halved by the mean.
    let floor = 0.505 * 1e-4 + 1e-6;
    let silent: f64 = (0.01 + 3e-5 + 0.1 * floor) / (3e-5 + 0.1 * floor);
    near(gain(1), 10.0 * silent.log10() / 2.0);
    let rest: f64 = 1e-4 + 3e-3 * silence(1.0, 1.01) + 0.1 * (1.01 * 1e-4 + 1e-6);
    near(gain(2), 10.0 * ((0.01 + rest) / rest).log10());
}

#[test]
fn a_guide_is_punished_for_others_more_than_for_what_it_lacks() {
    let config = LossConfig::default();
    // Y = S + B with |S|² = |B|² = 1, orthogonal.
    let sums = sums(&[&[[2.0, 1.0, 1.0, 2.0]]], &[1.0]);
    let at = |g: f32| value(guide_loss(&mask(1, 1, g), &sums, 1, &config));
    let floor = 2e-4 + 1e-6;
    let by_hand = |error: f64| {
        let above = error + 1e-4 + 3e-3 * silence(1.0, 2.0) + 0.1 * floor;
        10.0 * (above / (1.0 + 2e-4 + floor)).log10()
    };
    near(at(1.0), by_hand(4.0));
    near(at(0.0), by_hand(1.0));
    // The minimum of 4 g² + (1 - g)² is at 1/5.
    near(at(0.2), by_hand(0.8));
}

#[test]
fn harm_is_what_a_mask_spoils_and_never_a_gain() {
    let config = LossConfig::default();
    // A clean hop, and one of bleed alone that is as loud.
    let hops: &[Hop] = &[[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]];
    let sums = sums(&[hops], &[1.0]);
    let at = |own: f32, bleed: f32| {
        value(harm(&tensor(vec![own, bleed], [1, 1, 2, 1]), &sums, 1, &config))
    };
    near(at(1.0, 1.0), 0.0);
    near(at(1.0, 0.0), 0.0);
    // Half of the own sound is lost, and the removal of bleed does not offset that. Halved by
    // the mean over both segments.
    let rest: f64 = 1e-4 + 3e-3 * silence(1.0, 1.0) + 0.1 * (1e-4 + 1e-6);
    let lost = 10.0 * ((0.25 + rest) / rest).log10() / 2.0;
    near(at(0.5, 1.0), lost);
    near(at(0.5, 0.0), lost);
}

#[test]
fn a_muted_source_has_the_wrong_level_although_its_snr_is_the_better() {
    // Bleed with twice the power of the source.
    let hops: &[Hop] = &[[3.0, 1.0, 1.0, 3.0]];
    let heard = sums(&[hops], &[1.0]);
    let config = LossConfig::default();
    let snr = |keep: f32| -value(negative_snr(&mask(1, 1, keep), &heard, 1, &config));
    assert!(snr(0.0) > snr(1.0) + 2.0, "silence is nearer to the truth");
    let at = |keep: f32, sums: &Sums| value(level_error(&mask(1, 1, keep), sums));
    let floor = 3e-4 + 1e-6;
    let by_hand = |own: f64, truth: f64, input: f64| {
        let scale = (own + 0.03 * truth + floor) / (1.03 * truth + floor);
        20.0 * scale.log10().abs() * truth / (truth + 0.01 * input + floor)
    };
    near(at(1.0, &heard), 0.0);
    near(at(0.5, &heard), by_hand(0.5, 1.0, 3.0));
    near(at(0.0, &heard), by_hand(0.0, 1.0, 3.0));
    assert!(at(0.0, &heard) > 20.0);
    // A mic whose source rests may be muted.
    let rests = sums(&[&[[3.0, 0.0, 0.0, 3.0]]], &[1.0]);
    near(at(0.0, &rests), 0.0);
}

#[test]
fn room_mics_and_padding_count_nothing() {
    let config = LossConfig { multi_domain: 1.0, harm: 1.0, ..LossConfig::default() };
    let mic: &[Hop] = &[[4.0, 2.0, 1.0, 9.0]];
    let room: &[Hop] = &[[7.0, 1.0, 3.0, 8.0]];
    let total = |sums: &Sums, mics: usize| {
        let (keep, guide) = (mask(mics, 1, 0.7), mask(mics, 1, 0.4));
        value(config.total(&Given { keep: &keep, guide: &guide, logits: &keep }, sums))
    };
    let alone = total(&sums(&[mic], &[1.0]), 1);
    near(total(&sums(&[mic, room], &[1.0, 0.0]), 2), alone);
    assert!((total(&sums(&[mic, room], &[1.0, 1.0]), 2) - alone).abs() > 0.1);
}

#[test]
fn both_domains_are_those_computed_by_hand() {
    // Y = S + B with |S|² = 3, |B|² = 1, orthogonal; k = 1/2.
    let sums = sums(&[&[[4.0, 3.0, 3.0, 4.0]]], &[1.0]);
    let found = value(multi_domain(&mask(1, 1, 0.5), &sums, 10.0));
    let error = 0.25 * 4.0 - 3.0 + 3.0;
    let own = 0.5 * 3.0 / (3.0_f64 * 0.25 * 4.0).sqrt();
    let rest = 0.5 * 1.0 / (1.0_f64 * 0.25 * 4.0).sqrt();
    near(found, error + 10.0 * (1.0 - 0.75 * own - 0.25 * rest));
    // The exact mask of a mic without bleed has neither error nor angle, and an SDR of minus 1.
    let clean = super::tests::sums(&[&[[2.0, 2.0, 2.0, 2.0]]], &[1.0]);
    let perfect = value(multi_domain(&mask(1, 1, 1.0), &clean, 10.0));
    assert!(perfect.abs() < 1e-4, "{perfect}");
}

#[test]
fn the_total_is_the_weighed_sum_of_its_terms() {
    let mics: [&[Hop]; 2] = [
        &[[4.0, 2.0, 1.0, 9.0], [1.0, 0.9, 0.9, 1.0]],
        &[[3.0, 1.0, 2.0, 5.0], [2.0, 0.1, 0.2, 2.0]],
    ];
    let mut sums = sums(&mics, &[1.0, 1.0]);
    let (keep, guide) = (mask(2, 2, 0.7), mask(2, 2, 0.4));
    let masks = Given { keep: &keep, guide: &guide, logits: &keep };
    let config = LossConfig {
        segment_hops: 1,
        multi_domain: 2.0,
        harm: 3.0,
        level: 5.0,
        combination: 4.0,
        ..LossConfig::default()
    };
    let by_hand = 0.7 * value(negative_snr(&keep, &sums, 2, &config))
        + 0.3 * value(negative_snr(&keep, &sums, 1, &config))
        + 0.35 * value(guide_loss(&guide, &sums, 2, &config))
        + 0.15 * value(guide_loss(&guide, &sums, 1, &config))
        + 2.0 * value(multi_domain(&keep, &sums, 10.0))
        + 3.0 * value(harm(&keep, &sums, 1, &config))
        + 5.0 * value(level_error(&keep, &sums));
    near(value(config.total(&masks, &sums)), by_hand);
    // The same for clips with combinations.
    let pair = |value: f32| mask(1, 2, value);
    let pairs =
        Products { after: pair(0.5), first: pair(0.1), second: pair(0.2), truth: pair(0.0) };
    let of_both = Combinations::new(&[vec![0b11]], sums.products(), Some(pairs), &Device::flex());
    let more = 4.0 * value(combination(&keep, &of_both, 10.0));
    sums.combinations = Some(of_both);
    assert!(more > 1.0, "{more}");
    near(value(config.total(&masks, &sums)), by_hand + more);
}
