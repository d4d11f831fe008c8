//! The weights before the first step, drawn by the project's own generator.
//!
//! The tensor library draws from one generator per process, which other threads use as well and which
//! other versions of it may change.

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
    #[derive(Deserialize)]
    struct Entry {
        dtype: String,
        shape: Vec<usize>,
        data_offsets: [usize; 2],
    }
    let mut bytes = Network::new(config, &Device::flex()).to_safetensors()?;
    let context = "weights before the first step";
    let (length, rest) = bytes.split_first_chunk::<8>().context(context)?;
    let length = usize::try_from(u64::from_le_bytes(*length))?;
    let header = rest.get(..length).context(context)?;
    let mut header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    header.remove("__metadata__");
    let mut random = Random::for_part(seed, WEIGHTS_PART);
    for (name, entry) in header {
        let entry: Entry = serde_json::from_value(entry).context(context)?;
        ensure!(entry.dtype == "F32", "{context}: {name} is {}", entry.dtype);
        let [start, end] = entry.data_offsets.map(|offset| offset + 8 + length);
        let (values, _) = bytes.get_mut(start..end).context(context)?.as_chunks_mut::<4>();
        let range = match (&name, entry.shape.as_slice()) {
            (name, &[inputs, _]) if name.ends_with(".weight") => 1.0 / (inputs as f64).sqrt(),
            (name, &[_]) if name.ends_with(".bias") => 0.0,
            _ => continue,
        };
        for value in values {
            *value = to_f32(random.between(-range, range)).to_le_bytes();
        }
    }
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
        assert!(network.to_safetensors().unwrap() == first);
        let length = usize::try_from(u64::from_le_bytes(first[..8].try_into().unwrap())).unwrap();
        let (values, _) = first[8 + length..].as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let most = values
            .iter()
            .filter(|value| value.fract() != 0.0)
            .fold(0.0, |most: f32, v| most.max(v.abs()));
        // The least number of inputs is 8, that of `tell`, `out` and `leave`.
        assert!(most > 0.34 && most < 0.35356, "{most}");
    }
}
