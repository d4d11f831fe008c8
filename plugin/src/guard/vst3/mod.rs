//! The outer half of the guard for VST3: a factory and an object that replace the framework's.
//!
//! The proxy owns the framework's wrapper as a plain Rust value and calls its interface methods as
//! plain Rust functions. Through the framework's own COM object every panic would abort the host
//! before the guard could catch it.

pub mod component;
mod controller;
mod due;
mod factory;
pub mod processor;
mod run_loop;
mod stream;
mod teller;
mod waiting;
mod wake;
mod window;

pub use component::Proxy;
pub use factory::{Factory, Vst3Class};
