//! Weights as bytes that are identical for equal weights, and the weights before the first step.
//!
//! The tensor library writes the fields of a file's header in any order, which would give equal
//! weights different hashes. It draws random numbers from one generator per process, which other
//! threads share and which other versions may change. This module orders the fields and draws the
//! numbers itself.

use crate::cleaning::model;
use crate::convert::to_f32;
use crate::random::Random;
use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use engine::network::{Network, NetworkConfig};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Separates this stream from those of scenes and steps.
const WEIGHTS_PART: u64 = 0x0077_E167;

/// Returns random weights as safetensors. Weights of linear layers are uniform within one over the
/// square root of their number of inputs, their biases are 0, and everything else is as the network
/// initialises it.
///
/// # Source
///
/// The range is that of Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, "Efficient backprop", 1998,
/// section 4.6, narrowed by the square root of 3, as is common in tensor libraries.
///
/// # Errors
///
/// Returns an error if the tensor library exports weights in another form than safetensors of
/// single precision.
pub fn initial_weights(config: &NetworkConfig, seed: u64) -> Result<Vec<u8>> {
    let (header, mut data) = parts(&Network::new(config, &Device::flex()).to_safetensors()?)?;
    let mut random = Random::for_part(seed, WEIGHTS_PART);
    for (name, value) in &header {
        if name == METADATA {
            continue;
        }
        let entry: Entry =
            serde_json::from_value(value.clone()).context("invalid entry of a weight")?;
        ensure!(entry.dtype == "F32", "{name} is {}", entry.dtype);
        let range = match *entry.shape.as_slice() {
            [inputs, _] if name.ends_with(".weight") => 1.0 / (inputs as f64).sqrt(),
            [_] if name.ends_with(".bias") => 0.0,
            _ => continue,
        };
        let [start, end] = entry.data_offsets;
        let values = data.get_mut(start..end).context("invalid data of a weight")?;
        for value in values.as_chunks_mut::<4>().0 {
            *value = to_f32(random.between(-range, range)).to_le_bytes();
        }
    }
    Ok(joined(&header, &data)?)
}

/// Returns a network's weights as safetensors, with equal bytes for equal weights.
///
/// # Errors
///
/// Returns an error if the tensor library cannot export them.
pub fn weights_of(network: &Network) -> Result<Vec<u8>> {
    let (header, data) = parts(&network.to_safetensors()?)?;
    Ok(joined(&header, &data)?)
}

/// Returns a model's weights for a network of the sizes in `config`.
///
/// The network may use more features than the model, and may process single bands if the model does
/// not. Weights of new features, and those from the new layers into the masks, are 0, so that the
/// masks are the model's; other new weights are drawn from `seed`. If the form of the masks
/// differs, the weights of the logits are scaled by [`SOFTENED`].
///
/// # Errors
///
/// Returns an error if there is no such model, or if other sizes differ.
pub(super) fn weights_of_model(name: &str, config: &NetworkConfig, seed: u64) -> Result<Vec<u8>> {
    let model = model::find(Some(name))?.context("there are no released models")?;
    let size = model.config();
    let NetworkConfig { num_features, local_width, masks, .. } = *config;
    let fits = NetworkConfig { num_features, local_width, masks, ..size } == *config
        && size.num_features <= num_features
        && (size.local_width == local_width || size.local_width == 0);
    ensure!(fits, "the model is {size:?}, but the training's network is {config:?}");
    let drawn = initial_weights(config, seed)?;
    let (mut header, mut data) = parts(&drawn)?;
    let (theirs, numbers) = parts(&weights_of(&*model.network()?)?)?;
    for (name, value) in &mut header {
        if name == METADATA {
            continue;
        }
        let entry = Entry::deserialize(&*value).context("invalid entry of a weight")?;
        let [start, end] = entry.data_offsets;
        let ours = data.get_mut(start..end).context("invalid data of a weight")?;
        let Some(value) = theirs.get(name) else {
            if name == LAST_OF_LOCAL {
                ours.fill(0);
            }
            continue;
        };
        let entry = Entry::deserialize(value).context("invalid entry of a weight")?;
        let [start, end] = entry.data_offsets;
        let given = numbers.get(start..end).context("invalid data of a weight")?;
        // Missing rows come last. In the shortcut these are columns, and in the first layer for
        // single bands the last rows of each of three parts.
        let num_rows = match name.as_str() {
            "shortcut" => NetworkConfig::NUM_MASKS,
            FIRST_OF_LOCAL => 3,
            _ => 1,
        };
        let (row, wider) = (given.len() / num_rows, ours.len() / num_rows);
        ensure!(row <= wider, "{name} is larger than in the training's network");
        ours.fill(0);
        for (ours, given) in ours.chunks_exact_mut(wider).zip(given.chunks_exact(row)) {
            ours[..row].copy_from_slice(given);
        }
        if masks != size.masks && OF_LOGITS.contains(&name.as_str()) {
            for value in ours.as_chunks_mut::<4>().0 {
                *value = (f32::from_le_bytes(*value) * SOFTENED).to_le_bytes();
            }
        }
    }
    Ok(joined(&header, &data)?)
}

