//! Everything that reads what others wrote, on input that nobody meant: `cargo xtask fuzz`.

#![cfg(test)]

mod audio;
mod learned;
mod model;

use fuzz::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file of the repository.
fn file(path: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
