//! Repeats one piece of work for `cargo xtask guard`, which counts its instructions.
//!
//! ```text
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*counted_work*' \
//!     instructions CASE
//! ```
//!
//! The program prints the number of repetitions. It measures nothing by itself.
#![allow(clippy::print_stdout, reason = "a program for xtask prints its result")]
#![allow(clippy::unwrap_used, reason = "a program for xtask may stop where it cannot go on")]

use std::hint::black_box;

use engine::debleed::Online;
use engine::pipeline::Pipeline;
use engine::{Controls, MAX_MICS, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use test_signals::Noise;

const RATE_HZ: f32 = 48_000.0;
const BLOCK_SAMPLES: usize = 512;
/// Number of hops until every part of the method is active.
const WARM_UP_HOPS: usize = 64;
/// Hops of silence before a stopped transport is counted: four seconds, after which nothing decays.
const STOPPED_HOPS: usize = 400;
/// Number of counted hops. Blocks of bins take turns over eight hops.
const HOPS: usize = 16;
const BLOCKS: usize = 32;

/// Runs `work`. Exactly the instructions in this function are counted.
#[inline(never)]
fn counted_work(work: &mut dyn FnMut()) {
    work();
}

/// Returns the next hop of noise, `[mic, sample]`, a third of it common to all mics.
fn hop_of(noise: &mut Noise, num_mics: usize, hop_samples: usize) -> Vec<f32> {
    noise.hop(num_mics, hop_samples, 0.1, 0.05)
}

/// Distribution of sound over the mics.
#[derive(Clone, Copy)]
enum Music {
    /// Sound in all mics all the time.
    Dense,
    /// Sound in every other mic. The rest are digitally silent throughout.
    Sparse,
    /// Sound in every fourth hop of each mic. The other hops are digitally silent.
    Gated,
    /// All mics have been digitally silent for four seconds: the transport is stopped.
    Stopped,
}

impl Music {
    fn has_sound(self, mic: usize, hop: usize) -> bool {
        match self {
            Self::Dense => true,
            Self::Sparse => mic.is_multiple_of(2),
            Self::Gated => (mic + hop).is_multiple_of(4),
            Self::Stopped => hop < WARM_UP_HOPS,
        }
    }

    /// Number of hops before the counted ones.
    fn hops_before(self) -> usize {
        WARM_UP_HOPS + if matches!(self, Self::Stopped) { STOPPED_HOPS } else { 0 }
    }
}

fn main() {
    let case = std::env::args().nth(1).unwrap_or_default();
    let times = match case.as_str() {
        "audio-8" => audio(8),
        "audio-16" => audio(16),
        "hop-8-dense" => hops(8, Music::Dense),
        "hop-16-dense" => hops(16, Music::Dense),
        "hop-16-sparse" => hops(16, Music::Sparse),
        "hop-16-gated" => hops(16, Music::Gated),
        "hop-4-stopped" => hops(4, Music::Stopped),
        "model-load" => model_load(),
        _ => 0,
    };
    println!("{times} times, {}", path());
}

/// Returns the widest instruction set that the machine, or its emulator, reports.
fn path() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return "avx512";
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        return "avx2";
    }
    std::env::consts::ARCH
}

/// Processes the audio thread's blocks, with a moving fader and a worker that is never late.
fn audio(num_mics: usize) -> usize {
    let config = SessionConfig {
        rate: SampleRate::new(RATE_HZ).unwrap(),
        num_mics,
        mode: Mode::Live,
        pace: Pace::Realtime,
        max_block_samples: BLOCK_SAMPLES,
    };
    let mut controls = Controls::default();
    // A cheap method, because the work of the audio thread does not depend on it.
    let method = Box::new(engine::debleed::Ratio::new(config.rate, config.mode));
    let mut session = Session::prepare(&config, &controls, SessionMethod::Any(method)).unwrap();
    let stats = session.stats();
    let mut noise = Noise::new(1);
    for number in 0..2 * BLOCKS {
        let mut samples = hop_of(&mut noise, num_mics, BLOCK_SAMPLES);
        controls.mics[0].amount = (number % 100) as f32 / 99.0;
        let mut slices: [&mut [f32]; MAX_MICS] = std::array::from_fn(|_| &mut [][..]);
        for (slice, mic) in slices.iter_mut().zip(samples.chunks_exact_mut(BLOCK_SAMPLES)) {
            *slice = mic;
        }
        let mut block = || {
            session.set_controls(&controls);
            session.process(black_box(&mut slices[..num_mics])).unwrap();
        };
        if number < BLOCKS {
            block();
        } else {
            counted_work(&mut block);
        }
        // A hop has 512 samples at this rate.
        while stats.hops() < number as u64 + 1 {
            std::thread::yield_now();
        }
    }
    assert_eq!(stats.late_hops(), 0, "a late hop costs something else");
    BLOCKS
}

/// Processes the worker's hops, with the released network.
fn hops(num_mics: usize, music: Music) -> usize {
    let rate = SampleRate::new(RATE_HZ).unwrap();
    let model = &models::released().unwrap().model;
    let network = model.network().unwrap();
    let method = Online::guided(rate, Mode::Live, num_mics, &|| model.guide(num_mics));
    let mut pipeline = Pipeline::new(Box::new(method), num_mics);
    let hop_samples = pipeline.geometry().hop_samples();
    let controls = Controls::default();
    let mut noise = Noise::new(1);
    for number in 0..music.hops_before() + HOPS {
        let mut samples = hop_of(&mut noise, num_mics, hop_samples);
        for (mic, samples) in samples.chunks_exact_mut(hop_samples).enumerate() {
            if !music.has_sound(mic, number) {
                samples.fill(0.0);
            }
        }
        if number < music.hops_before() {
            pipeline.process_hop(&mut samples, &controls);
        } else {
            counted_work(&mut || pipeline.process_hop(black_box(&mut samples), &controls));
        }
    }
    drop(network);
    HOPS
}

/// Builds a usable network from embedded bytes, including the check of the hash.
fn model_load() -> usize {
    counted_work(&mut || {
        let network = models::released().unwrap().model.network().unwrap();
        black_box(network);
    });
    1
}
