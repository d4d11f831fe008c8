//! The multi-domain loss: how far signals are from the truth as spectra and as waveforms, for single mics and for sums of mics.

use super::combination::Combinations;
use super::loss::Sums;
use burn::tensor::Tensor;

/// What two mics have in common, in each band of each hop: real parts of the products of their spectra. A mic with itself: its powers.
///
/// # Shapes
///
/// All `[batch, pair, time, band]`.
#[derive(Clone, Debug)]
pub struct Products {
    /// Of both cancelled mics.
    pub after: Tensor<4>,
    /// Of the first one, cancelled, with the truth of the second.
    pub first: Tensor<4>,
    /// Of the second one, cancelled, with the truth of the first.
    pub second: Tensor<4>,
    /// Of both truths.
    pub truth: Tensor<4>,
}

impl Products {
    /// Of each mic with itself.
    pub(super) fn of_mics(sums: &Sums) -> Self {
        let product = || sums.product.clone();
        let (after, truth) = (sums.after.clone(), sums.truth.clone());
        Self { after, first: product(), second: product(), truth }
    }

    /// These, and then the others.
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

/// Error of the spectra, and `scale` times the weighted SDR plus 1: both domains of a signal. Mean over mics, by their weights.
///
/// # Source
///
/// R. Sawata, N. Takahashi, S. Uhlich, S. Takahashi, Y. Mitsufuji, "The whole is greater than the sum of its parts: improving music
/// source separation by bridging networks", EURASIP Journal on Audio, Speech, and Music Processing, 2024, equations 3 and 4. Differs:
/// the error is that of complex spectra instead of magnitudes, mean over hops; products of signals are those of their spectra, which are
/// the same up to the window (Parseval); the mixture is the cancelled mic, which is what the mask divides.
#[must_use]
pub fn multi_domain(keep: &Tensor<4>, sums: &Sums, scale: f64) -> Tensor<1> {
    let both =
        Totals::of([keep, keep], &Products::of_mics(sums)).both_domains(keep.dims()[2], scale);
    (both * sums.weights.clone()).sum() / (sums.weights.clone().sum() + TINY)
}

/// The same for sums of several mics instead of single ones, mean over the combinations of each clip, and over clips.
///
/// # Source
///
/// As [`multi_domain`], equation 5. Differs: each mic is divided by its own level before they are added, and the sum by the root of
/// their number, so that neither a loud mic drowns the others nor the error of the spectra grows with the number of mics (the weighted
/// SDR does not change by that); the mixture that a combination is taken from is the sum of its own cancelled mics, as there is none of
/// all sources; mics without a truth are in no combination, and one mic alone is a combination by itself.
#[must_use]
pub fn combination(keep: &Tensor<4>, combinations: &Combinations, scale: f64) -> Tensor<1> {
    let [batch, num_mics, hops, bands] = keep.dims();
    // Each mic with itself, and then each with those before it: [batch, pair, time, band].
    let firsts = (1..num_mics).map(|second| keep.clone().narrow(1, 0, second));
    let seconds = (1..num_mics)
        .map(|second| keep.clone().narrow(1, second, 1).expand([batch, second, hops, bands]));
    let first = Tensor::cat(std::iter::once(keep.clone()).chain(firsts).collect(), 1);
    let second = Tensor::cat(std::iter::once(keep.clone()).chain(seconds).collect(), 1);
    let pairs = Totals::of([&first, &second], &combinations.products);
    let sums = pairs.map(|of_pairs| {
        let weights = combinations.weights.clone(); // [batch, combination, pair]
        weights.matmul(of_pairs.unsqueeze_dim::<3>(2)).squeeze_dim(2)
    });
    (sums.both_domains(hops, scale) * combinations.shares.clone()).sum()
}

/// Keeps quotients of silence finite; far under any power that counts.
const TINY: f64 = 1e-9;

/// Sums over hops and bands of what both domains are made of; each `[batch, signal]`, where a signal is a mic, a pair of mics or a sum of
/// mics.
#[derive(Clone, Debug)]
struct Totals {
    /// Power of what is wrong.
    error: Tensor<2>,
    /// Power of the truth.
    own: Tensor<2>,
    /// Power of everything but the truth.
    rest: Tensor<2>,
    /// Power of what is kept, and its product with the truth.
    kept: [Tensor<2>; 2],
    /// Power of what is dropped, and its product with everything but the truth.
    dropped: [Tensor<2>; 2],
}

impl Totals {
    /// Of pairs; what is not the same both ways is the mean of both.
    fn of(keep: [&Tensor<4>; 2], products: &Products) -> Self {
        let [batch, pairs, hops, bands] = products.after.dims();
        let over_clip = |values: Tensor<4>| -> Tensor<2> {
            values.reshape([batch, pairs, hops * bands]).sum_dim(2).squeeze_dim(2)
        };
        let Products { after, first, second, truth } = products.clone();
        let keep = keep.map(Clone::clone);
        let [drop_first, drop_second] = keep.clone().map(|keep| keep * -1.0 + 1.0);
        let [keep_first, keep_second] = keep;
        let kept = keep_first.clone() * keep_second.clone() * after.clone();
        let own_kept = keep_first * first.clone() + keep_second * second.clone();
        let dropped = drop_first.clone() * drop_second.clone() * after.clone();
        let rest_dropped = drop_first * (after.clone() - first.clone())
            + drop_second * (after.clone() - second.clone());
        Self {
            error: over_clip(kept.clone() - own_kept.clone() + truth.clone()),
            own: over_clip(truth.clone()),
            rest: over_clip(after - first - second + truth),
            kept: [over_clip(kept), over_clip(own_kept) * 0.5],
            dropped: [over_clip(dropped), over_clip(rest_dropped) * 0.5],
        }
    }

    fn map(self, of: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self {
            error: of(self.error),
            own: of(self.own),
            rest: of(self.rest),
            kept: self.kept.map(&of),
            dropped: self.dropped.map(&of),
        }
    }

    /// Of each signal, `[batch, signal]`.
    fn both_domains(self, num_hops: usize, scale: f64) -> Tensor<2> {
        let Self { error, own, rest, kept: [kept, own_kept], dropped: [dropped, rest_dropped] } =
            self;
        let rest = rest.clamp_min(0.0);
        let cosine = |product: Tensor<2>, a: Tensor<2>, b: Tensor<2>| -> Tensor<2> {
            product / ((a * b).clamp_min(TINY).sqrt() + TINY)
        };
        let of_own = cosine(own_kept, own.clone(), kept);
        let of_rest = cosine(rest_dropped, rest.clone(), dropped);
        let share: Tensor<2> = own.clone() / (own + rest + TINY);
        let weighted_sdr = share.clone() * of_own * -1.0 - (share * -1.0 + 1.0) * of_rest;
        error / num_hops as f64 + (weighted_sdr + 1.0) * scale
    }
}
