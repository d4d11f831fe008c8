//! A time limit for what must not wait: a deadlock fails instead of hanging.
#![allow(clippy::print_stderr, reason = "the only way to say why the process ends")]

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Longer than any call takes on a busy machine, the engine's waits of some seconds included.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `call`; if it has not come back after [`LIMIT`], nothing can make it, and the process ends.
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
