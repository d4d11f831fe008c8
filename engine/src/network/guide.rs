//! The network as the canceller's guide: processes one stream hop by hop, with its own memory.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::model::{Memory, Network};
use super::pairs::Pairs;
use super::released::Model;
use crate::MAX_MICS;
use crate::controls::{Controls, Role};
use crate::debleed::GuideTrouble;
use crate::debleed::cancel::{Guide, GuideHop, GuideMasks, NUM_BANDS, NUM_FEATURES};
use crate::units::GroupId;

/// Guide that runs a network on one stream. Any number of streams share the weights.
///
/// The network receives only mics that have had sound since the last reset. Silent mics cost
/// nothing and change nothing.
///
/// The canceller's own rules are the fallback for a hop if the weights do not fit, if features or
/// masks are not finite, or if the model was not made for the number of mics with sound.
///
/// # Real-time
///
/// Worker or main thread only: the tensor library allocates, and the first hop may build the
/// network from a model's weights.
#[derive(Debug)]
pub struct NetworkGuide {
    network: Source,
    device: Device,
    num_mics: usize,
    /// Problem of the last hop.
    trouble: Option<GuideTrouble>,
    /// Numbers of mics with sound that the network was made for.
    fits: RangeInclusive<usize>,
    /// Mics with sound so far, in the order of their first sound: the rows of all tensors.
    rows: Vec<usize>,
    is_row: Vec<bool>,
    memory: Option<Memory>,
    /// Relations of the mics, and the routing that they were computed from.
    pairs: Option<(Routing, Pairs)>,
}

impl Model {
    /// Returns a guide for a stream of `num_mics` mics. It builds the network at its first hop.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn guide(&self, num_mics: usize) -> Box<dyn Guide> {
        Box::new(NetworkGuide::of(self.clone(), num_mics))
    }
}

/// Source of the network.
#[derive(Debug)]
enum Source {
    Ready(Arc<Network>),
    Waiting(Model),
    /// The network could not be built, or panicked.
    Failed,
}

/// Properties that determine the relations of mics: activity, role and group, `[mic]`.
type Routing = Vec<(bool, Role, Option<GroupId>)>;

