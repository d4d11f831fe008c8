//! Places of a linked instance's blocks, from the times that its host states.

use link::{Line, Place};

use crate::guard::HostTime;

/// Largest distance in samples between the time that a host states and the end of the block before
/// that counts as no jump. CLAP hosts state times in seconds, which they may round.
const ROUNDING_SAMPLES: u64 = 2;

/// Follows the host's time from block to block.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The place after the last block.
    next: Option<Place>,
}

impl Clock {
    /// Returns the place of a block of `num_samples` samples; real-time safe.
    pub(super) fn place(&mut self, time: &HostTime, num_samples: usize) -> Option<Place> {
        let stated = match (time.timeline, time.steady) {
            (Some(sample), _) => Some(Place { line: Line::Timeline, sample }),
            (None, Some(sample)) => Some(Place { line: Line::Steady, sample }),
            (None, None) => None,
        };
        let goes_on = |next: &Place, stated: Place| {
            next.line == stated.line && next.sample.abs_diff(stated.sample) <= ROUNDING_SAMPLES
        };
        let place =
            stated.map(|stated| self.next.filter(|next| goes_on(next, stated)).unwrap_or(stated));
        let length = i64::try_from(num_samples).unwrap_or(i64::MAX);
        let after = |place: Place| Place { sample: place.sample.saturating_add(length), ..place };
        self.next = place.map(after);
        place
    }

    /// Returns the place after the last block; real-time safe.
    pub(super) fn next(&self) -> Option<Place> {
        self.next
    }

    /// Forgets the last block; real-time safe.
    pub(super) fn reset(&mut self) {
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(sample: i64) -> Place {
        Place { line: Line::Timeline, sample }
    }

    #[test]
    fn rounded_times_are_no_jumps_and_larger_steps_are() {
        let mut clock = Clock::default();
        let mut place =
            |sample| clock.place(&HostTime { timeline: Some(sample), steady: Some(7) }, 100);
        assert_eq!(place(1000), Some(timeline(1000)));
        assert_eq!(place(1099), Some(timeline(1100)));
        assert_eq!(place(1202), Some(timeline(1200)));
        assert_eq!(place(1303), Some(timeline(1303)), "a jump by three samples");
        assert_eq!(place(-50), Some(timeline(-50)));
    }

    #[test]
    fn a_stopped_transport_counts_on_the_other_line_and_no_time_is_no_place() {
        let mut clock = Clock::default();
        let mut place = |timeline, steady| clock.place(&HostTime { timeline, steady }, 64);
        assert_eq!(place(Some(0), Some(0)), Some(timeline(0)));
        // The same number on the other line.
        assert_eq!(place(None, Some(64)), Some(Place { line: Line::Steady, sample: 64 }));
        assert_eq!(place(None, None), None);
        assert_eq!(place(Some(65), None), Some(timeline(65)), "not continued from before");
    }
}
