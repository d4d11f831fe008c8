//! Refining a passage: learning in passes over its audio, as for a whole session, one hop at
//! a time.

use super::engine::{Engine, Learning};
use super::learned::{Learned, Setup};
use super::passage::{Passage, Reader};
use crate::controls::Controls;
use crate::stft::Spectrum;

/// A passage that is being learned in passes.
///
/// The result depends only on the passage and the controls, not on the times of the steps.
///
/// # Real-time
///
/// Worker only; one step costs about as much as a hop.
#[derive(Debug)]
pub(super) struct Study {
    engine: Box<Engine>,
    passage: Passage,
    reader: Reader,
    spectrum: Spectrum,
    controls: Box<Controls>,
    passes: &'static [Learning],
    pass: usize,
    /// Next part of the engine's reset, until it is done.
    resetting: Option<usize>,
    /// Next part of the end of the pass, once all hops are learned.
    ending: Option<usize>,
}

impl Study {
    /// Prepares to learn `passage` under `controls`; `engine` must be made for whole sessions.
    pub(super) fn new(engine: Box<Engine>, passage: Passage, controls: &Controls) -> Self {
        Self {
            reader: passage.reader(),
            spectrum: engine.make_spectrum(),
            passes: engine.passes(),
            engine,
            passage,
            controls: Box::new(controls.clone()),
            pass: 0,
            resetting: Some(0),
            ending: None,
        }
    }

    /// Does a part of the engine's reset, learns from one more hop or does a part of the end of a
    /// pass; returns false when the last pass has ended.
    pub(super) fn step(&mut self) -> bool {
        let Some(&learning) = self.passes.get(self.pass) else { return false };
        if let Some(part) = self.resetting {
            self.resetting = self.engine.reset_in_parts(part).then_some(part + 1);
        } else if let Some(part) = self.ending {
            let later = &self.passes[self.pass + 1..];
            let has_more = self.engine.end_pass_in_parts(learning, later, part);
            self.ending = has_more.then_some(part + 1);
            self.pass += usize::from(!has_more);
        } else if self.reader.read(&self.passage, &mut self.spectrum) {
            self.engine.learn(learning, &self.spectrum, &self.controls);
        } else {
            self.ending = Some(0);
        }
        self.pass < self.passes.len()
    }

    /// Returns the engine and drops the result.
    pub(super) fn into_engine(self) -> Box<Engine> {
        self.engine
    }

    /// Returns the progress, 0 to 1.
    pub(super) fn progress(&self) -> f32 {
        let hops = self.passage.num_hops().max(1);
        let position = if self.ending.is_some() { hops } else { self.reader.position() };
        let done = self.pass * hops + position;
        done as f32 / (self.passes.len() * hops).max(1) as f32
    }

    /// Returns the learned data, `None` if no mic had sound or it is not finite, and the engine.
    pub(super) fn finish(
        self,
        setup: impl FnOnce(&Controls) -> Setup,
    ) -> (Option<Learned>, Box<Engine>) {
        let is_heard = self.engine.controls_seen().is_some() && self.engine.is_sound();
        let learned = is_heard.then(|| self.engine.snapshot(setup(&self.controls)));
        (learned, self.engine)
    }
}
