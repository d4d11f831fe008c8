//! The released networks give the same masks on every backend: flex, ndarray, and wgpu on any
//! available Vulkan, Metal or `DirectX`.
//!
//! Needs the lab's features `ndarray` and `wgpu`; `cargo xtask test` runs it. Mesa's software
//! Vulkan is sufficient on a machine without a GPU.

use burn::tensor::{Device, DeviceKind, DeviceType, Tensor, TensorData};
use engine::debleed::cancel::{NUM_BANDS, NUM_FEATURES};
use engine::network::{Network, NetworkConfig, Pairs};
use lab::convert::to_f32;
use lab::random::Random;
use lab::scenes::{Scene, SceneInfo};
use lab::train::examples::{Example, Way};

const NUM_MICS: usize = 4;

/// Largest difference between masks, which range from 0 to 1. Measured: 4.9e-5 on ndarray, 2.0e-5
/// on wgpu with Mesa's lavapipe.
const ROUNDING: f32 = 1e-4;

/// Returns 3 s of noise bursts in four mics, each with delayed and duller bleed from the others.
fn scene() -> Scene {
    const RATE_HZ: u32 = 44_100;
    let num_samples = 3 * RATE_HZ as usize;
    let mut random = Random::new(11);
    let targets: Vec<Vec<f32>> = (0..NUM_MICS)
        .map(|mic| {
            let mut level = 0.0;
            (0..num_samples)
                .map(|n| {
                    if n % (9_000 + 2_000 * mic) == 0 {
                        level = 0.3;
                    }
                    level *= 0.9997;
                    to_f32(random.normal(0.0, level))
                })
                .collect()
        })
        .collect();
    let bleed = |mic: usize, from: usize, n: usize| -> f32 {
        let delay = 90 + 40 * mic.abs_diff(from);
        let at = |n: Option<usize>| n.map_or(0.0, |n| targets[from][n]);
        0.12 * (at(n.checked_sub(delay)) + at(n.checked_sub(delay + 1)))
    };
    let heard = |mic: usize, n: usize| -> f32 {
        let others = (0..NUM_MICS).filter(|&from| from != mic);
        targets[mic][n] + others.map(|from| bleed(mic, from, n)).sum::<f32>()
    };
    let mics = (0..NUM_MICS).map(|mic| (0..num_samples).map(|n| heard(mic, n)).collect()).collect();
    Scene { info: SceneInfo::default(), rate_hz: RATE_HZ, mics, targets }
}

/// Computes both masks of all hops, `[mask, mic, time, band]`, with all features scaled by `nudge`.
fn masks(
    (weights, config): (&[u8], &NetworkConfig),
    example: &Example,
    nudge: f32,
    device: &Device,
) -> Vec<f32> {
    let network = Network::from_safetensors(config, weights.to_vec(), device).unwrap();
    let (hops, row) = (example.num_hops, NUM_FEATURES * NUM_BANDS);
    let looked_at = config.num_features * NUM_BANDS;
    let mut features = Vec::with_capacity(NUM_MICS * hops * looked_at);
    for mic in 0..NUM_MICS {
        for hop in 0..hops {
            let of_hop = &example.features[(hop * NUM_MICS + mic) * row..][..looked_at];
            features.extend(of_hop.iter().map(|feature| nudge * feature.to_f32()));
        }
    }
    let features = TensorData::new(features, [1, NUM_MICS, hops, looked_at]);
    let features: Tensor<4> = Tensor::from_data(features, device);
    let pairs = Pairs::from_relations(&[NUM_MICS], |i, j| i != j, |_, _| false, device);
    let mut memory = network.blank_memory(1, NUM_MICS, device);
    let masks = network.forward(features, &pairs, &mut memory);
    let values = |mask: Tensor<4>| mask.into_data().as_slice::<f32>().unwrap().to_vec();
    [values(masks.guide), values(masks.keep)].concat()
}

#[allow(deprecated, reason = "the tensor library would rather have everybody use flex")]
#[test]
fn all_backends_give_the_same_masks() {
    assert!(
        !Device::enumerate(DeviceType::Wgpu).into_vec().is_empty(),
        "wgpu finds no GPU and no software that stands in for one; Debian and Ubuntu: \
         sudo apt-get install -y mesa-vulkan-drivers"
    );
    let example = Example::record(&scene(), Way::Live, None).unwrap();
    assert!(!models::all().is_empty());
    for release in models::all() {
        let config = release.model.config();
        let weights = release.model.network().unwrap().to_safetensors().unwrap();
        let on = |device: &Device, nudge| masks((&weights, &config), &example, nudge, device);
        let apart = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let flex = on(&Device::flex(), 1.0);
        let some = |holds: fn(f32) -> bool| flex.iter().filter(|&&mask| holds(mask)).count();
        // Masks that are all open or all shut would agree on any backend.
        let between = some(|mask| mask > 0.05 && mask < 0.95);
        println!("{between} of {} masks are neither open nor shut", flex.len());
        assert!(200 * between > flex.len(), "all masks are open or shut: {between}");
        // A change of the features by a hundredth must show, so that the agreement below is not by
        // chance.
        let nudged = apart(&flex, &on(&Device::flex(), 1.01));
        assert!(nudged > 10.0 * ROUNDING, "{nudged}");
        let others =
            [("ndarray", Device::ndarray()), ("wgpu", Device::wgpu(DeviceKind::DefaultDevice))];
        for (name, device) in others {
            let apart = apart(&flex, &on(&device, 1.0));
            let id = format!("{}-{} on {name}", release.model.id(), release.model.version());
            println!("{id}: {apart:e} apart at most");
            assert!(apart < ROUNDING, "{id}: {apart} apart");
        }
    }
}
