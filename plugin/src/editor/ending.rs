//! The end of a window's thread.
//!
//! On X11, baseview 0.4.2 draws each window on a thread of its own. When the window is dropped, it
//! should wait for the end of that thread. But it first sends the thread a request to show the
//! window. A thread that is already ending does not answer, and baseview returns without waiting.
//! Meanwhile the thread still releases its GL context. If the host quits or unloads the plugin at
//! this moment, it crashes. Therefore this module waits for the thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Longest wait. The release takes some milliseconds, but a driver that hangs must not hang
/// the host.
const LIMIT: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_micros(500);

/// The thread of one window, once it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowThread(Arc<Mutex<Option<PathBuf>>>);

impl WindowThread {
    /// Stores the calling thread.
    pub(super) fn is_this(&self) {
        // On systems other than Linux no thread is found and nothing waits: windows run on the
        // host's thread there.
        let this = std::fs::read_link("/proc/thread-self").ok();
        let this = this.map(|this| Path::new("/proc").join(this));
        *lock(&self.0) = this;
    }

    /// Waits for the end of the thread, if there was one, after the window could not be opened.
    pub(super) fn ends_unseen(&self) {
        if lock(&self.0).is_none() {
            // The thread failed before it was known.
            crate::stay::in_memory();
        }
        drop(self.end());
    }

    /// Returns a value whose drop on another thread waits until the thread has ended.
    pub(super) fn end(&self) -> End {
        End(self.clone())
    }
}

/// Waits on drop.
#[derive(Debug)]
pub(super) struct End(WindowThread);

impl Drop for End {
    fn drop(&mut self) {
        let thread = lock(&self.0.0).take();
        let Some(thread) = thread else { return };
        let since = Instant::now();
        while thread.exists() && since.elapsed() < LIMIT {
            std::thread::sleep(BETWEEN);
        }
        if thread.exists() {
            // The code must stay for the time when the thread resumes.
            crate::stay::in_memory();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    #[cfg(target_os = "linux")]
    fn what_a_thread_does_last_is_waited_for() {
        /// Sleeps in its drop, which is the thread's last action.
        struct Last(Arc<AtomicBool>);
        impl Drop for Last {
            fn drop(&mut self) {
                std::thread::sleep(Duration::from_millis(100));
                self.0.store(true, Ordering::SeqCst);
            }
        }
        thread_local! { static LAST: Mutex<Option<Last>> = const { Mutex::new(None) }; }

        let (window, done) = (WindowThread::default(), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (window, done) = (window.clone(), Arc::clone(&done));
            move || {
                window.is_this();
                LAST.with(|last| *last.lock().unwrap() = Some(Last(done)));
            }
        });
        while window.0.lock().unwrap().is_none() {
            std::thread::yield_now();
        }
        drop(window.end());
        assert!(done.load(Ordering::SeqCst));
        thread.join().unwrap();
    }

    #[test]
    fn an_unknown_thread_is_not_waited_for() {
        let since = Instant::now();
        drop(WindowThread::default().end());
        assert!(since.elapsed() < LIMIT);
    }
}
