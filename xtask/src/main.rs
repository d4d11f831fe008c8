//! The project command line.
fn main() {}
