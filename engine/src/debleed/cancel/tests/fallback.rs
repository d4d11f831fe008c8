//! Tests of hops that the canceller's own rules clean although there is a network.

use super::guided::{Mute, by_model, played, run_all, steered};
use super::*;
use crate::network::{Model, testing};

/// Returns finite weights with masks that are not finite: all weights are the largest number, and a
/// norm divides infinity by itself.
fn overflowing() -> Vec<u8> {
    let mut weights = testing::network().to_safetensors().unwrap();
    let head = u64::from_le_bytes(*weights.first_chunk().unwrap());
    let from = 8 + usize::try_from(head).unwrap();
    for weight in weights[from..].as_chunks_mut::<4>().0 {
        *weight = f32::MAX.to_le_bytes();
    }
    weights
}

#[test]
fn a_network_that_cannot_be_had_leaves_the_canceller_to_its_own_rules() {
    let recording = recording(3, 0.3, &[1.0, 0.1, 5.0]);
    let expected = run_all(steered(3, &|| Box::new(Mute)), &recording.mics);
    let no_weights = testing::model_of(b"no weights".to_vec());
    assert!(run_all(by_model(&no_weights, 3), &recording.mics) == expected);
    assert_eq!(no_weights.times_built(), 0);
    let broken = testing::model_of(overflowing());
    assert!(run_all(by_model(&broken, 3), &recording.mics) == expected);
    assert!(broken.times_built() > 0, "the weights as such could be used");
    assert!(expected.iter().flatten().flatten().all(|x| x.is_finite()));
}

/// Returns the reason why a model is not used, after some hops of three mics; the same in
/// both modes.
fn trouble(model: &Model, mics: &[Vec<f32>]) -> Option<GuideTrouble> {
    let [live, mix] = [Mode::Live, Mode::Mix].map(|mode| {
        let method = Online::guided(rate(), mode, mics.len(), &|| model.guide(mics.len()));
        played(method, mics).guide_trouble()
    });
    assert_eq!(live, mix);
    live
}

#[test]
fn it_is_known_why_a_network_is_not_followed() {
    let mics = recording(3, 0.2, &[1.0, 0.1, 5.0]).mics;
    assert_eq!(trouble(&testing::model(), &mics), None);
    let no_weights = testing::model_of(b"no weights".to_vec());
    assert_eq!(trouble(&no_weights, &mics), Some(GuideTrouble::Broken));
    let mut weights = testing::network().to_safetensors().unwrap();
    let too_few = testing::model_for(weights.clone(), 1..=2);
    let made_for_two = GuideTrouble::Mics { heard: 3, most: 2 };
    assert_eq!(trouble(&too_few, &mics), Some(made_for_two));
    assert_eq!(trouble(&testing::model_for(weights.clone(), 4..=5), &mics), None);
    assert_eq!(trouble(&testing::model_of(overflowing()), &mics), Some(GuideTrouble::NoNumbers));
    // Weights that are not finite give no network.
    let from = weights.len() - 64;
    weights[from..].fill(0xFF);
    assert_eq!(trouble(&testing::model_of(weights), &mics), Some(GuideTrouble::Broken));
}

#[test]
fn a_model_made_for_other_numbers_of_mics_leaves_the_canceller_to_its_own_rules() {
    let recording = recording(3, 0.3, &[1.0, 0.1, 5.0]);
    let expected = run_all(steered(3, &|| Box::new(Mute)), &recording.mics);
    let weights = || testing::network().to_safetensors().unwrap();
    for mics in [1..=2, 4..=16] {
        let model = testing::model_for(weights(), mics.clone());
        assert!(run_all(by_model(&model, 3), &recording.mics) == expected, "{mics:?}");
    }
    let fits = testing::model_for(weights(), 3..=3);
    assert!(run_all(by_model(&fits, 3), &recording.mics) != expected);
}

/// Measured: 0.0048 dB, as a guide's bands differ from those of the rules.
#[test]
fn where_the_guide_fails_the_rules_make_the_last_mask() {
    let recording = recording(3, 0.3, &[1.0, 0.1, 5.0]);
    let mute = steered(3, &|| Box::new(Mute));
    let ruled: [Box<dyn Debleed>; 3] = [
        Box::new(Online::new(rate(), Mode::Live, 3)),
        Box::new(Online::new(rate(), Mode::Mix, 3)),
        Box::new(Cancel::new(rate(), 3)),
    ];
    for (index, (mute, ruled)) in mute.into_iter().zip(ruled).enumerate() {
        let mute = run(mute, &recording.mics, &Controls::default());
        let ruled = run(ruled, &recording.mics, &Controls::default());
        for mic in 0..3 {
            let gain = |out: &[Vec<f32>]| sdr_db(&recording.targets[mic], &out[mic], 48_000 * 4);
            let apart_db = gain(&mute) - gain(&ruled);
            assert!(apart_db.abs() < 0.04, "method {index}, mic {mic}: {apart_db} dB");
        }
    }
}