/// Moves weights by `share` of the way to others of the same network, both as safetensors made
/// by [`weights_of`].
///
/// # Errors
///
/// Returns an error if `towards` belongs to another network.
pub(super) fn blend(weights: &mut [u8], towards: &[u8], share: f64) -> Result<()> {
    let numbers_at = |bytes: &[u8]| -> Result<usize> {
        let length = bytes.first_chunk::<8>().context("invalid safetensors header")?;
        Ok(usize::try_from(u64::from_le_bytes(*length))?.saturating_add(8))
    };
    let at = numbers_at(weights)?;
    let is_same = at == numbers_at(towards)?
        && weights.len() == towards.len()
        && weights.get(..at) == towards.get(..at);
    ensure!(is_same, "the weights are from another network");
    let pairs =
        weights[at..].as_chunks_mut::<4>().0.iter_mut().zip(towards[at..].as_chunks::<4>().0);
    for (weight, other) in pairs {
        let (from, to) =
            (f64::from(f32::from_le_bytes(*weight)), f64::from(f32::from_le_bytes(*other)));
        *weight = to_f32(from + share * (to - from)).to_le_bytes();
    }
    Ok(())
}

/// Weights in which the logits are linear.
const OF_LOGITS: [&str; 5] =
    ["leave.weight", "leave.bias", "shortcut", LAST_OF_LOCAL, "local.judge.bias"];
/// Factor that turns the logits of stretched masks, which are binary, into those of probabilities:
/// measured best of 0.03, 0.06 and 0.25.
const SOFTENED: f32 = 0.06;

/// Weights from features to the layers for single bands, in three parts: for the band, its lower
/// and its upper neighbour.
const FIRST_OF_LOCAL: &str = "local.look.weight";
/// Weights from these layers into the masks.
const LAST_OF_LOCAL: &str = "local.judge.weight";

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The only name in a header that is not that of a weight.
const METADATA: &str = "__metadata__";

/// Entries by name, in the order of the names; objects inside are ordered as well.
type Header = BTreeMap<String, serde_json::Value>;

/// Splits safetensors into header and numbers.
fn parts(bytes: &[u8]) -> Result<(Header, Vec<u8>)> {
    let context = "invalid safetensors header";
    let (length, rest) = bytes.split_first_chunk::<8>().context(context)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).context(context)?;
    let (header, data) = rest.split_at_checked(length).context(context)?;
    Ok((serde_json::from_slice(header).context(context)?, data.to_vec()))
}

