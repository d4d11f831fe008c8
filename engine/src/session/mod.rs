//! The type that hosts and commands hold: takes blocks of all mics and returns them cleaned.

mod errors;
mod mixer;
#[cfg(test)]
mod tests;
mod wet;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::MAX_MICS;
use crate::controls::Controls;
use crate::debleed::cancel::{LearnState, Learned, Learner};
use crate::debleed::{Debleed, Online};
use crate::mode::{Mode, Pace, latency_of, slack_samples};
use crate::network::Model;
use crate::pipeline::Pipeline;
use crate::snapshot::{Monitor, Observer};
use crate::units::SampleRate;
use crate::worker::{
    Bell, Packet, Retired, Sender, SessionStats, Urgency, Worker, WorkerSide, ring,
};

pub use errors::{ProcessError, SessionError};
use mixer::Mixer;
use wet::Wet;

/// Configuration of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionConfig {
    /// Sample rate of all mics.
    pub rate: SampleRate,
    /// Number of mono mics, `1 ..= MAX_MICS`. A stereo mic is two mics of one group.
    pub num_mics: usize,
    /// Live, or with lookahead.
    pub mode: Mode,
    /// Pace, which decides whether the session may wait for its worker.
    pub pace: Pace,
    /// Longest block that the host announces, in samples. Longer blocks are accepted, but in real
    /// time their end is late.
    pub max_block_samples: usize,
}

/// Running session: cleans blocks of all mics in place.
///
/// The calling thread only moves samples. It sends hops of input to a worker thread through a
/// lock-free ring, and subtracts the returned signal from the delayed input.
///
/// # Shapes
///
/// `[mic][sample]`, linear, full scale 1, any number of samples per block.
///
/// # Latency
///
/// [`Session::latency_samples`], constant after `prepare` and the same for every listen mode.
///
/// # Invariants
///
/// - `Clean + Removed = Dry` within float rounding. Where nothing is removed, `Clean` is `Dry` bit
///   for bit.
/// - No output sample is subnormal: magnitudes below 2^-126 (-758 dB) become zero.
/// - The output does not depend on the division of the input into blocks, nor (if no hop is late)
///   on the pace.
/// - A late hop is replaced by aligned dry, faded in and out, and counted.
/// - Input samples that are not finite become silence.
/// - After [`Session::reset`] the output is identical to that of a new value.
///
/// # Real-time
///
/// Preparing, finishing and dropping a session belong on the main thread, and so do
/// [`Session::stats`], [`Session::learner`] and [`Session::monitor`]. Everything else is safe on
/// the audio thread, except that with [`Pace::Offline`] `process` waits for the worker.
#[derive(Debug)]
pub struct Session {
    num_mics: usize,
    rate: SampleRate,
    mode: Mode,
    hop_samples: usize,
    latency_samples: usize,
    /// Start of the first hop that the worker returns: minus the pipeline's latency.
    first_start: i64,
    pace: Pace,
    /// Output position from which every hop has been or will be sent to the worker.
    whole_from: i64,
    epoch: u64,
    /// Input samples since the last reset.
    position: usize,
    /// Delayed input, `[mic, dry_samples]`, a ring of whole hops.
    dry: Vec<f32>,
    dry_samples: usize,
    mixer: Mixer,
    controls: Box<Controls>,
    filling: Option<Packet>,
    free: Vec<Packet>,
    to_worker: Sender<Packet>,
    wet: Wet,
    stats: Arc<SessionStats>,
    learner: Arc<Learner>,
    monitor: Arc<Monitor>,
    bell: Bell,
    worker: Worker,
}

impl Session {
    /// Allocates everything and starts the worker, with the engine's own method and without
    /// a network.
    ///
    /// # Errors
    ///
    /// Returns [`SessionError`] if the number of mics is out of range or no thread can be started.
    ///
    /// # Real-time
    ///
    /// Allocates and starts a thread; main thread only.
    pub fn prepare(config: &SessionConfig, controls: &Controls) -> Result<Self, SessionError> {
        Self::prepare_learned(config, controls, None, None)
    }

    /// Prepares a session with the engine's own method, guided by a network.
    ///
    /// The latency is the same with and without a model. The worker builds the network when it
    /// starts. In real time, a hop that arrives before that is late, and so dry.
    ///
    /// # Errors
    ///
    /// Returns [`SessionError`] if the number of mics is out of range or no thread can be started.
    ///
    /// # Real-time
    ///
    /// Allocates and starts a thread; main thread only.
    pub fn prepare_guided(
        config: &SessionConfig,
        controls: &Controls,
        model: &Model,
    ) -> Result<Self, SessionError> {
        Self::prepare_learned(config, controls, Some(model), None)
    }

