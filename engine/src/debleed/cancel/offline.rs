//! The canceller that learns from the whole session before it cleans it.

use super::canceller::{Canceller, Extent, Learning};
use super::guide::Guide;
use super::twins::Twins;
use crate::controls::Controls;
use crate::debleed::{Debleed, GuideTrouble, Hop};
use crate::mode::Mode;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Cancellation that learns from the whole session before it cleans it: for files.
///
/// The learning passes without a guide are crosstalk, filters from masked guides, twice filters
/// from cleaned guides, and the crosstalk of what is left. With a guide, passes of filters and of
/// the crosstalk of what is left alternate; the last of these also finds the interference. A final
/// pass then learns the filters of a second stage. After the passes all estimates are frozen, so
/// that the first note is as clean as the last.
///
/// # Latency
///
/// The latency of [`Mode::Mix`]'s transform, without lookahead.
///
/// # Real-time
///
/// Worker or main thread only.
#[derive(Debug)]
pub struct Cancel {
    canceller: Canceller,
    /// Mics of the same sound, found in the first pass.
    twins: Twins,
    geometry: Geometry,
    passes: &'static [Learning],
    pass: usize,
}

impl Cancel {
    /// Creates the method for `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, num_mics: usize) -> Self {
        Self::with(rate, num_mics, None)
    }

    /// Creates the method with a guide.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn guided(
        rate: SampleRate,
        num_mics: usize,
        make_guide: &dyn Fn() -> Box<dyn Guide>,
    ) -> Self {
        Self::with(rate, num_mics, Some(make_guide))
    }

    fn with(
        rate: SampleRate,
        num_mics: usize,
        make_guide: Option<&dyn Fn() -> Box<dyn Guide>>,
    ) -> Self {
        let geometry = Mode::Mix.geometry(rate);
        let canceller =
            Canceller::new(geometry, rate, (num_mics, Extent::SESSION), false, make_guide);
        let twins = Twins::new(num_mics, geometry.num_bins());
        Self { passes: canceller.passes(), canceller, twins, geometry, pass: 0 }
    }
}

impl Debleed for Cancel {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn lookahead_hops(&self) -> usize {
        0
    }

    fn learning_passes(&self) -> usize {
        self.passes.len()
    }

    fn learn_hop(&mut self, spectrum: &Spectrum, controls: &Controls) {
        if let Some(&learning) = self.passes.get(self.pass) {
            if self.pass == 0 {
                self.twins.update(spectrum);
            }
            self.canceller.learn(learning, spectrum, &self.twins.join(controls));
        }
    }

    fn end_learning_pass(&mut self) {
        if let Some(&learning) = self.passes.get(self.pass) {
            self.canceller.end_pass(learning, &self.passes[self.pass + 1..]);
            self.pass += 1;
        }
    }

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        let newest = self.twins.join(hop.newest_controls);
        let current = self.twins.join(hop.current_controls);
        let hop = Hop { newest_controls: &newest, current_controls: &current, ..*hop };
        self.canceller.look_frozen(hop.newest, hop.newest_controls);
        self.canceller.clean(&hop, removed);
    }

    fn reset(&mut self) {
        self.canceller.forget_audio();
    }

    fn warm_up(&mut self) {
        self.canceller.warm_up();
    }

    fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        self.canceller.crosstalk(target, bleeder)
    }

    fn guide_trouble(&self) -> Option<GuideTrouble> {
        self.canceller.guide_trouble()
    }

    fn twin(&self, mic: usize) -> Option<usize> {
        self.twins.twin(mic)
    }
}
