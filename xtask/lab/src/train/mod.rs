//! Teaches the network: examples from scenes, losses, and the loop.

pub mod examples;
pub mod loss;
pub mod trainer;
