//! Limit on the speed at which masks turn a band from a mic's own sound to bleed.

/// Fastest fall per hop, as a factor, of the power that a band is compared with (145 dB/s at
/// 48 kHz), so that a gap of one hop does not count as a new onset.
const FASTEST_FALL: f32 = 0.7;
/// Share of a band's power that may become bleed in every hop without another reason: all of it
/// within 0.2 s at 48 kHz.
const FREE_SHARE: f32 = 0.05;
/// Power below which a value becomes 0, before it is subnormal.
const NOTHING: f32 = 1e-30;
/// Number of masks of a hop: those of the guides and the last ones.
const NUM_MASKS: usize = 2;

/// Raises masks that find bleed in bands whose power did not rise.
///
/// Bleed that begins adds its power to a mic. A band that was a mic's own a moment ago and has not
/// risen since is therefore still its own, even if another source has begun to play the same note.
/// Only added power, earlier bleed, and the rest after the own sound decays can be bleed. The
/// powers of single hops do not show this for a pair of sources that was never heard together
/// before, which is the usual case while playing.
///
/// Let `P` be the band's power, falling no faster than [`FASTEST_FALL`]. Let `b` be the share of it
/// that a mask treats as bleed (1 minus the mask's square). With each term where it is positive:
/// `b(t) <= b(t-1) P(t-1) / P(t) + (1 - P(t-1) / P(t)) + FREE_SHARE`.
///
/// # Shapes
///
/// Powers and masks are `[mic, band]`; masks are amplitude gains from 0 to 1.
///
/// # Invariants
///
/// - A mask is only ever raised, and never above 1.
/// - Mics and bands are independent of one another; a mic's gain changes nothing.
/// - The first hop in which a band has sound is not limited.
///
/// # Real-time
///
/// Worker or main thread only; allocates in `new` only.
#[derive(Debug)]
pub(super) struct Handover {
    num_bands: usize,
    held: Vec<f32>,
    /// Share of bleed in each mask in the last hop.
    shares: [Vec<f32>; NUM_MASKS],
}

impl Handover {
    pub(super) fn new(num_mics: usize, num_bands: usize) -> Self {
        let per_band = |value: f32| vec![value; num_mics * num_bands];
        Self { num_bands, held: per_band(0.0), shares: std::array::from_fn(|_| per_band(1.0)) }
    }

    /// Raises the masks of one mic to the limit; all are `[band]`.
    pub(super) fn hold_back(
        &mut self,
        mic: usize,
        powers: &[f32],
        mut masks: [&mut [f32]; NUM_MASKS],
    ) {
        for (band, &power) in powers.iter().enumerate() {
            let at = mic * self.num_bands + band;
            let now = power.max(FASTEST_FALL * self.held[at]);
            let now = if now < NOTHING { 0.0 } else { now };
            let before = if now > 0.0 { self.held[at] / now } else { 0.0 };
            self.held[at] = now;
            for (mask, share) in masks.iter_mut().zip(&mut self.shares) {
                let found = 1.0 - mask[band] * mask[band];
                let most = share[at] * before.max(1.0) + (1.0 - before).max(0.0) + FREE_SHARE;
                share[at] = found.min(most);
                if found > most {
                    mask[band] = (1.0 - most).sqrt();
                }
            }
        }
    }

    /// Clears everything.
    pub(super) fn reset(&mut self) {
        self.held.fill(0.0);
        for shares in &mut self.shares {
            shares.fill(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the limited masks of one band of one mic with `powers`, for a guide that
    /// finds `masks`.
    fn held_back(powers: &[f32], masks: &[f32]) -> Vec<f32> {
        let mut handover = Handover::new(1, 1);
        let hops = powers.iter().zip(masks).map(|(&power, &mask)| {
            let (mut guide, mut keep) = ([mask], [mask]);
            handover.hold_back(0, &[power], [&mut guide, &mut keep]);
            assert_eq!(guide, keep);
            keep[0]
        });
        hops.collect()
    }

    #[test]
    fn what_has_not_risen_stays_the_mics_own_for_a_while() {
        let found = held_back(&[1.0; 30], &[&[1.0_f32; 5][..], &[0.0; 25]].concat());
        assert_eq!(found[..5], [1.0; 5]);
        for (hop, mask) in found[5..25].iter().enumerate() {
            let expected = (1.0 - 0.05 * (hop + 1) as f32).max(0.0).sqrt();
            // Measured: 4e-7, where nearly all is gone and the root is steep.
            assert!((mask - expected).abs() < 4e-6, "{hop}: {mask} {expected}");
        }
        assert_eq!(found[26..], [0.0; 4]);
    }

    #[test]
    fn what_rises_may_be_bleed_at_once() {
        let found = held_back(&[1.0, 1.0, 100.0], &[1.0, 1.0, 0.0]);
        // A hundredth of the power was there before, and a twentieth is free.
        assert_eq!(found, [1.0, 1.0, 0.0]);
        let found = held_back(&[1.0, 1.0, 2.0], &[1.0, 1.0, 0.0]);
        assert!((found[2] - 0.45_f32.sqrt()).abs() < 1e-6, "{}", found[2]);
    }

    #[test]
    fn bleed_under_a_sound_that_dies_away_appears() {
        // Own sound that loses 20 % per hop, over bleed 20 dB below its onset.
        let own = |hop: usize| 0.8_f32.powi(hop.try_into().unwrap());
        let powers: Vec<_> = (0..40).map(|hop| own(hop) + 0.01).collect();
        let ideal: Vec<_> = (0..40).map(|hop| (own(hop) / powers[hop]).sqrt()).collect();
        for (found, ideal) in held_back(&powers, &ideal).iter().zip(&ideal) {
            assert!((found - ideal).abs() < 1e-6, "{found} {ideal}");
        }
    }

    #[test]
    fn a_gap_of_a_hop_is_no_new_beginning() {
        let found = held_back(&[1.0, 0.0, 1.0], &[1.0, 1.0, 0.0]);
        // The power fell to 0.7 at most, so 0.3 may be new, and a twentieth is free.
        assert!((found[2] - 0.65_f32.sqrt()).abs() < 1e-6, "{}", found[2]);
    }

    #[test]
    fn the_first_hop_and_silence_are_free() {
        assert_eq!(held_back(&[1.0], &[0.0]), [0.0]);
        assert_eq!(held_back(&[0.0, 0.0], &[0.0, 0.3]), [0.0, 0.3]);
        let mut handover = Handover::new(2, 1);
        let (mut guide, mut keep) = ([1.0], [1.0]);
        handover.hold_back(1, &[1.0], [&mut guide, &mut keep]);
        handover.reset();
        let (mut guide, mut keep) = ([0.0], [0.0]);
        handover.hold_back(1, &[1.0], [&mut guide, &mut keep]);
        assert_eq!((guide, keep), ([0.0], [0.0]));
    }

    #[test]
    fn a_mics_gain_changes_nothing() {
        let powers = [1.0, 0.3, 2.0, 0.01, 0.5, 0.5];
        let masks = [1.0, 0.2, 0.5, 0.0, 0.9, 0.1];
        let louder = powers.map(|power| 1024.0 * power);
        assert_eq!(held_back(&powers, &masks), held_back(&louder, &masks));
    }
}
