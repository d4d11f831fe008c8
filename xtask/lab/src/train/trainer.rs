//! The loop: batches, steps, validation, checkpoints.

use super::examples::{Example, NUM_SUMS};
use super::loss::{Sums, guide_loss, negative_snr};
use crate::random::Random;
use anyhow::{Result, anyhow};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use engine::debleed::cancel::{NUM_BANDS, NUM_FEATURES};
use engine::network::{Network, NetworkConfig, Pairs};

/// How to train.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    pub steps: usize,
    pub hops: usize,
    pub clips: usize,
    pub learning_rate: f64,
    pub seed: u64,
}

/// One batch, padded to its largest number of mics.
struct Batch {
    features: Tensor<4>,
    sums: Sums,
    pairs: Pairs,
}

fn batch(examples: &[(&Example, usize)], hops: usize, device: &Device) -> Batch {
    let largest = examples.iter().map(|(example, _)| example.num_mics).max().unwrap_or(0);
    let (inputs, row) = (NUM_FEATURES * NUM_BANDS, NUM_SUMS * NUM_BANDS);
    let count = examples.len();
    let mut features = vec![0.0_f32; count * largest * hops * inputs];
    let mut sums = vec![vec![0.0_f32; count * largest * hops * NUM_BANDS]; NUM_SUMS];
    for (clip, &(example, start)) in examples.iter().enumerate() {
        for mic in 0..example.num_mics {
            for hop in 0..hops {
                let from = (start + hop) * example.num_mics + mic;
                let to = (clip * largest + mic) * hops + hop;
                let source = &example.features[from * inputs..][..inputs];
                for (out, value) in features[to * inputs..][..inputs].iter_mut().zip(source) {
                    *out = value.to_f32();
                }
                for (which, sums) in sums.iter_mut().enumerate() {
                    sums[to * NUM_BANDS..][..NUM_BANDS].copy_from_slice(
                        &example.sums[from * row + which * NUM_BANDS..][..NUM_BANDS],
                    );
                }
            }
        }
    }
    let tensor = |values: Vec<f32>, last: usize| -> Tensor<4> {
        Tensor::from_data(TensorData::new(values, [count, largest, hops, last]), device)
    };
    let mut sums = sums.into_iter().map(|values| tensor(values, NUM_BANDS));
    let mut next = || sums.next().unwrap_or_else(|| tensor(Vec::new(), 0));
    let (after, product, truth, before) = (next(), next(), next(), next());
    let num_mics: Vec<usize> = examples.iter().map(|(example, _)| example.num_mics).collect();
    let related = |of: fn(&Example) -> &Vec<bool>| {
        move |i: usize, j: usize| {
            let example = examples[i / largest].0;
            of(example)[(i % largest) * example.num_mics + j % largest]
        }
    };
    let pairs = Pairs::from_relations(
        &num_mics,
        related(|example| &example.bleeds),
        related(|example| &example.one_source),
        device,
    );
    Batch {
        features: tensor(features, inputs),
        sums: Sums { after, product, truth, before },
        pairs,
    }
}

fn losses(network: &Network, batch: &Batch, device: &Device) -> (Tensor<1>, Tensor<1>) {
    let [clips, mics, hops, _] = batch.features.dims();
    let mut memory = network.blank_memory(clips, mics, device);
    let masks = network.forward(batch.features.clone(), &batch.pairs, &mut memory);
    let whole = negative_snr(&masks.keep, &batch.sums, hops);
    let parts = negative_snr(&masks.keep, &batch.sums, 24);
    let guide = guide_loss(&masks.guide, &batch.sums, hops);
    let guide_parts = guide_loss(&masks.guide, &batch.sums, 24);
    let keep = whole.clone() * 0.7 + parts * 0.3;
    ((keep + guide * 0.35 + guide_parts * 0.15), whole)
}

/// Trains from random or given weights.
pub fn train(
    start: Network,
    examples: &[Example],
    validation: &[Example],
    options: &TrainOptions,
    mut tell: impl FnMut(usize, f32, Option<f32>, &Network) -> Result<()>,
) -> Result<Network> {
    let device = Device::flex().autodiff();
    let mut network = start.train();
    let mut optimiser = AdamWConfig::new()
        .with_weight_decay(1e-2)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(5.0)))
        .init();
    let mut random = Random::for_part(options.seed, 77);
    let mut recent = 0.0;
    for step in 0..options.steps {
        let picked: Vec<(&Example, usize)> = (0..options.clips)
            .map(|_| {
                let example = &examples[random.index(examples.len())];
                (example, random.index(example.num_hops - options.hops))
            })
            .collect();
        let batch = batch(&picked, options.hops, &device);
        let (loss, whole) = losses(&network, &batch, &device);
        let value = scalar(whole)?;
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        let progress = step as f64 / options.steps as f64;
        let warm = ((step + 1) as f64 / 50.0).min(1.0);
        let rate = options.learning_rate
            * warm
            * (0.05 + 0.95 * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()));
        network = optimiser.step(rate, network, grads);
        recent += (value - recent) / (step + 1).min(50) as f32;
        if (step + 1) % 100 == 0 || step + 1 == options.steps {
            let inner = network.valid();
            let check = (step + 1) % 500 == 0 || step + 1 == options.steps;
            let validated = if check { Some(validate(&inner, validation)?) } else { None };
            tell(step + 1, recent, validated, &inner)?;
        }
    }
    Ok(network.valid())
}

/// Mean negative SNR over whole examples.
pub fn validate(network: &Network, validation: &[Example]) -> Result<f32> {
    let device = Device::flex();
    let mut sum = 0.0;
    for example in validation {
        let batch = batch(&[(example, 0)], example.num_hops, &device);
        sum += scalar(losses(network, &batch, &device).1)?;
    }
    Ok(sum / validation.len().max(1) as f32)
}

fn scalar(tensor: Tensor<1>) -> Result<f32> {
    let data = tensor.into_data();
    data.as_slice::<f32>()
        .ok()
        .and_then(|values| values.first().copied())
        .ok_or_else(|| anyhow!("a loss is one number"))
}

/// A fresh network of the size that ships.
#[must_use]
pub fn fresh(width: usize, seed: u64) -> Network {
    let device = Device::flex().autodiff();
    device.seed(seed);
    Network::new(
        &NetworkConfig {
            num_bands: NUM_BANDS,
            num_features: NUM_FEATURES,
            width,
            exchange_width: width / 2,
            dilations: [1, 2, 4, 8, 1, 2],
        },
        &device,
    )
}
