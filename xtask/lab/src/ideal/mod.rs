//! Upper bounds of separation, computed with the targets: ideal masks and the ideal spatial filter.
//!
//! As they require the targets, they are no methods of the engine; they bound its results
//! from above.

mod bands;
mod masks;
mod spatial;
pub(crate) mod transform;

use crate::scenes::Scene;
use anyhow::Result;
pub use masks::{Mask, Resolution};

/// An upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ideal {
    /// A real gain per bin or band.
    Mask(Mask, Resolution),
    /// The best linear filter over all mics, one per frequency for the whole scene.
    Spatial,
}

impl Ideal {
    /// All bounds, in the order of the help.
    pub const ALL: [Self; 7] = [
        Self::Mask(Mask::Wiener, Resolution::Bins),
        Self::Mask(Mask::Wiener, Resolution::Bands),
        Self::Mask(Mask::Ratio, Resolution::Bins),
        Self::Mask(Mask::Ratio, Resolution::Bands),
        Self::Mask(Mask::LeastError, Resolution::Bins),
        Self::Mask(Mask::LeastError, Resolution::Bands),
        Self::Spatial,
    ];

    /// Returns the name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mask(Mask::Wiener, Resolution::Bins) => "ideal-wiener",
            Self::Mask(Mask::Wiener, Resolution::Bands) => "ideal-wiener-bands",
            Self::Mask(Mask::Ratio, Resolution::Bins) => "ideal-ratio",
            Self::Mask(Mask::Ratio, Resolution::Bands) => "ideal-ratio-bands",
            Self::Mask(Mask::LeastError, Resolution::Bins) => "ideal-mask",
            Self::Mask(Mask::LeastError, Resolution::Bands) => "ideal-mask-bands",
            Self::Spatial => "ideal-mwf",
        }
    }

    /// Cleans every mic of a scene, `[mic][sample]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the engine's transform does not support the scene's rate.
    pub fn clean(self, scene: &Scene) -> Result<Vec<Vec<f32>>> {
        match self {
            Self::Mask(mask, resolution) => masks::clean(scene, mask, resolution),
            Self::Spatial => spatial::clean(scene),
        }
    }
}

#[cfg(test)]
mod tests;
