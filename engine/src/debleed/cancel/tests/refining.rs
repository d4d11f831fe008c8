//! Tests of a passage that is refined while the transport is stopped.

use std::sync::Arc;

use super::guided::ByPitch;
use super::*;
use crate::controls::Estimates;
use crate::network::testing;

/// Hops of a pause, in which the method rests.
const PAUSE_HOPS: usize = 400;
/// Hops of the music after it.
const LATER_HOPS: usize = 100;
/// Most steps of refining between two hops of music.
const STEPS_PER_HOP: usize = 300;
/// Largest distance between the displayed crosstalk of a passage refined in a pause and of one
/// refined before it, in decibels; measured: 0.2.
const SAME_DB: f32 = 1.0;

/// The time at which a passage is refined.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refined {
    AtOnce,
    DuringMusic,
    InThePause,
}

/// A pipeline with two mics of two tones with rests. The second mic picks up more of the first
/// source than of its own.
struct Player {
    pipeline: Pipeline,
    learner: Arc<Learner>,
    mics: [Vec<f32>; 2],
}

impl Player {
    fn new(mode: Mode, guide: &dyn Fn() -> Box<dyn Guide>, learned: Option<Arc<Learned>>) -> Self {
        let tone = |hz: f32, n: usize| (std::f32::consts::TAU * hz * n as f32 / RATE_HZ).sin();
        let sample = |n: usize, of_low: f32, of_high: f32| {
            let (low, high) = ((n / 12_000).is_multiple_of(2), !(n / 12_000).is_multiple_of(3));
            let low = if low { of_low * tone(200.0, n) } else { 0.0 };
            low + if high { of_high * tone(8_000.0, n) } else { 0.0 }
        };
        let mics = [(0.5, 0.003), (0.25, 0.03)]
            .map(|(low, high)| (0..48_000 * 4).map(|n| sample(n, low, high)).collect());
        let mut method = Online::guided(rate(), mode, 2, guide);
        method.set_learned(learned);
        let learner = method.learner();
        Self { pipeline: Pipeline::new(Box::new(method), 2), learner, mics }
    }

    fn num_hops(&self) -> usize {
        self.mics[0].len() / self.pipeline.geometry().hop_samples()
    }

    /// Plays one hop of the mics, or silence, and returns the removed samples.
    fn play(&mut self, at: Option<usize>, estimates: Estimates) -> Vec<f32> {
        let hop_samples = self.pipeline.geometry().hop_samples();
        let mut hop = vec![0.0; 2 * hop_samples];
        if let Some(at) = at {
            for (samples, mic) in hop.chunks_exact_mut(hop_samples).zip(&self.mics) {
                samples.copy_from_slice(&mic[at * hop_samples..][..hop_samples]);
            }
        }
        self.pipeline.process_hop(&mut hop, &Controls { estimates, ..Controls::default() });
        hop
    }

    /// Learns a passage, pauses, and returns the estimates and the crosstalk displayed then.
    fn learn(&mut self, refined: Refined) -> (Arc<Learned>, [f32; 2]) {
        for at in 0..self.num_hops() {
            self.play(Some(at), Estimates::Learning);
        }
        self.play(None, Estimates::Learned);
        if refined == Refined::AtOnce {
            while self.pipeline.idle() {}
        }
        if refined != Refined::InThePause {
            for at in 0..self.num_hops() {
                let _ = (0..STEPS_PER_HOP).all(|_| self.pipeline.idle());
                self.play(Some(at), Estimates::Learned);
            }
            assert_eq!(self.learner.state(), LearnState::Learned);
        }
        for _ in 1..PAUSE_HOPS {
            self.play(None, Estimates::Learned);
        }
        while self.pipeline.idle() {}
        self.play(None, Estimates::Learned);
        assert_eq!(self.learner.state(), LearnState::Learned);
        let shown = [(0, 1), (1, 0)].map(|(to, from)| self.pipeline.crosstalk(to, from).unwrap());
        (self.learner.collect().unwrap(), shown)
    }

    fn play_later(&mut self) -> Vec<f32> {
        (0..LATER_HOPS).flat_map(|at| self.play(Some(at), Estimates::Learned)).collect()
    }
}

/// Before the canceller of a refined passage received the powers of the mics' own sources, the
/// first of these ratios was 20 dB too high in a pause.
#[test]
fn a_passage_refined_in_a_pause_is_displayed_as_one_refined_before_and_plays_as_in_a_new_session() {
    let model = testing::model();
    let by_pitch: &dyn Fn() -> Box<dyn Guide> = &|| Box::new(ByPitch);
    let by_model: &dyn Fn() -> Box<dyn Guide> = &|| model.guide(2);
    for mode in [Mode::Live, Mode::Mix] {
        for (name, guide) in [("pitch", by_pitch), ("model", by_model)] {
            let mut player = Player::new(mode, guide, None);
            let (learned, shown) = player.learn(Refined::InThePause);
            let later = player.play_later();
            for other in [Refined::AtOnce, Refined::DuringMusic] {
                let mut player = Player::new(mode, guide, None);
                let (expected, expected_shown) = player.learn(other);
                assert!(learned == expected, "{mode:?} {name} {other:?}: estimates");
                player.pipeline.reset();
                assert!(later == player.play_later(), "{mode:?} {name} {other:?}: sound");
                for (shown, expected) in shown.iter().zip(expected_shown) {
                    let apart_db = 10.0 * (shown / expected).log10();
                    println!("{mode:?} {name} {other:?}: {shown:.5}, {apart_db:.2} dB apart");
                    assert!(apart_db.abs() < SAME_DB, "{mode:?} {name} {other:?}: {apart_db} dB");
                }
            }
            let mut new = Player::new(mode, guide, Some(learned));
            assert!(later == new.play_later(), "{mode:?} {name}: a new session");
        }
    }
}
