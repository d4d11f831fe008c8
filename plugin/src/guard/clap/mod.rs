//! The outer half of the guard for CLAP: a factory and a `clap_plugin` that stand in for the framework's.
//!
//! The framework's functions are `extern "C"`, so a panic in one aborts the host before anything
//! could catch it. What can be caught is caught in [`super::Inside`]; what the framework itself
//! would panic on is not passed on to it.

mod block;
mod discovery;
mod due;
mod extensions;
mod factory;
mod plugin;
mod ports;
mod presets;
mod stream;
mod teller;
mod track;

pub use discovery::{Discovery, FactoryPreset};
pub use factory::{ClapClass, Factory};
