//! The type that hosts and commands hold: takes blocks of all mics and returns them cleaned.

mod errors;
mod method;
mod mixer;
mod outlet;
#[cfg(test)]
mod outlet_tests;
mod prepare;
#[cfg(test)]
mod tests;
mod wet;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::controls::Controls;
use crate::debleed::cancel::Learner;
use crate::mode::{Mode, Pace};
use crate::snapshot::Monitor;
use crate::units::SampleRate;
use crate::worker::{Bell, Packet, Sender, SessionStats, Worker};

pub use errors::{ProcessError, SessionError};
pub use method::SessionMethod;
use mixer::Mixer;
pub use outlet::{Inlet, Outlet, OutletConfig, Removal};
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
    /// Longest wait in one call at [`Pace::Realtime`].
    patience: Option<Duration>,
    /// End of the waiting in the current call.
    deadline: Option<Instant>,
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
    /// With a method other than the engine's own, its state is always
    /// [`LearnState::Adaptive`](crate::LearnState::Adaptive).
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
        self.mixer.receive(self.position, &self.controls);
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

    /// Sets the longest wait for the worker in each following call of `process` with
    /// [`Pace::Realtime`]; `None` never waits.
    ///
    /// For hosts that render without telling. A hop that is not ready in time stays dry, as in real
    /// time.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn set_patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
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
    /// [`Pace::Offline`] or [`Session::set_patience`] it waits for the worker.
    pub fn process(&mut self, mics: &mut [&mut [f32]]) -> Result<(), ProcessError> {
        let num_samples = checked_length(mics, self.num_mics)?;
        let patience = self.patience.filter(|_| self.pace == Pace::Realtime);
        self.deadline = patience.map(|patience| Instant::now() + patience);
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
            let waits = self.waits();
            if let Some(packet) = &mut self.filling {
                packet.start_sample = to_i64(self.position);
                packet.epoch = self.epoch;
                packet.is_awaited = waits;
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
            if self.waits() {
                self.worker.wake();
            }
        }
    }

    /// Returns true if the current call may wait for the worker.
    fn waits(&self) -> bool {
        self.pace == Pace::Offline || self.deadline.is_some_and(|end| Instant::now() < end)
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
        if heard >= self.whole_from {
            // Only this and `free_packet` may wait, and only if the host renders.
            while !there && self.waits() {
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
                if self.waits() {
                    self.bell.register();
                }
                self.wet.collect(self.heard(), &mut self.free);
            }
            if let Some(packet) = self.free.pop() {
                return Some(packet);
            }
            if !self.waits() || self.stats.worker_failed() {
                return None;
            }
            self.worker.wake();
            std::thread::park_timeout(OFFLINE_NAP);
        }
    }
}

/// Longest park of an offline caller between two checks for a result.
const OFFLINE_NAP: Duration = Duration::from_millis(5);

/// Returns the length of all mics of a block.
fn checked_length(mics: &[&mut [f32]], num_mics: usize) -> Result<usize, ProcessError> {
    if mics.len() != num_mics {
        return Err(ProcessError::NumMics { expected: num_mics, actual: mics.len() });
    }
    let num_samples = mics.first().map_or(0, |mic| mic.len());
    match mics.iter().find(|mic| mic.len() != num_samples) {
        Some(odd) => Err(ProcessError::Length { expected: num_samples, actual: odd.len() }),
        None => Ok(num_samples),
    }
}

fn to_i64(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}
