//! Layers that process bands separately: the features of one band, from this mic and all others,
//! adjust the masks of that band.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::config::NetworkConfig;
use super::pairs::Pairs;

/// Small layers with the same weights for every band.
///
/// Their inputs are the features of a band and its neighbours, the messages of the other mics about
/// that band, and a few numbers per band from the layers that process the whole mic.
///
/// # Shapes
///
/// - input: features `[batch, mic, time, feature * band]`, carried `[batch, mic, time, width]`
/// - output: `[batch, mic, time, mask * band]`, to be added to the masks before their sigmoid
///
/// # Invariants
///
/// - Reordering `mic` on the input (and in the pairs) reorders the output the same way and changes
///   nothing else.
/// - Absent mics do not change the output of present mics.
/// - Processes each hop independently.
///
/// # Source
///
/// This project. The state of a mic in the blocks has fewer numbers than bands times features, so
/// it carries little information about one band alone. The exchange is that of the blocks, with the
/// root of the sum of squares instead of the maximum, because this costs only a matrix product.
#[derive(Module, Debug)]
pub(super) struct Local {
    look: Linear,
    context: Linear,
    weigh: Linear,
    judge: Linear,
    num_bands: usize,
    num_features: usize,
}

/// Number of input bands: a band and its two neighbours.
const NUM_SEEN: usize = 3;
/// Keeps the gradient of a square root finite.
const TINY: f64 = 1e-6;

impl Local {
    pub(super) fn new(config: &NetworkConfig, device: &Device) -> Self {
        let (width, told) = (config.local_width, Self::told_width(config.local_width));
        Self {
            look: LinearConfig::new(NUM_SEEN * config.num_features, width).init(device),
            context: LinearConfig::new(config.width, told * config.num_bands).init(device),
            weigh: LinearConfig::new(width + 3 * told, width).init(device),
            judge: LinearConfig::new(width, NetworkConfig::NUM_MASKS).init(device),
            num_bands: config.num_bands,
            num_features: config.num_features,
        }
    }

    /// Returns the number of values per band that mics exchange.
    fn told_width(width: usize) -> usize {
        width.div_ceil(2)
    }

    pub(super) fn forward(
        &self,
        features: Tensor<4>,
        carried: Tensor<4>,
        pairs: &Pairs,
    ) -> Tensor<4> {
        let [batch, mics, hops, _] = features.dims();
        let (rows, bands) = (batch * mics * hops, self.num_bands);
        let values = features.reshape([rows, self.num_features, bands]);
        let edge = Tensor::zeros([rows, self.num_features, 1], &values.device());
        let inner = |start: usize| values.clone().narrow(2, start, bands - 1);
        let lower = Tensor::cat(vec![edge.clone(), inner(0)], 2);
        let upper = Tensor::cat(vec![inner(1), edge], 2);
        // [batch * mic * time, seen * feature, band]
        let seen = Tensor::cat(vec![values, lower, upper], 1);
        let inputs = NUM_SEEN * self.num_features;
        let seen: Tensor<2> = seen.swap_dims(1, 2).reshape([rows * bands, inputs]);
        let own = relu(self.look.forward(seen)); // [batch * mic * time * band, local]
        let width = own.dims()[1];
        let told_width = Self::told_width(width);

        let told = own.clone().narrow(1, 0, told_width);
        let told = told.reshape([batch, mics, hops * bands * told_width]);
        let flat = |heard: Tensor<3>| heard.reshape([rows * bands, told_width]);
        let mean = flat(pairs.bleeders.clone().matmul(told.clone()));
        // [batch, mic, mic]: 1 where column can bleed into row
        let here = pairs.barred.clone().exp();
        let loudest = flat((here.matmul(told.powi_scalar(2)) + TINY).sqrt());
        let context = self.context.forward(carried).reshape([rows * bands, told_width]);

        let weighed = self.weigh.forward(Tensor::cat(vec![own, mean, loudest, context], 1));
        let judged = self.judge.forward(relu(weighed)); // [batch * mic * time * band, mask]
        let judged = judged.reshape([rows, bands, NetworkConfig::NUM_MASKS]).swap_dims(1, 2);
        judged.reshape([batch, mics, hops, NetworkConfig::NUM_MASKS * bands])
    }
}
