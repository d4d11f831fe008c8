//! Linear cancellation: each mic minus short filters over its neighbours' guides, then a
//! gentle mask.
//!
//! One engine serves two methods: [`Online`] adapts while it plays, [`Cancel`] learns from the
//! whole session first. Both process every hop in these steps:
//!
//! 1. `crosstalk` estimates how much of each source leaks into each other mic, per band;
//! 2. `guides` and `front` form each mic's guide: the part that is certainly its own source;
//! 3. `filters` predict the bleed of every mic from its neighbours' guides of the last few hops;
//! 4. a second crosstalk estimate of the remaining signal gives a mask that removes the rest.
//!
//! For a learned passage or session, `interference` also estimates the part of each mic that a
//! trained guide's masks leave unexplained.

mod arrival;
mod bands;
mod crosstalk;
mod engine;
mod features;
mod filters;
mod front;
mod guide;
#[cfg(test)]
mod guided_tests;
mod guides;
mod handover;
mod interference;
mod lanes;
mod learned;
mod learned_bytes;
#[cfg(test)]
mod learned_tests;
mod learner;
#[cfg(test)]
mod learner_tests;
mod online;
mod order;
mod passage;
mod pending;
mod proof;
mod stage;
mod study;
#[cfg(test)]
mod tests;
mod twins;

use super::{Debleed, Hop};
use crate::controls::Controls;
use crate::mode::Mode;
use crate::stft::{Geometry, Spectrum};
use crate::sync;
use crate::units::SampleRate;

use engine::{Engine, Extent, Learning};
use twins::Twins;

pub use features::{NUM_BANDS, NUM_FEATURES};
pub use guide::{Cleaned, Guide, GuideHop, GuideMasks, GuideTrouble};
pub use learned::{Learned, Unusable};
pub use learned_bytes::LearnedError;
pub use learner::{LearnState, Learner};
pub use online::Online;

/// Most bleeders that a mic's filters use; of more bleeders, the strongest are chosen.
const MAX_SLOTS: usize = 6;
/// Most taps of a filter.
const MAX_TAPS: usize = 8;
/// Most unknowns of one bin's filters.
const MAX_UNKNOWNS: usize = MAX_SLOTS * MAX_TAPS;

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
    engine: Engine,
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
        let engine = Engine::new(geometry, rate, (num_mics, Extent::SESSION), false, make_guide);
        let twins = Twins::new(num_mics, geometry.num_bins());
        Self { passes: engine.passes(), engine, twins, geometry, pass: 0 }
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
                self.twins.hear(spectrum);
            }
            self.engine.learn(learning, spectrum, &self.twins.join(controls));
        }
    }

    fn end_learning_pass(&mut self) {
        if let Some(&learning) = self.passes.get(self.pass) {
            self.engine.end_pass(learning, &self.passes[self.pass + 1..]);
            self.pass += 1;
        }
    }

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        let newest = self.twins.join(hop.newest_controls);
        let current = self.twins.join(hop.current_controls);
        let hop = Hop { newest_controls: &newest, current_controls: &current, ..*hop };
        self.engine.look_frozen(hop.newest, hop.newest_controls);
        self.engine.clean(&hop, removed);
    }

    fn reset(&mut self) {
        self.engine.forget_audio();
    }

    fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        self.engine.crosstalk(target, bleeder)
    }

    fn guide_trouble(&self) -> Option<GuideTrouble> {
        self.engine.guide_trouble()
    }

    fn twin(&self, mic: usize) -> Option<usize> {
        self.twins.twin(mic)
    }
}
