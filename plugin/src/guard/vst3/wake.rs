//! Wakes the host's main thread. On Linux, hosts watch descriptors for the plugin while a window
//! is open.

#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use vst3::Steinberg::Linux::FileDescriptor;

/// A pair of sockets: a write to one makes the other readable for the host. Some hosts accept
/// sockets only.
#[derive(Debug)]
pub(super) struct Wake {
    #[cfg(unix)]
    ends: [UnixStream; 2],
}

#[cfg(unix)]
impl Wake {
    pub(super) fn new() -> Option<Self> {
        let (call, heard) = UnixStream::pair().ok()?;
        call.set_nonblocking(true).and_then(|()| heard.set_nonblocking(true)).ok()?;
        Some(Self { ends: [call, heard] })
    }

    /// Returns the descriptor that the host must watch.
    pub(super) fn descriptor(&self) -> FileDescriptor {
        self.ends[1].as_raw_fd()
    }

    /// Wakes the host; any thread.
    pub(super) fn call(&self) {
        // If the buffer is full, the host has not yet handled earlier calls.
        let _ = (&self.ends[0]).write_all(&[1]);
    }

    /// Discards the pending calls; on the host's main thread.
    pub(super) fn settle(&self) {
        let mut calls = [0; 64];
        while (&self.ends[1]).read(&mut calls).is_ok_and(|count| count == calls.len()) {}
    }
}

/// Other systems have no run loops that hosts share.
#[cfg(not(unix))]
impl Wake {
    pub(super) fn new() -> Option<Self> {
        None
    }

    pub(super) fn descriptor(&self) -> FileDescriptor {
        -1
    }

    pub(super) fn call(&self) {}

    pub(super) fn settle(&self) {}
}
