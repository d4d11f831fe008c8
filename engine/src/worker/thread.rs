//! The worker thread: receives hops from the audio thread, runs the pipeline, and returns the
//! removed signal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::link::{Bell, Packet, Receiver, Sender};
use super::runner::HopRunner;
use super::urgency::Urgency;
use crate::pipeline::Pipeline;

/// Longest wait for a busy worker when a session is dropped.
pub(crate) const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// Workers of this process that were still busy after [`JOIN_LIMIT`].
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Returns the number of workers that did not end in time. They may run at any later moment, so
/// their code must stay in memory.
///
/// # Real-time
///
/// Safe on the audio thread: one atomic load.
#[must_use]
pub fn abandoned_workers() -> usize {
    // Relaxed: a counter.
    ABANDONED.load(Ordering::Relaxed)
}

/// Wakes a worker that has been requested to stop, and joins it. Returns `None` if it has panicked,
/// or is still busy after five seconds. It is then left behind and counted
/// ([`abandoned_workers`]).
///
/// # Real-time
///
/// Main thread only: waits.
pub fn join_worker<T>(thread: JoinHandle<T>) -> Option<T> {
    let since = Instant::now();
    while !thread.is_finished() && since.elapsed() < JOIN_LIMIT {
        thread.thread().unpark();
        std::thread::park_timeout(Duration::from_micros(200));
    }
    if thread.is_finished() {
        // Workers catch panics themselves.
        thread.join().ok()
    } else {
        // Relaxed: a counter.
        ABANDONED.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// Counters that any thread may read while audio runs.
#[derive(Debug, Default)]
pub struct SessionStats {
    pub(crate) late_hops: AtomicU64,
    pub(crate) lost_hops: AtomicU64,
    hops: AtomicU64,
    busy_ns: AtomicU64,
    longest_hop_ns: AtomicU64,
    failed: AtomicBool,
    pub(crate) stop: AtomicBool,
    /// True if the worker is to process everything sent to it before it stops.
    finish: AtomicBool,
}

// Counters are Relaxed unless stated otherwise: each value is independent and orders nothing.
impl SessionStats {
    /// Returns the number of hops replaced by dry because the worker was not done in time.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn late_hops(&self) -> u64 {
        self.late_hops.load(Ordering::Relaxed)
    }

    /// Returns the number of hops that were never sent because the worker was too far behind.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn lost_hops(&self) -> u64 {
        self.lost_hops.load(Ordering::Relaxed)
    }

    /// Returns true if the worker stopped on an internal error. All output is dry from then on.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn worker_failed(&self) -> bool {
        // Acquire: everything sent before the failure is visible to a thread that reads it.
        self.failed.load(Ordering::Acquire)
    }

    /// Returns the number of hops that the worker has processed and sent back.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn hops(&self) -> u64 {
        // Acquire: everything sent before the count is visible to a thread that reads it.
        self.hops.load(Ordering::Acquire)
    }

    /// Returns the total time that the worker has spent on hops, in seconds.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn busy_s(&self) -> f64 {
        self.busy_ns.load(Ordering::Relaxed) as f64 * 1e-9
    }

    /// Returns the longest time that the worker has spent on one hop, in seconds.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn longest_hop_s(&self) -> f64 {
        self.longest_hop_ns.load(Ordering::Relaxed) as f64 * 1e-9
    }

    pub(super) fn count_hop(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.busy_ns.fetch_add(took_ns, Ordering::Relaxed);
        self.longest_hop_ns.fetch_max(took_ns, Ordering::Relaxed);
        // Release: pairs with the Acquire in `hops`.
        self.hops.fetch_add(1, Ordering::Release);
    }
}

/// State that the worker thread owns.
pub(crate) struct WorkerSide {
    pub(crate) runner: HopRunner,
    pub(crate) input: Receiver<Packet>,
    pub(crate) output: Sender<Packet>,
    /// Rung after each hop. In real time no thread waits for it.
    pub(crate) bell: Bell,
}

impl WorkerSide {
    /// Works until the stop flag is set. Returns the pipeline, or `None` after a panic.
    fn run(mut self) -> Option<Pipeline> {
        if catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            // Release: pairs with the Acquire in `worker_failed`.
            self.runner.counters().failed.store(true, Ordering::Release);
            // An offline host may be waiting for a result that will not arrive.
            self.bell.ring();
            return None;
        }
        Some(self.runner.into_pipeline())
    }

    fn work(&mut self) {
        let latency = i64::try_from(self.runner.latency_samples()).unwrap_or(i64::MAX);
        // Before the first hop, which has little time.
        self.runner.warm_up();
        let (mut urgency, mut is_awaited) = (Urgency::default(), false);
        loop {
            // Acquire: everything sent before the stop is visible after this load. A late read
            // costs one nap.
            let stops = self.runner.counters().stop.load(Ordering::Acquire);
            if stops && !self.runner.counters().finish.load(Ordering::Relaxed) {
                break;
            }
            // In real time the audio thread wakes no thread. Offline it unparks this one.
            let Some(mut packet) = self.input.pop() else {
                if stops {
                    break;
                }
                if self.runner.idle() {
                    urgency.for_deferred_work();
                } else {
                    urgency.rest(self.runner.nap(), is_awaited);
                }
                continue;
            };
            is_awaited = packet.is_awaited;
            urgency.for_hop(is_awaited);
            if is_awaited {
                // Relaxed: a late read costs one hop of the passage.
                self.runner.complete(&packet.controls, |stats| stats.stop.load(Ordering::Relaxed));
            }
            let Packet { samples, controls, start_sample, epoch, .. } = &mut packet;
            let took = self.runner.process(samples, controls, *start_sample, *epoch);
            packet.start_sample -= latency;
            let sent = self.output.push(packet);
            debug_assert!(sent.is_ok(), "the ring holds every packet there is");
            self.runner.count(took);
            self.bell.ring();
        }
    }
}

/// Running worker. Dropping it stops and joins the thread.
#[derive(Debug)]
pub(crate) struct Worker {
    thread: Option<JoinHandle<Option<Pipeline>>>,
    stats: Arc<SessionStats>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(side: WorkerSide) -> std::io::Result<Self> {
        let stats = side.runner.stats();
        let thread =
            std::thread::Builder::new().name("unspill-worker".into()).spawn(move || side.run())?;
        Ok(Self { thread: Some(thread), stats })
    }

    /// Wakes the worker. This is a system call, for callers that may wait only.
    pub(crate) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Lets the worker process everything it was sent, and returns its pipeline: `None` if it has
    /// failed or does not end in time.
    pub(crate) fn retire(&mut self) -> Option<Pipeline> {
        // Relaxed: published by the store to `stop`.
        self.stats.finish.store(true, Ordering::Relaxed);
        self.join()
    }

    fn join(&mut self) -> Option<Pipeline> {
        // Release: pairs with the Acquire in `work`.
        self.stats.stop.store(true, Ordering::Release);
        self.wake();
        join_worker(self.thread.take()?).flatten()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.join();
    }
}
