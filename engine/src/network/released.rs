//! A released model: its weights, and the one shared network that is built from them.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use burn::tensor::Device;

use super::config::NetworkConfig;
use super::model::Network;
use super::weights::WeightsError;
use crate::debleed::cancel::{NUM_BANDS, NUM_FEATURES};

/// Contents of a model.
#[derive(Clone, Debug)]
pub struct ModelSource {
    /// Identifier of the model.
    pub id: Cow<'static, str>,
    /// Version, `major.minor.patch`.
    pub version: Cow<'static, str>,
    /// Sizes of the network.
    pub config: NetworkConfig,
    /// Numbers of mics that it was made for. With fewer or more mics with sound, the canceller uses
    /// its own rules.
    pub mics: RangeInclusive<usize>,
    /// Weights as safetensors.
    pub weights: Cow<'static, [u8]>,
}

/// Handle to a network that any number of sessions share.
///
/// The network is built on a worker thread, at its start or at a guide's first hop. It is dropped
/// with its last user. All clones of a handle share it.
///
/// # Real-time
///
/// The main thread creates, clones and drops handles, and workers build networks. The audio thread
/// has no handle.
#[derive(Clone, Debug)]
pub struct Model(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: ModelSource,
    network: Mutex<Weak<Network>>,
    times_built: AtomicU64,
}

impl Model {
    /// Creates a handle, without building the network.
    ///
    /// # Errors
    ///
    /// Returns [`ModelError`] if the model has another number of bands, or more features, than
    /// the engine.
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

    /// Returns the identifier of the model.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.source.id
    }

    /// Returns the number of features that the network uses, from the first one on.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.0.source.config.num_features
    }

    /// Returns the version of the model.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.source.version
    }

    /// Returns the sizes of the network.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn config(&self) -> NetworkConfig {
        self.0.source.config
    }

    /// Returns the numbers of mics that the model was made for.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn mics(&self) -> RangeInclusive<usize> {
        self.0.source.mics.clone()
    }

    /// Returns the number of times that the network was built: once, as long as it stays in use.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn times_built(&self) -> u64 {
        // Relaxed: a counter.
        self.0.times_built.load(Ordering::Relaxed)
    }

    /// Returns the network, and builds it unless it is already in use.
    ///
    /// # Errors
    ///
    /// Returns [`WeightsError`] if the weights do not fit the sizes.
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
}

/// Reason why the engine cannot use a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The model has another number of bands.
    #[error("the model has {actual} bands, but the engine has {expected}")]
    Bands {
        /// Number of bands of the engine.
        expected: usize,
        /// Number of bands of the model.
        actual: usize,
    },
    /// The model has more features than the engine.
    #[error("the model has {actual} features, but the engine has {expected}")]
    Features {
        /// Number of features of the engine.
        expected: usize,
        /// Number of features of the model.
        actual: usize,
    },
}
