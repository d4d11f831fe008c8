//! Methods of the literature that process whole signals and therefore cannot run in the engine.

pub mod kamir_crosstalk;
pub mod optimisation;
