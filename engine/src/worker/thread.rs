//! The worker thread: takes hops from the audio thread, runs the pipeline, sends back what to remove.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::link::{Bell, Packet, Receiver, Sender};
use super::urgency::Urgency;
use crate::network::Model;
use crate::pipeline::Pipeline;
use crate::snapshot::Observer;

/// How long dropping a session waits for a worker that is deep in a hop.
pub(crate) const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// How long a worker without a rest stays urgent. One that does not keep up would otherwise take a core from everything else, and
/// systems that grant real time end programs that do so (`RLIMIT_RTTIME`, often 200 ms).
const URGENT_LIMIT: Duration = Duration::from_millis(50);

/// Workers of this program that were still busy after [`JOIN_LIMIT`].
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// How many workers were left behind because they did not end in time; they may run at any later moment, so the code that
/// they run must stay in memory.
///
/// # Real-time
///
/// Safe on the audio thread: one atomic load.
#[must_use]
pub fn abandoned_workers() -> usize {
    // Relaxed: a counter.
    ABANDONED.load(Ordering::Relaxed)
}

/// Counters that anyone may read while audio runs.
#[derive(Debug, Default)]
pub struct SessionStats {
    pub(crate) late_hops: AtomicU64,
    pub(crate) lost_hops: AtomicU64,
    hops: AtomicU64,
    busy_ns: AtomicU64,
    longest_hop_ns: AtomicU64,
    failed: AtomicBool,
    pub(crate) stop: AtomicBool,
    /// What was sent before the stop is to be done first.
    finish: AtomicBool,
}

// Counters are Relaxed unless they say otherwise: each is a number of its own and orders nothing.
impl SessionStats {
    /// Hops heard dry because the worker was not done in time.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn late_hops(&self) -> u64 {
        self.late_hops.load(Ordering::Relaxed)
    }

    /// Hops that never reached the worker because it was too far behind.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn lost_hops(&self) -> u64 {
        self.lost_hops.load(Ordering::Relaxed)
    }

    /// Whether the worker stopped on an internal error; everything is dry from then on.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn worker_failed(&self) -> bool {
        // Acquire: whoever sees the failure also sees all that was sent before it.
        self.failed.load(Ordering::Acquire)
    }

    /// Hops the worker has done and sent back.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn hops(&self) -> u64 {
        // Acquire: whoever sees the count also sees what was sent before it.
        self.hops.load(Ordering::Acquire)
    }

    /// Time the worker has spent on hops in all, in seconds.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn busy_s(&self) -> f64 {
        self.busy_ns.load(Ordering::Relaxed) as f64 * 1e-9
    }

    /// The longest the worker has spent on one hop, in seconds.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn longest_hop_s(&self) -> f64 {
        self.longest_hop_ns.load(Ordering::Relaxed) as f64 * 1e-9
    }

    fn count_hop(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.busy_ns.fetch_add(took_ns, Ordering::Relaxed);
        self.longest_hop_ns.fetch_max(took_ns, Ordering::Relaxed);
        // Release: pairs with the Acquire in `hops`.
        self.hops.fetch_add(1, Ordering::Release);
    }
}

/// What the worker thread owns.
pub(crate) struct WorkerSide {
    pub(crate) pipeline: Pipeline,
    pub(crate) observer: Observer,
    /// What the pipeline's guides will ask for at their first hop.
    pub(crate) model: Option<Model>,
    pub(crate) input: Receiver<Packet>,
    pub(crate) output: Sender<Packet>,
    pub(crate) stats: Arc<SessionStats>,
    /// Rung after each hop; in real time nobody listens.
    pub(crate) bell: Bell,
    /// How long to park when there is nothing to do.
    pub(crate) nap: Duration,
    pub(crate) urgency: Urgency,
}

/// What a worker that has ended worked with, for the next one.
#[derive(Debug)]
pub(crate) struct Retired {
    pub(crate) pipeline: Pipeline,
    pub(crate) model: Option<Model>,
}

