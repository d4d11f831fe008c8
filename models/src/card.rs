//! The card of a model: what it is, what it fits and what it was measured to do.

use std::borrow::Cow;

use engine::network::{MaskForm, Model, ModelSource, NetworkConfig};
use engine::{MAX_MICS, Mode, SampleRate};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::CardError;

/// The newest format of a card that this version reads.
pub const FORMAT: u32 = 1;

/// A `card.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Permanent, lower case.
    pub id: String,
    /// `major.minor.patch`: other inputs or shapes, other sound, same sound.
    pub version: String,
    /// The card's own format.
    pub format: u32,
    /// How layers are arranged and what features mean.
    pub architecture: String,
    /// The network's sizes.
    pub sizes: Sizes,
    /// The rate that the lengths below are given at.
    pub sample_rate_hz: u32,
    /// Length of the transform it was trained on.
    pub window_samples: usize,
    /// Distance of its windows.
    pub hop_samples: usize,
    /// Hops of future that the network itself waits for.
    pub lookahead_hops: usize,
    /// How many mics it was made for.
    pub mics: MicRange,
    /// The file beside the card.
    pub weights: String,
    /// The SHA-256 of that file, hexadecimal.
    pub sha256: String,
    /// Commit, command, seed and library, as far as they apply.
    pub trained_by: toml::Table,
    /// What it heard in training, or the file that says so.
    pub data: String,
    /// SPDX.
    pub licence: String,
    /// Figures by set and method.
    pub results: toml::Table,
}

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Bands that every mic is seen in.
    pub bands: usize,
    /// Features per mic and band.
    pub features: usize,
    /// Numbers that carry one mic through the blocks.
    pub width: usize,
    /// Numbers that one mic tells the others in each block.
    pub exchange_width: usize,
    /// Numbers that carry one band of one mic through the layers that judge band by band; 0, as without the field: there are none.
    #[serde(default)]
    pub local_width: usize,
    /// How far each block looks back, in hops between its three taps.
    pub dilations: Vec<usize>,
}

/// From how many to how many mics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MicRange {
    /// The fewest.
    pub min: usize,
    /// The most.
    pub max: usize,
}

/// The one field that every format has: read before all others.
#[derive(Deserialize)]
struct Numbered {
    format: u32,
}

impl Card {
    /// Reads a card and checks all that needs no weights.
    ///
    /// # Errors
    ///
    /// [`CardError`]: the variant says which check failed.
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

    /// The transform must last as long as the engine's.
    fn check_transform(&self) -> Result<(), CardError> {
        let Ok(rate) = SampleRate::new(self.sample_rate_hz as f32) else {
            return Err(CardError::Rate { actual_hz: self.sample_rate_hz });
        };
        let geometry = Mode::Live.geometry(rate);
        let expected = [geometry.window_samples(), geometry.hop_samples(), 0];
        let actual = [self.window_samples, self.hop_samples, self.lookahead_hops];
        if actual == expected { Ok(()) } else { Err(CardError::Transform { expected, actual }) }
    }

    /// The network's sizes as the engine takes them.
    ///
    /// # Errors
    ///
    /// [`CardError::Blocks`] when there is another number of dilations than the architecture has blocks.
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

    /// How logits become masks, which the architecture decides.
    fn masks(&self) -> MaskForm {
        if self.architecture == NetworkConfig::OF_PROBABILITIES {
            MaskForm::Probability
        } else {
            MaskForm::Stretched
        }
    }

    /// The model that this card and these weights make.
    ///
    /// # Errors
    ///
    /// [`CardError`] when the weights are not the card's or the sizes are not the engine's.
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

    /// The name of the folder that holds this model.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}-{}", self.id, self.version)
    }
}

/// SHA-256, hexadecimal.
fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What TOML's reader says, without the picture of the line.
fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}
