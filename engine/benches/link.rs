//! Cost of a block on the audio thread: delay line, rings and mixing, with a worker that keeps up.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};

fn session(num_mics: usize, pace: Pace) -> Session {
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics,
        mode: Mode::Live,
        pace,
        max_block_samples: 512,
    };
    Session::prepare(&config, &Controls::default(), SessionMethod::default()).unwrap()
}

/// Returns a mic's sample at a position: noise, the same in every session.
fn sample(mic: usize, position: usize) -> f32 {
    let bits = (position * 64 + mic).wrapping_mul(0x9e37_79b9) & 0xffff;
    bits as f32 / 65_536.0 - 0.5
}

/// Session with an endless input.
struct Player {
    session: Session,
    num_mics: usize,
    position: usize,
    hops_before: u64,
}

impl Player {
    fn new(num_mics: usize, pace: Pace) -> Self {
        Self { session: session(num_mics, pace), num_mics, position: 0, hops_before: 0 }
    }

    /// Plays one block. Returns the time of `process`, without the wait for the worker after it.
    fn play(&mut self, block: &mut [Vec<f32>]) -> Duration {
        let mut slices: [&mut [f32]; engine::MAX_MICS] = std::array::from_fn(|_| &mut [][..]);
        let samples = block[0].len();
        for (mic, (slice, row)) in slices.iter_mut().zip(block).enumerate() {
            for (n, to) in row.iter_mut().enumerate() {
                *to = sample(mic, self.position + n);
            }
            *slice = row;
        }
        let since = Instant::now();
        self.session.process(black_box(&mut slices[..self.num_mics])).unwrap();
        let took = since.elapsed();
        self.position += samples;
        let stats = self.session.stats();
        let hop = Mode::Live.geometry(SampleRate::new(48_000.0).unwrap()).hop_samples();
        while stats.hops() - self.hops_before < (self.position / hop) as u64 {
            assert!(!stats.worker_failed(), "the worker failed");
            std::thread::yield_now();
        }
        took
    }
}

/// Checks that a session in real time has the same output as one offline. The tests compare the
/// latter with a slow and obvious implementation.
fn check(num_mics: usize, block_samples: usize) {
    let [mut realtime, mut offline] =
        [Pace::Realtime, Pace::Offline].map(|pace| Player::new(num_mics, pace));
    let mut blocks = [(); 2].map(|()| vec![vec![0.0; block_samples]; num_mics]);
    for _ in 0..6000 / block_samples {
        realtime.play(&mut blocks[0]);
        offline.play(&mut blocks[1]);
        assert!(blocks[0] == blocks[1], "in real time as offline");
    }
    assert!(blocks[0].iter().all(|mic| mic.iter().any(|&x| x != 0.0)), "there is sound");
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("session/process");
    for num_mics in [8, 16] {
        for block_samples in [64, 512] {
            check(num_mics, block_samples);
            let mut player = Player::new(num_mics, Pace::Realtime);
            let mut block = vec![vec![0.0; block_samples]; num_mics];
            group.throughput(Throughput::Elements((num_mics * block_samples) as u64));
            group.bench_function(format!("{num_mics}mic/b{block_samples}"), |bencher| {
                bencher.iter_custom(|count| (0..count).map(|_| player.play(&mut block)).sum());
            });
            assert_eq!(player.session.stats().late_hops(), 0, "the worker kept up");
        }
    }
    group.finish();
    criterion.final_summary();
}
