//! The outer half of the guard for VST3: a factory and an object that replace the framework's.
//!
//! The proxy owns the framework's wrapper as a plain Rust value and calls its interface methods as
//! plain Rust functions. Through the framework's own COM object every panic would abort the host
//! before the guard could catch it.

mod asleep;
mod block;
mod component;
mod controller;
mod due;
mod factory;
mod modes;
mod processor;
mod proxy;
mod run_loop;
mod stream;
mod teller;
mod text;
mod waiting;
mod wake;
mod window;

pub use factory::{Factory, Vst3Class};
pub use proxy::Proxy;
