//! The network's backbone with a place for every mic, for comparison with the one without places.

use crate::convert::to_f32;
use crate::random::Random;
use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{sigmoid, silu};
use burn::tensor::{Device, Tensor, TensorData};
use engine::debleed::cancel::NUM_BANDS;
use engine::network::{Masks, NetworkConfig};

/// Features of a missing mic: those that the engine computes for a silent one.
const SILENT: f64 = -5.0;
/// Stretch of the masks, as in [`engine::network::Network`].
const STRETCH: f64 = 0.05;

/// Network from the features of all mics, side by side in one vector, through dilated causal layers
/// to the masks of all mics.
///
/// # Shapes
///
/// Those of [`engine::network::Network`], for at most `num_places` mics; missing ones are silent.
///
/// # Source
///
/// The blocks are those of [`engine::network::Network`] without exchange, as there is no other mic
/// to exchange with. Mics are distinguished by their place in the vector, as in networks for one
/// microphone array, or in X-UMX for its stems (R. Sawata, S. Uhlich, S. Takahashi, Y. Mitsufuji,
/// "All for one and one for all: improving music separation by bridging networks", ICASSP 2021).
#[derive(Module, Debug)]
pub(super) struct FixedOrder {
    enter: Linear,
    blocks: Vec<Past>,
    leave: Linear,
    /// `[mask, feature]`, as in [`engine::network::Network`], shared by all places.
    shortcut: Param<Tensor<2>>,
    num_places: usize,
}

/// Residual block over the current and past hops.
#[derive(Module, Debug)]
struct Past {
    norm: LayerNorm,
    past: Linear,
    out: Linear,
    dilation: usize,
}

impl FixedOrder {
    /// Creates the network with random weights, drawn as for the other network; `width` is its own.
    pub(super) fn new(
        config: &NetworkConfig,
        (num_places, width): (usize, usize),
        seed: u64,
        device: &Device,
    ) -> Self {
        let random = &mut Random::new(seed);
        let mut linear = |inputs: usize, outputs: usize| linear(inputs, outputs, random, device);
        let blocks = config.dilations.iter().map(|&dilation| Past {
            norm: LayerNormConfig::new(width).init(device),
            past: linear(NetworkConfig::NUM_TAPS * width, width),
            out: linear(width, width),
            dilation,
        });
        let blocks = blocks.collect();
        let inputs = num_places * config.num_features * config.num_bands;
        let outputs = num_places * NetworkConfig::NUM_MASKS * config.num_bands;
        Self {
            enter: linear(inputs, width),
            blocks,
            leave: linear(width, outputs),
            shortcut: Param::from_tensor(Tensor::zeros(
                [NetworkConfig::NUM_MASKS, config.num_features],
                device,
            )),
            num_places,
        }
    }

    /// Returns the number of weights.
    pub(super) fn num_weights(
        config: &NetworkConfig,
        (num_places, width): (usize, usize),
    ) -> usize {
        let linear = |inputs: usize, outputs: usize| (inputs + 1) * outputs;
        let of_mic = num_places * config.num_bands;
        let block =
            2 * width + linear(NetworkConfig::NUM_TAPS * width, width) + linear(width, width);
        linear(of_mic * config.num_features, width)
            + config.dilations.len() * block
            + linear(width, of_mic * NetworkConfig::NUM_MASKS)
            + NetworkConfig::NUM_MASKS * config.num_features
    }

    /// Computes the masks of clips from their first hop on, for at most as many mics as places.
    pub(super) fn forward(&self, features: Tensor<4>) -> Masks {
        let [batch, mics, hops, _] = features.dims();
        let (places, device) = (self.num_places, features.device());
        let [num_masks, num_features] = self.shortcut.dims();
        let (num_bands, inputs) = (NUM_BANDS, num_features * NUM_BANDS);
        let features = features.narrow(3, 0, inputs);
        let missing = Tensor::full([batch, places - mics, hops, inputs], SILENT, &device);
        let filled = if mics < places { Tensor::cat(vec![features, missing], 1) } else { features };
        let side_by_side = filled.clone().swap_dims(1, 2).reshape([batch, hops, places * inputs]);
        let mut carried: Tensor<3> = self.enter.forward(side_by_side);
        for block in &self.blocks {
            carried = block.forward(carried);
        }
        let outputs = num_masks * num_bands;
        let found = self.leave.forward(carried).reshape([batch, hops, places, outputs]);
        let rows = batch * places * hops;
        let direct = filled.reshape([rows, num_features, num_bands]);
        let weights = self.shortcut.val().unsqueeze_dim::<3>(0);
        let direct = weights.expand([rows, num_masks, num_features]).matmul(direct);
        let direct = direct.reshape([batch, places, hops, outputs]);
        let logits = found.swap_dims(1, 2) + direct;
        let masks = sigmoid(logits.clone());
        let masks = (masks * (1.0 + 2.0 * STRETCH) - STRETCH).clamp(0.0, 1.0);
        let masks = masks.narrow(1, 0, mics);
        Masks {
            logits: logits.narrow(1, 0, mics),
            guide: masks.clone().narrow(3, 0, num_bands),
            keep: masks.narrow(3, num_bands, num_bands),
        }
    }
}

impl Past {
    fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let [batch, hops, width] = input.dims();
        let remembered = (NetworkConfig::NUM_TAPS - 1) * self.dilation;
        let blank = Tensor::zeros([batch, remembered, width], &input.device());
        let seen = Tensor::cat(vec![blank, self.norm.forward(input.clone())], 1);
        let tap = |at: usize| seen.clone().narrow(1, at, hops);
        let taps = vec![tap(0), tap(self.dilation), tap(remembered)];
        input + self.out.forward(silu(self.past.forward(Tensor::cat(taps, 2))))
    }
}

/// Creates a linear layer with weights drawn as in `initial_weights`.
fn linear(inputs: usize, outputs: usize, random: &mut Random, device: &Device) -> Linear {
    let range = 1.0 / (inputs as f64).sqrt();
    let weights = (0..inputs * outputs).map(|_| to_f32(random.between(-range, range))).collect();
    let weights: Vec<f32> = weights;
    Linear {
        weight: Param::from_tensor(Tensor::from_data(
            TensorData::new(weights, [inputs, outputs]),
            device,
        )),
        bias: Some(Param::from_tensor(Tensor::zeros([outputs], device))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_are_as_many_as_said() {
        let config = NetworkConfig {
            num_bands: 80,
            num_features: 11,
            width: 160,
            exchange_width: 80,
            local_width: 0,
            masks: engine::network::MaskForm::Stretched,
            dilations: [1, 2, 4, 8, 16, 4],
        };
        let size = (3, 7);
        let network = FixedOrder::new(&config, size, 1, &Device::flex());
        assert_eq!(network.num_params(), FixedOrder::num_weights(&config, size));
    }
}
