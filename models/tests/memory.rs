//! The released network's memory of earlier sound, with frozen estimates.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

use engine::debleed::Online;
use engine::network::Model;
use engine::pipeline::Pipeline;
use engine::{Controls, Estimates, Mode, SampleRate};
use test_signals::Noise;

const MICS: usize = 3;
const PASSAGE_HOPS: usize = 150;
const HOPS_BEFORE: usize = 100;
/// A second at 48 kHz.
const SECOND_HOPS: usize = 94;
/// Largest difference a second after other sound, of noise up to 0.2. Measured: 1.7e-7.
const MOST_AFTER_A_SECOND: f32 = 1.7e-6;

/// Learns a passage, plays other sound of seed `before`, resets if `is_reset`, and returns the
/// removed samples of the following hops, `[hop, mic, sample]`.
fn removed(model: &Model, before: u32, is_reset: bool) -> Vec<Vec<f32>> {
    let rate = SampleRate::new(48_000.0).unwrap();
    let method = Online::guided(rate, Mode::Live, MICS, &|| model.guide(MICS));
    let mut pipeline = Pipeline::new(Box::new(method), MICS);
    let hop_samples = pipeline.geometry().hop_samples();
    let mut controls = Controls { estimates: Estimates::Learning, ..Controls::default() };
    let mut noise = Noise::new(1);
    for hop in 0..=PASSAGE_HOPS {
        if hop == PASSAGE_HOPS {
            controls.estimates = Estimates::Learned;
        }
        pipeline.process_hop(&mut noise.hop(MICS, hop_samples, 0.1, 0.1), &controls);
    }
    while pipeline.idle() {}
    let mut other = Noise::new(before);
    for _ in 0..HOPS_BEFORE {
        pipeline.process_hop(&mut other.hop(MICS, hop_samples, 0.2, 0.05), &controls);
    }
    if is_reset {
        pipeline.reset();
    }
    let mut noise = Noise::new(5);
    let mut next = || {
        let mut hop = noise.hop(MICS, hop_samples, 0.1, 0.1);
        pipeline.process_hop(&mut hop, &controls);
        hop
    };
    (0..2 * SECOND_HOPS).map(|_| next()).collect()
}

#[test]
fn earlier_sound_ends_at_a_reset_and_fades_within_a_second() {
    let model = &models::released().unwrap().model;
    let network = model.network().unwrap();
    let [one, other] = [2, 3].map(|before| removed(model, before, true));
    assert!(one == other, "sound from before a reset");
    let [one, other] = [2, 3].map(|before| removed(model, before, false));
    let apart = |from: usize, to: usize| -> f32 {
        let pairs = one[from..to].iter().flatten().zip(other[from..to].iter().flatten());
        pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    };
    let later = apart(SECOND_HOPS, 2 * SECOND_HOPS);
    println!("{:e} apart at first, {later:e} after a second", apart(5, 48));
    assert!(apart(5, 48) > 10.0 * later, "nothing is remembered");
    assert!(later < MOST_AFTER_A_SECOND, "{later:e}");
    drop(network);
}
