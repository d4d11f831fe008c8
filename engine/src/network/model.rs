//! The network and its masks.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};

use super::config::{MaskForm, NetworkConfig};
use super::layers::Block;
use super::local::Local;
use super::pairs::Pairs;

/// Network that computes two masks for every mic and band from the features of all mics.
///
/// The guide mask is the part of the (linearly cancelled) mic that is surely its own source and may
/// guide the filters. The keep mask is the part that remains in the output.
///
/// # Shapes
///
/// - input: `[batch, mic, time, feature * band]`, the features of a band `num_bands` apart
/// - output: two of `[batch, mic, time, band]`, 0 to 1
///
/// # Invariants
///
/// - Equivariant: reordering mics (and their pairs) reorders the masks and changes nothing else,
///   for any number of mics.
/// - Causal and streaming: every division of `time` into pieces gives the same masks if [`Memory`]
///   is passed on.
///
/// # Source
///
/// The structure of this project's prototype (rows A to L of its measurements): band features,
/// causal dilated convolution in time, and exchange of means and maxima between mics. The optional
/// local layers then process every band separately.
#[derive(Module, Debug)]
pub struct Network {
    enter: Linear,
    blocks: Vec<Block>,
    leave: Linear,
    local: Option<Local>,
    /// Weight of each feature in its own band's masks, `[mask, feature]`. Some features nearly are
    /// masks and need no more than this direct path.
    shortcut: Param<Tensor<2>>,
    num_bands: usize,
    num_features: usize,
    is_stretched: bool,
}

/// Memory of past hops, one tensor `[batch, mic, hops, feature]` per block.
#[derive(Clone, Debug)]
pub struct Memory(Vec<Tensor<4>>);

impl Memory {
    /// Adds `count` mics with empty memory.
    pub(super) fn add_mics(&mut self, count: usize, device: &Device) {
        for memory in &mut self.0 {
            let [batch, _, hops, width] = memory.dims();
            let blank = Tensor::zeros([batch, count, hops, width], device);
            *memory = Tensor::cat(vec![memory.clone(), blank], 1);
        }
    }
}

/// Distance by which [`MaskForm::Stretched`] stretches the sigmoid on either side before clamping.
const STRETCH: f32 = 0.05;

/// Output of a network.
#[derive(Clone, Debug)]
pub struct Masks {
    /// Both masks before the sigmoid, `[batch, mic, time, mask * band]`.
    pub logits: Tensor<4>,
    /// Part of the cancelled mic that may guide the filters, `[batch, mic, time, band]`.
    pub guide: Tensor<4>,
    /// Part of the cancelled mic to keep, `[batch, mic, time, band]`.
    pub keep: Tensor<4>,
}

impl Network {
    /// Creates a network with random weights.
    #[must_use]
    pub fn new(config: &NetworkConfig, device: &Device) -> Self {
        let num_inputs = config.num_features * config.num_bands;
        let num_outputs = NetworkConfig::NUM_MASKS * config.num_bands;
        Self {
            enter: LinearConfig::new(num_inputs, config.width).init(device),
            blocks: config.dilations.iter().map(|&d| Block::new(config, d, device)).collect(),
            leave: LinearConfig::new(config.width, num_outputs).init(device),
            local: (config.local_width > 0).then(|| Local::new(config, device)),
            shortcut: Param::from_tensor(Tensor::zeros(
                [NetworkConfig::NUM_MASKS, config.num_features],
                device,
            )),
            num_bands: config.num_bands,
            num_features: config.num_features,
            is_stretched: config.masks == MaskForm::Stretched,
        }
    }

    #[cfg(test)]
    pub(super) fn set_shortcut(&mut self, shortcut: Tensor<2>) {
        self.shortcut = Param::from_tensor(shortcut);
    }

    /// Returns the number of features that the network uses, from the first one on.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.num_features
    }

    /// Returns the memory before the first hop.
    #[must_use]
    pub fn blank_memory(&self, batch: usize, num_mics: usize, device: &Device) -> Memory {
        let width = self.leave.weight.dims()[0];
        Memory(
            self.blocks
                .iter()
                .map(|block| Tensor::zeros([batch, num_mics, block.memory_hops(), width], device))
                .collect(),
        )
    }

    /// Computes the masks of the next hops, and advances `memory` by them.
    #[must_use]
    pub fn forward(&self, features: Tensor<4>, pairs: &Pairs, memory: &mut Memory) -> Masks {
        let [batch, mics, hops, _] = features.dims();
        let mut carried = self.enter.forward(features.clone());
        for (block, memory) in self.blocks.iter().zip(&mut memory.0) {
            let (output, next) = block.forward(carried, pairs, memory.clone());
            carried = output;
            *memory = next;
        }
        // [batch * mic * time, feature, band] by [mask, feature]
        let direct =
            features.clone().reshape([batch * mics * hops, self.num_features, self.num_bands]);
        let direct = self
            .shortcut
            .val()
            .unsqueeze_dim::<3>(0)
            .expand([batch * mics * hops, NetworkConfig::NUM_MASKS, self.num_features])
            .matmul(direct);
        let direct = direct.reshape([batch, mics, hops, NetworkConfig::NUM_MASKS * self.num_bands]);
        let mut sum = self.leave.forward(carried.clone()) + direct;
        if let Some(local) = &self.local {
            sum = sum + local.forward(features, carried, pairs);
        }
        let masks = sigmoid(sum.clone());
        let masks = if self.is_stretched {
            (masks * (1.0 + 2.0 * STRETCH) - STRETCH).clamp(0.0, 1.0)
        } else {
            masks
        };
        Masks {
            logits: sum,
            guide: masks.clone().narrow(3, 0, self.num_bands),
            keep: masks.narrow(3, self.num_bands, self.num_bands),
        }
    }
}
