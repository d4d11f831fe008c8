//! What steers the canceller instead of its own rules: a guide that looks at all mics at once.

use super::bands::Bands;
use super::crosstalk::Crosstalk;
use super::features::{Features, NUM_BANDS, NUM_FEATURES, NUM_SIMPLE, Seen};
use super::front::Front;
use super::handover::Handover;
use crate::controls::Controls;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// One hop as a guide is shown it.
#[derive(Debug)]
pub struct GuideHop<'a> {
    /// `[mic, feature, band]`, [`NUM_FEATURES`] by [`NUM_BANDS`]: nothing that a mic's gain changes.
    pub features: &'a [f32],
    /// Which mics have sound, `[mic]`; the others' features mean nothing.
    pub active: &'a [bool],
    /// The mics that had sound since the last reset, in an order that their numbers do not decide: sums over mics that go
    /// this way round alike wherever a mic is plugged in.
    pub order: &'a [usize],
    /// Roles and groups.
    pub controls: &'a Controls,
    /// The mics as they came, `[mic, bin]`.
    pub mics: &'a Spectrum,
    /// The same after linear cancellation.
    pub cancelled: &'a Spectrum,
    /// The band of every bin, `[bin]`.
    pub band_of_bin: &'a [usize],
}

/// Masks of one hop, `[mic, band]` each, 0 to 1.
#[derive(Debug)]
pub struct GuideMasks<'a> {
    /// How much of the cancelled mic is surely its own source: what predicts its bleed in other mics.
    pub guide: &'a mut [f32],
    /// How much of the cancelled mic is kept in the end.
    pub keep: &'a mut [f32],
}

/// One hop as its keep mask meets it.
#[derive(Debug)]
pub struct Cleaned<'a> {
    /// The mics as they came, `[mic, bin]`.
    pub mics: &'a Spectrum,
    /// The same after all linear cancellation: with a second stage, of both.
    pub cleaned: &'a Spectrum,
    /// The band of every bin, `[bin]`.
    pub band_of_bin: &'a [usize],
}

/// Something that says, hop by hop, what in each mic is its own source.
///
/// # Invariants
///
/// The masks depend on the hops since the last reset and on nothing else.
///
/// # Real-time
///
/// Worker or main thread only.
pub trait Guide: Send + std::fmt::Debug {
    /// Fills the masks of the next hop; false leaves the guides and the last mask of this hop to the canceller's own rules.
    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool;

    /// Shows the signal that the keep mask of the last hop is applied to; for guides that record.
    fn show(&mut self, _cleaned: &Cleaned<'_>) {}

    /// How many of the features it looks at, from the first one on; the others may be left out.
    fn num_features(&self) -> usize {
        NUM_FEATURES
    }

    /// Why it has nothing to say where it should have, if that is so.
    fn trouble(&self) -> Option<GuideTrouble> {
        None
    }

    /// Forgets all hops.
    fn reset(&mut self);
}

/// Why mics are cleaned by the canceller's own rules although there is a guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuideTrouble {
    /// Its weights do not fit, or it broke down; it is not asked again.
    Broken,
    /// What it said of the last hop was no numbers.
    NoNumbers,
    /// It was made for fewer mics than are heard.
    Mics {
        /// So many are heard.
        heard: usize,
        /// So many it was made for.
        most: usize,
    },
}

/// A guide with the memory around it.
#[derive(Debug)]
pub(super) struct Guided {
    guide: Box<dyn Guide>,
    features: Features,
    masks: Vec<f32>,
    keep: Vec<f32>,
    handover: Handover,
    /// Whether the masks are those of the hop last looked at.
    has_masks: bool,
}

impl Guided {
    pub(super) fn new(
        guide: Box<dyn Guide>,
        geometry: Geometry,
        rate: SampleRate,
        bands: &Bands,
        num_mics: usize,
    ) -> Self {
        Self {
            features: Features::new(geometry, rate, bands, (num_mics, guide.num_features())),
            guide,
            masks: vec![1.0; num_mics * NUM_BANDS],
            keep: vec![1.0; num_mics * NUM_BANDS],
            handover: Handover::new(num_mics, NUM_BANDS),
            has_masks: false,
        }
    }

