//! Counts the system calls of a thread, for tests of audio threads. No product code depends on it.
//!
//! A test program runs itself as a traced child. The child encloses a part of the audio side in
//! marker calls, and the parent counts the system calls of that one thread between them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it cannot go on")]
#![allow(clippy::panic, clippy::print_stdout, reason = "a test without a harness reports itself")]
#![allow(clippy::missing_panics_doc, reason = "a test reports its failure by a panic")]

/// Tests that an audio side makes no system call, in place of a test program's own `main`.
///
/// `prepare` gets true for an audio side that may wait for its worker. It returns the call of the
/// audio side for a block of 64 samples, which gets the block's number, and a function for the
/// number of hops that the worker has processed. Also tests that calls of a waiting audio side, and
/// a single call, are counted. On other systems than Linux nothing is tested.
pub fn main<P: FnMut(u16), H: Fn() -> u64>(num_blocks: u16, prepare: impl FnOnce(bool) -> (P, H)) {
    #[cfg(target_os = "linux")]
    linux::main(num_blocks, prepare);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (num_blocks, prepare);
        println!("system calls can be counted on Linux only");
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "tracing a process has no safe interface")]
mod linux {
    use std::mem::MaybeUninit;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// Environment variable with the task of the child.
    const TASK: &str = "UNSPILL_TRACED_TASK";

    pub(super) fn main<P: FnMut(u16), H: Fn() -> u64>(
        num_blocks: u16,
        prepare: impl FnOnce(bool) -> (P, H),
    ) {
        if let Ok(task) = std::env::var(TASK) {
            child(&task, num_blocks, prepare);
            return;
        }
        let quiet = calls_in_bracket("realtime");
        assert_eq!(quiet, Vec::<u64>::new(), "system calls made on the audio side, by number");
        println!("test the_audio_side_makes_no_system_call ... ok");
        // Waiting for the worker parks and wakes. These calls must be counted.
        let waiting = calls_in_bracket("offline");
        let futex = u64::try_from(libc::SYS_futex).unwrap();
        assert!(waiting.contains(&futex), "{waiting:?}");
        println!("test waiting_for_the_worker_is_caught ... ok ({} calls)", waiting.len());
        let yielding = calls_in_bracket("yield");
        assert_eq!(yielding, [u64::try_from(libc::SYS_sched_yield).unwrap()]);
        println!("test a_single_system_call_is_caught ... ok");
    }

    /// Makes a system call that no audio side needs.
    fn marker() {
        // SAFETY: the call takes no arguments and changes nothing.
        unsafe { libc::getppid() };
    }

    fn child<P: FnMut(u16), H: Fn() -> u64>(
        task: &str,
        num_blocks: u16,
        prepare: impl FnOnce(bool) -> (P, H),
    ) {
        let (mut play, hops) = prepare(task == "offline");
        marker();
        match task {
            "yield" => std::thread::yield_now(),
            _ => {
                for call in 0..num_blocks {
                    play(call);
                    // Lets the worker keep up for a while, without a system call to wait.
                    for _ in 0..if call < 2000 { 20_000 } else { 0 } {
                        if hops() >= u64::from(call) / 8 {
                            break;
                        }
                        std::hint::spin_loop();
                    }
                }
            }
        }
        marker();
        assert!(task == "yield" || hops() > 0, "the worker took part");
    }

    /// Runs this program as a child with the task `task`. Returns the numbers of the system calls
    /// of its first thread between the two markers.
    fn calls_in_bracket(task: &str) -> Vec<u64> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(TASK, task);
        // SAFETY: the closure makes one system call and nothing else between fork and exec.
        unsafe {
            command.pre_exec(|| {
                if libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) == -1 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        #[allow(clippy::zombie_processes, reason = "`wait` below waits, for stops and for the end")]
        let child = command.spawn().expect("the child starts and may be traced");
        let pid = libc::pid_t::try_from(child.id()).unwrap();
        let marker = u64::try_from(libc::SYS_getppid).unwrap();

        assert!(libc::WIFSTOPPED(wait(pid)), "stops at its first instruction");
        request(
            libc::PTRACE_SETOPTIONS,
            pid,
            libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL,
        );
        let (mut calls, mut markers, mut signal) = (Vec::new(), 0, 0);
        loop {
            request(libc::PTRACE_SYSCALL, pid, signal);
            let status = wait(pid);
            if libc::WIFEXITED(status) {
                assert_eq!(libc::WEXITSTATUS(status), 0, "the child succeeds");
                break;
            }
            assert!(libc::WIFSTOPPED(status), "the child was killed: status {status}");
            signal = 0;
            if libc::WSTOPSIG(status) != libc::SIGTRAP | 0x80 {
                signal = libc::WSTOPSIG(status);
                continue;
            }
            match entered_call(pid) {
                Some(call) if call == marker => markers += 1,
                Some(call) if markers == 1 => calls.push(call),
                _ => {}
            }
        }
        assert_eq!(markers, 2, "the bracket was closed");
        calls
    }

    fn request(request: libc::c_uint, pid: libc::pid_t, data: libc::c_int) {
        // SAFETY: these requests take a number and no pointer.
        let result = unsafe { libc::ptrace(request, pid, 0, libc::c_long::from(data)) };
        assert!(result != -1, "request {request}: {}", std::io::Error::last_os_error());
    }

    fn wait(pid: libc::pid_t) -> libc::c_int {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
        assert_eq!(waited, pid, "{}", std::io::Error::last_os_error());
        status
    }

    /// Returns the number of the system call that the child enters, or `None` if it leaves one.
    fn entered_call(pid: libc::pid_t) -> Option<u64> {
        let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        // SAFETY: the kernel writes at most `size` bytes to `info`.
        let written =
            unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, info.as_mut_ptr()) };
        assert!(written > 0, "{}", std::io::Error::last_os_error());
        // SAFETY: zeros are a valid value of this type, and the kernel has overwritten them.
        let info = unsafe { info.assume_init() };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return None;
        }
        // SAFETY: `op` identifies this as the part of the union that was written.
        Some(unsafe { info.u.entry.nr })
    }
}
