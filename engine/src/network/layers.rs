//! The block that the network repeats: combines each mic's past, then the messages of the others.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};

use super::config::NetworkConfig;
use super::pairs::Pairs;

/// Combines the past of each mic by a convolution, then adds a summary of the other mics.
///
/// # Shapes
///
/// - input and output: `[batch, mic, time, feature]`
/// - memory: `[batch, mic, (taps - 1) * dilation, feature]`
///
/// # Invariants
///
/// - Reordering `mic` on the input (and in the pairs) reorders the output the same way and changes
///   nothing else.
/// - Absent mics do not change the output of present mics.
/// - Causal: uses no hop later than its own.
///
/// # Source
///
/// Y. Luo, Z. Chen, N. Mesgarani, T. Yoshioka, "End-to-end microphone permutation and number
/// invariant multi-channel speech separation", ICASSP 2020, equations 4 to 6 (transform, average,
/// concatenate). The differences:
///
/// - The average is taken over the mics that can bleed into the receiving mic.
/// - The exchange also includes the maximum over these mics, and the average over the other mics of
///   the same source.
/// - A dilated causal convolution precedes the exchange.
#[derive(Module, Debug)]
pub(super) struct Block {
    norm: LayerNorm,
    past: Linear,
    tell: Linear,
    hear: Linear,
    out: Linear,
    dilation: usize,
}

impl Block {
    pub(super) fn new(config: &NetworkConfig, dilation: usize, device: &Device) -> Self {
        let (width, exchange) = (config.width, config.exchange_width);
        Self {
            norm: LayerNormConfig::new(width).init(device),
            past: LinearConfig::new(NetworkConfig::NUM_TAPS * width, width).init(device),
            tell: LinearConfig::new(width, exchange).init(device),
            hear: LinearConfig::new(3 * exchange, width).with_bias(false).init(device),
            out: LinearConfig::new(width, width).init(device),
            dilation,
        }
    }

    /// Returns the number of hops in the memory.
    pub(super) fn memory_hops(&self) -> usize {
        (NetworkConfig::NUM_TAPS - 1) * self.dilation
    }

    /// Returns the output, and the memory for the following hops.
    pub(super) fn forward(
        &self,
        input: Tensor<4>,
        pairs: &Pairs,
        memory: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>) {
        let [batch, mics, hops, width] = input.dims();
        let remembered = self.memory_hops();
        // [batch, mic, remembered + time, feature]
        let seen = Tensor::cat(vec![memory, self.norm.forward(input.clone())], 2);
        let tap = |at: usize| seen.clone().narrow(2, at, hops);
        let taps = vec![tap(0), tap(self.dilation), tap(remembered)];
        let own = self.past.forward(Tensor::cat(taps, 3)); // [batch, mic, time, feature]
        let memory = seen.narrow(2, hops, remembered);

        let told = silu(self.tell.forward(own.clone())); // [batch, mic, time, exchange]
        let exchange = told.dims()[3];
        let flat = told.clone().reshape([batch, mics, hops * exchange]);
        let spread = |heard: Tensor<3>| heard.reshape([batch, mics, hops, exchange]);
        let mean = spread(pairs.bleeders.clone().matmul(flat.clone()));
        let siblings = spread(pairs.siblings.clone().matmul(flat.clone()));
        let barred: Tensor<4> = pairs.barred.clone().unsqueeze_dim(3); // [batch, mic, mic, 1]
        let all: Tensor<4> = flat.unsqueeze_dim(1); // [batch, 1, mic, time * exchange]
        // [batch, mic, time * exchange]
        let loudest: Tensor<3> = (all + barred).max_dim(2).squeeze_dim(2);
        let loudest = spread(loudest * pairs.has_bleeders.clone());
        let heard = self.hear.forward(Tensor::cat(vec![mean, loudest, siblings], 3));

        let output = input + self.out.forward(silu(own + heard));
        debug_assert_eq!(output.dims(), [batch, mics, hops, width]);
        (output, memory)
    }
}
