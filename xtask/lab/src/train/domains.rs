//! The multi-domain loss: distance from the truth as spectra and as waveforms, for single mics and
//! for sums of mics.

use super::combination::Combinations;
use super::products::Products;
use super::sums::Sums;
use burn::tensor::Tensor;

/// Computes the error of the spectra plus `scale` times the weighted SDR plus 1, which covers both
/// domains of a signal. The result is the mean over mics, by their weights.
///
/// # Source
///
/// R. Sawata, N. Takahashi, S. Uhlich, S. Takahashi, Y. Mitsufuji, "The whole is greater than the
/// sum of its parts: improving music source separation by bridging networks", EURASIP Journal on
/// Audio, Speech, and Music Processing, 2024, equations 3 and 4. Differences: the error is that of
/// complex spectra instead of magnitudes, mean over hops; products of signals are those of their
/// spectra, which are equal up to the window (Parseval); the mixture is the cancelled mic, which is
/// the signal that the mask divides.
#[must_use]
pub fn multi_domain(keep: &Tensor<4>, sums: &Sums, scale: f64) -> Tensor<1> {
    let both = Totals::of([keep, keep], &sums.products()).both_domains(keep.dims()[2], scale);
    (both * sums.weights.clone()).sum() / (sums.weights.clone().sum() + TINY)
}

/// Computes the same loss for sums of several mics instead of single ones, as the mean over the
/// combinations of each clip, and over clips.
///
/// # Source
///
/// As [`multi_domain`], equation 5. Differences: each mic is divided by its own level before the
/// sum, and the sum by the root of the number of mics. A loud mic therefore does not outweigh the
/// others, and the error of the spectra does not grow with the number of mics (the weighted SDR is
/// not affected). The mixture of a combination is the sum of its own cancelled mics, as there is no
/// mixture of all sources. Mics without a truth are in no combination, and one mic alone is a
/// combination by itself.
#[must_use]
pub fn combination(keep: &Tensor<4>, combinations: &Combinations, scale: f64) -> Tensor<1> {
    let [batch, num_mics, hops, bands] = keep.dims();
    // Each mic with itself, then each with those before it: [batch, pair, time, band].
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

/// Keeps quotients of silence finite; far below any power that counts.
const TINY: f64 = 1e-9;

/// Sums over hops and bands for the terms of both domains, each `[batch, signal]`. A signal is a
/// mic, a pair of mics or a sum of mics.
#[derive(Clone, Debug)]
struct Totals {
    /// Power of the error.
    error: Tensor<2>,
    /// Power of the truth.
    own: Tensor<2>,
    /// Power of everything but the truth.
    rest: Tensor<2>,
    /// Power of the kept part, and its product with the truth.
    kept: [Tensor<2>; 2],
    /// Power of the dropped part, and its product with everything but the truth.
    dropped: [Tensor<2>; 2],
}

impl Totals {
    /// Computes the totals of pairs. A value that depends on the order of a pair is the mean of
    /// both orders.
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

    /// Computes the loss of each signal, `[batch, signal]`.
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
