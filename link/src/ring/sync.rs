//! Memory and synchronisation primitives of the ring. `engine/races` replaces this module by the
//! primitives of its model checker.

pub(super) use std::sync::atomic::{Ordering, fence};

pub(super) use crate::segment::{Memory, MemoryView};
