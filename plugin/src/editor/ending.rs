//! The end of a window's thread.
//!
//! On X11, baseview 0.4.2 draws each window on a thread of its own, and means to wait for its end when the window is dropped. But it first
//! asks the thread to show the window, which one that is already ending does not answer, and then returns without waiting. The thread goes on
//! letting go of its GL context meanwhile; a host that quits or unloads the plugin at this moment takes the ground from under it and crashes.
//! So it is waited for here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long is waited at most: letting go takes some milliseconds, but a driver that hangs must not take the host with it.
const LIMIT: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_micros(500);

/// The thread of one window, once it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowThread(Arc<Mutex<Option<PathBuf>>>);

impl WindowThread {
    /// That it is the calling one.
    pub(super) fn is_this(&self) {
        // Elsewhere than on Linux nothing is found, and nothing waited for: windows live on the host's thread there.
        let this = std::fs::read_link("/proc/thread-self").ok();
        let this = this.map(|this| Path::new("/proc").join(this));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = this;
    }

    /// The window could not be opened, and nobody else waits for the end of its thread, if there was one.
    pub(super) fn ends_unseen(&self) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            // It came to nothing before it was known.
            crate::stay::in_memory();
        }
        drop(self.end());
    }

    /// Something that, when dropped on another thread, waits until the thread has ended.
    pub(super) fn end(&self) -> End {
        End(self.clone())
    }
}

/// Waits, when dropped.
#[derive(Debug)]
pub(super) struct End(WindowThread);

impl Drop for End {
    fn drop(&mut self) {
        let thread = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let since = Instant::now();
        while thread.exists() && since.elapsed() < LIMIT {
            std::thread::sleep(BETWEEN);
        }
        if thread.exists() {
            // Whenever it goes on, its code must still be there.
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
        /// Takes its time when the thread has nothing else left to do.
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
