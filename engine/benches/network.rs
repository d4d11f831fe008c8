//! What a hop costs with a network: the network alone, and the whole method around it.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]

use std::hint::black_box;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use criterion::{BatchSize, Criterion};
use engine::debleed::Online;
use engine::network::{Network, NetworkConfig, NetworkGuide, Pairs};
use engine::pipeline::Pipeline;
use engine::{Controls, Mode, SampleRate};

/// The sizes of released models; what weights say makes no difference to the time they take.
const SIZES: NetworkConfig = NetworkConfig {
    num_bands: 80,
    num_features: 11,
    width: 160,
    exchange_width: 80,
    local_width: 12,
    dilations: [1, 2, 4, 8, 16, 4],
};

/// Hops until every part of the method is at work.
const WARM_UP_HOPS: usize = 200;

/// Mics that hear noise of their own and, quieter, of all others, `[hop][mic, sample]`.
fn noise(num_mics: usize, hop_samples: usize, num_hops: usize) -> Vec<Vec<f32>> {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let hop = |_| {
        let own: Vec<f32> = (0..num_mics * hop_samples).map(|_| 0.2 * draw()).collect();
        let all = |at: usize| own.iter().skip(at % hop_samples).step_by(hop_samples).sum::<f32>();
        own.iter().enumerate().map(|(at, own)| own + 0.2 * all(at)).collect()
    };
    (0..num_hops).map(hop).collect()
}

fn pipeline(network: &Arc<Network>, num_mics: usize, mode: Mode) -> Pipeline {
    let rate = SampleRate::new(48_000.0).unwrap();
    let guide = || -> Box<dyn engine::debleed::cancel::Guide> {
        Box::new(NetworkGuide::new(Arc::clone(network), num_mics))
    };
    Pipeline::new(Box::new(Online::guided(rate, mode, num_mics, &guide)), num_mics)
}

/// Plays the hops and hands back all that is to be removed.
fn play(pipeline: &mut Pipeline, hops: &[Vec<f32>]) -> Vec<f32> {
    let controls = Controls::default();
    let mut removed = Vec::new();
    for hop in hops {
        let mut samples = hop.clone();
        pipeline.process_hop(&mut samples, &controls);
        removed.extend(samples);
    }
    removed
}

/// The result is right when it is there, finite and the same every time: on one thread nothing can make it another.
fn check(network: &Arc<Network>, num_mics: usize, mode: Mode) -> Pipeline {
    let mut first = pipeline(network, num_mics, mode);
    let hops = noise(num_mics, first.geometry().hop_samples(), WARM_UP_HOPS);
    let removed = play(&mut first, &hops);
    assert!(removed.iter().all(|x| x.is_finite()), "{num_mics} mics, {mode:?}: not finite");
    assert!(removed.iter().any(|&x| x != 0.0), "{num_mics} mics, {mode:?}: nothing is removed");
    let again = play(&mut pipeline(network, num_mics, mode), &hops);
    assert!(again == removed, "{num_mics} mics, {mode:?}: another result each time");
    first
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
            let mut pipeline = check(&network, num_mics, mode);
            let hops = noise(num_mics, pipeline.geometry().hop_samples(), 16);
            let controls = Controls::default();
            let mut next = hops.iter().cycle();
            group.bench_function(format!("{num_mics}mic/{name}"), |bencher| {
                bencher.iter_batched_ref(
                    || next.next().cloned().unwrap_or_default(),
                    |samples| pipeline.process_hop(samples, &controls),
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
