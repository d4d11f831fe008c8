//! A change that must be reported to the host: detected on any thread, reported on the main thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One kind of change, detected by a signature that changes with it.
#[derive(Debug, Default)]
pub(super) struct Notice {
    signature: AtomicU64,
    is_due: AtomicBool,
}

impl Notice {
    pub(super) fn new(signature: u64) -> Self {
        Self { signature: AtomicU64::new(signature), is_due: AtomicBool::new(false) }
    }

    /// Compares the signature with the previous one and returns true if it has changed;
    /// real-time safe.
    pub(super) fn see(&self, signature: u64) -> bool {
        // Relaxed: the number and the flag are independent. The data they refer to has atomics or
        // locks of its own.
        let has_changed = self.signature.swap(signature, Ordering::Relaxed) != signature;
        if has_changed {
            self.is_due.store(true, Ordering::Relaxed);
        }
        has_changed
    }

    /// Requests a report although the signature has not changed; real-time safe.
    pub(super) fn must_be_told(&self) {
        self.is_due.store(true, Ordering::Relaxed);
    }

    /// Returns true once if there is a change to report.
    pub(super) fn take(&self) -> bool {
        self.is_due.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_nothing_else_is() {
        let notice = Notice::new(7);
        assert!(!notice.see(7) && !notice.take());
        assert!(notice.see(8));
        assert!(!notice.see(8), "no change since the last look");
        assert!(notice.take() && !notice.take());
        notice.must_be_told();
        assert!(notice.take() && !notice.take());
    }
}
