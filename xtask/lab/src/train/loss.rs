//! Losses on band sums: the distance of masked mics from the signals that a listener should hear.
//!
//! Every term is computed from powers and products summed over bands, which were recorded with the
//! features. For a mask `k` that is constant in a band,
//! `|k Y - S|^2 = k^2 |Y|^2 - 2 k Re(Y S*) + |S|^2`, so training needs no audio. `Y` is the
//! cancelled mic, `S` the truth.
//!
//! Sums of several mics' outputs ([`combination`]) are computed likewise, from the products of each
//! two mics.

use super::combination::Combinations;
use super::domains::{combination, multi_domain};
use burn::tensor::Tensor;
use serde::{Deserialize, Deserializer, Serialize, de};

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
    /// Input of [`combination`]; `None` if the clips have no combinations.
    pub combinations: Option<Combinations>,
}

/// Weights and parameters of the terms.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// Weight of [`negative_snr`] over whole clips.
    #[serde(deserialize_with = "weight")]
    pub whole: f64,
    /// Weight of [`negative_snr`] over short segments, in which the own source's silence counts as
    /// much as its sound.
    #[serde(deserialize_with = "weight")]
    pub segments: f64,
    /// Weight of [`guide_loss`] over whole clips.
    #[serde(deserialize_with = "weight")]
    pub guide: f64,
    /// Weight of [`guide_loss`] over short segments.
    #[serde(deserialize_with = "weight")]
    pub guide_segments: f64,
    /// Weight of [`multi_domain`].
    #[serde(deserialize_with = "weight")]
    pub multi_domain: f64,
    /// Weight of [`combination`], which contains the multi-domain loss of single mics.
    #[serde(deserialize_with = "weight")]
    pub combination: f64,
    /// Maximum number of combinations of a clip; if there are more, this many are drawn anew in
    /// every step.
    #[serde(deserialize_with = "combinations")]
    pub most_combinations: usize,
    /// Weight of [`harm`].
    #[serde(deserialize_with = "weight")]
    pub harm: f64,
    /// Weight of [`level_error`].
    #[serde(deserialize_with = "weight")]
    pub level: f64,
    /// Weight of [`overconfidence`].
    #[serde(deserialize_with = "weight")]
    pub logits: f64,
    /// Factor on the weighted SDR, relative to the error of the spectra, in [`multi_domain`]
    /// and [`combination`].
    #[serde(deserialize_with = "weight")]
    pub multi_domain_scale: f64,
    /// Share of the truth's power below which an error no longer counts.
    #[serde(deserialize_with = "share")]
    pub threshold: f64,
    /// Share of the mic's power below which an error no longer counts, for truths that are silent.
    #[serde(deserialize_with = "share")]
    pub silent_threshold: f64,
    /// Factor by which sound of others in a guide costs more than own sound that it lacks.
    #[serde(deserialize_with = "weight")]
    pub guide_caution: f64,
    /// Number of hops in a short segment.
    #[serde(deserialize_with = "segment")]
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

/// Reads a weight or factor.
fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(f64::deserialize(deserializer)?, 0.0, 1e6)
}

/// Reads a threshold; not 0, whose logarithm is infinite.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(f64::deserialize(deserializer)?, 1e-9, 1.0)
}

fn segment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    within(usize::deserialize(deserializer)?, 1, 100_000)
}

/// Reads a number of combinations, at most all of 16 mics.
fn combinations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    within(usize::deserialize(deserializer)?, 1, 65_534)
}