impl NetworkGuide {
    /// Creates the guide of a stream of `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(network: Arc<Network>, num_mics: usize) -> Self {
        Self::from_source(Source::Ready(network), num_mics, 1..=MAX_MICS)
    }

    /// Creates a guide that builds the model's network at its first hop, unless it is already
    /// in use.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn of(model: Model, num_mics: usize) -> Self {
        let fits = model.mics();
        Self::from_source(Source::Waiting(model), num_mics, fits)
    }

    fn from_source(network: Source, num_mics: usize, fits: RangeInclusive<usize>) -> Self {
        Self {
            network,
            device: Device::flex(),
            num_mics,
            trouble: None,
            fits,
            rows: Vec::with_capacity(num_mics),
            is_row: vec![false; num_mics],
            memory: None,
            pairs: None,
        }
    }

    /// Returns the network, and builds it if necessary.
    fn network(&mut self) -> Option<Arc<Network>> {
        if let Source::Waiting(model) = &self.network {
            self.network = model.network().map_or(Source::Failed, Source::Ready);
        }
        match &self.network {
            Source::Ready(network) => Some(Arc::clone(network)),
            Source::Waiting(_) | Source::Failed => None,
        }
    }

    /// Adds the mics that have sound for the first time.
    fn follow_mics(&mut self, hop: &GuideHop<'_>) {
        let before = self.rows.len();
        for &mic in hop.order {
            if hop.active[mic] && !self.is_row[mic] {
                self.is_row[mic] = true;
                self.rows.push(mic);
            }
        }
        let added = self.rows.len() - before;
        if added > 0 {
            self.pairs = None;
            if let Some(memory) = &mut self.memory {
                memory.add_mics(added, &self.device);
            }
        }
    }

    fn follow_routing(&mut self, controls: &Controls, active: &[bool]) {
        let mics = active.iter().zip(&controls.mics);
        let routing = mics.map(|(&active, mic)| (active, mic.role, mic.group));
        if let Some((seen, _)) = &self.pairs
            && routing.clone().eq(seen.iter().copied())
        {
            return;
        }
        let pairs = Pairs::of(controls, active, &self.rows, &self.device);
        self.pairs = Some((routing.collect(), pairs));
    }

    /// Computes the masks of one hop. Returns false if there are no usable masks.
    fn infer(&mut self, network: &Network, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        const SIZE: usize = NUM_FEATURES * NUM_BANDS;
        // A network with fewer features was trained before the later ones were added.
        let looked_at = network.num_features() * NUM_BANDS;
        self.follow_mics(hop);
        if !self.fits.contains(&self.rows.len()) {
            // With too few mics no guide can compare anything, so only too many are reported.
            let (heard, most) = (self.rows.len(), *self.fits.end());
            self.trouble = (heard > most).then_some(GuideTrouble::Mics { heard, most });
            return false;
        }
        self.trouble = Some(GuideTrouble::NoNumbers);
        self.follow_routing(hop.controls, hop.active);
        let Some((_, pairs)) = &self.pairs else { return false };
        let mut values = Vec::with_capacity(self.rows.len() * looked_at);
        for &mic in &self.rows {
            values.extend_from_slice(&hop.features[mic * SIZE..][..looked_at]);
        }
        if values.iter().any(|value| !value.is_finite()) {
            return false;
        }
        let features = TensorData::new(values, [1, self.rows.len(), 1, looked_at]);
        let features: Tensor<4> = Tensor::from_data(features, &self.device);
        let memory = self
            .memory
            .get_or_insert_with(|| network.blank_memory(1, self.rows.len(), &self.device));
        let found = network.forward(features, pairs, memory);
        for (tensor, out) in [(found.guide, &mut *masks.guide), (found.keep, &mut *masks.keep)] {
            let data = tensor.into_data();
            let Ok(values) = data.as_slice::<f32>() else { return false };
            let is_whole = values.len() == self.rows.len() * NUM_BANDS;
            if !is_whole || values.iter().any(|value| !value.is_finite()) {
                return false;
            }
            for (&mic, values) in self.rows.iter().zip(values.chunks_exact(NUM_BANDS)) {
                out[mic * NUM_BANDS..][..NUM_BANDS].copy_from_slice(values);
            }
        }
        self.trouble = None;
        true
    }
}

impl Guide for NetworkGuide {
    fn warm_up(&mut self) {
        // A network that cannot be built is reported from the first hop on.
        drop(self.network());
    }

    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        debug_assert_eq!(hop.active.len(), self.num_mics);
        let looked = catch_unwind(AssertUnwindSafe(|| {
            let network = self.network()?;
            Some(self.infer(&network, hop, masks))
        }));
        match looked {
            Ok(Some(true)) => true,
            Ok(found) => {
                if found.is_some() {
                    // The memory may contain values that are not finite.
                    self.memory = None;
                }
                false
            }
            Err(_) => {
                // The tensor library panicked, so the network is not used again.
                self.network = Source::Failed;
                self.reset();
                false
            }
        }
    }

    fn num_features(&self) -> usize {
        match &self.network {
            Source::Ready(network) => network.num_features(),
            Source::Waiting(model) => model.num_features(),
            Source::Failed => 0,
        }
    }

    fn trouble(&self) -> Option<GuideTrouble> {
        match self.network {
            Source::Failed => Some(GuideTrouble::Broken),
            Source::Ready(_) | Source::Waiting(_) => self.trouble,
        }
    }

    fn reset(&mut self) {
        self.trouble = None;
        self.memory = None;
        self.pairs = None;
        self.rows.clear();
        self.is_row.fill(false);
    }
}
