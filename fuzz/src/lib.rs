//! Fuzzes the readers of the project: mutates inputs and checks properties that hold for any input.
//!
//! The seeds are committed files or made by the tests. Tests mutate them with a fixed random seed;
//! each long run (`cargo xtask fuzz`) uses a new one. For every input:
//!
//! - the reader does not panic, abort or run longer than [`CASE_LIMIT`];
//! - memory stays below a limit that grows with the length of the input ([`Target::most_bytes`]);
//! - a refusal is an error message of one line;
//! - an accepted result is consistent, which the target itself checks.
//!
//! An input with a new kind of outcome becomes a seed of the same run, so that
//! mutations accumulate.

mod mutate;
mod random;
mod run;

pub use run::{CASE_LIMIT, Outcome, Target, run};
