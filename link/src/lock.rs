//! Locks of values that no panic leaves half-changed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a value of which no panic leaves a half.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
