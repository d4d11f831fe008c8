//! Losses on band sums: the distance of masked mics from the signals that a listener should hear.
//!
//! Every term is computed from powers and products summed over bands, which were recorded with the
//! features. For a mask `k` that is constant in a band,
//! `|k Y - S|^2 = k^2 |Y|^2 - 2 k Re(Y S*) + |S|^2`, so training needs no audio. `Y` is the
//! cancelled mic, `S` the truth.
//!
//! Sums of several mics' outputs ([`combination`]) are computed likewise, from the products of each
//! two mics.

use super::domains::{combination, multi_domain};
use super::limits;
use super::sums::Sums;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Weights and parameters of the terms.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// Weight of [`negative_snr`] over whole clips.
    #[serde(deserialize_with = "limits::weight")]
    pub whole: f64,
    /// Weight of [`negative_snr`] over short segments, in which the own source's silence counts as
    /// much as its sound.
    #[serde(deserialize_with = "limits::weight")]
    pub segments: f64,
    /// Weight of [`guide_loss`] over whole clips.
    #[serde(deserialize_with = "limits::weight")]
    pub guide: f64,
    /// Weight of [`guide_loss`] over short segments.
    #[serde(deserialize_with = "limits::weight")]
    pub guide_segments: f64,
    /// Weight of [`multi_domain`].
    #[serde(deserialize_with = "limits::weight")]
    pub multi_domain: f64,
    /// Weight of [`combination`], which contains the multi-domain loss of single mics.
    #[serde(deserialize_with = "limits::weight")]
    pub combination: f64,
    /// Maximum number of combinations of a clip; if there are more, this many are drawn anew in
    /// every step.
    #[serde(deserialize_with = "limits::combinations")]
    pub most_combinations: usize,
    /// Weight of [`harm`].
    #[serde(deserialize_with = "limits::weight")]
    pub harm: f64,
    /// Weight of [`level_error`].
    #[serde(deserialize_with = "limits::weight")]
    pub level: f64,
    /// Weight of [`overconfidence`].
    #[serde(deserialize_with = "limits::weight")]
    pub logits: f64,
    /// Factor on the weighted SDR, relative to the error of the spectra, in [`multi_domain`]
    /// and [`combination`].
    #[serde(deserialize_with = "limits::weight")]
    pub multi_domain_scale: f64,
    /// Share of the truth's power below which an error no longer counts.
    #[serde(deserialize_with = "limits::threshold")]
    pub threshold: f64,
    /// Share of the mic's power below which an error no longer counts, for truths that are silent.
    #[serde(deserialize_with = "limits::threshold")]
    pub silent_threshold: f64,
    /// Factor by which sound of others in a guide costs more than own sound that it lacks.
    #[serde(deserialize_with = "limits::weight")]
    pub guide_caution: f64,
    /// Number of hops in a short segment.
    #[serde(deserialize_with = "limits::hops")]
    pub segment_hops: usize,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            whole: 0.7,
            segments: 0.3,
            guide: 0.35,
            guide_segments: 0.15,
            multi_domain: 0.0,
            combination: 0.0,
            // All combinations of up to eight mics.
            most_combinations: 254,
            harm: 0.0,
            level: 0.0,
            logits: 0.0,
            multi_domain_scale: 10.0,
            threshold: 1e-4,
            silent_threshold: 3e-3,
            guide_caution: 4.0,
            segment_hops: 24,
        }
    }
}

/// Masks from the network, `[batch, mic, time, band]`.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// Mask of the part that is kept of the cancelled mic.
    pub keep: &'a Tensor<4>,
    /// Mask that guides the filters.
    pub guide: &'a Tensor<4>,
    /// Logits of both masks, before the sigmoid, `[batch, mic, time, mask * band]`.
    pub logits: &'a Tensor<4>,
}

