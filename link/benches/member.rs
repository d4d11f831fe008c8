//! Cost of a block on the audio thread of one of 16 linked members, beside one session of 16 mics.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]
#![allow(clippy::print_stdout, reason = "the spread is printed beside criterion's report")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{folder, join, rate, stamp};
use criterion::{Criterion, Throughput};
use engine::{Controls, Mode, Pace, Session, SessionConfig, SessionMethod};
use link::{MAX_LINKED_MICS, Member};

const BLOCK: usize = 512;

/// Returns a mic's sample at a position: noise.
fn sample(mic: usize, position: usize) -> f32 {
    let bits = (position * 64 + mic).wrapping_mul(0x9e37_79b9) & 0xffff;
    bits as f32 / 65_536.0 - 0.5
}

/// Members with an endless input.
struct Members {
    members: Vec<Member>,
    position: usize,
    times: Vec<Duration>,
}

impl Members {
    /// Plays one block of every member. Returns the mean time of `process`, without the wait for
    /// the worker after it.
    fn play(&mut self) -> Duration {
        let mut block = [0.0; BLOCK];
        let mut sum = Duration::ZERO;
        for (mic, member) in self.members.iter_mut().enumerate() {
            for (n, to) in block.iter_mut().enumerate() {
                *to = sample(mic, self.position + n);
            }
            let since = Instant::now();
            let stamp = stamp(self.position, false);
            member.process(black_box(&mut [&mut block]), &stamp).unwrap();
            let took = since.elapsed();
            self.times.push(took);
            sum += took;
        }
        self.position += BLOCK;
        wait(|| self.members[0].stats().hops(), self.position);
        sum.div_f64(self.members.len() as f64)
    }
}

fn wait(hops: impl Fn() -> u64, position: usize) {
    while hops() < (position / BLOCK) as u64 {
        std::thread::park_timeout(Duration::from_micros(50));
    }
}

/// A session with an endless input.
struct Whole {
    session: Session,
    position: usize,
    times: Vec<Duration>,
}

impl Whole {
    /// Plays one block. Returns the time of `process` per mic.
    fn play(&mut self) -> Duration {
        let mut block = vec![[0.0; BLOCK]; MAX_LINKED_MICS];
        for (mic, samples) in block.iter_mut().enumerate() {
            for (n, to) in samples.iter_mut().enumerate() {
                *to = sample(mic, self.position + n);
            }
        }
        let mut slices: Vec<&mut [f32]> = block.iter_mut().map(|mic| &mut mic[..]).collect();
        let since = Instant::now();
        self.session.process(black_box(&mut slices)).unwrap();
        let took = since.elapsed().div_f64(MAX_LINKED_MICS as f64);
        self.times.push(took);
        self.position += BLOCK;
        wait(|| self.session.stats().hops(), self.position);
        took
    }
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort();
    if let Some(&most) = times.last() {
        let [p50, p99] = [50, 99].map(|part| times[(times.len() - 1) * part / 100]);
        println!("{name}: p50 {p50:?}, p99 {p99:?}, largest {most:?}, of {}", times.len());
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("member/process");
    group.throughput(Throughput::Elements(BLOCK as u64));
    let (_temp, folder) = folder();
    let join_one = |_| join(&folder, Mode::Live, BLOCK);
    let members = (0..MAX_LINKED_MICS).map(join_one).collect();
    let mut members = Members { members, position: 0, times: Vec::new() };
    group.bench_function("16members/b512", |bencher| {
        bencher.iter_custom(|count| (0..count).map(|_| members.play()).sum());
    });
    let late: u64 = members.members.iter().map(Member::late_samples).sum();
    assert_eq!(late, 0, "the worker kept up");
    let config = SessionConfig {
        rate: rate(),
        num_mics: MAX_LINKED_MICS,
        mode: Mode::Live,
        pace: Pace::Realtime,
        max_block_samples: BLOCK,
    };
    let session =
        Session::prepare(&config, &Controls::default(), SessionMethod::default()).unwrap();
    let mut whole = Whole { session, position: 0, times: Vec::new() };
    group.bench_function("session/16mic/b512/per_mic", |bencher| {
        bencher.iter_custom(|count| (0..count).map(|_| whole.play()).sum());
    });
    report("member", &mut members.times);
    report("session, per mic", &mut whole.times);
    group.finish();
    criterion.final_summary();
}
