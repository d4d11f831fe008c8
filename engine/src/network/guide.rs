//! The network as the canceller's guide: hop by hop, with the memory of one stream.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::model::{Memory, Network};
use super::pairs::Pairs;
use crate::controls::{Controls, Role};
use crate::debleed::cancel::{Guide, GuideHop, GuideMasks, NUM_BANDS, NUM_FEATURES};
use crate::units::GroupId;

/// One stream's use of a network; any number of streams share the weights.
///
/// # Real-time
///
/// Worker or main thread only: the tensor library allocates.
#[derive(Debug)]
pub struct NetworkGuide {
    network: Arc<Network>,
    device: Device,
    num_mics: usize,
    memory: Option<Memory>,
    /// The relations, and what they were made from.
    pairs: Option<(Routing, Pairs)>,
}

/// What decides the relations of mics: activity, role and group of each.
type Routing = Vec<(bool, Role, Option<GroupId>)>;

impl NetworkGuide {
    /// A stream of `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(network: Arc<Network>, num_mics: usize) -> Self {
        Self { network, device: Device::flex(), num_mics, memory: None, pairs: None }
    }

    fn follow_routing(&mut self, controls: &Controls, active: &[bool]) {
        let mics = active.iter().zip(&controls.mics);
        let routing = mics.map(|(&active, mic)| (active, mic.role, mic.group));
        if let Some((seen, _)) = &self.pairs
            && routing.clone().eq(seen.iter().copied())
        {
            return;
        }
        let pairs = Pairs::of(controls, active, &self.device);
        self.pairs = Some((routing.collect(), pairs));
    }
}

impl Guide for NetworkGuide {
    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        self.follow_routing(hop.controls, hop.active);
        let Some((_, pairs)) = &self.pairs else { return false };
        let shape = [1, self.num_mics, 1, NUM_FEATURES * NUM_BANDS];
        let features = TensorData::new(hop.features.to_vec(), shape);
        let features: Tensor<4> = Tensor::from_data(features, &self.device);
        let memory = self
            .memory
            .get_or_insert_with(|| self.network.blank_memory(1, self.num_mics, &self.device));
        let found = self.network.forward(features, pairs, memory);
        for (tensor, out) in [(found.guide, &mut *masks.guide), (found.keep, &mut *masks.keep)] {
            let data = tensor.into_data();
            let Ok(values) = data.as_slice::<f32>() else { return false };
            if values.len() != out.len() || values.iter().any(|value| !value.is_finite()) {
                self.memory = None;
                return false;
            }
            out.copy_from_slice(values);
        }
        true
    }

    fn reset(&mut self) {
        self.memory = None;
    }
}
