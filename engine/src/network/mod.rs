//! The network: processes all mics jointly and assigns sound to its mic, for any number of mics in
//! any order.
//!
//! This is the only module that names the tensor library.

mod config;
mod guide;
mod layers;
mod local;
mod model;
mod pairs;
mod released;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod weights;

pub use config::{MaskForm, NetworkConfig};
pub use guide::NetworkGuide;
pub use model::{Masks, Memory, Network};
pub use pairs::Pairs;
pub use released::{Model, ModelError, ModelSource};
pub use weights::WeightsError;
