//! Something that hosts must be told: noticed on any thread, told on the main thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One kind of change, which shows in a number.
#[derive(Debug, Default)]
pub(super) struct Notice {
    signature: AtomicU64,
    is_due: AtomicBool,
}

impl Notice {
    pub(super) fn new(signature: u64) -> Self {
        Self { signature: AtomicU64::new(signature), is_due: AtomicBool::new(false) }
    }

    /// Looks at the number and says whether it has changed since the last look; real-time safe.
    pub(super) fn see(&self, signature: u64) -> bool {
        // Relaxed: a number and a flag of their own; what they stand for is behind atomics or locks of its own.
        let has_changed = self.signature.swap(signature, Ordering::Relaxed) != signature;
        if has_changed {
            self.is_due.store(true, Ordering::Relaxed);
        }
        has_changed
    }

    /// Has it told although no number shows it; real-time safe.
    pub(super) fn must_be_told(&self) {
        self.is_due.store(true, Ordering::Relaxed);
    }

    /// Whether there is something to tell, once.
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
