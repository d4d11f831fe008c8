//! Synchronisation primitives for the exchange between threads. `engine/races` replaces this module
//! by the primitives of its model checker.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use std::thread::{Thread, current};

pub(crate) use crossbeam::queue::ArrayQueue;
pub(crate) use rtrb::{Consumer, Producer, PushError, RingBuffer};
