//! Brings the host's main thread to the plugin: on Linux, hosts watch descriptors for it while a window is open.

#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use vst3::Steinberg::Linux::FileDescriptor;

/// A pair of sockets: what is written to one, the host sees at the other. (Some hosts take nothing but sockets.)
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

    /// What the host is to watch.
    pub(super) fn descriptor(&self) -> FileDescriptor {
        self.ends[1].as_raw_fd()
    }

    /// On any thread.
    pub(super) fn call(&self) {
        // If there is no room, the host has yet to come for earlier calls.
        let _ = (&self.ends[0]).write_all(&[1]);
    }

    /// On the main thread, when it has come.
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
