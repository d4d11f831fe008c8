//! The worker thread, and the lock-free link between it and the audio thread.

mod link;
mod thread;

pub(crate) use link::{Packet, Receiver, Sender, ring};
pub use thread::SessionStats;
pub(crate) use thread::{Worker, WorkerSide};
