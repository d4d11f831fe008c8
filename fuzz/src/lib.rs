//! Mutates inputs and checks what must hold for any input whatever.
//!
//! Committed seeds are changed at random, with a fixed random seed in the tests and another one in
//! each long run (`cargo xtask fuzz`). For every input:
//!
//! - nothing panics, aborts or takes longer than [`CASE_LIMIT`];
//! - memory stays below what the length of the input justifies ([`Target::most_bytes`]);
//! - what is refused is refused in one line;
//! - what is accepted makes sense, which the target itself checks.
//!
//! An input whose outcome is of a new kind becomes a seed of the same run, so that mutations pile up.

mod memory;
mod mutate;
mod random;
mod run;

pub use memory::Counting;
pub use run::{CASE_LIMIT, Outcome, Target, run};
