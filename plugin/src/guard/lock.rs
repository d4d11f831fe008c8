//! The lock that every call into the framework's audio half takes first.

use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// Longest wait of the main thread for a running `process`.
const PATIENCE: Duration = Duration::from_secs(2);

/// A lock that the audio thread never waits for.
///
/// Hosts must not call `process` concurrently with itself, with a reset or with an activation, but
/// some do. The framework then panics or sleeps on the audio thread. With this lock the second
/// caller gets `None`.
#[derive(Debug, Default)]
pub(crate) struct AudioLock<T>(Mutex<T>);

impl<T> AudioLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// For the audio thread: returns the value, or `None` if another thread holds the lock.
    /// Never waits.
    pub(crate) fn try_take(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// For the main thread: waits until the audio thread releases the lock, up to [`PATIENCE`].
    ///
    /// Polls instead of parking, so that the audio thread never has to wake a thread.
    pub(crate) fn take(&self) -> Option<MutexGuard<'_, T>> {
        let start = Instant::now();
        loop {
            if let Some(guard) = self.try_take() {
                return Some(guard);
            }
            if start.elapsed() > PATIENCE {
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_gets_nothing_and_a_panicked_one_does_no_harm() {
        let lock = AudioLock::new(1);
        let first = lock.try_take();
        assert!(first.is_some());
        assert!(lock.try_take().is_none());
        drop(first);
        let poisoned = super::super::panics::shield(false, || {
            let _held = lock.try_take();
            panic!("on purpose");
        });
        assert!(!poisoned);
        assert_eq!(lock.take().map(|value| *value), Some(1));
    }
}
