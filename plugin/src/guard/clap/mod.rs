//! The outer half of the guard for CLAP: a factory and a `clap_plugin` that replace
//! the framework's.
//!
//! The framework's functions are `extern "C"`, so a panic in one aborts the host before it can be
//! caught. [`super::Inside`] catches the panics of the plugin. Calls on which the framework itself
//! would panic are not passed on to it.

mod block;
mod discovery;
mod due;
mod extensions;
mod factory;
mod plugin;
mod ports;
mod presets;
mod proxy;
mod stream;
mod teller;
mod text;
mod track;

pub use discovery::{Discovery, FactoryPreset};
pub use factory::{ClapClass, Factory};
