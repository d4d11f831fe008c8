//! How long the worker takes for a hop, without a network and with one of the released size: median, 99th percentile and longest.
//!
//! ```text
//! cargo run --release -p engine --example network_hop_times [number of mics]...
//! ```
#![allow(clippy::print_stdout, reason = "an example for a terminal")]
#![allow(clippy::unwrap_used, reason = "an example may stop where it cannot go on")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use engine::debleed::Online;
use engine::network::{Network, NetworkConfig, NetworkGuide};
use engine::pipeline::Pipeline;
use engine::{Controls, Mode, SampleRate};

const RATE_HZ: f32 = 48_000.0;
/// Half a minute.
const NUM_HOPS: usize = 2_800;
/// Hops that are not counted: filters and slots are still being set up.
const WARM_UP_HOPS: usize = 200;

fn main() {
    let config = NetworkConfig {
        num_bands: 80,
        num_features: 11,
        width: 160,
        exchange_width: 80,
        local_width: 12,
        dilations: [1, 2, 4, 8, 16, 4],
    };
    let network = Arc::new(Network::new(&config, &Device::flex()));
    println!("mics  mode  network  p50 (ms)  p99 (ms)  max (ms)  RTF");
    let mut numbers: Vec<usize> =
        std::env::args().skip(1).map(|text| text.parse().unwrap()).collect();
    if numbers.is_empty() {
        numbers = vec![2, 4, 8, 16];
    }
    for num_mics in numbers {
        for (mode, mode_name) in [(Mode::Live, "live"), (Mode::Mix, "mix")] {
            for (network, network_name) in [(None, "without"), (Some(&network), "with")] {
                let (mut times, hop_s) = hop_times(network, num_mics, mode);
                times.sort_unstable();
                let at =
                    |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f32() * 1e3;
                let mean_s = times.iter().sum::<Duration>().as_secs_f32() / times.len() as f32;
                println!(
                    "{num_mics:4}  {mode_name:4}  {network_name:7}  {:8.2}  {:8.2}  {:8.2}  {:.3}",
                    at(50),
                    at(99),
                    at(100),
                    mean_s / hop_s
                );
            }
        }
    }
}

/// The time of every hop of noise that all mics share in part, and how long a hop lasts.
fn hop_times(network: Option<&Arc<Network>>, num_mics: usize, mode: Mode) -> (Vec<Duration>, f32) {
    let rate = SampleRate::new(RATE_HZ).unwrap();
    let method = match network {
        None => Online::new(rate, mode, num_mics),
        Some(network) => Online::guided(rate, mode, num_mics, &|| {
            Box::new(NetworkGuide::new(Arc::clone(network), num_mics))
        }),
    };
    let mut pipeline = Pipeline::new(Box::new(method), num_mics);
    let hop_samples = pipeline.geometry().hop_samples();
    let controls = Controls::default();
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut times = Vec::with_capacity(NUM_HOPS);
    for hop in 0..NUM_HOPS {
        let shared: Vec<f32> = (0..hop_samples).map(|_| 0.1 * draw()).collect();
        let mut samples: Vec<f32> =
            (0..num_mics * hop_samples).map(|at| 0.2 * draw() + shared[at % hop_samples]).collect();
        let began = Instant::now();
        pipeline.process_hop(&mut samples, &controls);
        if hop >= WARM_UP_HOPS {
            times.push(began.elapsed());
        }
    }
    (times, hop_samples as f32 / RATE_HZ)
}
