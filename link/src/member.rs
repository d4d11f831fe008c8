//! One linked instance: sends its mics to all others, and subtracts its removed signal.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::network::Model;
use engine::{
    Controls, Mode, Monitor, Outlet, OutletConfig, ProcessError, SampleRate, SessionError,
    SessionStats,
};
use thiserror::Error;

use crate::board::{Console, Desk, RequestWriter};
use crate::hub::{Hub, Key, Newcomer};
use crate::ring::{About, MAX_MEMBER_MICS, Reader, SHAPE, Writer};
use crate::roster::MemberInfo;
use crate::segment::{Folder, LinkError, Segment};
use crate::stamp::Stamp;
use crate::timing::Timing;
use crate::track::{Local, to_i64};
use crate::watcher::Watcher;

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
    outlet: Outlet,
    writer: Writer,
    hub: Arc<Hub>,
    timing: Timing,
    /// True until the first block after the start or a reset.
    is_fresh: bool,
    /// Longest wait of a block that is stamped as offline; `None` for as long as hops arrive.
    patience: Option<Duration>,
    watcher: Watcher,
    /// Kept until the member leaves, for its watchers.
    _requests: Arc<Mutex<RequestWriter>>,
    /// Kept until the member leaves.
    _segment: Segment,
}

impl Member {
    /// Joins a session: every worker in `folder` reads this member from now on. Its settings are
    /// those of `console`.
    ///
    /// # Errors
    ///
    /// [`JoinError`] if there is no shared memory or no worker, or if the number of mics is wrong.
    pub fn join(
        config: &MemberConfig<'_>,
        controls: &Controls,
        folder: &Folder,
        console: Arc<dyn Console>,
    ) -> Result<Self, JoinError> {
        let MemberConfig { rate, mode, num_mics, max_block_samples, session, model } = *config;
        if !(1..=MAX_MEMBER_MICS).contains(&num_mics) {
            return Err(JoinError::NumMics { actual: num_mics });
        }
        let timing = Timing::new(rate, mode, max_block_samples);
        let segment = Segment::create(folder, SHAPE)?;
        let about = About { num_mics, rate_hz: rate.hz(), session, process: std::process::id() };
        let hub = Hub::of(Key { folder: folder.clone(), session, rate, mode }, model)?;
        let memory = segment.memory().clone();
        let writer = Writer::new(memory.clone(), &about);
        // A member that is not called returns nothing. The first removals arrive together if the
        // worker starts late: a host does not wait before the first sample is heard.
        let in_flight = (timing.latency_samples + max_block_samples) / timing.hop_samples;
        let sizes = OutletConfig {
            rate,
            num_mics,
            hop_samples: timing.hop_samples,
            latency_samples: timing.latency_samples,
            num_removals: 2 * in_flight + SPARE_REMOVALS,
        };
        let (outlet, inlet) = Outlet::new(&sizes, controls);
        let id = segment.id().0;
        let requests = Arc::new(Mutex::new(RequestWriter::new(memory.clone())));
        let watcher = hub.watcher(id, &requests);
        // The writer has begun, so the reader is there.
        if let Some(reader) = Reader::new(memory.view()) {
            let local = Local { inlet, tolerance: to_i64(timing.tolerance_samples) };
            let desk = Desk::new(console, memory, outlet.late_samples());
            hub.join(Newcomer { id, reader, local, desk });
        }
        let (_requests, _segment) = (requests, segment);
        let is_fresh = true;
        let patience = None;
        Ok(Self { outlet, writer, hub, timing, is_fresh, patience, watcher, _requests, _segment })
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
        self.watcher.stats()
    }

    /// Returns the monitor of the worker, for an editor.
    #[must_use]
    pub fn monitor(&self) -> Arc<Monitor> {
        self.watcher.monitor()
    }

    /// Returns the number of this member among all that are linked now.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.watcher.id()
    }

    /// Returns a view of the session for this member's window, which may outlive the member.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        self.watcher.clone()
    }

    /// Returns all members of the session, as [`Watcher::roster`] does.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates and locks.
    #[must_use]
    pub fn roster(&self) -> Vec<MemberInfo> {
        self.watcher.roster()
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

    /// Limits the wait of the next blocks that are stamped as offline; `None` waits for as long as
    /// the worker processes hops.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread.
    pub fn set_patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// Discards all audio of this member.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: clears memory, no allocation.
    pub fn reset(&mut self) {
        self.outlet.reset();
        self.is_fresh = true;
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
        let Self { outlet, writer, hub, is_fresh, patience, .. } = self;
        outlet.check(mics)?;
        if std::mem::take(is_fresh) && stamp.is_offline {
            // Otherwise a new render could be taken for a part of the last one.
            hub.finish();
        }
        // The epoch wraps around together with that of the removals.
        #[allow(clippy::cast_possible_truncation, reason = "only equality counts")]
        writer.write(mics, stamp, outlet.epoch() as u32);
        if stamp.is_offline {
            let mut wait = hub.wait(*patience);
            outlet.process(mics, || wait.once())
        } else {
            outlet.process(mics, || false)
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.hub.leave(self.watcher.id());
    }
}
