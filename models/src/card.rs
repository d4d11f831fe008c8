//! The card of a model: its identity, its requirements and its measured results.

use std::borrow::Cow;

use engine::network::{MaskForm, Model, ModelSource, NetworkConfig};
use engine::{MAX_MICS, Mode, SampleRate};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::CardError;

/// Newest format of cards that this version reads.
pub const FORMAT: u32 = 1;

/// Contents of a `card.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Permanent identifier, lower case.
    pub id: String,
    /// Version, `major.minor.patch`: major for other inputs or shapes, minor for another sound,
    /// patch for the same sound.
    pub version: String,
    /// Format of the card.
    pub format: u32,
    /// Name of the arrangement of layers and the meaning of features.
    pub architecture: String,
    /// Sizes of the network.
    pub sizes: Sizes,
    /// Sample rate of the lengths below, in Hz.
    pub sample_rate_hz: u32,
    /// Window of the transform in training, in samples.
    pub window_samples: usize,
    /// Distance of the windows, in samples.
    pub hop_samples: usize,
    /// Lookahead of the network itself, in hops.
    pub lookahead_hops: usize,
    /// Numbers of mics that the model was made for.
    pub mics: MicRange,
    /// Name of the weights file beside the card.
    pub weights: String,
    /// SHA-256 of the weights file, hexadecimal.
    pub sha256: String,
    /// Commit, command, seed and library of the training, as far as they apply.
    pub trained_by: toml::Table,
    /// Training data, or the file that describes it.
    pub data: String,
    /// SPDX identifier of the licence.
    pub licence: String,
    /// Figures by set and method.
    pub results: toml::Table,
}

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Number of bands per mic.
    pub bands: usize,
    /// Number of features per mic and band.
    pub features: usize,
    /// Size of the state of one mic in the blocks.
    pub width: usize,
    /// Size of the message from one mic to the others in each block.
    pub exchange_width: usize,
    /// Size of the state of one band of one mic in the layers that process bands separately. 0, or
    /// a missing field, if there are no such layers.
    #[serde(default)]
    pub local_width: usize,
    /// Distance between the three taps of each block, in hops, `[block]`.
    pub dilations: Vec<usize>,
}

/// Range of the number of mics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MicRange {
    /// Smallest number of mics.
    pub min: usize,
    /// Largest number of mics.
    pub max: usize,
}

/// The one field that every format has. It is read before all others.
#[derive(Deserialize)]
struct Numbered {
    format: u32,
}

impl Card {
    /// Reads a card and performs all checks that need no weights.
    ///
    /// # Errors
    ///
    /// Returns [`CardError`]. Its variant identifies the failed check.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let unreadable =
            |error: toml::de::Error| CardError::Unreadable { reason: one_line(&error) };
        let Numbered { format } = toml::from_str(text).map_err(unreadable)?;
        if format > FORMAT {
            return Err(CardError::NewerFormat { newest: FORMAT, actual: format });
        }
        let card: Self = toml::from_str(text).map_err(unreadable)?;
        let expected = card.config()?.architecture();
        if card.architecture != expected {
            return Err(CardError::Architecture { expected, actual: card.architecture });
        }
        card.check_transform()?;
        let MicRange { min, max } = card.mics;
        if min < 1 || max < min || max > MAX_MICS {
            return Err(CardError::Mics { min, max, most: MAX_MICS });
        }
        Ok(card)
    }

    /// Checks that the transform is the engine's.
    fn check_transform(&self) -> Result<(), CardError> {
        let Ok(rate) = SampleRate::new(self.sample_rate_hz as f32) else {
            return Err(CardError::Rate { actual_hz: self.sample_rate_hz });
        };
        let geometry = Mode::Live.geometry(rate);
        let expected = [geometry.window_samples(), geometry.hop_samples(), 0];
        let actual = [self.window_samples, self.hop_samples, self.lookahead_hops];
        if actual == expected { Ok(()) } else { Err(CardError::Transform { expected, actual }) }
    }

    /// Returns the network's sizes in the engine's form.
    ///
    /// # Errors
    ///
    /// Returns [`CardError::Blocks`] if the number of dilations differs from the architecture's
    /// number of blocks.
    pub fn config(&self) -> Result<NetworkConfig, CardError> {
        let Sizes { bands, features, width, exchange_width, local_width, dilations } = &self.sizes;
        let Ok(dilations) = <[usize; NetworkConfig::NUM_BLOCKS]>::try_from(dilations.as_slice())
        else {
            return Err(CardError::Blocks {
                expected: NetworkConfig::NUM_BLOCKS,
                actual: dilations.len(),
            });
        };
        Ok(NetworkConfig {
            num_bands: *bands,
            num_features: *features,
            width: *width,
            exchange_width: *exchange_width,
            local_width: *local_width,
            masks: self.masks(),
            dilations,
        })
    }

    /// Returns the conversion of logits into masks, which the architecture determines.
    fn masks(&self) -> MaskForm {
        if self.architecture == NetworkConfig::OF_PROBABILITIES {
            MaskForm::Probability
        } else {
            MaskForm::Stretched
        }
    }

    /// Creates the model of this card and these weights.
    ///
    /// # Errors
    ///
    /// Returns [`CardError`] if the weights are not the card's or the sizes are not the engine's.
    pub fn model(&self, weights: Cow<'static, [u8]>) -> Result<Model, CardError> {
        let config = self.config()?;
        let actual = hash_of(&weights);
        if actual != self.sha256 {
            return Err(CardError::Hash { expected: self.sha256.clone(), actual });
        }
        let source = ModelSource {
            id: self.id.clone().into(),
            version: self.version.clone().into(),
            config,
            mics: self.mics.min..=self.mics.max,
            weights,
        };
        Model::new(source).map_err(CardError::Engine)
    }

    /// Returns the name of the folder that holds this model.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}-{}", self.id, self.version)
    }
}

/// Returns the SHA-256 of `bytes`, hexadecimal.
fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the message of the TOML reader, without the excerpt of the text.
fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}
