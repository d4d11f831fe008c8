//! A small network for tests, the same in every run.

use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Model, ModelSource, Network, NetworkConfig};
use crate::MAX_MICS;
use crate::debleed::cancel::{NUM_BANDS, NUM_FEATURES};

/// Sizes that fit the engine and are fast.
pub(crate) const SMALL: NetworkConfig = NetworkConfig {
    num_bands: NUM_BANDS,
    num_features: NUM_FEATURES,
    width: 16,
    exchange_width: 8,
    local_width: 4,
    masks: crate::network::MaskForm::Stretched,
    dilations: [1, 2, 4, 8, 1, 2],
};

/// Replaces all weights by noise. Its own generator makes it independent of other tests.
struct Draw(u32);

impl ModuleMapper for Draw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let shape = tensor.dims();
            let size: usize = shape.iter().product();
            let scale = 1.5 / (shape[0] as f32).sqrt();
            let mut draw = || {
                self.0 ^= self.0 << 13;
                self.0 ^= self.0 >> 17;
                self.0 ^= self.0 << 5;
                (self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0) * scale
            };
            let values: Vec<f32> = (0..size).map(|_| draw()).collect();
            Tensor::from_data(TensorData::new(values, shape), &tensor.device())
        })
    }
}

/// Returns a small network whose masks depend on all inputs, but have no meaning.
pub(crate) fn network() -> Arc<Network> {
    static NETWORK: OnceLock<Arc<Network>> = OnceLock::new();
    let make = || Arc::new(Network::new(&SMALL, &Device::flex()).map(&mut Draw(0x5EED)));
    Arc::clone(NETWORK.get_or_init(make))
}

/// Returns a model of the same network, which is not built yet.
pub(crate) fn model() -> Model {
    model_of(network().to_safetensors().unwrap())
}

/// Returns a model of any weights.
pub(crate) fn model_of(weights: Vec<u8>) -> Model {
    model_for(weights, 1..=MAX_MICS)
}

/// Returns a model of any weights, for some numbers of mics only.
pub(crate) fn model_for(weights: Vec<u8>, mics: RangeInclusive<usize>) -> Model {
    let source = ModelSource {
        id: "small".into(),
        version: "0.0.0".into(),
        config: SMALL,
        mics,
        weights: weights.into(),
    };
    Model::new(source).unwrap()
}
