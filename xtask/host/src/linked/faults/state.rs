//! Resources of this process and files in the folder of linked instances.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Counts at one time. On systems other than Linux, only segments are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) segments: usize,
    pub(super) threads: usize,
    pub(super) handles: usize,
    pub(super) resident_kib: usize,
}

impl State {
    pub(super) fn now(folder: &Path) -> Result<Self> {
        let entries = |path: &Path| std::fs::read_dir(path).map_or(0, Iterator::count);
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: usize = pages.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        Ok(Self {
            segments: std::fs::read_dir(folder).context("no folder of segments")?.count(),
            threads: entries(Path::new("/proc/self/task")),
            handles: entries(Path::new("/proc/self/fd")),
            resident_kib: 4 * pages,
        })
    }

    /// Waits until as many segments, threads and handles are there as before.
    pub(super) fn wait_for(before: &Self, folder: &Path) -> Result<Self> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let began = Instant::now();
        loop {
            let now = Self::now(folder)?;
            let counts = |state: &Self| (state.segments, state.threads, state.handles);
            if counts(&now) == counts(before) {
                return Ok(now);
            }
            ensure!(began.elapsed() < PATIENCE, "left behind: {now} instead of {before}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segments, threads, handles, resident_kib } = self;
        let mib = resident_kib / 1024;
        write!(f, "{segments} segments, {threads} threads, {handles} handles, {mib} MiB")
    }
}
