//! The worker thread, and the lock-free link between it and the audio thread.

mod link;
#[cfg(test)]
mod link_tests;
mod runner;
mod thread;
mod urgency;

use crate::sync;
pub(crate) use link::{Bell, Packet, Receiver, Sender, ring};
pub use runner::HopRunner;
#[cfg(test)]
pub(crate) use thread::JOIN_LIMIT;
pub use thread::{SessionStats, abandoned_workers, join_worker};
pub(crate) use thread::{Worker, WorkerSide};
pub use urgency::Urgency;
