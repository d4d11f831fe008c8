//! Loom's counterpart of the engine's `sync`.

pub(super) use loom::sync::Arc;
pub(super) use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
pub(super) use loom::thread::{Thread, current};

pub(super) use super::queue::ArrayQueue;
pub(super) use super::ring::{Consumer, Producer, PushError, RingBuffer};
