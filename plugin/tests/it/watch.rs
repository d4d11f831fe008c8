//! A time limit for calls that must not wait: a deadlock fails instead of hanging.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Longer than any call takes on a busy machine, including the engine's waits of some seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `call`. If it does not return within [`LIMIT`], it cannot be stopped, so the process ends.
pub fn in_time<T>(what: &'static str, call: impl FnOnce() -> T) -> T {
    let (done, is_done) = channel::<()>();
    std::thread::spawn(move || {
        if is_done.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{what} does not come back");
            std::process::exit(1);
        }
    });
    let result = call();
    drop(done);
    result
}
