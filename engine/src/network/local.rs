//! Judging band by band: what is said of one band alone, by this mic and by all others, bends its masks.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::config::NetworkConfig;
use super::pairs::Pairs;

/// The same small layers for every band, which see the features of a band and its neighbours, what the other mics tell of the band,
/// and a few numbers per band from the layers that look at the whole mic.
///
/// # Shapes
///
/// - input: features `[batch, mic, time, feature * band]`, carried `[batch, mic, time, width]`
/// - output: `[batch, mic, time, mask * band]`, to be added to masks before their sigmoid
///
/// # Invariants
///
/// - Reordering `mic` on the input (and in the pairs) reorders the output the same way and changes nothing else.
/// - Mics that are not there change no present mic's output.
/// - Looks at one hop at a time.
///
/// # Source
///
/// This project's: the layers that carry a mic have fewer numbers than it has bands times features, and can say little that holds for
/// one band alone. The exchange is that of the blocks with the root of the sum of squares instead of the maximum, which costs a
/// product of matrices only.
#[derive(Module, Debug)]
pub(super) struct Local {
    look: Linear,
    context: Linear,
    weigh: Linear,
    judge: Linear,
    num_bands: usize,
    num_features: usize,
}

/// A band and its two neighbours.
const NUM_SEEN: usize = 3;
/// Keeps the slope of a root finite.
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

    /// Numbers per band that mics tell each other.
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
        let seen = Tensor::cat(vec![values, lower, upper], 1); // [batch * mic * time, seen * feature, band]
        let inputs = NUM_SEEN * self.num_features;
        let seen: Tensor<2> = seen.swap_dims(1, 2).reshape([rows * bands, inputs]);
        let own = relu(self.look.forward(seen)); // [batch * mic * time * band, local]
        let width = own.dims()[1];
        let told_width = Self::told_width(width);

        let told = own.clone().narrow(1, 0, told_width);
        let told = told.reshape([batch, mics, hops * bands * told_width]);
        let flat = |heard: Tensor<3>| heard.reshape([rows * bands, told_width]);
        let mean = flat(pairs.bleeders.clone().matmul(told.clone()));
        let here = pairs.barred.clone().exp(); // [batch, mic, mic]: 1 where column can bleed into row
        let loudest = flat((here.matmul(told.powi_scalar(2)) + TINY).sqrt());
        let context = self.context.forward(carried).reshape([rows * bands, told_width]);

        let weighed = self.weigh.forward(Tensor::cat(vec![own, mean, loudest, context], 1));
        let judged = self.judge.forward(relu(weighed)); // [batch * mic * time * band, mask]
        let judged = judged.reshape([rows, bands, NetworkConfig::NUM_MASKS]).swap_dims(1, 2);
        judged.reshape([batch, mics, hops, NetworkConfig::NUM_MASKS * bands])
    }
}