impl WorkerSide {
    /// Works until it is told to stop; nothing is left if anything panics.
    fn run(mut self) -> Option<Retired> {
        if catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            // Release: pairs with the Acquire in `worker_failed`.
            self.stats.failed.store(true, Ordering::Release);
            // An offline host may be waiting for what will never come.
            self.bell.ring();
            return None;
        }
        Some(Retired { pipeline: self.pipeline, model: self.model })
    }

    fn work(&mut self) {
        let hop = i64::try_from(self.pipeline.geometry().hop_samples()).unwrap_or(i64::MAX);
        let latency = i64::try_from(self.pipeline.latency_samples()).unwrap_or(i64::MAX);
        let (mut epoch, mut expected_start) = (0, 0);
        // Built before the first hop, which has little time, and held on to until the guides do. Guides can do without.
        let network = catch_unwind(AssertUnwindSafe(|| self.model.as_ref()?.network().ok()));
        let (mut rested, mut is_awaited) = (Instant::now(), false);
        loop {
            // Acquire: whoever sees the stop also sees all that was sent before it. A late look costs one nap.
            let stops = self.stats.stop.load(Ordering::Acquire);
            if stops && !self.stats.finish.load(Ordering::Relaxed) {
                break;
            }
            // The audio thread wakes nobody in real time; offline it unparks us.
            let Some(mut packet) = self.input.pop() else {
                if stops {
                    break;
                }
                if self.pipeline.idle() {
                    // What nobody waits for.
                    self.urgency.be(false);
                } else {
                    rest(self.nap, is_awaited);
                    rested = Instant::now();
                }
                continue;
            };
            is_awaited = packet.is_awaited;
            self.urgency.be(!is_awaited && rested.elapsed() < URGENT_LIMIT);
            if is_awaited {
                self.pipeline.follow(&packet.controls);
                // Relaxed: a late look costs a hop of the passage.
                while !self.stats.stop.load(Ordering::Relaxed) {
                    if !self.pipeline.idle() {
                        break;
                    }
                }
            }
            let began = Instant::now();
            if packet.epoch != epoch {
                self.pipeline.reset();
            } else if packet.start_sample != expected_start {
                self.pipeline.forget_audio();
            }
            self.observer.hear(&packet.samples);
            self.pipeline.process_hop(&mut packet.samples, &packet.controls);
            epoch = packet.epoch;
            expected_start = packet.start_sample + hop;
            packet.start_sample -= latency;
            let took = began.elapsed();
            self.observer.publish(&packet.samples, &self.pipeline);
            let sent = self.output.push(packet);
            debug_assert!(sent.is_ok(), "the ring holds every packet there is");
            self.stats.count_hop(took);
            self.bell.ring();
        }
        drop(network);
    }
}

/// Waits for something to do; who waits for the worker wakes it.
///
/// Windows ends a park at its next tick, up to 15.6 ms later, but not a sleep. In real time nobody wakes the worker anyway.
#[allow(
    clippy::disallowed_methods,
    reason = "the worker, on the one system where it is more exact"
)]
fn rest(nap: Duration, is_awaited: bool) {
    if cfg!(windows) && !is_awaited {
        std::thread::sleep(nap);
    } else {
        std::thread::park_timeout(nap);
    }
}

/// A running worker; dropping it stops and joins the thread.
#[derive(Debug)]
pub(crate) struct Worker {
    thread: Option<JoinHandle<Option<Retired>>>,
    stats: Arc<SessionStats>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(side: WorkerSide) -> std::io::Result<Self> {
        let stats = Arc::clone(&side.stats);
        let thread =
            std::thread::Builder::new().name("unspill-worker".into()).spawn(move || side.run())?;
        Ok(Self { thread: Some(thread), stats })
    }

    /// Wakes the worker; a system call, so only where waiting is allowed anyway.
    pub(crate) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Has the worker do what it was sent, and returns what it worked with: nothing if it has failed or does not end in time.
    pub(crate) fn retire(&mut self) -> Option<Retired> {
        // Relaxed: seen with `stop`.
        self.stats.finish.store(true, Ordering::Relaxed);
        self.join()
    }

    fn join(&mut self) -> Option<Retired> {
        // Release: pairs with the Acquire in `work`.
        self.stats.stop.store(true, Ordering::Release);
        self.wake();
        let thread = self.thread.take()?;
        let since = Instant::now();
        while !thread.is_finished() && since.elapsed() < JOIN_LIMIT {
            thread.thread().unpark();
            std::thread::park_timeout(Duration::from_micros(200));
        }
        if thread.is_finished() {
            // A panic was already caught and counted inside the thread.
            thread.join().ok().flatten()
        } else {
            // Relaxed: a counter.
            ABANDONED.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.join();
    }
}
