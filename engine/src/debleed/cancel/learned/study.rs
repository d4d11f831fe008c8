//! Refining a passage: learning in passes over its audio, as for a whole session, a part of a hop
//! at a time.

use super::passage::{Passage, Reader};
use super::{Learned, Setup};
use crate::controls::Controls;
use crate::debleed::cancel::canceller::{Canceller, Learning};
use crate::stft::Spectrum;

/// A passage that is being learned in passes.
///
/// The result depends only on the passage and the controls, not on the times of the steps.
///
/// # Real-time
///
/// Worker only; one step costs less than half of a hop.
#[derive(Debug)]
pub(crate) struct Study {
    canceller: Box<Canceller>,
    passage: Passage,
    reader: Reader,
    spectrum: Spectrum,
    controls: Box<Controls>,
    passes: &'static [Learning],
    pass: usize,
    /// Next part of the canceller's reset, until it is done.
    resetting: Option<usize>,
    /// Next part of the newest hop, until it is learned.
    learning: Option<usize>,
    /// Next part of the end of the pass, once all hops are learned.
    ending: Option<usize>,
}

impl Study {
    /// Prepares to learn `passage` under `controls`; `canceller` must be made for whole sessions.
    pub(crate) fn new(canceller: Box<Canceller>, passage: Passage, controls: &Controls) -> Self {
        Self {
            reader: passage.reader(),
            spectrum: canceller.make_spectrum(),
            passes: canceller.passes(),
            canceller,
            passage,
            controls: Box::new(controls.clone()),
            pass: 0,
            resetting: Some(0),
            learning: None,
            ending: None,
        }
    }

    /// Does a part of the canceller's reset, of a hop or of the end of a pass; returns false when
    /// the last pass has ended.
    pub(crate) fn step(&mut self) -> bool {
        let Some(&learning) = self.passes.get(self.pass) else { return false };
        if let Some(part) = self.resetting {
            self.resetting = self.canceller.reset_in_parts(part).then_some(part + 1);
        } else if let Some(part) = self.ending {
            let later = &self.passes[self.pass + 1..];
            let has_more = self.canceller.end_pass_in_parts(learning, later, part);
            self.ending = has_more.then_some(part + 1);
            self.pass += usize::from(!has_more);
        } else if self.learning.is_some() || self.reader.read(&self.passage, &mut self.spectrum) {
            let part = self.learning.unwrap_or(0);
            let (spectrum, controls) = (&self.spectrum, &self.controls);
            let has_more = self.canceller.learn_in_parts(learning, spectrum, controls, part);
            self.learning = has_more.then_some(part + 1);
        } else {
            self.ending = Some(0);
        }
        self.pass < self.passes.len()
    }

    /// Returns the canceller and drops the result.
    pub(crate) fn into_canceller(self) -> Box<Canceller> {
        self.canceller
    }

    /// Returns the progress, 0 to 1.
    pub(crate) fn progress(&self) -> f32 {
        let hops = self.passage.num_hops().max(1);
        let position = if self.ending.is_some() { hops } else { self.reader.position() };
        let done = self.pass * hops + position;
        done as f32 / (self.passes.len() * hops).max(1) as f32
    }

    /// Returns the learned data, `None` if no mic had sound or it is not finite, and the canceller.
    pub(crate) fn finish(
        self,
        setup: impl FnOnce(&Controls) -> Setup,
    ) -> (Option<Learned>, Box<Canceller>) {
        let is_heard = self.canceller.controls_seen().is_some() && self.canceller.is_sound();
        let learned = is_heard.then(|| self.canceller.export(setup(&self.controls)));
        (learned, self.canceller)
    }
}