    /// Whether the guide had something to say about the hop last looked at.
    pub(super) fn has_masks(&self) -> bool {
        self.has_masks
    }

    /// What is kept of each band in the hop last looked at, and its power after cancellation, `[mic, band]`; none without masks.
    pub(super) fn said(&self) -> Option<(&[f32], &[f32])> {
        self.has_masks.then(|| (&*self.keep, self.features.after_all()))
    }

    /// Whether the guide looks at what interference explains.
    pub(super) fn sees_explained(&self) -> bool {
        self.guide.num_features() > NUM_SIMPLE
    }

    /// Shows the guide the signal that its last keep mask is applied to.
    pub(super) fn show(&mut self, cleaned: &Cleaned<'_>) {
        self.guide.show(cleaned);
    }

    pub(super) fn trouble(&self) -> Option<GuideTrouble> {
        self.guide.trouble()
    }

    /// Asks the guide about a hop and gives the front its guides.
    pub(super) fn look(&mut self, front: &mut Front, bands: &Bands, seen: &Seen<'_>) {
        self.features.compute(bands, seen);
        debug_assert_eq!(self.features.values().len(), seen.num_mics * NUM_FEATURES * NUM_BANDS);
        let hop = GuideHop {
            features: self.features.values(),
            active: seen.mics.activity(),
            order: seen.order,
            controls: seen.controls,
            mics: seen.mics,
            cancelled: seen.cancelled,
            band_of_bin: bands.of_bin(),
        };
        let mut masks = GuideMasks { guide: &mut self.masks, keep: &mut self.keep };
        self.has_masks = self.guide.look(&hop, &mut masks);
        if !self.has_masks {
            return;
        }
        for mic in (0..seen.num_mics).filter(|&mic| seen.mics.is_active(mic)) {
            let gain = &mut self.masks[mic * NUM_BANDS..][..NUM_BANDS];
            let keep = &mut self.keep[mic * NUM_BANDS..][..NUM_BANDS];
            if seen.adapts {
                self.handover.hold_back(mic, self.features.before(mic), [gain, keep]);
            }
            front.reguide(mic, seen.cancelled.mic(mic), bands, gain);
        }
    }

    /// What is kept of each band of a mic in the hop last looked at, less what the pair amounts spare.
    pub(super) fn keep_into(
        &self,
        mic: usize,
        (leftover, order): (&Crosstalk, &[usize]),
        amount_of: impl Fn(usize) -> Option<f32>,
        keep: &mut [f32],
    ) {
        let amounts = || order.iter().filter_map(|&bleeder| Some((bleeder, amount_of(bleeder)?)));
        let all = amounts().all(|(_, amount)| amount >= 1.0);
        for (band, keep) in keep.iter_mut().enumerate() {
            let mask = self.keep[mic * NUM_BANDS + band];
            *keep = if all {
                mask
            } else {
                1.0 - (1.0 - mask) * self.amount(mic, band, leftover, amounts())
            };
        }
    }

    /// Mean amount over the bleeders of a mic, each weighed by what it is believed to leave in this band.
    fn amount(
        &self,
        mic: usize,
        band: usize,
        leftover: &Crosstalk,
        amounts: impl Iterator<Item = (usize, f32)>,
    ) -> f32 {
        let (mut weighed, mut total, mut plain, mut count) = (0.0, 0.0, 0.0, 0.0);
        for (bleeder, amount) in amounts {
            let left = leftover.pair(mic, bleeder)[band] * self.features.after(bleeder)[band];
            weighed += left * amount;
            total += left;
            plain += amount;
            count += 1.0;
        }
        if total > 0.0 {
            weighed / total
        } else if count > 0.0 {
            plain / count
        } else {
            0.0
        }
    }

    pub(super) fn reset(&mut self) {
        self.guide.reset();
        self.features.reset();
        self.handover.reset();
    }
}
