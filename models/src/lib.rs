//! The released networks: weights and cards, inside the program, and the strict reader of both.
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

/// The card and the weights of the folder of this name, whose weights file has these first digits of its hash.
macro_rules! folder {
    ($name:literal, $hash:literal) => {
        (
            include_str!(concat!("../", $name, "/card.toml")),
            include_bytes!(concat!("../", $name, "/", $name, "-", $hash, ".safetensors")),
        )
    };
}

/// The models in this program, the newest first: it is used unless another is asked for.
static EMBEDDED: [(&str, &[u8]); 6] = [
    folder!("band-a-0.7.0", "7404f2fc"),
    folder!("band-a-0.6.0", "2d0fe35f"),
    folder!("band-a-0.5.0", "2a439970"),
    folder!("band-a-0.4.0", "9c5d1ac1"),
    folder!("band-a-0.3.0", "fb6688cb"),
    folder!("band-a-0.2.0", "bdc11d6d"),
];

/// A model with the card that describes it.
#[derive(Clone, Debug)]
pub struct Release {
    /// What it is.
    pub card: Card,
    /// The handle that sessions share.
    pub model: Model,
}

/// Reads a card and makes the model from it, strictly.
///
/// # Errors
///
/// [`CardError`] when the card is not one of this version, does not describe `weights` or not this engine. The names and shapes in the weights
/// are looked at by [`Model::network`].
pub fn read(card: &str, weights: Cow<'static, [u8]>) -> Result<Release, CardError> {
    let card = Card::parse(card)?;
    let model = card.model(weights)?;
    Ok(Release { card, model })
}

/// The newest model in this program; every caller in the process gets a handle to the same one.
///
/// The first call reads the cards and checks the weights' hashes (milliseconds). A test makes sure that what is released can be read.
#[must_use]
pub fn released() -> Option<&'static Release> {
    all().first()
}

/// The model of this id and version, if it is in this program.
#[must_use]
pub fn named(id: &str, version: &str) -> Option<&'static Release> {
    all().iter().find(|release| release.card.id == id && release.card.version == version)
}

/// The models in this program, the newest first; see [`released`] for the cost of the first call.
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
