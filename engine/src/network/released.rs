//! A released network: weights that wait to be built, and the one copy of what was built from them.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use burn::tensor::Device;

use super::config::NetworkConfig;
use super::guide::NetworkGuide;
use super::model::Network;
use super::weights::WeightsError;
use crate::debleed::cancel::{Guide, NUM_BANDS, NUM_FEATURES};

/// What a model is made of.
#[derive(Clone, Debug)]
pub struct ModelSource {
    /// Which model.
    pub id: Cow<'static, str>,
    /// `major.minor.patch`.
    pub version: Cow<'static, str>,
    /// The network's sizes.
    pub config: NetworkConfig,
    /// For how many mics it was made; with fewer or more heard, the canceller goes by its own rules.
    pub mics: RangeInclusive<usize>,
    /// Its weights, safetensors.
    pub weights: Cow<'static, [u8]>,
}

/// A handle to a network that any number of sessions share.
///
/// Weights become a network when the first guide looks at its first hop, on the worker thread, and the network is dropped with
/// its last user. All clones of a handle share it.
///
/// # Real-time
///
/// Handles are made, cloned and dropped on the main thread; workers build. The audio thread never sees one.
#[derive(Clone, Debug)]
pub struct Model(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: ModelSource,
    network: Mutex<Weak<Network>>,
    times_built: AtomicU64,
}

impl Model {
    /// A handle; nothing is built yet.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when the model looks at other bands, or at more features, than the engine shows.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates.
    pub fn new(source: ModelSource) -> Result<Self, ModelError> {
        let NetworkConfig { num_bands, num_features, .. } = source.config;
        if num_bands != NUM_BANDS {
            return Err(ModelError::Bands { expected: NUM_BANDS, actual: num_bands });
        }
        if num_features > NUM_FEATURES {
            return Err(ModelError::Features { expected: NUM_FEATURES, actual: num_features });
        }
        let network = Mutex::new(Weak::new());
        Ok(Self(Arc::new(Shared { source, network, times_built: AtomicU64::new(0) })))
    }

    /// Which model.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.source.id
    }

    /// How many of the features it looks at, from the first one on.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.0.source.config.num_features
    }

    /// Which version of it.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.source.version
    }

    /// The network's sizes.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn config(&self) -> NetworkConfig {
        self.0.source.config
    }

    /// For how many mics it was made.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn mics(&self) -> RangeInclusive<usize> {
        self.0.source.mics.clone()
    }

    /// How often weights have become a network: once, as long as somebody uses it.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn times_built(&self) -> u64 {
        // Relaxed: a counter.
        self.0.times_built.load(Ordering::Relaxed)
    }

    /// The network, built now unless it is in use already.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when the weights do not fit the sizes.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates, and waits while another thread builds.
    pub fn network(&self) -> Result<Arc<Network>, WeightsError> {
        #[allow(clippy::disallowed_methods, reason = "workers may wait for each other")]
        let mut network = self.0.network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network.upgrade() {
            return Ok(network);
        }
        let ModelSource { config, weights, .. } = &self.0.source;
        let built = Network::from_safetensors(config, weights.to_vec(), &Device::flex())?;
        let built = Arc::new(built);
        *network = Arc::downgrade(&built);
        // Relaxed: a counter.
        self.0.times_built.fetch_add(1, Ordering::Relaxed);
        Ok(built)
    }

    /// A guide for a stream of `num_mics` mics, which builds the network at its first hop.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn guide(&self, num_mics: usize) -> Box<dyn Guide> {
        Box::new(NetworkGuide::of(self.clone(), num_mics))
    }
}

/// A model that this engine cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// It looks at another number of bands.
    Bands {
        /// The engine's.
        expected: usize,
        /// The model's.
        actual: usize,
    },
    /// It looks at another number of features.
    Features {
        /// The engine's.
        expected: usize,
        /// The model's.
        actual: usize,
    },
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bands { expected, actual } => {
                write!(f, "model of {actual} bands, the engine shows {expected}")
            }
            Self::Features { expected, actual } => {
                write!(f, "model of {actual} features, the engine shows {expected}")
            }
        }
    }
}

impl std::error::Error for ModelError {}
