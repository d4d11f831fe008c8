//! The network: looks at all mics at once and says what is whose, for any number of mics in any order.
//!
//! This is the only module that names the tensor library.

mod config;
mod layers;
mod model;
mod pairs;
#[cfg(test)]
mod tests;

pub use config::NetworkConfig;
pub use model::{Masks, Memory, Network};
pub use pairs::Pairs;
