//! Gains of the guides and of the last mask, from powers and crosstalk.

/// Factor by which the bleed is overestimated in a guide. A guide must not carry the sound of the
/// mics that it is subtracted from, so doubtful bins are left out.
const GUIDE_CAUTION: f32 = 4.0;
/// Factor by which the bleed is overestimated in the last mask: a low quantile is too low
/// on average.
const MASK_CAUTION: f32 = 2.0;
/// Levels below which a loud own band hides bleed, in dB: below the band itself (first
/// constant), and in addition per band of distance (second constant). The mask does not reduce
/// inaudible bleed.
const HIDDEN_BELOW_DB: f32 = 12.0;
const HIDDEN_PER_BAND_DB: f32 = 1.0;

/// Returns the power gain of a mic's guide in one bin: `power` is the mic's power, `bleed` the
/// power that leaks into it.
///
/// The gain is a steeper Wiener gain, so that bins with more bleed than source drop out.
#[inline(always)]
pub(super) fn guide_gain(power: f32, bleed: f32) -> f32 {
    if power <= 0.0 {
        return 0.0;
    }
    let ratio = GUIDE_CAUTION * bleed / power;
    1.0 / (1.0 + ratio * ratio)
}

/// Returns the amplitude gain of the last mask in one bin: `hidden` is the power that the mic's own
/// sound hides.
///
/// The gain is the square root of a Wiener gain: gentle, as linear cancellation has removed most of
/// the bleed already.
#[inline(always)]
pub(super) fn mask_gain(power: f32, hidden: f32, bleed: f32) -> f32 {
    if bleed <= 0.0 {
        return 1.0;
    }
    let own = power + hidden;
    (own / (own + MASK_CAUTION * bleed)).sqrt()
}

/// Computes the power that a mic's own sound hides in each band and beside it; all `[band]`.
///
/// # Source
///
/// Simultaneous masking with a triangular spread, as in Schroeder, Atal and Hall, "Optimizing
/// digital speech coders by exploiting masking properties of the human ear", JASA 66(6), 1979;
/// slopes simplified to one value for both sides.
pub(super) fn hidden_into(power: &[f32], bleed: &[f32], hidden: &mut [f32]) {
    let below = 10.0_f32.powf(-HIDDEN_BELOW_DB / 10.0);
    let step = 10.0_f32.powf(-HIDDEN_PER_BAND_DB / 10.0);
    for ((hidden, power), bleed) in hidden.iter_mut().zip(power).zip(bleed) {
        *hidden = below * (power - 2.0 * MASK_CAUTION * bleed).max(0.0);
    }
    for band in 1..hidden.len() {
        hidden[band] = hidden[band].max(step * hidden[band - 1]);
    }
    for band in (1..hidden.len()).rev() {
        hidden[band - 1] = hidden[band - 1].max(step * hidden[band]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_keeps_what_dominates_and_drops_what_is_doubtful() {
        assert_eq!(guide_gain(1.0, 0.0), 1.0);
        assert!(guide_gain(1.0, 0.01) > 0.99);
        assert!(guide_gain(1.0, 1.0) < 0.06);
        assert_eq!(guide_gain(0.0, 0.0), 0.0);
    }

    #[test]
    fn a_mask_without_bleed_is_exactly_one() {
        assert_eq!(mask_gain(1.0, 0.0, 0.0), 1.0);
        assert_eq!(mask_gain(0.0, 0.0, 0.0), 1.0);
        assert_eq!(mask_gain(0.0, 0.0, 1.0), 0.0);
        assert!(mask_gain(1.0, 10.0, 0.1) > 0.99);
    }

    #[test]
    fn a_loud_band_hides_its_neighbours() {
        let mut hidden = [0.0; 5];
        hidden_into(&[0.0, 0.0, 1.0, 0.0, 0.0], &[0.0; 5], &mut hidden);
        assert!(hidden[2] > hidden[1] && hidden[1] > hidden[0]);
        assert!((hidden[1] - hidden[3]).abs() < 1e-9);
        hidden_into(&[1.0; 5], &[1.0; 5], &mut hidden);
        assert_eq!(hidden, [0.0; 5], "bleed hides nothing");
    }
}
