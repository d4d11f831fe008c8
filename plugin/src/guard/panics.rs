//! Keeps panics out of the host.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`; returns `fallback` if it panics.
///
/// A panic that reaches an `extern` function aborts the whole host, so every entry point uses this.
/// A panic may leave the data of `body` partly changed. The guard's own state consists only of
/// plain values that are valid in any combination, and a plugin that panicked does not run again
/// before its next activation.
pub(crate) fn shield<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            // A panic payload can have any type, so its drop may panic, too.
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
