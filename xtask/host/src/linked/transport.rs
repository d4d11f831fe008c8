//! The transport of a session: a timeline with jumps and stops over a steady count of samples.

use crate::model::BlockTime;

/// A change of the transport.
#[derive(Clone, Copy, Debug)]
struct Cue {
    steady: i64,
    /// Position from the change on; `None` for a stop.
    timeline: Option<i64>,
}

/// The transport from the first sample on; it plays from position 0 until it is told otherwise.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    /// In the order of their times; never empty.
    cues: Vec<Cue>,
}

impl Transport {
    pub(super) fn new() -> Self {
        Self { cues: vec![Cue { steady: 0, timeline: Some(0) }] }
    }

    /// Jumps to `timeline`, or stops, at the count `steady`.
    pub(super) fn change(&mut self, steady: i64, timeline: Option<i64>) {
        self.cues.retain(|cue| cue.steady < steady);
        self.cues.push(Cue { steady, timeline });
    }

    /// Returns the time at the count `steady`.
    pub(super) fn at(&self, steady: i64) -> BlockTime {
        let cue = self.cues.iter().rev().find(|cue| cue.steady <= steady);
        let since = |cue: &Cue| cue.timeline.map(|timeline| timeline + steady - cue.steady);
        BlockTime { timeline: cue.and_then(since), steady }
    }

    /// Returns the count of the first change after `steady`.
    pub(super) fn next_change(&self, steady: i64) -> Option<i64> {
        let later = self.cues.iter().rev().take_while(|cue| cue.steady > steady);
        later.last().map(|cue| cue.steady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeline_jumps_and_stops_while_the_count_goes_on() {
        let mut transport = Transport::new();
        transport.change(100, Some(-20));
        transport.change(150, None);
        let timeline = |steady| transport.at(steady).timeline;
        assert_eq!(
            [0, 99, 100, 149, 150].map(timeline),
            [Some(0), Some(99), Some(-20), Some(29), None]
        );
        assert_eq!([0, 100, 150].map(|at| transport.next_change(at)), [Some(100), Some(150), None]);
    }
}
