//! The network as the canceller's guide: hop by hop, with the memory of one stream.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::model::{Memory, Network};
use super::pairs::Pairs;
use super::released::Model;
use crate::MAX_MICS;
use crate::controls::{Controls, Role};
use crate::debleed::cancel::{Guide, GuideHop, GuideMasks, GuideTrouble, NUM_BANDS, NUM_FEATURES};
use crate::units::GroupId;

/// One stream's use of a network; any number of streams share the weights.
///
/// Only mics that were ever heard since the last reset are shown to the network: silent ones cost nothing and change nothing.
/// Whatever goes wrong (weights that do not fit, features or masks that are no numbers) leaves the hop to the canceller's own rules;
/// so does a number of heard mics that the model was not made for.
///
/// # Real-time
///
/// Worker or main thread only: the tensor library allocates, and a model's weights become a network at the first hop.
#[derive(Debug)]
pub struct NetworkGuide {
    network: Source,
    device: Device,
    num_mics: usize,
    /// What was wrong with the last hop.
    trouble: Option<GuideTrouble>,
    /// For how many heard mics the network was made.
    fits: RangeInclusive<usize>,
    /// The mics heard so far, in the hop's order: the rows of all tensors.
    rows: Vec<usize>,
    is_row: Vec<bool>,
    memory: Option<Memory>,
    /// The relations, and what they were made from.
    pairs: Option<(Routing, Pairs)>,
}

/// Where the network comes from.
#[derive(Debug)]
enum Source {
    Ready(Arc<Network>),
    Waiting(Model),
    /// It could not be built, or broke.
    Failed,
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
        Self::from_source(Source::Ready(network), num_mics, 1..=MAX_MICS)
    }

    /// A stream that builds the model's network at its first hop, unless another stream has.
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

    /// The network, built now if it was not yet.
    fn network(&mut self) -> Option<Arc<Network>> {
        if let Source::Waiting(model) = &self.network {
            self.network = model.network().map_or(Source::Failed, Source::Ready);
        }
        match &self.network {
            Source::Ready(network) => Some(Arc::clone(network)),
            Source::Waiting(_) | Source::Failed => None,
        }
    }

    /// Makes room for mics that are heard for the first time.
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

    /// The masks of one hop; false when they are no numbers.
    fn infer(&mut self, network: &Network, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        const SIZE: usize = NUM_FEATURES * NUM_BANDS;
        // A network of fewer features was trained before the later ones were added.
        let looked_at = network.num_features() * NUM_BANDS;
        self.follow_mics(hop);
        if !self.fits.contains(&self.rows.len()) {
            // With too few there is nothing to compare, whoever does it.
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
                    // What is no number may sit in the memory by now.
                    self.memory = None;
                }
                false
            }
            Err(_) => {
                // The tensor library panicked: it is not asked again.
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
