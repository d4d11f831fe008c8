//! Weights from and to bytes, strictly: a model that does not fit in every point is refused.

use burn::tensor::Device;
use burn_store::{ApplyError, ModuleSnapshot, SafetensorsStore};

use super::config::NetworkConfig;
use super::model::Network;

/// Why weights were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are no safetensors.
    Unreadable {
        /// What the reader said.
        reason: String,
    },
    /// Weights that the network needs.
    Missing {
        /// Their names.
        names: Vec<String>,
    },
    /// Weights that the network does not have.
    Extra {
        /// Their names.
        names: Vec<String>,
    },
    /// A weight of another shape.
    Shape {
        /// Its name.
        name: String,
        /// As the network's sizes ask for.
        expected: Vec<usize>,
        /// As found.
        actual: Vec<usize>,
    },
    /// A weight that is there but cannot be used, as one of another number type.
    Unusable {
        /// What the reader said, the name in it.
        reason: String,
    },
}

impl std::fmt::Display for WeightsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => write!(f, "the weights cannot be read: {reason}"),
            Self::Missing { names } => write!(f, "weights are missing: {}", names.join(", ")),
            Self::Extra { names } => {
                write!(f, "weights that the network does not have: {}", names.join(", "))
            }
            Self::Shape { name, expected, actual } => {
                write!(f, "weight {name} has the shape {actual:?}, expected {expected:?}")
            }
            Self::Unusable { reason } => write!(f, "a weight cannot be used: {reason}"),
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
        let mut network = Self::new(config, device);
        // The store is told to pass everything on, so that each defect gets its own variant here.
        let mut store =
            SafetensorsStore::from_bytes(Some(bytes)).validate(false).allow_partial(true);
        let applied = network
            .load_from(&mut store)
            .map_err(|error| WeightsError::Unreadable { reason: error.to_string() })?;
        if let Some(error) = applied.errors.into_iter().next() {
            return Err(match error {
                ApplyError::ShapeMismatch { path, expected, found } => WeightsError::Shape {
                    name: path,
                    expected: expected.to_vec(),
                    actual: found.to_vec(),
                },
                other => WeightsError::Unusable { reason: other.to_string() },
            });
        }
        if !applied.missing.is_empty() {
            let names = applied.missing.into_iter().map(|(name, _)| name).collect();
            return Err(WeightsError::Missing { names });
        }
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