fn joined(header: &Header, data: &[u8]) -> serde_json::Result<Vec<u8>> {
    let mut head = serde_json::to_vec(header)?;
    // The numbers begin at a multiple of eight bytes.
    head.resize(head.len().next_multiple_of(8), b' ');
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(data);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Tensor, TensorData};
    use engine::network::{MaskForm, Pairs};

    /// Path of the folder of a superseded model.
    fn superseded(version: &str) -> String {
        format!("{}/../../models/band-a-{version}", env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn a_network_that_begins_with_a_model_gives_its_masks_whatever_new_features_say() {
        // A released model without layers for single bands, and one with them. Larger sums are
        // rounded in another order: measured 2e-6, and 1e-5 with these layers.
        for (version, local_width, most) in [("0.2.0", 4, 3e-6), ("0.3.0", 12, 3e-5)] {
            begins_with_its_masks(&superseded(version), local_width, most);
        }
    }

    fn begins_with_its_masks(name: &str, local_width: usize, most: f32) {
        let model = model::find(Some(name)).unwrap().unwrap();
        let size = model.config();
        let num_features = size.num_features + 3;
        let wider = NetworkConfig { num_features, local_width, ..size };
        let device = Device::flex();
        let bytes = weights_of_model(name, &wider, 1).unwrap();
        let grown = Network::from_safetensors(&wider, bytes, &device).unwrap();
        let mut random = Random::new(5);
        let (mics, hops) = (3, 4);
        let mut rows = |features: usize, old: Option<&[f32]>| -> Vec<f32> {
            let row = size.num_features * size.num_bands;
            let mut values = Vec::new();
            for at in 0..mics * hops {
                let known = old.map(|old| &old[at * row..(at + 1) * row]).unwrap_or_default();
                values.extend_from_slice(known);
                let more = features * size.num_bands - known.len();
                values.extend((0..more).map(|_| to_f32(random.normal(-1.0, 1.0))));
            }
            values
        };
        let old = rows(size.num_features, None);
        let new = rows(wider.num_features, Some(&old));
        let pairs = Pairs::from_relations(&[mics], |i, j| i != j, |_, _| false, &device);
        let masks = |network: &Network, values: Vec<f32>, features: usize| -> Vec<f32> {
            let shape = [1, mics, hops, features * size.num_bands];
            let input = Tensor::<4>::from_data(TensorData::new(values, shape), &device);
            let mut memory = network.blank_memory(1, mics, &device);
            let masks = network.forward(input, &pairs, &mut memory);
            let both = Tensor::cat(vec![masks.keep, masks.guide], 3).into_data();
            both.as_slice::<f32>().unwrap().to_vec()
        };
        let expected = masks(&model.network().unwrap(), old, size.num_features);
        let found = masks(&grown, new, wider.num_features);
        let apart = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{name}: {apart}");
        assert!(apart < most, "{name}: {apart}");
        assert!(expected.iter().any(|&mask| mask > 0.6) && expected.iter().any(|&mask| mask < 0.4));
        let narrow = NetworkConfig { width: 8, exchange_width: 4, ..size };
        let line = format!("{:#}", weights_of_model(name, &narrow, 1).unwrap_err());
        assert!(line.contains("width: 8"), "{line}");
    }

    #[test]
    fn binary_masks_become_probabilities_of_scaled_logits() {
        let name = &superseded("0.3.0");
        let model = model::find(Some(name)).unwrap().unwrap();
        let size = NetworkConfig { masks: MaskForm::Probability, ..model.config() };
        let device = Device::flex();
        let bytes = weights_of_model(name, &size, 1).unwrap();
        let softened = Network::from_safetensors(&size, bytes, &device).unwrap();
        let pairs = Pairs::from_relations(&[2], |i, j| i != j, |_, _| false, &device);
        let mut random = Random::new(5);
        let row = size.num_features * size.num_bands;
        let values: Vec<f32> = (0..2 * row).map(|_| to_f32(random.normal(-1.0, 1.0))).collect();
        let logits = |network: &Network| -> Vec<f32> {
            let input = TensorData::new(values.clone(), [1, 2, 1, row]);
            let mut memory = network.blank_memory(1, 2, &device);
            let input = Tensor::<4>::from_data(input, &device);
            let logits = network.forward(input, &pairs, &mut memory).logits.into_data();
            logits.as_slice::<f32>().unwrap().to_vec()
        };
        let (binary, soft) = (logits(&model.network().unwrap()), logits(&softened));
        assert!(binary.iter().any(|logit| logit.abs() > 10.0));
        for (binary, soft) in binary.iter().zip(&soft) {
            // Rounding of sums, relative to the larger of both.
            assert!(
                (SOFTENED * binary - soft).abs() < 1e-5 * (1.0 + binary.abs()),
                "{binary} {soft}"
            );
        }
    }

    #[test]
    fn weights_depend_on_the_seed_alone_and_lie_in_their_range() {
        let config = NetworkConfig {
            num_bands: 5,
            num_features: 3,
            width: 8,
            exchange_width: 4,
            local_width: 8,
            masks: engine::network::MaskForm::Stretched,
            dilations: [1; 6],
        };
        let first = initial_weights(&config, 1).unwrap();
        assert!(first == initial_weights(&config, 1).unwrap());
        assert!(first != initial_weights(&config, 2).unwrap());
        // Only biases and the initial values of norms and the shortcut are whole numbers.
        let network = Network::from_safetensors(&config, first.clone(), &Device::flex()).unwrap();
        assert!(weights_of(&network).unwrap() == first);
        let (_, data) = parts(&first).unwrap();
        let values: Vec<f32> =
            data.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let most = values
            .iter()
            .filter(|value| value.fract() != 0.0)
            .fold(0.0, |most: f32, v| most.max(v.abs()));
        // The least number of inputs is 8, in `tell`, `out`, `leave`, `context` and `judge`.
        assert!(most > 0.34 && most < 0.35356, "{most}");
    }
}
