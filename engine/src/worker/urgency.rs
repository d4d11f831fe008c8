//! Priority of the worker thread: above all other work and below the audio thread, as far as the
//! system permits.

use std::time::{Duration, Instant};

use thread_priority::{Error, thread_native_id};

/// Longest time that a worker stays urgent without a rest. A worker that does not keep up would
/// otherwise occupy a core, and systems that grant real time end programs that do so
/// (`RLIMIT_RTTIME`, often 200 ms).
const URGENT_LIMIT: Duration = Duration::from_millis(50);

/// Priority of the worker thread that owns this value.
///
/// # Real-time
///
/// Worker threads only: changes make system calls.
pub struct Urgency {
    /// Requests the urgent or the usual priority for the calling thread. Returns false if the
    /// system refuses.
    request: Box<dyn FnMut(bool) -> bool + Send>,
    is_urgent: bool,
    is_refused: bool,
    /// End of the last rest.
    rested: Instant,
}

impl std::fmt::Debug for Urgency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Urgency").field("is_urgent", &self.is_urgent).finish_non_exhaustive()
    }
}

impl Default for Urgency {
    /// Uses the system's priorities, for a thread that is not urgent yet.
    fn default() -> Self {
        Self::with_request(|is_urgent| set_system_priority(is_urgent).is_ok())
    }
}

impl Urgency {
    /// Creates the priority of a thread that is not urgent yet.
    fn with_request(request: impl FnMut(bool) -> bool + Send + 'static) -> Self {
        let rested = Instant::now();
        Self { request: Box::new(request), is_urgent: false, is_refused: false, rested }
    }

    /// Makes the thread urgent for a hop, unless a thread waits for the hop (`is_awaited`) or the
    /// last rest was too long ago.
    pub fn for_hop(&mut self, is_awaited: bool) {
        self.set_urgent(!is_awaited && self.rested.elapsed() < URGENT_LIMIT);
    }

    /// Ends the urgency for work that no thread waits for.
    pub fn for_deferred_work(&mut self) {
        self.set_urgent(false);
    }

    /// Lets the thread wait for work for `nap`. A thread that waits for the worker unparks it
    /// (`is_awaited`).
    pub fn rest(&mut self, nap: Duration, is_awaited: bool) {
        rest(nap, is_awaited);
        self.rested = Instant::now();
    }

    /// Makes the calling thread urgent or not. Calls the system only on a change, and never again
    /// after a refusal, because a thread works without priority too.
    fn set_urgent(&mut self, is_urgent: bool) {
        if is_urgent == self.is_urgent || self.is_refused {
            return;
        }
        self.is_urgent = is_urgent;
        self.is_refused = !(self.request)(is_urgent);
    }
}

/// Waits for work.
///
/// On Windows a park ends at the next system tick, up to 15.6 ms late, but a sleep does not. In
/// real time no thread wakes the worker, so it can sleep.
#[allow(
    clippy::disallowed_methods,
    reason = "the worker, on the one system where it is more exact"
)]
fn rest(nap: Duration, is_awaited: bool) {
    if cfg!(windows) && !is_awaited {
        std::thread::sleep(nap);
    } else {
        std::thread::park_timeout(nap);
    }
}

/// Linux and other systems with POSIX real time: their lowest real-time priority is above all work
/// that is not real time and below every real-time audio thread.
#[cfg(all(unix, not(target_os = "macos")))]
fn set_system_priority(is_urgent: bool) -> Result<(), Error> {
    use thread_priority::{
        NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority,
        ThreadPriorityValue, ThreadSchedulePolicy, set_thread_priority_and_policy,
    };

    /// The crate's value for a niceness of 0. The crate sets a niceness with every policy that is
    /// not real time.
    const USUAL: u8 = 47;
    if is_urgent {
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy)
    } else if let Ok(usual) = ThreadPriorityValue::try_from(USUAL) {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let priority = ThreadPriority::Crossplatform(usual);
        // Fails only if the host has a higher niceness that it may not lower. The policy is already
        // set then.
        let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
        Ok(())
    } else {
        Err(Error::Priority("out of range"))
    }
}

/// On macOS threads without a real-time policy have priorities from 15 to 47, by default 31. Audio
/// threads are above all of them.
#[cfg(target_os = "macos")]
fn set_system_priority(is_urgent: bool) -> Result<(), Error> {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
        set_thread_priority_and_policy,
    };

    const USUAL: u8 = 31;
    let priority = if is_urgent {
        ThreadPriority::Max
    } else {
        let usual = ThreadPriorityValue::try_from(USUAL);
        ThreadPriority::Crossplatform(usual.map_err(|_| Error::Priority("out of range"))?)
    };
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    set_thread_priority_and_policy(thread_native_id(), priority, policy)
}

/// On Windows audio threads have a class of their own, above all priorities of a usual process.
#[cfg(windows)]
fn set_system_priority(is_urgent: bool) -> Result<(), Error> {
    use thread_priority::windows::{WinAPIThreadPriority, set_winapi_thread_priority};

    let priority =
        if is_urgent { WinAPIThreadPriority::Highest } else { WinAPIThreadPriority::Normal };
    set_winapi_thread_priority(thread_native_id(), priority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_system_is_asked_where_something_changes() {
        let (sender, asked) = mpsc::channel();
        let mut urgency = Urgency::with_request(move |is_urgent| sender.send(is_urgent).is_ok());
        for is_urgent in [false, true, true, false, false, true] {
            urgency.set_urgent(is_urgent);
        }
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn a_refusal_is_taken_once_and_without_a_word() {
        let (sender, asked) = mpsc::channel();
        let mut urgency = Urgency::with_request(move |is_urgent| {
            sender.send(is_urgent).unwrap();
            false
        });
        for is_urgent in [true, false, true] {
            urgency.set_urgent(is_urgent);
        }
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), [true]);
    }

    /// Returns policy and priority of the calling thread.
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "system calls")]
    fn scheduling() -> (libc::c_int, libc::c_int) {
        let mut param = libc::sched_param { sched_priority: -1 };
        // SAFETY: the calls concern the calling thread, and `param` is a valid place for
        // its parameters.
        unsafe {
            assert_eq!(libc::sched_getparam(0, &raw mut param), 0);
            (libc::sched_getscheduler(0), param.sched_priority)
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_grants_the_lowest_real_time_priority_or_leaves_everything_as_it_is() {
        // A separate thread, because its priority ends with it.
        std::thread::spawn(|| {
            let before = scheduling();
            let mut urgency = Urgency::default();
            urgency.set_urgent(true);
            let expected = if urgency.is_refused { before } else { (libc::SCHED_RR, 1) };
            assert_eq!(scheduling(), expected);
            urgency.set_urgent(false);
            assert_eq!(scheduling(), before);
        })
        .join()
        .unwrap();
    }
}