impl LossConfig {
    /// Returns the sum of all terms whose weight is not 0.
    #[must_use]
    pub fn total(&self, masks: &Given<'_>, sums: &Sums) -> Tensor<1> {
        let hops = masks.keep.dims()[2];
        let short = self.segment_hops.min(hops);
        // Clips without a target have no combinations.
        let of_combinations = || match &sums.combinations {
            Some(combinations) => combination(masks.keep, combinations, self.multi_domain_scale),
            None => Tensor::zeros([1], &masks.keep.device()),
        };
        let terms: [(f64, &dyn Fn() -> Tensor<1>); 9] = [
            (self.whole, &|| negative_snr(masks.keep, sums, hops, self)),
            (self.segments, &|| negative_snr(masks.keep, sums, short, self)),
            (self.guide, &|| guide_loss(masks.guide, sums, hops, self)),
            (self.guide_segments, &|| guide_loss(masks.guide, sums, short, self)),
            (self.multi_domain, &|| multi_domain(masks.keep, sums, self.multi_domain_scale)),
            (self.combination, &of_combinations),
            (self.harm, &|| harm(masks.keep, sums, short, self)),
            (self.level, &|| level_error(masks.keep, sums)),
            (self.logits, &|| overconfidence(masks.logits, sums)),
        ];
        let device = masks.keep.device();
        let weighed = terms.into_iter().filter(|(weight, _)| *weight > 0.0);
        weighed.fold(Tensor::zeros([1], &device), |sum, (weight, term)| sum + term() * weight)
    }
}

/// Returns the negative thresholded SNR in dB of the masked mics, mean over mics and segments of
/// `segment_hops`. Hops that fill no segment are left out.
///
/// With error power `E`, truth `S` and input `X`, all summed over a segment, thresholds `a` and
/// `b`, a small floor `f` and `Q = X / (1 + 100 S / X)`, which is `X` in silence and almost 0 while
/// the source plays: `10 log10((E + a S + b Q + f / 10) / (S + a X + f))`. With a truth, this is
/// the SNR up to `1 / a`. Without one, it falls with the remaining power by at most `1 / b`:
/// without that bound, the logarithm rewards silence so much that a network in doubt mutes sources
/// that play.
///
/// # Source
///
/// "Is MixIT really unsuitable for correlated sources? Exploring MixIT for unsupervised
/// pre-training in music source separation", 2025, equation 4 (the negative thresholded SNR; there
/// the threshold is 30 dB), after S. Wisdom et al., "Unsupervised sound separation using mixture
/// invariant training", NeurIPS 2020; a term of the input for silent truths as in S. Wisdom et al.,
/// "What's all the fuss about free universal sound separation data?", ICASSP 2021. Difference: the
/// floor, relative to the mic's mean power, excludes segments in which the mic itself is silent.
#[must_use]
pub fn negative_snr(
    keep: &Tensor<4>,
    sums: &Sums,
    segment_hops: usize,
    config: &LossConfig,
) -> Tensor<1> {
    weighed_mean(ratio_db(error_power(keep, sums), sums, segment_hops, config), sums)
}

/// Returns the harm of the masks: the fall in dB of the thresholded SNR of [`negative_snr`]
/// compared with no mask, and 0 if it rises; mean over mics and segments.
///
/// # Source
///
/// This project's: in a mean of decibels, gains in many mics offset damage to one. A mask of 1 is
/// always possible, so all harm that this term counts is avoidable.
#[must_use]
pub fn harm(keep: &Tensor<4>, sums: &Sums, segment_hops: usize, config: &LossConfig) -> Tensor<1> {
    let of = |mask: &Tensor<4>| ratio_db(error_power(mask, sums), sums, segment_hops, config);
    weighed_mean((of(keep) - of(&keep.ones_like())).clamp_min(0.0), sums)
}

/// Returns the level error of the own sound in dB, too quiet or too loud, second by second. It is
/// the mean over mics and segments of [`LEVEL_HOPS`], each weighted by how much its source plays.
///
/// With the truth `S` and the output `k Y`, the own sound in the output is `a S`, with
/// `a = Re<k Y, S> / <S, S>` over a segment. Its error is the magnitude of
/// `20 log10((a + f) / (1 + f))` with a small `f`.
///
/// # Source
///
/// This project's: where bleed is louder than the source, silence has the better SNR, and a network
/// trained for SNR alone mutes the mic. The scale of the projection is that of scale-invariant SDR
/// (J. Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019).
#[must_use]
pub fn level_error(keep: &Tensor<4>, sums: &Sums) -> Tensor<1> {
    const QUIETEST: f64 = 0.03;
    let hops = keep.dims()[2];
    let segment_hops = LEVEL_HOPS.min(hops);
    let of = |values: Tensor<4>| over_segments(values, segment_hops);
    let (truth, input) = (of(sums.truth.clone()), of(sums.before.clone()));
    let own = of(keep.clone() * sums.product.clone()).clamp_min(0.0);
    let floor: Tensor<3> = input.clone().mean_dim(2) * 1e-4 + 1e-6;
    let plays = truth.clone() / (truth.clone() + input * SILENT_SHARE + floor.clone());
    let scale =
        (own + truth.clone() * QUIETEST + floor.clone()) / (truth * (1.0 + QUIETEST) + floor);
    let error_db = scale.log().abs() * (20.0 / std::f64::consts::LN_10);
    weighed_mean(error_db * plays, sums)
}

