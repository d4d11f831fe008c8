//! The host's report of its newest block: whether it renders, and the time of the first sample.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::guard::HostTime;

/// A report; written before a block and read during it, on one thread.
#[derive(Debug, Default)]
pub(crate) struct BlockReport {
    renders: AtomicBool,
    timeline: Time,
    steady: Time,
}

/// A time that the host may not state.
#[derive(Debug, Default)]
struct Time {
    is_stated: AtomicBool,
    sample: AtomicI64,
}

// Relaxed throughout: read and written on the same thread.
impl Time {
    fn set(&self, time: Option<i64>) {
        self.is_stated.store(time.is_some(), Ordering::Relaxed);
        self.sample.store(time.unwrap_or(0), Ordering::Relaxed);
    }

    fn get(&self) -> Option<i64> {
        self.is_stated.load(Ordering::Relaxed).then(|| self.sample.load(Ordering::Relaxed))
    }
}

impl BlockReport {
    /// Stores whether the host renders from this block on, regardless of its mode at activation;
    /// real-time safe.
    pub(crate) fn set_renders(&self, renders: bool) {
        self.renders.store(renders, Ordering::Relaxed);
    }

    pub(crate) fn renders(&self) -> bool {
        self.renders.load(Ordering::Relaxed)
    }

    /// Stores the time of the block's first sample; real-time safe.
    pub(crate) fn set_time(&self, time: &HostTime) {
        self.timeline.set(time.timeline);
        self.steady.set(time.steady);
    }

    pub(crate) fn time(&self) -> HostTime {
        HostTime { timeline: self.timeline.get(), steady: self.steady.get() }
    }
}
