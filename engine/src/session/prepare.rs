//! Start and end of a session: allocates everything around a method and runs its worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::mixer::Mixer;
use super::wet::Wet;
use super::{Session, SessionConfig, SessionError, SessionMethod, to_i64};
use crate::controls::Controls;
use crate::debleed::cancel::{LearnState, Learner};
use crate::mode::{latency_of, slack_samples};
use crate::pipeline::Pipeline;
use crate::worker::{Bell, HopRunner, Packet, Worker, WorkerSide, ring};

/// Packets beyond the slack: one being filled, two for the output, and five in reserve.
const SPARE_PACKETS: usize = 8;
/// Duration of the ramps of amounts and listening, in seconds.
pub(super) const RAMP_S: f32 = 0.010;
/// Duration of the fade to dry at a late hop, and of the fade back, in seconds.
pub(super) const FADE_S: f32 = 0.005;
/// Average spacing over the latency, in samples, below which control changes may be merged.
const EVENT_SPACING_SAMPLES: usize = 32;

impl Session {
    /// Allocates everything and starts the worker. `SessionMethod::default()` is the engine's own
    /// method without a network.
    ///
    /// # Errors
    ///
    /// Returns [`SessionError`] if the number of mics is out of range or no thread can be started.
    ///
    /// # Real-time
    ///
    /// Allocates and starts a thread; main thread only.
    pub fn prepare(
        config: &SessionConfig,
        controls: &Controls,
        method: SessionMethod<'_>,
    ) -> Result<Self, SessionError> {
        let (pipeline, learner) = method.build(config)?;
        Self::start(config, controls, pipeline, learner)
    }

    /// Allocates everything around a pipeline and starts the worker.
    fn start(
        config: &SessionConfig,
        controls: &Controls,
        pipeline: Pipeline,
        learner: Arc<Learner>,
    ) -> Result<Self, SessionError> {
        let num_mics = config.num_mics;
        let geometry = pipeline.geometry();
        let hop_samples = geometry.hop_samples();
        let SessionConfig { rate, mode, pace, max_block_samples, .. } = *config;
        let mut controls = controls.clone();
        controls.make_sound();
        let lookahead_hops =
            (pipeline.latency_samples() + hop_samples - geometry.overlap_samples()) / hop_samples;
        let latency_samples = latency_of(geometry, lookahead_hops, rate, pace, max_block_samples);
        let first_start = -to_i64(pipeline.latency_samples());
        let slack_hops = slack_samples(geometry, rate, pace, max_block_samples) / hop_samples;

        // In flight at most: the slack, one hop being filled, and two for the output. The rest is
        // the reserve of a late worker before hops are lost.
        let num_packets = slack_hops + SPARE_PACKETS;
        let free: Vec<_> = (0..num_packets).map(|_| Packet::new(num_mics, hop_samples)).collect();
        let (to_worker, input) = ring(num_packets + 1);
        let (output, results) = ring(num_packets + 1);
        let bell = Bell::new();
        let runner = HopRunner::around(pipeline, rate, num_mics, Arc::clone(&learner));
        let (monitor, stats) = (runner.monitor(), runner.stats());
        let side = WorkerSide { runner, input, output, bell: bell.clone() };
        let worker =
            Worker::start(side).map_err(|error| SessionError::Thread { kind: error.kind() })?;

        let dry_samples = (latency_samples + hop_samples).next_multiple_of(hop_samples);
        let fade_samples = rate.samples_in(FADE_S).clamp(1, hop_samples);
        let max_events = max_events(latency_samples);
        Ok(Self {
            num_mics,
            rate,
            mode,
            hop_samples,
            latency_samples,
            first_start,
            pace,
            patience: None,
            deadline: None,
            whole_from: first_start,
            epoch: 0,
            position: 0,
            dry: vec![0.0; num_mics * dry_samples],
            dry_samples,
            mixer: Mixer::new(num_mics, rate.samples_in(RAMP_S).max(1), max_events, &controls),
            controls: Box::new(controls),
            filling: None,
            free,
            to_worker,
            wet: Wet::new(results, num_mics, hop_samples, fade_samples, first_start),
            stats,
            learner,
            monitor,
            bell,
            worker,
        })
    }

    /// Prepares the session again for another pace or other block sizes, and keeps the method.
    ///
    /// Everything learned from a passage so far stays, and learning continues. All audio is
    /// discarded, as by [`Session::reset`]. [`Session::learner`] stays the same.
    ///
    /// # Errors
    ///
    /// The session is gone after an error:
    ///
    /// - [`SessionError::OtherSetUp`] if rate, mode or number of mics differ. This ends
    ///   the passage.
    /// - [`SessionError::WorkerLost`] if the worker has failed or does not end in time.
    /// - [`SessionError::Thread`] if no new thread can be started.
    ///
    /// # Real-time
    ///
    /// Stops and starts a thread; main thread only.
    pub fn prepare_again(
        mut self,
        config: &SessionConfig,
        controls: &Controls,
    ) -> Result<Self, SessionError> {
        let SessionConfig { rate, num_mics, mode, .. } = *config;
        if (rate, num_mics, mode) != (self.rate, self.num_mics, self.mode) {
            self.finish();
            return Err(SessionError::OtherSetUp);
        }
        let mut pipeline = self.worker.retire().ok_or(SessionError::WorkerLost)?;
        pipeline.reset();
        Self::start(config, controls, pipeline, self.learner)
    }

    /// Ends the session and the passage being learned, if there is one. [`Learner::collect`] then
    /// returns the learned estimates.
    ///
    /// If the worker has failed or does not end in time, only the estimates that it has already
    /// published can be collected.
    ///
    /// # Real-time
    ///
    /// Stops a thread and allocates; main thread only.
    pub fn finish(mut self) {
        let Some(mut pipeline) = self.worker.retire() else { return };
        if self.learner.state() != LearnState::Learning {
            return;
        }
        // A hop whose controls no longer request learning. If it fails, the estimates published
        // earlier remain.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            pipeline.reset();
            let mut silence = vec![0.0; self.num_mics * self.hop_samples];
            pipeline.process_hop(&mut silence, &Controls::default());
        }));
    }
}

/// Returns the number of control changes that may wait for their sample.
pub(super) fn max_events(latency_samples: usize) -> usize {
    latency_samples / EVENT_SPACING_SAMPLES + 64
}
