//! Sessions leave no thread behind.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

use std::sync::Arc;

use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};

fn session(pace: Pace) -> Session {
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics: 2,
        mode: Mode::Live,
        pace,
        max_block_samples: 512,
    };
    Session::prepare(&config, &Controls::default(), SessionMethod::default()).unwrap()
}

/// Plays `samples` samples of a ramp.
fn play(session: &mut Session, samples: usize) {
    let mut mics = vec![(0..samples).map(|n| n as f32 * 1e-5).collect::<Vec<f32>>(); 2];
    let mut slices: Vec<&mut [f32]> = mics.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
}

/// Returns the number of worker threads of this process.
#[cfg(target_os = "linux")]
fn num_workers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while the list is read.
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "unspill-worker").count()
}

/// Waits until the process has `expected` workers. A thread sets its name shortly after it starts,
/// and the system removes it from its list shortly after the join.
#[cfg(target_os = "linux")]
fn wait_for_workers(expected: usize) {
    let since = std::time::Instant::now();
    while num_workers() != expected {
        assert!(since.elapsed().as_secs() < 10, "{} workers, not {expected}", num_workers());
        std::thread::yield_now();
    }
}

#[cfg(not(target_os = "linux"))]
fn wait_for_workers(_expected: usize) {}

// A single test, because the count covers the whole process.
#[test]
fn workers_end_with_their_sessions_and_are_urgent_where_nobody_waits_for_them() {
    a_hundred_sessions_leave_no_thread();
    #[cfg(target_os = "linux")]
    a_worker_is_urgent_where_nobody_waits_for_it();
}

fn a_hundred_sessions_leave_no_thread() {
    // One after the other: unused, in the middle of a hop, and with hops in flight.
    for number in 0..100 {
        let pace = if number % 2 == 0 { Pace::Realtime } else { Pace::Offline };
        let mut session = session(pace);
        let stats = session.stats();
        assert_eq!(Arc::strong_count(&stats), 4, "session, its handle of the thread, thread, here");
        wait_for_workers(1);
        play(&mut session, [0, 100, 700, 5000][number / 2 % 4]);
        drop(session);
        // The thread has dropped its state, so it has ended, on every system.
        assert_eq!(Arc::strong_count(&stats), 1);
    }
    wait_for_workers(0);

    // All at once, dropped in another order and from another thread.
    let mut sessions: Vec<Session> = (0..100).map(|_| session(Pace::Realtime)).collect();
    for session in &mut sessions {
        play(session, 600);
    }
    wait_for_workers(100);
    let second_half = sessions.split_off(50);
    std::thread::spawn(move || drop(second_half)).join().unwrap();
    while let Some(session) = sessions.pop() {
        drop(session);
    }
    wait_for_workers(0);
}

/// Returns policy and real-time priority of every worker of this process, as in `proc_pid_stat(5)`.
#[cfg(target_os = "linux")]
fn scheduling_of_workers() -> Vec<(u32, u32)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    let workers = stats.filter(|stat| stat.contains("(unspill-worker)"));
    let fields = workers.map(|stat| {
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        // The third field is the first one after the name.
        let field = |number: usize| rest.split(' ').nth(number - 3).unwrap().parse().unwrap();
        (field(41), field(40))
    });
    fields.collect()
}

/// Plays until the one worker has the scheduling `expected`.
#[cfg(target_os = "linux")]
fn play_until_scheduled(session: &mut Session, expected: (u32, u32)) {
    let since = std::time::Instant::now();
    while scheduling_of_workers() != [expected] {
        let seen = scheduling_of_workers();
        assert!(since.elapsed().as_secs() < 10, "{seen:?}, not {expected:?}");
        play(session, 512);
        std::thread::park_timeout(std::time::Duration::from_millis(11));
    }
}

/// In real time a worker requests priority, which a system may refuse. A worker that the session
/// waits for has none.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "a system call")]
fn a_worker_is_urgent_where_nobody_waits_for_it() {
    const USUAL: (u32, u32) = (libc::SCHED_OTHER.cast_unsigned(), 0);
    const URGENT: (u32, u32) = (libc::SCHED_RR.cast_unsigned(), 1);
    let may_be_urgent = std::thread::spawn(|| {
        let param = libc::sched_param { sched_priority: 1 };
        // SAFETY: the call concerns the calling thread only, and its priority ends with it.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const param) == 0 }
    });
    let may_be_urgent = may_be_urgent.join().unwrap();
    let mut session = session(Pace::Realtime);
    wait_for_workers(1);
    play_until_scheduled(&mut session, if may_be_urgent { URGENT } else { USUAL });
    session.set_pace(Pace::Offline);
    play_until_scheduled(&mut session, USUAL);
    drop(session);
    wait_for_workers(0);
}
