//! Exchange between the engine's threads: in every possible order, and between real threads
//! under Miri.
//!
//! `link` (the rings and the bell) and `learner` of the engine, and the exchange through shared
//! memory of the package `link`, are compiled here twice more, unchanged. `cargo xtask races` runs
//! both:
//!
//! - `modelled` uses the atomics and threads of the model checker loom, which runs each model in
//!   every interleaving. Loads return every value that the memory model allows, so the models cover
//!   all processors and not only the one that runs the tests.
//! - `real` uses those of the system, in tests small enough for Miri, which checks every access.

#![cfg(test)]
#![allow(clippy::duplicate_mod, reason = "once over loom's atomics and once over the system's")]

mod learned;
mod modelled;
mod real;

/// Stand-in for the controls in packets.
#[derive(Debug, Default)]
pub struct Controls;
