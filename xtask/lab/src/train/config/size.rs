//! Sizes of the network in a configuration.

use super::super::limits;
use engine::debleed::cancel::{NUM_BANDS, NUM_FEATURES};
use engine::network::{MaskForm, NetworkConfig};
use serde::{Deserialize, Serialize};

/// Network sizes that are free to choose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SizeConfig {
    /// Numbers that represent one mic in the blocks; half as many are exchanged between mics.
    #[serde(deserialize_with = "limits::width")]
    pub width: usize,
    /// Numbers that represent one band of one mic in the layers that process single bands; 0 for no
    /// such layers.
    #[serde(deserialize_with = "limits::local_width")]
    pub local_width: usize,
    /// Form of the masks.
    #[serde(with = "MaskFormConfig")]
    pub masks: MaskForm,
    /// Number of the canceller's features that the network uses, from the first one on.
    #[serde(deserialize_with = "limits::features")]
    pub features: usize,
    /// Hops between the three taps of each block, which decide its reach into the past.
    #[serde(deserialize_with = "limits::dilations")]
    pub dilations: [usize; NetworkConfig::NUM_BLOCKS],
}

impl Default for SizeConfig {
    fn default() -> Self {
        Self {
            width: 160,
            local_width: 12,
            masks: MaskForm::Probability,
            features: NUM_FEATURES,
            dilations: [1, 2, 4, 8, 1, 2],
        }
    }
}

impl SizeConfig {
    /// Returns all sizes of the network.
    #[must_use]
    pub fn network(&self) -> NetworkConfig {
        NetworkConfig {
            num_bands: NUM_BANDS,
            num_features: self.features,
            width: self.width,
            exchange_width: self.width / 2,
            local_width: self.local_width,
            masks: self.masks,
            dilations: self.dilations,
        }
    }
}

/// Names of [`MaskForm`] in configurations.
#[derive(Deserialize, Serialize)]
#[serde(remote = "MaskForm", rename_all = "lowercase")]
enum MaskFormConfig {
    Stretched,
    Probability,
}
