//! Weights from and to bytes, strictly: a model that does not fit in every point is refused.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
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
    /// Sizes that ask for no weights, or for more than there are bytes for.
    Sizes {
        /// Weights of the matrices alone.
        expected: usize,
        /// The bytes that are there.
        actual_bytes: usize,
    },
    /// A network that looks further back than a session remembers.
    Reach {
        /// The furthest, in hops.
        most: usize,
        /// As found, in hops.
        actual: usize,
    },
    /// Weights that are not finite.
    NotFinite,
    /// A weight that is there but cannot be used, as one of another number type.
    Unusable {
        /// What the reader said, the name in it.
        reason: String,
    },
}

impl std::fmt::Display for WeightsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => {
                write!(f, "the weights cannot be read: {}", OneLine(reason))
            }
            Self::Missing { names } => write!(f, "weights are missing: {}", Names(names)),
            Self::Extra { names } => {
                write!(f, "weights that the network does not have: {}", Names(names))
            }
            Self::Shape { name, expected, actual } => {
                let name = OneLine(name);
                write!(f, "weight {name} has the shape {actual:?}, expected {expected:?}")
            }
            Self::Sizes { expected, actual_bytes } => {
                write!(f, "a network of {expected} weights or more in {actual_bytes} bytes")
            }
            Self::Reach { most, actual } => {
                write!(f, "a network that looks back {actual} hops, the most is {most}")
            }
            Self::NotFinite => f.write_str("a weight is not finite"),
            Self::Unusable { reason } => {
                write!(f, "a weight cannot be used: {}", OneLine(reason))
            }
        }
    }
}

impl std::error::Error for WeightsError {}

/// Text of a file, or about one, in one line whatever is in it.
struct OneLine<'a>(&'a str);

impl std::fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        self.0.chars().try_for_each(|c| f.write_char(if c.is_control() { ' ' } else { c }))
    }
}

/// The first names of a list.
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
    /// A network with weights from safetensors.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when anything is missing, left over, not finite, or of another shape than `config` says. Nothing is built by sizes
    /// that the bytes cannot fill.
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
        // A number takes a byte at the least.
        if expected == 0 || expected > actual_bytes {
            return Err(WeightsError::Sizes { expected, actual_bytes });
        }
        let (most, actual) = (NetworkConfig::MOST_REACH_HOPS, config.reach_hops());
        if actual > most {
            return Err(WeightsError::Reach { most, actual });
        }
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
        let mut finite = Finite(true);
        network.visit(&mut finite);
        if finite.0 { Ok(network) } else { Err(WeightsError::NotFinite) }
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

/// Whether every number that was seen so far is finite.
struct Finite(bool);

impl ModuleVisitor for Finite {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val().into_data();
        self.0 &= values.as_slice::<f32>().is_ok_and(|values| values.iter().all(|x| x.is_finite()));
    }
}