    /// Prepares a session with or without a network, and with the estimates that an earlier session
    /// learned from a passage.
    ///
    /// The session starts with these estimates if the controls select
    /// [`Estimates::Learned`](crate::Estimates::Learned). [`Session::learner`] reports whether they
    /// are usable, accepts others while audio runs, and returns those that this session learns.
    ///
    /// # Errors
    ///
    /// Returns [`SessionError`] if the number of mics is out of range or no thread can be started.
    ///
    /// # Real-time
    ///
    /// Allocates and starts a thread; main thread only.
    pub fn prepare_learned(
        config: &SessionConfig,
        controls: &Controls,
        model: Option<&Model>,
        learned: Option<Arc<Learned>>,
    ) -> Result<Self, SessionError> {
        let num_mics = checked_num_mics(config)?;
        let SessionConfig { rate, mode, .. } = *config;
        let mut method = match model {
            Some(model) => Online::guided(rate, mode, num_mics, &|| model.guide(num_mics)),
            None => Online::new(rate, mode, num_mics),
        };
        method.set_learned(learned);
        let learner = method.learner();
        let pipeline = Pipeline::new(Box::new(method), num_mics);
        let mut session = Self::start(config, controls, pipeline, model.cloned())?;
        session.learner = learner;
        Ok(session)
    }

    /// Prepares a session with any method. The method's transform and lookahead determine
    /// the latency.
    ///
    /// # Errors
    ///
    /// Returns [`SessionError`] if the number of mics is out of range or no thread can be started.
    ///
    /// # Real-time
    ///
    /// Allocates and starts a thread; main thread only.
    pub fn prepare_with(
        config: &SessionConfig,
        controls: &Controls,
        method: Box<dyn Debleed>,
    ) -> Result<Self, SessionError> {
        let num_mics = checked_num_mics(config)?;
        Self::prepare_pipeline(config, controls, Pipeline::new(method, num_mics))
    }

    /// Prepares a session with a pipeline that may already have learned.
    ///
    /// # Errors
    ///
    /// Returns [`SessionError`] if the number of mics is out of range or no thread can be started.
    ///
    /// # Real-time
    ///
    /// Allocates and starts a thread; main thread only.
    pub fn prepare_pipeline(
        config: &SessionConfig,
        controls: &Controls,
        pipeline: Pipeline,
    ) -> Result<Self, SessionError> {
        Self::start(config, controls, pipeline, None)
    }

