//! Products of two mics, from which the losses on sums of several mics are computed.

use burn::tensor::Tensor;

/// Products of two mics in each band of each hop: real parts of the products of their spectra. For
/// a mic with itself, these are its powers.
///
/// # Shapes
///
/// All are `[batch, pair, time, band]`.
#[derive(Clone, Debug)]
pub struct Products {
    /// Products of both cancelled mics.
    pub after: Tensor<4>,
    /// Products of the first mic, cancelled, with the truth of the second.
    pub first: Tensor<4>,
    /// Products of the second mic, cancelled, with the truth of the first.
    pub second: Tensor<4>,
    /// Products of both truths.
    pub truth: Tensor<4>,
}

impl Products {
    /// Appends the pairs of `others`.
    pub(super) fn and(self, others: Self) -> Self {
        let join = |own, others| Tensor::cat(vec![own, others], 1);
        Self {
            after: join(self.after, others.after),
            first: join(self.first, others.first),
            second: join(self.second, others.second),
            truth: join(self.truth, others.truth),
        }
    }
}
