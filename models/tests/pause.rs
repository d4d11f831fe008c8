//! Long pauses of digital silence, with the released network.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

use engine::debleed::Online;
use engine::pipeline::Pipeline;
use engine::{Controls, Mode, SampleRate};
use test_signals::Noise;

const MICS: usize = 3;
/// Number of hops of sound before and after the pause.
const SOUND_HOPS: usize = 96;

/// Returns the removed samples of the hops after a pause of `pause_hops`.
fn after_a_pause(mode: Mode, pause_hops: usize) -> Vec<f32> {
    let rate = SampleRate::new(48_000.0).unwrap();
    let model = &models::released().unwrap().model;
    let network = model.network().unwrap();
    let method = Online::guided(rate, mode, MICS, &|| model.guide(MICS));
    let mut pipeline = Pipeline::new(Box::new(method), MICS);
    let hop_samples = pipeline.geometry().hop_samples();
    let controls = Controls::default();
    let mut noise = Noise::new(1);
    let mut sound = || noise.hop(MICS, hop_samples, 0.1, 0.1);
    for _ in 0..SOUND_HOPS {
        pipeline.process_hop(&mut sound(), &controls);
    }
    for _ in 0..pause_hops {
        pipeline.process_hop(&mut vec![0.0; MICS * hop_samples], &controls);
    }
    let mut removed = Vec::new();
    for _ in 0..SOUND_HOPS {
        let mut hop = sound();
        pipeline.process_hop(&mut hop, &controls);
        removed.extend(hop);
    }
    drop(network);
    removed
}

#[test]
fn the_length_of_a_long_pause_changes_nothing() {
    for mode in [Mode::Live, Mode::Mix] {
        let short = after_a_pause(mode, 320);
        assert!(short.iter().any(|&sample| sample != 0.0), "nothing is removed");
        for pause_hops in [321, 1000] {
            assert!(after_a_pause(mode, pause_hops) == short, "{mode:?}, {pause_hops} hops");
        }
    }
}
