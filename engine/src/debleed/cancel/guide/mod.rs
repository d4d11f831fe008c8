//! Guides: estimators of each mic's own source that replace the canceller's own rules.

mod arrival;
mod features;
mod handover;

use super::bands::{Bands, NUM_BANDS};
use super::filters::Front;
use super::statistics::Crosstalk;
use crate::controls::Controls;
use crate::debleed::GuideTrouble;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

use features::{Features, NUM_SIMPLE};
use handover::Handover;

pub use features::NUM_FEATURES;
pub(super) use features::Seen;

/// Input of a guide for one hop.
#[derive(Debug)]
pub struct GuideHop<'a> {
    /// Features, `[mic, feature, band]`, [`NUM_FEATURES`] by [`NUM_BANDS`]; independent of
    /// mic gains.
    pub features: &'a [f32],
    /// True for mics with sound, `[mic]`; the features of other mics are meaningless.
    pub active: &'a [bool],
    /// Mics that had sound since the last reset, in an order independent of their numbers. Sums
    /// over mics in this order round alike for every assignment of mics to channels.
    pub order: &'a [usize],
    /// Roles and groups.
    pub controls: &'a Controls,
    /// The mics before cancellation, `[mic, bin]`.
    pub mics: &'a Spectrum,
    /// The mics after linear cancellation, `[mic, bin]`.
    pub cancelled: &'a Spectrum,
    /// The band of every bin, `[bin]`.
    pub band_of_bin: &'a [usize],
}

/// Masks of one hop, `[mic, band]` each, 0 to 1.
#[derive(Debug)]
pub struct GuideMasks<'a> {
    /// Part of the cancelled mic that is certainly its own source; predicts its bleed in
    /// other mics.
    pub guide: &'a mut [f32],
    /// Part of the cancelled mic that is kept in the output.
    pub keep: &'a mut [f32],
}

/// One hop as input of its keep mask.
#[derive(Debug)]
pub struct Cleaned<'a> {
    /// The mics before cancellation, `[mic, bin]`.
    pub mics: &'a Spectrum,
    /// The mics after all linear cancellation, including a second stage if there is one.
    pub cleaned: &'a Spectrum,
    /// The band of every bin, `[bin]`.
    pub band_of_bin: &'a [usize],
}

/// An estimator of each mic's own source, hop by hop.
///
/// # Invariants
///
/// The masks depend only on the hops since the last reset.
///
/// # Real-time
///
/// Worker or main thread only.
pub trait Guide: Send + std::fmt::Debug {
    /// Prepares everything that takes long at the first hop.
    fn warm_up(&mut self) {}

    /// Fills the masks of the next hop. Returns false to leave the guides and the last mask of this
    /// hop to the canceller's own rules.
    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool;

    /// Receives the signal that the keep mask of the last hop is applied to; for guides
    /// that record.
    fn show(&mut self, _cleaned: &Cleaned<'_>) {}

    /// Returns the number of features that it reads, from the first one on; others may be left out.
    fn num_features(&self) -> usize {
        NUM_FEATURES
    }

    /// Returns the reason why it returns no masks although it should, if that is the case.
    fn trouble(&self) -> Option<GuideTrouble> {
        None
    }

    /// Clears all hops.
    fn reset(&mut self);
}

/// A guide with its buffers.
#[derive(Debug)]
pub(super) struct Guided {
    guide: Box<dyn Guide>,
    features: Features,
    masks: Vec<f32>,
    keep: Vec<f32>,
    handover: Handover,
    /// True if the masks belong to the newest hop.
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

    /// Returns true if the guide filled the masks of the newest hop.
    pub(super) fn has_masks(&self) -> bool {
        self.has_masks
    }

    /// Returns the keep mask of the newest hop and its power after cancellation, `[mic, band]`;
    /// `None` without masks.
    pub(super) fn keep_and_power(&self) -> Option<(&[f32], &[f32])> {
        self.has_masks.then(|| (&*self.keep, self.features.after_all()))
    }

    /// Returns true if the guide reads the features of the interference.
    pub(super) fn sees_explained(&self) -> bool {
        self.guide.num_features() > NUM_SIMPLE
    }

    /// Prepares the guide for the first hop.
    pub(super) fn warm_up(&mut self) {
        self.guide.warm_up();
    }

    /// Passes to the guide the signal that its last keep mask is applied to.
    pub(super) fn show(&mut self, cleaned: &Cleaned<'_>) {
        self.guide.show(cleaned);
    }

    pub(super) fn trouble(&self) -> Option<GuideTrouble> {
        self.guide.trouble()
    }

    /// Runs the guide on a hop and replaces the guides of `front`.
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

    /// Fills the keep mask of a mic for the newest hop, weakened by the pair amounts.
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

    /// Returns the mean amount over the bleeders of a mic, weighted by their estimated leftover in
    /// this band.
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
