//! The part of the crosstalk that waveforms prove.

use super::crosstalk::Crosstalk;

/// Share of a pair's crosstalk that the filters must find, averaged over bands, for full trust in
/// the crosstalk.
const ENOUGH: f32 = 0.05;

/// Trust from which a pair's masks act in full.
const ENOUGH_FOR_MASKS: f32 = 0.2;
/// Hops that a pair's bands must have learned from, while playing, before distrust weakens its
/// masks (5 s at 48 kHz). From [`SURE_HOPS`] on (11 s) the masks depend on trust alone.
const UNSURE_HOPS: f32 = 500.0;
const SURE_HOPS: f32 = 1000.0;

/// Power of the filters of every pair of mics, and the trust in the pair's crosstalk that it gives.
///
/// Crosstalk is estimated from powers, and two sources of similar level look like bleed in these.
/// Filters predict waveforms: if they find nothing in any band, there is no bleed.
///
/// # Shapes
///
/// Paths are `[target, bleeder, band]`, power ratios; all else is `[target, bleeder]`, 0 to 1.
///
/// # Real-time
///
/// Worker or main thread only; allocates in `new` only.
#[derive(Debug)]
pub(crate) struct Proof {
    num_mics: usize,
    num_bands: usize,
    paths: Vec<f32>,
    trusts: Vec<f32>,
    masked: Vec<f32>,
}

impl Proof {
    pub(crate) fn new(num_mics: usize, num_bands: usize) -> Self {
        Self {
            num_mics,
            num_bands,
            paths: vec![0.0; num_mics * num_mics * num_bands],
            trusts: vec![0.0; num_mics * num_mics],
            masked: vec![1.0; num_mics * num_mics],
        }
    }

    /// Returns the power of a pair's filters, `[band]`.
    pub(crate) fn path(&self, target: usize, bleeder: usize) -> &[f32] {
        &self.paths[(target * self.num_mics + bleeder) * self.num_bands..][..self.num_bands]
    }

    /// Returns the power of a pair's filters, `[band]`, mutably.
    pub(crate) fn path_mut(&mut self, target: usize, bleeder: usize) -> &mut [f32] {
        &mut self.paths[(target * self.num_mics + bleeder) * self.num_bands..][..self.num_bands]
    }

    /// Returns the trust in a pair's crosstalk.
    pub(crate) fn trust(&self, target: usize, bleeder: usize) -> f32 {
        self.trusts[target * self.num_mics + bleeder]
    }

    /// Returns the share of a guide's estimate of a pair's bleed that its masks may remove, 0
    /// to 1: lower than 1 only if the pair has learned from many hops and its filters find
    /// almost nothing.
    pub(crate) fn masked(&self, target: usize, bleeder: usize) -> f32 {
        self.masked[target * self.num_mics + bleeder]
    }

    /// Compares paths with crosstalk. Pairs without filters of their own have full trust.
    /// `is_known` is true if everything was learned before.
    pub(crate) fn follow(
        &mut self,
        crosstalk: &Crosstalk,
        has_filters: impl Fn(usize, usize) -> bool,
        is_known: bool,
    ) {
        for target in 0..self.num_mics {
            for bleeder in 0..self.num_mics {
                let trust = if has_filters(target, bleeder) {
                    self.compare(crosstalk, (target, bleeder))
                } else {
                    1.0
                };
                let at = target * self.num_mics + bleeder;
                self.trusts[at] = trust;
                let sure = if is_known {
                    1.0
                } else {
                    let hops = crosstalk.learned_hops(target, bleeder);
                    ((hops - UNSURE_HOPS) / (SURE_HOPS - UNSURE_HOPS)).clamp(0.0, 1.0)
                };
                self.masked[at] = (trust / ENOUGH_FOR_MASKS).clamp(1.0 - sure, 1.0);
            }
        }
    }

    /// Returns the trust in a pair with filters.
    pub(crate) fn compare(&self, crosstalk: &Crosstalk, (target, bleeder): (usize, usize)) -> f32 {
        let (mut proved, mut known) = (0.0, 0.0);
        let pairs = crosstalk.pair(target, bleeder).iter().zip(self.path(target, bleeder));
        for (&crosstalk, path) in pairs {
            if crosstalk > 0.0 {
                proved += (path / crosstalk).min(1.0);
                known += 1.0;
            }
        }
        if known == 0.0 { 0.0 } else { (proved / known / ENOUGH).min(1.0) }
    }

    /// Clears the paths for a new sum.
    pub(crate) fn clear_paths(&mut self) {
        self.paths.fill(0.0);
    }

    /// Clears everything.
    pub(crate) fn reset(&mut self) {
        self.paths.fill(0.0);
        self.trusts.fill(0.0);
        self.masked.fill(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the crosstalk of two mics of one band with noise of equal level, after some hops.
    fn heard(hops: usize) -> Crosstalk {
        let mut crosstalk = Crosstalk::new(2, 1);
        for _ in 0..hops {
            crosstalk.update(&[1.0, 1.0], &[true; 2], |to, from| to != from, false);
        }
        crosstalk
    }

    fn proof(crosstalk: &Crosstalk, path: f32, is_known: bool) -> Proof {
        let mut proof = Proof::new(2, 1);
        proof.path_mut(1, 0)[0] = path;
        proof.follow(crosstalk, |target, _| target == 1, is_known);
        proof
    }

    #[test]
    fn a_pair_is_believed_as_far_as_its_filters_find_something() {
        let crosstalk = heard(2000);
        let share = crosstalk.pair(1, 0)[0];
        assert!(share > 0.1, "{share}");
        // Five hundredths of the crosstalk are enough for full trust, one hundredth for full masks.
        for (found, trust, masked) in [
            (0.0, 0.0, 0.0),
            (0.005, 0.1, 0.5),
            (0.01, 0.2, 1.0),
            (0.05, 1.0, 1.0),
            (9.0, 1.0, 1.0),
        ] {
            for is_known in [false, true] {
                let proof = proof(&crosstalk, found * share, is_known);
                assert!((proof.trust(1, 0) - trust).abs() < 1e-6, "{found}");
                assert!((proof.masked(1, 0) - masked).abs() < 1e-6, "{found}");
            }
        }
        // Pairs without filters have full masks.
        assert_eq!(proof(&crosstalk, 0.0, true).masked(0, 1), 1.0);
    }

    #[test]
    fn masks_of_what_was_not_heard_for_long_are_left_alone() {
        let masked = |hops: usize| proof(&heard(hops), 0.0, false).masked(1, 0);
        assert_eq!(masked(400), 1.0);
        assert!((masked(750) - 0.5).abs() < 0.01, "{}", masked(750));
        assert_eq!(masked(1100), 0.0);
        assert_eq!(proof(&heard(100), 0.0, true).masked(1, 0), 0.0);
    }

    #[test]
    fn nothing_is_left_after_a_reset() {
        let mut proof = proof(&heard(2000), 0.0, true);
        proof.reset();
        assert_eq!((proof.trust(1, 0), proof.masked(1, 0), proof.path(1, 0)[0]), (0.0, 1.0, 0.0));
    }
}
