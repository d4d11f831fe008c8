//! Cheap detection of segments that appeared or disappeared.

use std::time::{Duration, Instant, SystemTime};

use super::folder::Folder;

/// After this time, no later change has the same time stamp. Linux stamps with a clock of 1 to
/// 10 ms; APFS and NTFS stamp with less than 1 us.
const STAMP_PERIOD: Duration = Duration::from_millis(20);

/// The folder is listed this often even if its time stamp stays, for file systems that stamp late.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// Detects changes to the listing of a [`Folder`] at the cost of one system call.
///
/// # Real-time
///
/// Worker or main thread only: [`Self::changed`] reads the file system.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    stamp: SystemTime,
    /// First sight of this stamp.
    since: Instant,
    /// Last time at which the caller was asked to list.
    listed: Instant,
}

impl Watch {
    /// Creates a watch whose first answer is true.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns true if the caller must list the folder, now or again.
    ///
    /// The answer to every change is true at least once within 20 ms and one call after it. A
    /// second answer of true follows, because a further change can have the same time stamp. The
    /// answer is also true every 2 s, and always while the folder cannot be read.
    pub fn changed(&mut self, folder: &Folder) -> bool {
        // The time is taken first: a stamp seen at `now` is then older than `now` says.
        let now = Instant::now();
        self.changed_at(now, folder.modified())
    }

    fn changed_at(&mut self, now: Instant, stamp: Option<SystemTime>) -> bool {
        let Some(stamp) = stamp else {
            self.seen = None;
            return true;
        };
        let Some(seen) = self.seen.as_mut().filter(|seen| seen.stamp == stamp) else {
            self.seen = Some(Seen { stamp, since: now, listed: now });
            return true;
        };
        let settled = seen.since + STAMP_PERIOD;
        let is_due = (seen.listed < settled && now >= settled)
            || now.duration_since(seen.listed) >= LONGEST_REST;
        if is_due {
            seen.listed = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_change_is_reported_at_once_and_again_when_its_stamp_is_settled() {
        let (start, stamp) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut watch = Watch::new();
        let answers: Vec<u64> =
            (0..100).filter(|&t| watch.changed_at(start + ms(t), Some(stamp))).collect();
        assert_eq!(answers, [0, 20]);
        let later = stamp + ms(1);
        let answers: Vec<u64> =
            (100..200).filter(|&t| watch.changed_at(start + ms(t), Some(later))).collect();
        assert_eq!(answers, [100, 120]);
        // An earlier time, after a change of the system's clock, is a change too.
        assert!(watch.changed_at(start + ms(200), Some(stamp)));
    }

    /// Changes come at any time; their stamps are rounded down to 10 ms, as by a kernel at 100 Hz.
    #[test]
    fn no_change_is_missed_although_stamps_are_coarse() {
        let (start, epoch) = (Instant::now(), SystemTime::UNIX_EPOCH);
        for first_ms in 0..25 {
            for second_ms in first_ms..first_ms + 25 {
                for call_every_ms in [1, 3, 7, 30] {
                    let mut watch = Watch::new();
                    let mut listed = 0;
                    for t in (0..120).step_by(call_every_ms) {
                        let changes = usize::from(t >= first_ms) + usize::from(t >= second_ms);
                        let last_ms = [0, first_ms, second_ms][changes];
                        if watch.changed_at(start + ms(t), Some(epoch + ms(last_ms / 10 * 10))) {
                            listed = changes;
                        }
                    }
                    assert_eq!(listed, 2, "{first_ms} {second_ms} {call_every_ms}");
                }
            }
        }
    }

    #[test]
    fn the_folder_is_listed_again_after_a_rest_and_while_it_is_missing() {
        let (start, stamp) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut watch = Watch::new();
        let answers: Vec<u64> =
            (0..5000).filter(|&t| watch.changed_at(start + ms(t), Some(stamp))).collect();
        assert_eq!(answers, [0, 20, 2020, 4020]);
        assert!(watch.changed_at(start + ms(5000), None));
        assert!(watch.changed_at(start + ms(5001), None));
        assert!(watch.changed_at(start + ms(5002), Some(stamp)));
    }

    #[test]
    fn a_real_folder_that_rests_is_not_reported() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::at(&parent.path().join("link")).unwrap();
        let mut watch = Watch::new();
        assert!(watch.changed(&folder));
        let before = folder.modified().unwrap();
        // The stamps of the two states differ after some ticks of the kernel's clock.
        while folder.modified().unwrap() == before {
            std::fs::write(folder.path().join("a"), "").unwrap();
            std::fs::remove_file(folder.path().join("a")).unwrap();
        }
        assert!(watch.changed(&folder));
        let start = Instant::now();
        let answers = std::iter::repeat_with(|| watch.changed(&folder))
            .take_while(|_| start.elapsed() < ms(500))
            .filter(|&changed| changed)
            .count();
        assert_eq!(answers, 1);
    }
}
