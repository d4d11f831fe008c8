//! Weights from and to bytes, strictly: a model that does not fit in every point is refused.

use burn::tensor::Device;
use burn_store::{ModuleSnapshot, SafetensorsStore};

use super::config::NetworkConfig;
use super::model::Network;

/// Why weights were refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are no safetensors, or a weight is missing, of the wrong shape or of the wrong type.
    Unreadable {
        /// What the reader said.
        reason: String,
    },
    /// Weights that the network does not have.
    Extra {
        /// Their names.
        names: Vec<String>,
    },
}

impl std::fmt::Display for WeightsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => {
                write!(f, "the weights do not fit the network: {reason}")
            }
            Self::Extra { names } => {
                write!(f, "weights that the network does not have: {}", names.join(", "))
            }
        }
    }
}

impl std::error::Error for WeightsError {}

impl Network {
    /// A network with weights from safetensors.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when anything is missing, left over, or of another shape than `config` says.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    pub fn from_safetensors(
        config: &NetworkConfig,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let unreadable =
            |error: &dyn std::fmt::Display| WeightsError::Unreadable { reason: error.to_string() };
        let mut network = Self::new(config, device);
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        let applied = network.load_from(&mut store).map_err(|error| unreadable(&error))?;
        if !applied.unused.is_empty() {
            return Err(WeightsError::Extra { names: applied.unused });
        }
        Ok(network)
    }

    /// The weights as safetensors.
    ///
    /// # Errors
    ///
    /// When the tensor library cannot hand them out.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let unreadable =
            |error: &dyn std::fmt::Display| WeightsError::Unreadable { reason: error.to_string() };
        let mut store = SafetensorsStore::from_bytes(None);
        self.save_into(&mut store).map_err(|error| unreadable(&error))?;
        store.get_bytes().map_err(|error| unreadable(&error))
    }
}