fn within<T: PartialOrd + std::fmt::Display, E: de::Error>(
    value: T,
    least: T,
    most: T,
) -> Result<T, E> {
    if value >= least && value <= most {
        return Ok(value);
    }
    Err(E::custom(format!("{value} is not within {least} to {most}")))
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
mod tests {
    use super::super::domains::Products;
    use super::*;
    use burn::tensor::{Device, TensorData};

    /// One hop of one mic in one band: power of the cancelled mic, its product with the truth,
    /// power of the truth, power of the mic before cancellation.
    type Hop = [f32; 4];

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn sums(mics: &[&[Hop]], weights: &[f32]) -> Sums {
        let shape = [1, mics.len(), mics[0].len(), 1];
        let of = |which: usize| {
            let hops = mics.iter().flat_map(|hops| hops.iter());
            tensor(hops.map(|hop| hop[which]).collect(), shape)
        };
        let weights = tensor(weights.to_vec(), [1, mics.len()]);
        Sums {
            after: of(0),
            product: of(1),
            truth: of(2),
            before: of(3),
            bleed: of(0) - of(1) * 2.0 + of(2),
            weights,
            combinations: None,
        }
    }

    fn mask(mics: usize, hops: usize, value: f32) -> Tensor<4> {
        tensor(vec![value; mics * hops], [1, mics, hops, 1])
    }

    fn value(loss: Tensor<1>) -> f64 {
        f64::from(loss.into_data().as_slice::<f32>().unwrap()[0])
    }

    /// Measured: 1e-6 dB, in single precision.
    const ROUNDING_DB: f64 = 1e-5;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < ROUNDING_DB, "{found}, expected {wanted}");
    }

    /// Computes by hand the part of a mic's power that counts as silence of its source.
    fn silence(truth: f64, input: f64) -> f64 {
        input / (1.0 + 100.0 * truth / input)
    }

    #[test]
    fn the_snr_is_that_computed_by_hand() {
        let config = LossConfig::default();
        // Y = 2, S = 1, X = 3: k = 1/2 is exact, k = 1 has the error 1.
        let sums = sums(&[&[[4.0, 2.0, 1.0, 9.0]]], &[1.0]);
        let at = |k: f32| value(negative_snr(&mask(1, 1, k), &sums, 1, &config));
        let floor = 9.0 * 1e-4 + 1e-6;
        let by_hand = |error: f64| {
            let above = error + 1e-4 + 3e-3 * silence(1.0, 9.0) + 0.1 * floor;
            10.0 * (above / (1.0 + 9.0 * 1e-4 + floor)).log10()
        };
        near(at(0.5), by_hand(0.0));
        near(at(1.0), by_hand(1.0));
        near(at(0.0), by_hand(1.0));
        assert!(at(0.5) < -25.0, "{}", at(0.5));
    }

    #[test]
    fn a_silent_truth_asks_for_silence_and_stays_finite() {
        let config = LossConfig::default();
        let sums = sums(&[&[[1.0, 0.0, 0.0, 1.0]]], &[1.0]);
        let at = |k: f32| value(negative_snr(&mask(1, 1, k), &sums, 1, &config));
        // (E + b + f / 10) / (a + f) with X = 1.
        let floor: f64 = 1e-4 + 1e-6;
        near(at(1.0), 10.0 * ((1.0 + 3e-3 + 0.1 * floor) / (1e-4 + floor)).log10());
        near(at(0.0), 10.0 * ((3e-3 + 0.1 * floor) / (1e-4 + floor)).log10());
        // No mask changes the loss of a mic that is silent itself.
        let nothing = super::tests::sums(&[&[[0.0; 4]]], &[1.0]);
        near(
            value(negative_snr(&mask(1, 1, 1.0), &nothing, 1, &config)),
            value(negative_snr(&mask(1, 1, 0.0), &nothing, 1, &config)),
        );
    }

    #[test]
    fn segments_make_the_own_sources_silence_count() {
        let config = LossConfig::default();
        // Own sound in the first hop; bleed alone, 20 dB below it, in the second.
        let sums = sums(&[&[[1.0, 1.0, 1.0, 1.0], [0.01, 0.0, 0.0, 0.01]]], &[1.0]);
        let leave = mask(1, 2, 1.0);
        let remove = tensor(vec![1.0, 0.0], [1, 1, 2, 1]);
        let gain = |segment_hops: usize| {
            let at = |mask: &Tensor<4>| value(negative_snr(mask, &sums, segment_hops, &config));
            at(&leave) - at(&remove)
        };
        // Over the whole clip: from 20 dB to the threshold. Over segments, the silent half gains as
        // well, halved by the mean.
        let floor = 0.505 * 1e-4 + 1e-6;
        let silent: f64 = (0.01 + 3e-5 + 0.1 * floor) / (3e-5 + 0.1 * floor);
        near(gain(1), 10.0 * silent.log10() / 2.0);
        let rest: f64 = 1e-4 + 3e-3 * silence(1.0, 1.01) + 0.1 * (1.01 * 1e-4 + 1e-6);
        near(gain(2), 10.0 * ((0.01 + rest) / rest).log10());
    }

    #[test]
    fn a_guide_is_punished_for_others_more_than_for_what_it_lacks() {
        let config = LossConfig::default();
        // Y = S + B with |S|² = |B|² = 1, orthogonal.
        let sums = sums(&[&[[2.0, 1.0, 1.0, 2.0]]], &[1.0]);
        let at = |g: f32| value(guide_loss(&mask(1, 1, g), &sums, 1, &config));
        let floor = 2e-4 + 1e-6;
        let by_hand = |error: f64| {
            let above = error + 1e-4 + 3e-3 * silence(1.0, 2.0) + 0.1 * floor;
            10.0 * (above / (1.0 + 2e-4 + floor)).log10()
        };
        near(at(1.0), by_hand(4.0));
        near(at(0.0), by_hand(1.0));
        // The minimum of 4 g² + (1 - g)² is at 1/5.
        near(at(0.2), by_hand(0.8));
    }

    #[test]
    fn harm_is_what_a_mask_spoils_and_never_a_gain() {
        let config = LossConfig::default();
        // A clean hop, and one of bleed alone that is as loud.
        let hops: &[Hop] = &[[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]];
        let sums = sums(&[hops], &[1.0]);
        let at = |own: f32, bleed: f32| {
            value(harm(&tensor(vec![own, bleed], [1, 1, 2, 1]), &sums, 1, &config))
        };
        near(at(1.0, 1.0), 0.0);
        near(at(1.0, 0.0), 0.0);
        // Half of the own sound is lost, and the removal of bleed does not offset that. Halved by
        // the mean over both segments.
        let rest: f64 = 1e-4 + 3e-3 * silence(1.0, 1.0) + 0.1 * (1e-4 + 1e-6);
        let lost = 10.0 * ((0.25 + rest) / rest).log10() / 2.0;
        near(at(0.5, 1.0), lost);
        near(at(0.5, 0.0), lost);
    }

    #[test]
    fn a_muted_source_has_the_wrong_level_although_its_snr_is_the_better() {
        // Bleed with twice the power of the source.
        let hops: &[Hop] = &[[3.0, 1.0, 1.0, 3.0]];
        let heard = sums(&[hops], &[1.0]);
        let config = LossConfig::default();
        let snr = |keep: f32| -value(negative_snr(&mask(1, 1, keep), &heard, 1, &config));
        assert!(snr(0.0) > snr(1.0) + 2.0, "silence is nearer to the truth");
        let at = |keep: f32, sums: &Sums| value(level_error(&mask(1, 1, keep), sums));
        let floor = 3e-4 + 1e-6;
        let by_hand = |own: f64, truth: f64, input: f64| {
            let scale = (own + 0.03 * truth + floor) / (1.03 * truth + floor);
            20.0 * scale.log10().abs() * truth / (truth + 0.01 * input + floor)
        };
        near(at(1.0, &heard), 0.0);
        near(at(0.5, &heard), by_hand(0.5, 1.0, 3.0));
        near(at(0.0, &heard), by_hand(0.0, 1.0, 3.0));
        assert!(at(0.0, &heard) > 20.0);
        // A mic whose source rests may be muted.
        let rests = sums(&[&[[3.0, 0.0, 0.0, 3.0]]], &[1.0]);
        near(at(0.0, &rests), 0.0);
    }

    #[test]
    fn room_mics_and_padding_count_nothing() {
        let config = LossConfig { multi_domain: 1.0, harm: 1.0, ..LossConfig::default() };
        let mic: &[Hop] = &[[4.0, 2.0, 1.0, 9.0]];
        let room: &[Hop] = &[[7.0, 1.0, 3.0, 8.0]];
        let total = |sums: &Sums, mics: usize| {
            let (keep, guide) = (mask(mics, 1, 0.7), mask(mics, 1, 0.4));
            value(config.total(&Given { keep: &keep, guide: &guide, logits: &keep }, sums))
        };
        let alone = total(&sums(&[mic], &[1.0]), 1);
        near(total(&sums(&[mic, room], &[1.0, 0.0]), 2), alone);
        assert!((total(&sums(&[mic, room], &[1.0, 1.0]), 2) - alone).abs() > 0.1);
    }

    #[test]
    fn both_domains_are_those_computed_by_hand() {
        // Y = S + B with |S|² = 3, |B|² = 1, orthogonal; k = 1/2.
        let sums = sums(&[&[[4.0, 3.0, 3.0, 4.0]]], &[1.0]);
        let found = value(multi_domain(&mask(1, 1, 0.5), &sums, 10.0));
        let error = 0.25 * 4.0 - 3.0 + 3.0;
        let own = 0.5 * 3.0 / (3.0_f64 * 0.25 * 4.0).sqrt();
        let rest = 0.5 * 1.0 / (1.0_f64 * 0.25 * 4.0).sqrt();
        near(found, error + 10.0 * (1.0 - 0.75 * own - 0.25 * rest));
        // The exact mask of a mic without bleed has neither error nor angle, and an SDR of minus 1.
        let clean = super::tests::sums(&[&[[2.0, 2.0, 2.0, 2.0]]], &[1.0]);
        let perfect = value(multi_domain(&mask(1, 1, 1.0), &clean, 10.0));
        assert!(perfect.abs() < 1e-4, "{perfect}");
    }

    #[test]
    fn the_total_is_the_weighed_sum_of_its_terms() {
        let mics: [&[Hop]; 2] = [
            &[[4.0, 2.0, 1.0, 9.0], [1.0, 0.9, 0.9, 1.0]],
            &[[3.0, 1.0, 2.0, 5.0], [2.0, 0.1, 0.2, 2.0]],
        ];
        let mut sums = sums(&mics, &[1.0, 1.0]);
        let (keep, guide) = (mask(2, 2, 0.7), mask(2, 2, 0.4));
        let masks = Given { keep: &keep, guide: &guide, logits: &keep };
        let config = LossConfig {
            segment_hops: 1,
            multi_domain: 2.0,
            harm: 3.0,
            level: 5.0,
            combination: 4.0,
            ..LossConfig::default()
        };
        let by_hand = 0.7 * value(negative_snr(&keep, &sums, 2, &config))
            + 0.3 * value(negative_snr(&keep, &sums, 1, &config))
            + 0.35 * value(guide_loss(&guide, &sums, 2, &config))
            + 0.15 * value(guide_loss(&guide, &sums, 1, &config))
            + 2.0 * value(multi_domain(&keep, &sums, 10.0))
            + 3.0 * value(harm(&keep, &sums, 1, &config))
            + 5.0 * value(level_error(&keep, &sums));
        near(value(config.total(&masks, &sums)), by_hand);
        // The same for clips with combinations.
        let pair = |value: f32| mask(1, 2, value);
        let pairs =
            Products { after: pair(0.5), first: pair(0.1), second: pair(0.2), truth: pair(0.0) };
        let of_both = Combinations::new(&[vec![0b11]], &sums, Some(pairs), &Device::flex());
        let more = 4.0 * value(combination(&keep, &of_both, 10.0));
        sums.combinations = Some(of_both);
        assert!(more > 1.0, "{more}");
        near(value(config.total(&masks, &sums)), by_hand + more);
    }
}
