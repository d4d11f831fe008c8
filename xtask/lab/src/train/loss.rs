//! Losses on band sums: how far masks are from what a listener should hear.

use burn::tensor::Tensor;

/// Sums of a batch, all `[batch, mic, time, band]`.
#[derive(Clone, Debug)]
pub struct Sums {
    /// Power of the cancelled mic.
    pub after: Tensor<4>,
    /// Real product of the cancelled mic with the truth.
    pub product: Tensor<4>,
    /// Power of the truth.
    pub truth: Tensor<4>,
    /// Power of the mic as it came.
    pub before: Tensor<4>,
}

/// Level under the truth from which an error no longer counts, and under the input where the truth is silent.
const THRESHOLD: f32 = 1e-3;
const SILENT_THRESHOLD: f32 = 1e-4;
/// How much more a guide is punished for sound of others than for missing its own.
const GUIDE_CAUTION: f32 = 4.0;

/// Negative thresholded SNR in dB of the masked mics, mean over mics and segments of `segment_hops`; silent truths are allowed.
///
/// # Source
///
/// The thresholded SNR of Wisdom et al., "Unsupervised sound separation using mixture invariant training", NeurIPS 2020, equation 4, with
/// a term of the input as in "What's all the fuss about free universal sound separation data?", ICASSP 2021, so that silence can be a target; computed
/// from band sums: `|k Y - S|^2 = k^2 |Y|^2 - 2 k Re(Y S*) + |S|^2`.
#[must_use]
pub fn negative_snr(keep: &Tensor<4>, sums: &Sums, segment_hops: usize) -> Tensor<1> {
    let error = keep.clone().powi_scalar(2) * sums.after.clone()
        - keep.clone() * sums.product.clone() * 2.0
        + sums.truth.clone();
    negative_ratio(error, sums, segment_hops)
}

/// The same for a guide, whose error is the others' sound that it lets through and the own sound that it lacks.
#[must_use]
pub fn guide_loss(guide: &Tensor<4>, sums: &Sums, segment_hops: usize) -> Tensor<1> {
    let bleed = sums.after.clone() - sums.product.clone() * 2.0 + sums.truth.clone();
    let missing = (guide.clone() * -1.0 + 1.0).powi_scalar(2) * sums.truth.clone();
    let error = guide.clone().powi_scalar(2) * bleed * GUIDE_CAUTION + missing;
    negative_ratio(error, sums, segment_hops)
}

fn negative_ratio(error: Tensor<4>, sums: &Sums, segment_hops: usize) -> Tensor<1> {
    let [batch, mics, hops, bands] = error.dims();
    let segments = hops / segment_hops;
    let over_segments = |values: Tensor<4>| -> Tensor<3> {
        let whole = values.narrow(2, 0, segments * segment_hops);
        whole.reshape([batch, mics, segments, segment_hops * bands]).sum_dim(3).squeeze_dim(3)
    };
    let (error, truth) = (over_segments(error), over_segments(sums.truth.clone()));
    let input = over_segments(sums.before.clone());
    // The mean of the mic keeps silent segments from counting.
    let mean: Tensor<3> = input.clone().mean_dim(2);
    let floor = mean * 1e-4 + 1e-6;
    let above = error.clamp_min(0.0)
        + truth.clone() * THRESHOLD
        + input.clone() * SILENT_THRESHOLD
        + floor.clone() * 0.1;
    let below = truth + input * THRESHOLD + floor;
    ((above / below).log() * (10.0 / std::f32::consts::LN_10)).mean()
}
