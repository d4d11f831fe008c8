//! Methods of the literature that work on whole signals and so have no place in the engine.

pub mod kamir_crosstalk;
pub mod optimisation;
