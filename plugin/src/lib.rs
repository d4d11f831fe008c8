//! The Unspill plugin: connects VST3 and CLAP hosts to the engine.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "parameters arrive exactly"))]

mod audio;
pub mod buses;
pub mod classes;
mod console;
mod daw;
mod delay;
mod editor;
mod ensembles;
pub mod entry;
pub mod guard;
pub mod linking;
mod live;
mod names;
pub mod params;
pub mod plugin;
pub(crate) mod saved;
mod state;
mod stay;
mod suggested;
mod sync;
#[cfg(test)]
mod testing;

pub use plugin::Unspill;
