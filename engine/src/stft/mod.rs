//! Short-time Fourier transform of all mics jointly, with exact reconstruction.

mod analysis;
mod geometry;
mod spectrum;
mod synthesis;

pub use analysis::Analysis;
pub use geometry::{Geometry, GeometryError};
pub use spectrum::Spectrum;
pub use synthesis::Synthesis;

#[cfg(test)]
mod tests;
