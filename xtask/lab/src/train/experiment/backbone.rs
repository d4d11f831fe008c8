//! A network with or without places for its mics.

use super::super::batch::Batch;
use super::super::course::masks;
use super::super::weights::initial_weights;
use super::arms::Places;
use super::fixed::FixedOrder;
use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use engine::network::{Masks, Network, NetworkConfig};

/// A network of either kind.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub(super) enum Backbone {
    Set(Network),
    Fixed(FixedOrder),
}

impl Backbone {
    pub(super) fn new(
        places: Places,
        config: &NetworkConfig,
        num_places: usize,
        seed: u64,
    ) -> Result<Self> {
        let device = Device::flex().autodiff();
        let set = |seed| -> Result<Network> {
            Ok(Network::from_safetensors(config, initial_weights(config, seed)?, &device)?)
        };
        if places == Places::None {
            return Ok(Self::Set(set(seed)?.train()));
        }
        let wanted = set(seed)?.num_params();
        // The width with the nearest number of weights.
        let far = |width| FixedOrder::num_weights(config, (num_places, width)).abs_diff(wanted);
        let mut width = 2;
        while far(width + 1) <= far(width) {
            width += 1;
        }
        Ok(Self::Fixed(FixedOrder::new(config, (num_places, width), seed, &device)))
    }

    pub(super) fn masks(&self, batch: &Batch, device: &Device) -> Masks {
        match self {
            Self::Set(network) => masks(network, batch, device),
            Self::Fixed(network) => network.forward(batch.features.clone()),
        }
    }
}
