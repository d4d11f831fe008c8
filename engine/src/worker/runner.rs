//! The work of a hop, on the thread of its caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::SessionStats;
use crate::controls::Controls;
use crate::debleed::cancel::Learner;
use crate::pipeline::Pipeline;
use crate::session::{SessionConfig, SessionError, SessionMethod};
use crate::snapshot::{Monitor, Observer};
use crate::units::SampleRate;

/// Runs a session's method hop by hop on the calling thread, and measures the hops.
///
/// The worker of a [`Session`](crate::Session) runs one. Programs that bring their own worker, as
/// linked instances do, create one with [`HopRunner::new`].
///
/// # Shapes
///
/// - input: `[mic, hop]`, planar
/// - output: `[mic, hop]`, the samples to subtract from each mic, delayed by
///   [`HopRunner::latency_samples`]
///
/// # Real-time
///
/// Worker or main thread only: runs the method.
#[derive(Debug)]
pub struct HopRunner {
    pipeline: Pipeline,
    observer: Observer,
    stats: Arc<SessionStats>,
    learner: Arc<Learner>,
    nap: Duration,
    /// Stream position after the last hop.
    expected_start: i64,
    epoch: u64,
}

impl HopRunner {
    /// Allocates a method and everything around it. `config.pace` and `config.max_block_samples`
    /// have no effect.
    ///
    /// # Errors
    ///
    /// [`SessionError::NumMics`] if the number of mics is out of range.
    pub fn new(config: &SessionConfig, method: SessionMethod<'_>) -> Result<Self, SessionError> {
        let (pipeline, learner) = method.build(config)?;
        Ok(Self::around(pipeline, config.rate, config.num_mics, learner))
    }

    pub(crate) fn around(
        pipeline: Pipeline,
        rate: SampleRate,
        num_mics: usize,
        learner: Arc<Learner>,
    ) -> Self {
        let observer = Observer::new(&pipeline, rate, num_mics);
        let stats = Arc::default();
        let hop_s = pipeline.geometry().hop_samples() as f32 / rate.hz();
        let nap = Duration::from_secs_f32(hop_s / 4.0);
        Self { pipeline, observer, stats, learner, nap, expected_start: 0, epoch: 0 }
    }

    pub(crate) fn into_pipeline(self) -> Pipeline {
        self.pipeline
    }

    /// Returns the number of samples per hop.
    #[must_use]
    pub fn hop_samples(&self) -> usize {
        self.pipeline.geometry().hop_samples()
    }

    /// Returns the samples from a mic's input to the same sample of its removed signal.
    #[must_use]
    pub fn latency_samples(&self) -> usize {
        self.pipeline.latency_samples()
    }

    /// Returns the time between two looks for a hop: a quarter of one.
    #[must_use]
    pub fn nap(&self) -> Duration {
        self.nap
    }

    /// Returns the counters, which any thread may read.
    #[must_use]
    pub fn stats(&self) -> Arc<SessionStats> {
        Arc::clone(&self.stats)
    }

    pub(crate) fn counters(&self) -> &SessionStats {
        &self.stats
    }

    /// Returns the learner, as [`Session::learner`](crate::Session::learner) does.
    #[must_use]
    pub fn learner(&self) -> Arc<Learner> {
        Arc::clone(&self.learner)
    }

    /// Returns the monitor for an editor.
    #[must_use]
    pub fn monitor(&self) -> Arc<Monitor> {
        self.observer.monitor()
    }

    /// Prepares everything that takes long at the first hop. The method handles a failure at that
    /// hop.
    pub fn warm_up(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.pipeline.warm_up()));
    }

    /// Replaces one hop of every mic, `[mic, hop]`, by its removed signal.
    ///
    /// `start_sample` is the stream position of the hop's first sample. A position that does not
    /// follow the last hop discards its audio. Another `epoch` than that of the last hop discards
    /// audio and everything adapted from it. Returns the time that the method took.
    ///
    /// # Panics
    ///
    /// Panics if `samples` has another shape.
    pub fn process(
        &mut self,
        samples: &mut [f32],
        controls: &Controls,
        start_sample: i64,
        epoch: u64,
    ) -> Duration {
        let began = Instant::now();
        if epoch != self.epoch {
            self.pipeline.reset();
        } else if start_sample != self.expected_start {
            self.pipeline.forget_audio();
        }
        self.observer.store_input(samples);
        self.pipeline.process_hop(samples, controls);
        self.epoch = epoch;
        let hop = i64::try_from(self.hop_samples()).unwrap_or(i64::MAX);
        self.expected_start = start_sample.saturating_add(hop);
        let took = began.elapsed();
        self.observer.publish(samples, &self.pipeline);
        took
    }

    /// Counts a hop that has taken `took`. Call this after its result was sent, so that a thread
    /// that reads the count finds the result.
    pub fn count(&self, took: Duration) {
        self.stats.count_hop(took);
    }

    /// Does a part of the deferred work. Returns false if there is none.
    pub fn idle(&mut self) -> bool {
        self.pipeline.idle()
    }

    /// Completes the deferred work, which a caller that waits does before each hop, until `stops`
    /// returns true. `controls` are those of the next hop.
    pub fn complete(&mut self, controls: &Controls, stops: impl Fn(&SessionStats) -> bool) {
        self.pipeline.follow(controls);
        while !stops(&self.stats) && self.pipeline.idle() {}
    }
}
