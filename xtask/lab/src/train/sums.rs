//! Band sums of a batch, from which all losses are computed.

use super::combination::Combinations;
use super::products::Products;
use burn::tensor::Tensor;

/// Sums of a batch.
///
/// # Shapes
///
/// All are `[batch, mic, time, band]`, except the weights, which are `[batch, mic]`.
///
/// # Units
///
/// Power; each mic is scaled so that its mean power in all bands of a hop is 1.
#[derive(Clone, Debug)]
pub struct Sums {
    /// Power of the cancelled mic.
    pub after: Tensor<4>,
    /// Real product of the cancelled mic with the truth.
    pub product: Tensor<4>,
    /// Power of the truth.
    pub truth: Tensor<4>,
    /// Power of the mic before cancellation.
    pub before: Tensor<4>,
    /// Power of the bleed in the mic that the guide mask is applied to.
    pub bleed: Tensor<4>,
    /// Weight of each mic: 0 for room mics, which have no truth, and for padding.
    pub weights: Tensor<2>,
    /// Input of [`combination`](super::domains::combination); `None` if the clips have none.
    pub combinations: Option<Combinations>,
}

impl Sums {
    /// Returns the products of each mic with itself.
    pub(super) fn products(&self) -> Products {
        let product = || self.product.clone();
        let (after, truth) = (self.after.clone(), self.truth.clone());
        Products { after, first: product(), second: product(), truth }
    }
}
