//! Weights as bytes that are the same for the same weights, and the weights before the first step.
//!
//! The tensor library writes the fields of a file's head in any order, which would give equal weights
//! different hashes; and it draws from one generator per process, which other threads use as well and
//! which other versions of it may change. Both is done here.

use crate::convert::to_f32;
use crate::random::Random;
use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use engine::network::{Network, NetworkConfig};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keeps this stream apart from those of scenes and steps.
const WEIGHTS_PART: u64 = 0x0077_E167;

/// Random weights as safetensors: those of linear layers uniform within one over the square root of their inputs, their biases 0; everything
/// else as the network makes it.
///
/// # Source
///
/// The range is that of Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, "Efficient backprop", 1998, section 4.6, narrowed by the square
/// root of 3, as tensor libraries commonly do.
///
/// # Errors
///
/// When the tensor library hands out weights in another form than safetensors of single precision.
pub fn initial_weights(config: &NetworkConfig, seed: u64) -> Result<Vec<u8>> {
    let (header, mut data) = parts(&Network::new(config, &Device::flex()).to_safetensors()?)?;
    let mut random = Random::for_part(seed, WEIGHTS_PART);
    for (name, value) in &header {
        if name == METADATA {
            continue;
        }
        let entry: Entry =
            serde_json::from_value(value.clone()).context("the entry of a weight")?;
        ensure!(entry.dtype == "F32", "{name} is {}", entry.dtype);
        let range = match *entry.shape.as_slice() {
            [inputs, _] if name.ends_with(".weight") => 1.0 / (inputs as f64).sqrt(),
            [_] if name.ends_with(".bias") => 0.0,
            _ => continue,
        };
        let [start, end] = entry.data_offsets;
        let values = data.get_mut(start..end).context("the numbers of a weight")?;
        for value in values.as_chunks_mut::<4>().0 {
            *value = to_f32(random.between(-range, range)).to_le_bytes();
        }
    }
    Ok(joined(&header, &data)?)
}

/// A network's weights as safetensors, equal bytes for equal weights.
///
/// # Errors
///
/// When the tensor library cannot hand them out.
pub fn weights_of(network: &Network) -> Result<Vec<u8>> {
    let (header, data) = parts(&network.to_safetensors()?)?;
    Ok(joined(&header, &data)?)
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The one name in a header that is no weight's.
const METADATA: &str = "__metadata__";

/// By name, in its order; objects inside are kept in order as well.
type Header = BTreeMap<String, serde_json::Value>;

/// Head and numbers of safetensors.
fn parts(bytes: &[u8]) -> Result<(Header, Vec<u8>)> {
    let context = "the head of safetensors";
    let (length, rest) = bytes.split_first_chunk::<8>().context(context)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).context(context)?;
    let (header, data) = rest.split_at_checked(length).context(context)?;
    Ok((serde_json::from_slice(header).context(context)?, data.to_vec()))
}

fn joined(header: &Header, data: &[u8]) -> serde_json::Result<Vec<u8>> {
    let mut head = serde_json::to_vec(header)?;
    // The numbers begin at a multiple of eight.
    head.resize(head.len().next_multiple_of(8), b' ');
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(data);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_depend_on_the_seed_alone_and_lie_in_their_range() {
        let config = NetworkConfig {
            num_bands: 5,
            num_features: 2,
            width: 8,
            exchange_width: 4,
            dilations: [1; 6],
        };
        let first = initial_weights(&config, 1).unwrap();
        assert!(first == initial_weights(&config, 1).unwrap());
        assert!(first != initial_weights(&config, 2).unwrap());
        // Of all values, the ten biases and what norms and the shortcut begin with are whole numbers.
        let network = Network::from_safetensors(&config, first.clone(), &Device::flex()).unwrap();
        assert!(weights_of(&network).unwrap() == first);
        let (_, data) = parts(&first).unwrap();
        let values: Vec<f32> =
            data.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let most = values
            .iter()
            .filter(|value| value.fract() != 0.0)
            .fold(0.0, |most: f32, v| most.max(v.abs()));
        // The least number of inputs is 8, that of `tell`, `out` and `leave`.
        assert!(most > 0.34 && most < 0.35356, "{most}");
    }
}
