//! What crosses between the engine's threads: every order in which they can take turns, and real threads under Miri.
//!
//! `link` (the rings and the bell) and `learner` of the engine are compiled here twice more, word by word: in `modelled` with the
//! atomics and threads of the model checker loom, which runs each model in every interleaving and lets loads see every value that the
//! memory model allows, on all processors and not only on the one that tests run on; in `real` with the system's, small enough
//! for Miri, which watches every access. `cargo xtask races` runs both.

#![cfg(test)]
#![allow(clippy::duplicate_mod, reason = "once over loom's atomics and once over the system's")]

mod learned;
mod modelled;
mod real;

/// Stands in for the controls that packets carry.
#[derive(Debug, Default)]
pub struct Controls;
