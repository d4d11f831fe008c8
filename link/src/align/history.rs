//! Delays that stay the same over several windows.

use std::collections::VecDeque;

use super::ALIGNED_S;

/// Number of windows that are looked at.
const NUM_WINDOWS: usize = 5;
/// Least number of windows with the same delay.
const LEAST_WINDOWS: usize = 3;
/// Largest difference of equal delays, in seconds.
const SAME_S: f32 = 0.002;

/// Delays from one track to another in the last windows; `None` where it was not clear.
#[derive(Clone, Debug, Default)]
pub(super) struct History(VecDeque<Option<f32>>);

impl History {
    pub(super) fn push(&mut self, delay_s: Option<f32>) {
        if self.0.len() == NUM_WINDOWS {
            self.0.pop_front();
        }
        self.0.push_back(delay_s);
    }

    /// Returns the delay that was found repeatedly. One through the room may change.
    pub(super) fn delay_s(&self) -> Option<f32> {
        let clear = || self.0.iter().copied().flatten();
        let (near, mut far): (Vec<f32>, Vec<f32>) = clear().partition(|lag| lag.abs() <= ALIGNED_S);
        far.sort_by(f32::total_cmp);
        let middle = far.get(far.len() / 2).copied();
        far.retain(|lag| middle.is_some_and(|middle| (lag - middle).abs() <= SAME_S));
        if far.len() >= LEAST_WINDOWS { middle } else { median(near) }
    }
}

fn median(mut lags: Vec<f32>) -> Option<f32> {
    lags.sort_by(f32::total_cmp);
    (lags.len() >= LEAST_WINDOWS).then(|| lags[lags.len() / 2])
}
