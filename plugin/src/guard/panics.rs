//! Keeps panics from crossing into the host.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`; answers `fallback` if it panics.
///
/// A panic that reaches an `extern` function aborts the whole host, so every entry goes through
/// here. What `body` was changing may be half changed afterwards; the guard's own state is only
/// plain values that are valid in any combination, and a plugin that panicked is not run again
/// before its next activation.
pub(crate) fn shield<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            // A panic payload is any value, so even dropping it may panic.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            fallback
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(shield(7, || panic!("on purpose")), 7);
        assert_eq!(shield(7, || 3), 3);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("on purpose, again");
            }
        }
        assert_eq!(shield(7, || std::panic::panic_any(Bomb)), 7);
    }
}
