//! Weights from and to bytes. Weights that do not fit in every respect are refused.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use burn_store::{ApplyError, ModuleSnapshot, SafetensorsStore};

use super::config::NetworkConfig;
use super::model::Network;

/// Reason why weights were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are not safetensors.
    #[error("the weights cannot be read: {}", OneLine(.reason))]
    Unreadable {
        /// Message of the reader.
        reason: String,
    },
    /// Weights that the network needs are missing.
    #[error("weights are missing: {}", Names(.names))]
    Missing {
        /// Names of the weights.
        names: Vec<String>,
    },
    /// The network does not have these weights.
    #[error("weights that are not part of the network: {}", Names(.names))]
    Extra {
        /// Names of the weights.
        names: Vec<String>,
    },
    /// A weight has another shape.
    #[error("weight {} has the shape {actual:?}, expected {expected:?}", OneLine(.name))]
    Shape {
        /// Name of the weight.
        name: String,
        /// Shape according to the network's sizes.
        expected: Vec<usize>,
        /// Shape in the file.
        actual: Vec<usize>,
    },
    /// The sizes require no weights, or more than the bytes can contain.
    #[error("sizes do not fit: at least {expected} weights in {actual_bytes} bytes")]
    Sizes {
        /// Number of weights in the matrices alone.
        expected: usize,
        /// Number of bytes.
        actual_bytes: usize,
    },
    /// The network reaches further into the past than permitted.
    #[error("the network looks back {actual} hops, but the limit is {most}")]
    Reach {
        /// Longest reach, in hops.
        most: usize,
        /// Reach of the network, in hops.
        actual: usize,
    },
    /// A weight is not finite.
    #[error("a weight is not finite")]
    NotFinite,
    /// A weight is present but unusable, for example of another number type.
    #[error("a weight cannot be used: {}", OneLine(.reason))]
    Unusable {
        /// Message of the reader, with the name of the weight.
        reason: String,
    },
}

/// Text of a file, or about one, displayed on one line without control characters.
struct OneLine<'a>(&'a str);

impl std::fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        self.0.chars().try_for_each(|c| f.write_char(if c.is_control() { ' ' } else { c }))
    }
}

/// List of names, of which the first ones are displayed.
struct Names<'a>(&'a [String]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MOST: usize = 8;
        for (number, name) in self.0.iter().take(MOST).enumerate() {
            let before = if number > 0 { ", " } else { "" };
            write!(f, "{before}{}", OneLine(name))?;
        }
        match self.0.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Network {
    /// Creates a network with weights from safetensors.
    ///
    /// # Errors
    ///
    /// Returns [`WeightsError`] if anything is missing, left over, not finite, or of another shape
    /// than in `config`. Sizes that the bytes cannot fill are refused before anything is built.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    pub fn from_safetensors(
        config: &NetworkConfig,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let (expected, actual_bytes) = (config.num_matrix_weights(), bytes.len());
        // Every number takes at least one byte.
        if expected == 0 || expected > actual_bytes {
            return Err(WeightsError::Sizes { expected, actual_bytes });
        }
        let (most, actual) = (NetworkConfig::MOST_REACH_HOPS, config.reach_hops());
        if actual > most {
            return Err(WeightsError::Reach { most, actual });
        }
        let mut network = Self::new(config, device);
        // Without validation the store returns all defects, so that each gets its own variant here.
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
        let mut finite = Finite(true);
        network.visit(&mut finite);
        if finite.0 { Ok(network) } else { Err(WeightsError::NotFinite) }
    }

    /// Returns the weights as safetensors.
    ///
    /// # Errors
    ///
    /// Returns [`WeightsError::Unreadable`] if the tensor library cannot export them.
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

/// True if every number visited so far is finite.
struct Finite(bool);

impl ModuleVisitor for Finite {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val().into_data();
        self.0 &= values.as_slice::<f32>().is_ok_and(|values| values.iter().all(|x| x.is_finite()));
    }
}
