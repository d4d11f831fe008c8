//! Cost of a hop: the network alone, and the whole method with and without it.
//!
//! The method's hops are also measured one by one, as median, 99th percentile and maximum, because
//! one long hop is audible and the mean hides it.
#![allow(clippy::print_stdout, reason = "a benchmark for a terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use criterion::Criterion;
use engine::debleed::Online;
use engine::network::{Network, NetworkConfig, NetworkGuide, Pairs};
use engine::pipeline::Pipeline;
use engine::{Controls, Mode, SampleRate};
use test_signals::Noise;

/// Sizes of released models. The values of the weights do not affect the time.
const SIZES: NetworkConfig = NetworkConfig {
    num_bands: 80,
    num_features: 15,
    width: 160,
    exchange_width: 80,
    local_width: 12,
    masks: engine::network::MaskForm::Stretched,
    dilations: [1, 2, 4, 8, 16, 4],
};

/// Number of hops until every part of the method is active.
const WARM_UP_HOPS: usize = 200;

const RATE_HZ: f32 = 48_000.0;

/// Smallest number of hops with a 99th percentile. Benchmarks that run only once have fewer.
const MIN_HOPS: usize = 1_000;

fn pipeline(network: Option<&Arc<Network>>, num_mics: usize, mode: Mode) -> Pipeline {
    let rate = SampleRate::new(RATE_HZ).unwrap();
    let method = match network {
        None => Online::new(rate, mode, num_mics),
        Some(network) => Online::guided(rate, mode, num_mics, &|| {
            Box::new(NetworkGuide::new(Arc::clone(network), num_mics))
        }),
    };
    Pipeline::new(Box::new(method), num_mics)
}

/// Checks that the result is not zero, is finite and is the same in every run: on one thread it
/// must be deterministic. Returns the pipeline after the first run.
fn check(network: Option<&Arc<Network>>, num_mics: usize, mode: Mode) -> Pipeline {
    let controls = Controls::default();
    let play = |pipeline: &mut Pipeline| -> Vec<f32> {
        let hop_samples = pipeline.geometry().hop_samples();
        let mut noise = Noise::new(1);
        let hops = (0..WARM_UP_HOPS).flat_map(|_| {
            let mut samples = noise.hop(num_mics, hop_samples, 0.1, 0.05);
            pipeline.process_hop(&mut samples, &controls);
            samples
        });
        hops.collect()
    };
    let mut first = pipeline(network, num_mics, mode);
    let removed = play(&mut first);
    assert!(removed.iter().all(|x| x.is_finite()), "{num_mics} mics, {mode:?}: not finite");
    assert!(removed.iter().any(|&x| x != 0.0), "{num_mics} mics, {mode:?}: nothing is removed");
    let again = play(&mut pipeline(network, num_mics, mode));
    assert!(again == removed, "{num_mics} mics, {mode:?}: another result each time");
    first
}

/// Prints median, 99th percentile and maximum, and the mean relative to the duration of a hop.
/// Prints nothing after too few hops.
fn print_hop_times(mut times: Vec<Duration>, hop_s: f32) {
    if times.len() < MIN_HOPS {
        return;
    }
    times.sort_unstable();
    let at_ms = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f32() * 1e3;
    let mean_s = times.iter().sum::<Duration>().as_secs_f32() / times.len() as f32;
    println!(
        "{:24}hop times: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, RTF {:.3} ({} hops)",
        "",
        at_ms(50),
        at_ms(99),
        at_ms(100),
        mean_s / hop_s,
        times.len()
    );
}

fn main() {
    let device = Device::flex();
    device.seed(1);
    let network = Arc::new(Network::new(&SIZES, &device));
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("network");
    for num_mics in [8, 16] {
        let features: Tensor<4> =
            Tensor::zeros([1, num_mics, 1, SIZES.num_bands * SIZES.num_features], &device);
        let all = vec![true; num_mics];
        let mics: Vec<usize> = (0..num_mics).collect();
        let pairs = Pairs::of(&Controls::default(), &all, &mics, &device);
        let mut memory = network.blank_memory(1, num_mics, &device);
        group.bench_function(format!("{num_mics}mic/alone"), |bencher| {
            bencher.iter(|| {
                black_box(network.forward(features.clone(), &pairs, &mut memory));
            });
        });
        for (mode, name) in [(Mode::Live, "live"), (Mode::Mix, "mix")] {
            for (network, suffix) in [(Some(&network), ""), (None, "/no-network")] {
                let mut pipeline = check(network, num_mics, mode);
                let hop_samples = pipeline.geometry().hop_samples();
                let controls = Controls::default();
                let mut noise = Noise::new(2);
                let mut times = Vec::new();
                group.bench_function(format!("{num_mics}mic/{name}{suffix}"), |bencher| {
                    bencher.iter_custom(|num_hops| {
                        let before = times.len();
                        for _ in 0..num_hops {
                            let mut samples = noise.hop(num_mics, hop_samples, 0.1, 0.05);
                            let began = Instant::now();
                            pipeline.process_hop(&mut samples, &controls);
                            times.push(began.elapsed());
                        }
                        times[before..].iter().sum()
                    });
                });
                print_hop_times(times, hop_samples as f32 / RATE_HZ);
            }
        }
    }
    group.finish();
    criterion.final_summary();
}