    /// Allocates everything around a pipeline and starts the worker, which builds `model` first.
    fn start(
        config: &SessionConfig,
        controls: &Controls,
        pipeline: Pipeline,
        model: Option<Model>,
    ) -> Result<Self, SessionError> {
        let num_mics = checked_num_mics(config)?;
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
        let stats = Arc::new(SessionStats::default());
        let hop_s = hop_samples as f32 / rate.hz();
        let nap = Duration::from_secs_f32(hop_s / 4.0);
        let bell = Bell::new();
        let observer = Observer::new(&pipeline, rate, num_mics);
        let monitor = observer.monitor();
        let side = WorkerSide {
            pipeline,
            observer,
            model,
            input,
            output,
            stats: Arc::clone(&stats),
            bell: bell.clone(),
            nap,
            urgency: Urgency::default(),
        };
        let worker =
            Worker::start(side).map_err(|error| SessionError::Thread { kind: error.kind() })?;

        let dry_samples = (latency_samples + hop_samples).next_multiple_of(hop_samples);
        let fade_samples = rate.samples_in(FADE_S).clamp(1, hop_samples);
        let max_events = latency_samples / EVENT_SPACING_SAMPLES + 64;
        Ok(Self {
            num_mics,
            rate,
            mode,
            hop_samples,
            latency_samples,
            first_start,
            pace,
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
            learner: Arc::new(Learner::new()),
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
        let Retired { mut pipeline, model } =
            self.worker.retire().ok_or(SessionError::WorkerLost)?;
        pipeline.reset();
        let mut session = Self::start(config, controls, pipeline, model)?;
        session.learner = self.learner;
        Ok(session)
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
        let Some(Retired { mut pipeline, .. }) = self.worker.retire() else { return };
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

    /// Returns the number of mics in a block.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// Returns the samples from a mic's input to the same sample at its output.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn latency_samples(&self) -> usize {
        self.latency_samples
    }

    /// Returns the counters, which any thread may read while audio runs.
    ///
    /// # Real-time
    ///
    /// Main thread only: the last owner frees.
    #[must_use]
    pub fn stats(&self) -> Arc<SessionStats> {
        Arc::clone(&self.stats)
    }

    /// Returns the learner, which reports the state of learning, returns learned estimates and
    /// accepts estimates for use.
    ///
    /// With a method other than the engine's own, its state is always [`LearnState::Adaptive`].
    ///
    /// # Real-time
    ///
    /// Main thread only: the last owner frees.
    #[must_use]
    pub fn learner(&self) -> Arc<Learner> {
        Arc::clone(&self.learner)
    }

    /// Returns the monitor for an editor.
    ///
    /// # Real-time
    ///
    /// Main thread only: the last owner frees.
    #[must_use]
    pub fn monitor(&self) -> Arc<Monitor> {
        Arc::clone(&self.monitor)
    }

    /// Changes the controls from the first sample of the next block on.
    ///
    /// The output changes when that sample leaves. Amounts and listening ramp over 10 ms. Pairs,
    /// floors, roles and groups fade from hop to hop. Before the first sample nothing ramps: the
    /// session starts with `controls`. [`Controls::make_sound`] corrects numbers that are out of
    /// range or NaN.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: copies a few kilobytes.
    pub fn set_controls(&mut self, controls: &Controls) {
        self.controls.as_mut().clone_from(controls);
        self.controls.make_sound();
        if self.position == 0 {
            self.mixer.settle(&self.controls);
        } else {
            self.mixer.schedule(self.position, &self.controls);
        }
    }

    /// Sets the pace, and thus whether `process` may wait for the worker. The latency remains that
    /// of the prepared pace.
    ///
    /// For hosts that start and stop rendering without preparing again. The session does not wait
    /// for hops lost earlier. A session prepared for [`Pace::Offline`] has late hops in real time
    /// if blocks are longer than its slack.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// Cleans one block in place.
    ///
    /// # Shapes
    ///
    /// `[mic][sample]`, one slice per mic, all of one length, which may change from call to call.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] if the number of mics or the lengths are wrong. The block is
    /// unchanged then.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread with [`Pace::Realtime`]: no allocation, lock or system call. With
    /// [`Pace::Offline`] it waits for the worker.
    pub fn process(&mut self, mics: &mut [&mut [f32]]) -> Result<(), ProcessError> {
        if mics.len() != self.num_mics {
            return Err(ProcessError::NumMics { expected: self.num_mics, actual: mics.len() });
        }
        let num_samples = mics.first().map_or(0, |mic| mic.len());
        if let Some(odd) = mics.iter().find(|mic| mic.len() != num_samples) {
            return Err(ProcessError::Length { expected: num_samples, actual: odd.len() });
        }
        let mut start = 0;
        while start < num_samples {
            // Pieces end at the end of a hop (of input and output alike, because the latency is a
            // whole number of hops) and at control changes.
            let to_hop_end = self.hop_samples - self.position % self.hop_samples;
            let to_event = self.mixer.samples_to_event(self.heard());
            let length = (num_samples - start).min(to_hop_end).min(to_event);
            self.take_input(mics, start, length);
            self.give_output(mics, start, length);
            self.position += length;
            start += length;
        }
        Ok(())
    }

    /// Discards all audio and everything adapted from it. Keeps the controls and the passage that
    /// is being learned.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: clears memory, no allocation.
    pub fn reset(&mut self) {
        self.epoch += 1;
        self.position = 0;
        self.whole_from = self.first_start;
        self.dry.fill(0.0);
        self.mixer.settle(&self.controls);
        if let Some(packet) = self.filling.take() {
            self.free.push(packet);
        }
        self.wet.reset(self.epoch, &mut self.free);
    }

    /// Returns the input position of the next output sample, negative until the latency has passed.
    fn heard(&self) -> i64 {
        to_i64(self.position) - to_i64(self.latency_samples)
    }

    /// Copies a piece within one hop to the delay line and to the worker's packet.
    fn take_input(&mut self, mics: &[&mut [f32]], start: usize, length: usize) {
        let (hop, offset) = (self.hop_samples, self.position % self.hop_samples);
        if offset == 0 {
            self.filling = self.free_packet();
            if let Some(packet) = &mut self.filling {
                packet.start_sample = to_i64(self.position);
                packet.epoch = self.epoch;
                packet.is_awaited = self.pace == Pace::Offline;
                packet.controls.as_mut().clone_from(&self.controls);
            } else {
                self.whole_from = to_i64(self.position + hop) + self.first_start;
                // Relaxed: a counter.
                self.stats.lost_hops.fetch_add(1, Ordering::Relaxed);
            }
        }
        let slot = self.position % self.dry_samples;
        for (mic, samples) in mics.iter().enumerate() {
            let fresh = &samples[start..start + length];
            let dry = &mut self.dry[mic * self.dry_samples + slot..][..length];
            for (to, &from) in dry.iter_mut().zip(fresh) {
                *to = if from.is_finite() { from } else { 0.0 };
            }
            if let Some(packet) = &mut self.filling {
                packet.samples[mic * hop + offset..][..length].copy_from_slice(dry);
            }
        }
        if offset + length == hop
            && let Some(packet) = self.filling.take()
        {
            if let Err(back) = self.to_worker.push(packet) {
                debug_assert!(false, "the ring holds every packet there is");
                self.free.push(back);
            }
            if self.pace == Pace::Offline {
                self.worker.wake();
            }
        }
    }

    /// Mixes a piece within one hop from the delay line and the worker's result.
    fn give_output(&mut self, mics: &mut [&mut [f32]], start: usize, length: usize) {
        let heard = self.heard();
        let offset = self.position % self.hop_samples;
        if offset == 0 {
            self.start_hop(heard);
        }
        self.mixer.apply_events(heard);
        // The ring is at least a hop longer than the latency, so the oldest hop is intact.
        let slot = (self.position + self.dry_samples - self.latency_samples) % self.dry_samples;
        for (mic, samples) in mics.iter_mut().enumerate() {
            let dry = &self.dry[mic * self.dry_samples + slot..][..length];
            let out = &mut samples[start..start + length];
            self.mixer.mix(mic, dry, self.wet.removed(mic, offset, length), out);
        }
        self.mixer.advance(length);
    }

    /// Fetches the removed signal of the next output hop.
    fn start_hop(&mut self, heard: i64) {
        let mut there = self.wet.fetch(heard, &mut self.free);
        let is_due = heard >= self.first_start;
        if self.pace == Pace::Offline && heard >= self.whole_from {
            // Only this and `free_packet` may wait, and only if the host renders offline.
            while !there {
                self.bell.register();
                // Loaded before fetching, because a failed worker had sent all its results before.
                let failed = self.stats.worker_failed();
                there = self.wet.fetch(heard, &mut self.free);
                if there || failed {
                    break;
                }
                self.worker.wake();
                std::thread::park_timeout(OFFLINE_NAP);
            }
        }
        if !there {
            self.wet.miss();
            if is_due {
                // Relaxed: a counter.
                self.stats.late_hops.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Returns a packet to fill. Offline it waits until a packet is free.
    fn free_packet(&mut self) -> Option<Packet> {
        loop {
            if self.free.is_empty() {
                if self.pace == Pace::Offline {
                    self.bell.register();
                }
                self.wet.collect(self.heard(), &mut self.free);
            }
            if let Some(packet) = self.free.pop() {
                return Some(packet);
            }
            if self.pace == Pace::Realtime || self.stats.worker_failed() {
                return None;
            }
            self.worker.wake();
            std::thread::park_timeout(OFFLINE_NAP);
        }
    }
}

/// Packets beyond the slack: one being filled, two for the output, and five in reserve.
const SPARE_PACKETS: usize = 8;
/// Duration of the ramps of amounts and listening, in seconds.
const RAMP_S: f32 = 0.010;
/// Duration of the fade to dry at a late hop, and of the fade back, in seconds.
const FADE_S: f32 = 0.005;
/// Average spacing over the latency, in samples, below which control changes may be merged.
const EVENT_SPACING_SAMPLES: usize = 32;
/// Longest park of an offline caller between two checks for a result.
const OFFLINE_NAP: Duration = Duration::from_millis(5);

fn checked_num_mics(config: &SessionConfig) -> Result<usize, SessionError> {
    if (1..=MAX_MICS).contains(&config.num_mics) {
        Ok(config.num_mics)
    } else {
        Err(SessionError::NumMics { actual: config.num_mics, max: MAX_MICS })
    }
}

fn to_i64(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}
