//! One linked instance: sends its mics to all others, and subtracts its removed signal.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::network::Model;
use engine::{
    Controls, Mode, Monitor, Outlet, OutletConfig, ProcessError, SampleRate, SessionError,
    SessionStats,
};
use thiserror::Error;

use crate::hub::{Hub, Key};
use crate::ring::{About, Label, LabelWriter, MAX_MEMBER_MICS, Reader, SHAPE, Writer};
use crate::roster::MemberInfo;
use crate::segment::{Folder, LinkError, Segment};
use crate::stamp::Stamp;
use crate::timing::Timing;
use crate::track::{Local, to_i64};

/// Removals beyond those in flight.
const SPARE_REMOVALS: usize = 16;

/// Configuration of a member.
#[derive(Clone, Copy, Debug)]
pub struct MemberConfig<'a> {
    /// Sample rate of the host.
    pub rate: SampleRate,
    /// Live, or with lookahead.
    pub mode: Mode,
    /// Number of mono mics: 1, or 2 for a stereo track.
    pub num_mics: usize,
    /// Longest block that the host announces, in samples.
    pub max_block_samples: usize,
    /// Session, 0 for A.
    pub session: u8,
    /// Identity of the instance, which its session saves.
    pub identity: u128,
    /// Network that guides the method; `None` for rules alone. The first member of a session in a
    /// process decides.
    pub model: Option<&'a Model>,
}

/// Error of joining a session.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A member has one or two mics.
    #[error("{actual} mics on one track, expected 1 to {MAX_MEMBER_MICS}")]
    NumMics {
        /// Requested number of mics.
        actual: usize,
    },
    /// There is no shared memory for the track's audio.
    #[error(transparent)]
    Segment(#[from] LinkError),
    /// The worker cannot be started.
    #[error(transparent)]
    Worker(#[from] SessionError),
}

/// A linked instance on its track.
///
/// # Latency
///
/// [`Member::latency_samples`], constant and the same for every listen mode.
///
/// # Invariants
///
/// - The output does not depend on the order in which a host calls its members, nor on the division
///   of the input into blocks, as long as members are no further apart than
///   [`Timing::tolerance_samples`].
/// - A stretch whose removed signal is missing is dry, faded in and out.
///
/// # Real-time
///
/// Joining and dropping belong on the main thread. `process`, `reset` and `set_controls` are safe
/// on the audio thread: no allocation, lock or system call. A block that is stamped as offline
/// waits for the worker, never for another member.
#[derive(Debug)]
pub struct Member {
    id: u128,
    outlet: Outlet,
    writer: Writer,
    hub: Arc<Hub>,
    timing: Timing,
    labels: LabelWriter,
    /// Kept until the member leaves.
    _segment: Segment,
}

impl Member {
    /// Joins a session: every worker in `folder` reads this member from now on.
    ///
    /// # Errors
    ///
    /// [`JoinError`] if there is no shared memory or no worker, or if the number of mics is wrong.
    pub fn join(
        config: &MemberConfig<'_>,
        controls: &Controls,
        folder: &Folder,
    ) -> Result<Self, JoinError> {
        let MemberConfig { rate, mode, num_mics, max_block_samples, session, identity, model } =
            *config;
        if !(1..=MAX_MEMBER_MICS).contains(&num_mics) {
            return Err(JoinError::NumMics { actual: num_mics });
        }
        let timing = Timing::new(rate, mode, max_block_samples);
        let segment = Segment::create(folder, SHAPE)?;
        let about =
            About { num_mics, rate_hz: rate.hz(), session, process: std::process::id(), identity };
        let hub = Hub::of(Key { folder: folder.clone(), session, rate, mode }, model)?;
        let writer = Writer::new(segment.memory().clone(), &about);
        let in_flight = (timing.tolerance_samples + max_block_samples) / timing.hop_samples;
        let sizes = OutletConfig {
            rate,
            num_mics,
            hop_samples: timing.hop_samples,
            latency_samples: timing.latency_samples,
            num_removals: 2 * in_flight + SPARE_REMOVALS,
        };
        let (outlet, inlet) = Outlet::new(&sizes, controls);
        let id = segment.id().0;
        let labels = LabelWriter::new(segment.memory().clone());
        // The writer has begun, so the reader is there.
        if let Some(reader) = Reader::new(segment.memory().view()) {
            let tolerance = to_i64(timing.tolerance_samples);
            hub.join(id, reader, Local { inlet, tolerance });
        }
        Ok(Self { id, outlet, writer, hub, timing, labels, _segment: segment })
    }

    /// Returns the samples from a mic's input to the same sample at its output.
    #[must_use]
    pub fn latency_samples(&self) -> usize {
        self.timing.latency_samples
    }

    /// Returns the parts of the latency.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Returns the counters of the worker.
    #[must_use]
    pub fn stats(&self) -> Arc<SessionStats> {
        self.hub.stats()
    }

    /// Returns the monitor of the worker, for an editor.
    #[must_use]
    pub fn monitor(&self) -> Arc<Monitor> {
        self.hub.monitor()
    }

    /// Returns the number of this member among all that are linked now.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.id
    }

    /// Publishes name and colour of the member's track.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    pub fn set_label(&mut self, label: &Label) {
        self.labels.write(label);
    }

    /// Returns all members of the session as of a tenth of a second ago, in the order in which the
    /// worker found them.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates.
    #[must_use]
    pub fn roster(&self) -> Vec<MemberInfo> {
        self.hub.roster()
    }

    /// Returns the number of samples that were dry because nothing had arrived for them.
    #[must_use]
    pub fn late_samples(&self) -> u64 {
        // Relaxed: a counter.
        self.outlet.late_samples().load(Ordering::Relaxed)
    }

    /// Changes the controls from the first sample of the next block on. Only amounts and listening
    /// of the member's own mics, the first ones, have an effect here; the worker gets the other
    /// settings with [`Stamp::settings`].
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: copies a few kilobytes.
    pub fn set_controls(&mut self, controls: &Controls) {
        self.outlet.set_controls(controls);
    }

    /// Discards all audio of this member.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: clears memory, no allocation.
    pub fn reset(&mut self) {
        self.outlet.reset();
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
    pub fn process(&mut self, mics: &mut [&mut [f32]], stamp: &Stamp) -> Result<(), ProcessError> {
        let Self { outlet, writer, hub, .. } = self;
        outlet.check(mics)?;
        // The epoch wraps around together with that of the removals.
        #[allow(clippy::cast_possible_truncation, reason = "only equality counts")]
        writer.write(mics, stamp, outlet.epoch() as u32);
        if stamp.is_offline {
            let mut wait = hub.wait();
            outlet.process(mics, || wait.once())
        } else {
            outlet.process(mics, || false)
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.hub.leave(self.id);
    }
}
