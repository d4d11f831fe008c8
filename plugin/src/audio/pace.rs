//! Hosts that render without telling: their blocks come faster than the clock.
//!
//! Ardour freezes and bounces tracks as if they were played, and Qtractor exports so. No worker
//! keeps up with that, unless the host is made to wait.

use std::time::{Duration, Instant};

use link::Place;

/// Share of a block's length that a host in real time needs at least until the next block.
const LEAST_GAP: f32 = 0.8;
/// Lead over the clock in seconds from which a host may be rendering: more than hosts collect when
/// they divide a sound card's buffer.
const LIKELY_S: f32 = 0.06;
/// Lead over the clock in seconds from which a host certainly renders.
const CERTAIN_S: f32 = 0.3;
/// Largest lead in seconds that is counted, so that it ends some time after the host slows down.
const MOST_S: f32 = 0.5;
/// Wait per block for a host that may be rendering, or the length of the block if that is longer.
const SHORT: Duration = Duration::from_millis(20);
/// Wait per block for a host that renders.
const LONG: Duration = Duration::from_secs(2);

/// Compares the host's blocks with the clock. The time inside of the plugin does not count.
///
/// # Real-time
///
/// Safe on the audio thread: reads the system's clock, without a system call on the usual systems.
#[derive(Debug, Default)]
pub(super) struct HostPace {
    /// Time that the host's blocks are ahead of the clock.
    lead_s: f32,
    /// End of the last call, and the place after it.
    last: Option<(Instant, Option<Place>)>,
}

impl HostPace {
    /// Forgets the last blocks.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Notes the start of a call at `now`, with a block that begins at `place`. Returns the longest
    /// wait for its result if the host seems to render.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        place: Option<Place>,
        block_s: f32,
    ) -> Option<Duration> {
        match self.last {
            Some((end, next)) if next == place => {
                let gap_s = now.saturating_duration_since(end).as_secs_f32();
                self.lead_s = (self.lead_s + LEAST_GAP * block_s - gap_s).clamp(0.0, MOST_S);
            }
            _ => self.lead_s = 0.0,
        }
        match self.lead_s {
            CERTAIN_S.. => Some(LONG),
            LIKELY_S.. => Some(SHORT.max(Duration::from_secs_f32(block_s.clamp(0.0, 1.0)))),
            _ => None,
        }
    }

    /// Notes the end of the call at `now`; `next` is the place after its block.
    pub(super) fn end(&mut self, now: Instant, next: Option<Place>) {
        self.last = Some((now, next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use link::Line;

    const BLOCK_S: f32 = 512.0 / 48_000.0;

    fn place(block: i64) -> Option<Place> {
        Some(Place { line: Line::Timeline, sample: 512 * block })
    }

    /// Returns the waits of blocks at these times in blocks, each of which takes a tenth of one.
    fn waits(times: impl IntoIterator<Item = f32>) -> Vec<Option<Duration>> {
        let start = Instant::now();
        let at = |blocks: f32| start + Duration::from_secs_f32(blocks * BLOCK_S);
        let mut pace = HostPace::default();
        let blocks = times.into_iter().zip(0..);
        blocks
            .map(|(time, block)| {
                let wait = pace.begin(at(time), place(block), BLOCK_S);
                pace.end(at(time + 0.1), place(block + 1));
                wait
            })
            .collect()
    }

    #[test]
    fn hosts_in_real_time_are_never_made_to_wait() {
        let hour = 0..340_000;
        assert!(waits(hour.map(|n| n as f32)).iter().all(Option::is_none));
        // Four blocks for each buffer of the sound card, and blocks that come irregularly.
        let bursts = (0..4000).map(|n| (n / 4 * 4) as f32 + 0.1 * (n % 4) as f32);
        assert!(waits(bursts).iter().all(Option::is_none));
        let uneven = (0..4000).map(|n| n as f32 + if n % 7 == 3 { 3.0 } else { 0.0 });
        let mut last = 0.0_f32;
        let uneven = uneven.map(|time| {
            last = last.max(time);
            last
        });
        assert!(waits(uneven).iter().all(Option::is_none));
    }

    #[test]
    fn a_host_that_renders_waits_from_the_first_tenth_of_a_second_on_until_it_plays_again() {
        let fast = waits((0..200).map(|n| 0.1 * n as f32));
        let first = fast.iter().position(Option::is_some).unwrap();
        assert!(first as f32 * BLOCK_S < 0.1, "{first}");
        assert_eq!((fast[first], fast[199]), (Some(SHORT), Some(LONG)));
        assert!(fast[first..].iter().all(Option::is_some));
        let slower = waits((0..1000).map(|n| 0.1 * n.min(200) as f32 + (n.max(200) - 200) as f32));
        let end = slower.iter().rposition(Option::is_some).unwrap();
        assert!((200..800).contains(&end), "{end}");
    }

    #[test]
    fn a_jump_begins_anew_and_the_time_in_the_plugin_does_not_count() {
        let start = Instant::now();
        let mut pace = HostPace::default();
        for block in 0..100 {
            // A second in each call.
            let now = start + Duration::from_secs(block);
            let at = place(i64::try_from(block).unwrap());
            pace.begin(now, at, BLOCK_S);
            let next = place(i64::try_from(block + 1).unwrap());
            pace.end(now + Duration::from_secs(1), next);
        }
        let now = start + Duration::from_secs(100);
        assert_eq!(pace.begin(now, place(100), BLOCK_S), Some(LONG));
        pace.end(now, place(101));
        assert_eq!(pace.begin(now, place(7), BLOCK_S), None);
    }
}
