//! The released networks: embedded weights and cards, and the strict reader of both.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "bit-exactness is what tests are about"))]

mod card;
#[cfg(test)]
mod clean_mics;
mod error;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::OnceLock;

pub use card::{Card, FORMAT, MicRange, Sizes};
pub use engine::network::Model;
pub use error::CardError;

/// Embeds the card and the weights in the folder `$name`. The name of the weights file contains the
/// first digits of its hash, `$hash`.
macro_rules! folder {
    ($name:literal, $hash:literal) => {
        (
            include_str!(concat!("../", $name, "/card.toml")),
            include_bytes!(concat!("../", $name, "/", $name, "-", $hash, ".safetensors")),
        )
    };
}

/// Embedded models, the newest first. The newest is used unless another is requested.
///
/// A superseded model stays while sessions of a released version of the program name it. No
/// version is released yet, so this is the newest model alone.
static EMBEDDED: [(&str, &[u8]); 1] = [folder!("band-a-0.7.0", "7404f2fc")];

/// A model with the card that describes it.
#[derive(Clone, Debug)]
pub struct Release {
    /// Description of the model.
    pub card: Card,
    /// Handle that sessions share.
    pub model: Model,
}

/// Reads a card strictly and creates its model.
///
/// # Errors
///
/// Returns [`CardError`] if this version cannot read the card, or if the card does not
/// describe `weights` or does not fit this engine. [`Model::network`] checks the names and
/// shapes in the weights.
pub fn read(card: &str, weights: Cow<'static, [u8]>) -> Result<Release, CardError> {
    let card = Card::parse(card)?;
    let model = card.model(weights)?;
    Ok(Release { card, model })
}

/// Returns the newest embedded model. All callers in the process share it.
///
/// The first call reads the cards and checks the hashes of the weights, which takes milliseconds. A
/// test checks that all embedded models can be read.
#[must_use]
pub fn released() -> Option<&'static Release> {
    all().first()
}

/// Returns the embedded model with this id and version, if there is one.
#[must_use]
pub fn named(id: &str, version: &str) -> Option<&'static Release> {
    all().iter().find(|release| release.card.id == id && release.card.version == version)
}

/// Returns the embedded models, the newest first. [`released`] documents the cost of the
/// first call.
#[must_use]
pub fn all() -> &'static [Release] {
    static RELEASED: OnceLock<Vec<Release>> = OnceLock::new();
    RELEASED.get_or_init(|| {
        let readable = |&(card, weights): &(&'static str, &'static [u8])| {
            read(card, Cow::Borrowed(weights)).ok()
        };
        EMBEDDED.iter().filter_map(readable).collect()
    })
}
