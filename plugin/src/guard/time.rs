//! The host's time of a block, on the lines that all tracks of a host share.

/// Time of a block's first sample, as far as the host states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTime {
    /// Position on the timeline in samples while the transport plays; negative before its start.
    pub timeline: Option<i64>,
    /// Count of samples that also advances while the transport is stopped.
    pub steady: Option<i64>,
}

impl HostTime {
    /// Returns the time `samples` later.
    pub(super) fn plus(self, samples: usize) -> Self {
        let samples = i64::try_from(samples).unwrap_or(i64::MAX);
        let later = |time: i64| time.saturating_add(samples);
        Self { timeline: self.timeline.map(later), steady: self.steady.map(later) }
    }
}
