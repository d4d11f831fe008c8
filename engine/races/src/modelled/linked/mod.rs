//! The exchange through shared memory between linked instances, with loom's primitives.

#[path = "../../memory.rs"]
mod memory;
#[path = "../../../../../link/src/ring/raw.rs"]
#[allow(dead_code, reason = "the tests need a part of it")]
mod raw;
mod tests;

mod atomics {
    pub(super) use loom::sync::Arc;
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

mod sync {
    pub(super) use super::atomics::{Ordering, fence};
    pub(super) use super::memory::{Memory, MemoryView};
}