/// Number of hops in the segments of [`level_error`]: about a second.
pub const LEVEL_HOPS: usize = 90;

/// Returns the mean square of the logits, an unbounded cost for masks with more certainty than the
/// data supports.
#[must_use]
pub fn overconfidence(logits: &Tensor<4>, sums: &Sums) -> Tensor<1> {
    let of_mic: Tensor<3> = logits.clone().powi_scalar(2).mean_dim(3).mean_dim(2).squeeze_dim(3);
    weighed_mean(of_mic, sums)
}

/// Returns the loss of [`negative_snr`] for a guide, whose error is the sound of others that it
/// passes and the own sound that it lacks.
///
/// # Source
///
/// This project's: a guide predicts bleed in other mics. Sound that it wrongly contains is removed
/// from mics to which it belongs, while sound that it lacks is only not removed. Its error is
/// `c g^2 |Y - S|^2 + (1 - g)^2 |S|^2` with the caution `c`.
#[must_use]
pub fn guide_loss(
    guide: &Tensor<4>,
    sums: &Sums,
    segment_hops: usize,
    config: &LossConfig,
) -> Tensor<1> {
    let missing = (guide.clone() * -1.0 + 1.0).powi_scalar(2) * sums.truth.clone();
    let error = guide.clone().powi_scalar(2) * sums.bleed.clone() * config.guide_caution + missing;
    weighed_mean(ratio_db(error, sums, segment_hops, config), sums)
}

/// Keeps quotients of silence finite; far below any power that counts.
const TINY: f64 = 1e-9;

fn error_power(keep: &Tensor<4>, sums: &Sums) -> Tensor<4> {
    keep.clone().powi_scalar(2) * sums.after.clone() - keep.clone() * sums.product.clone() * 2.0
        + sums.truth.clone()
}

/// Share of the mic's power below which a truth counts as silent; the stronger a truth is, the less
/// it counts as silent.
const SILENT_SHARE: f64 = 1e-2;
/// Keeps the quotient of a mic without any sound finite.
const SILENCE: f64 = 1e-20;

/// Returns the ratio of each mic and segment in dB, `[batch, mic, segment]`.
fn ratio_db(error: Tensor<4>, sums: &Sums, segment_hops: usize, config: &LossConfig) -> Tensor<3> {
    let of = |values: Tensor<4>| over_segments(values, segment_hops);
    let (error, truth) = (of(error), of(sums.truth.clone()));
    let input = of(sums.before.clone());
    let floor: Tensor<3> = input.clone().mean_dim(2) * 1e-4 + 1e-6;
    let little = input.clone() * SILENT_SHARE;
    let silence = input.clone() * little.clone() / (truth.clone() + little).clamp_min(SILENCE);
    let above = error.clamp_min(0.0)
        + truth.clone() * config.threshold
        + silence * config.silent_threshold
        + floor.clone() * 0.1;
    let below = truth + input * config.threshold + floor;
    (above / below).log() * (10.0 / std::f64::consts::LN_10)
}

/// Sums over bands and the hops of each segment; hops that fill no segment are left out.
fn over_segments(values: Tensor<4>, segment_hops: usize) -> Tensor<3> {
    let [batch, mics, hops, bands] = values.dims();
    let segments = hops / segment_hops;
    let whole = values.narrow(2, 0, segments * segment_hops);
    whole.reshape([batch, mics, segments, segment_hops * bands]).sum_dim(3).squeeze_dim(3)
}

/// Returns the mean over mics, by their weights, and segments.
fn weighed_mean(values: Tensor<3>, sums: &Sums) -> Tensor<1> {
    let segments = values.dims()[2] as f64;
    let weights: Tensor<3> = sums.weights.clone().unsqueeze_dim(2); // [batch, mic, 1]
    (values * weights).sum() / ((sums.weights.clone().sum() + TINY) * segments)
}

#[cfg(test)]
mod tests;
