//! Windows in, misaligned tracks out.

use super::feed::{Block, reduction};
use super::history::History;
use super::paths::{Correlator, Window};
use super::votes::{Opinion, Vote, decide};
use super::{ALIGNED_S, Offset, ROOM_S};

/// Largest difference of the delays there and back, in seconds: twice the longest distance, and
/// what reflections add.
const LOOP_S: f32 = 0.08;
/// Share of a track's usual power that remains after a window.
const MEMORY: f32 = 0.9;
/// Share of its usual power below which a track pauses: what it has then is noise and bleed.
const PAUSE: f32 = 0.05;

/// Compares the tracks.
#[derive(Debug)]
pub(super) struct Judge {
    correlator: Correlator,
    before: Option<Block>,
    /// Usual powers of the tracks.
    usual: Vec<f32>,
    /// `[from, to]`.
    ways: Vec<History>,
    offsets: Vec<Offset>,
}

impl Judge {
    pub(super) fn new(rate_hz: f32) -> Self {
        Self {
            correlator: Correlator::new(rate_hz / reduction(rate_hz) as f32),
            before: None,
            usual: Vec::new(),
            ways: Vec::new(),
            offsets: Vec::new(),
        }
    }

    /// Adds a block. Returns all misaligned tracks if that has changed.
    pub(super) fn push(&mut self, block: Block) -> Option<Vec<Offset>> {
        let num = block.sounds.len();
        let before = self.before.take().filter(|before| block.continues(before));
        let Some(before) = before else {
            self.usual = vec![0.0; num];
            self.ways = vec![History::default(); num * num];
            self.before = Some(block);
            return None;
        };
        let windows = self.windows(&before, &block);
        let now = windows.iter().map(|window| window.as_ref().map_or(0.0, |window| window.mean));
        let mut means = Vec::with_capacity(num);
        for (usual, now) in self.usual.iter_mut().zip(now) {
            *usual = now.max(MEMORY * *usual);
            means.push(now.max(PAUSE * *usual));
        }
        let delays = self.correlator.delays(&windows, &means);
        for (way, delay_s) in self.ways.iter_mut().zip(delays) {
            way.push(delay_s);
        }
        let found = self.opinions(&block);
        self.before = Some(block);
        let is_new = found != self.offsets;
        self.offsets.clone_from(&found);
        is_new.then_some(found)
    }

    fn windows(&mut self, before: &Block, block: &Block) -> Vec<Option<Window>> {
        let pairs = before.sounds.iter().zip(&block.sounds);
        pairs
            .map(|(first, second)| {
                let samples = first.samples.iter().chain(&second.samples).copied();
                let is_whole = first.is_whole && second.is_whole;
                is_whole.then(|| self.correlator.window(second.group, samples)).flatten()
            })
            .collect()
    }

    /// Returns all misaligned tracks; those about which nothing is known stay as they were.
    fn opinions(&self, block: &Block) -> Vec<Offset> {
        let num = block.sounds.len();
        let mut votes = Vec::new();
        for from in 0..num {
            for to in from + 1..num {
                let there = self.ways[from * num + to].delay_s();
                let back = self.ways[to * num + from].delay_s();
                let value = delay_s(there, back);
                let is_mutual = there.is_some() && back.is_some();
                votes.extend(value.map(|value_s| Vote { from, to, value_s, is_mutual }));
            }
        }
        let opinions = decide(num, &votes);
        let known = |id| self.offsets.iter().find(|(of, _)| *of == id).copied();
        let tracks = block.sounds.iter().zip(opinions);
        tracks
            .filter_map(|(sound, opinion)| match (opinion, known(sound.id)) {
                (Opinion::Unknown, known) => known,
                (Opinion::Aligned, _) => None,
                // The last digits are of no interest.
                (Opinion::Off(new), Some((id, old))) if (new - old).abs() < 0.001 => {
                    Some((id, old))
                }
                (Opinion::Off(new), _) => Some((sound.id, new)),
            })
            .collect()
    }
}

/// Returns half the difference of the delays there and back, in which distances cancel.
fn delay_s(there: Option<f32>, back: Option<f32>) -> Option<f32> {
    let is_near = |lag: f32| lag.abs() <= ROOM_S;
    match (there, back) {
        (Some(there), Some(back)) if (there + back).abs() <= LOOP_S => Some((there - back) / 2.0),
        // A path through the room on one side, and what else begins in time on the other.
        (Some(there), Some(back)) => (is_near(there) || is_near(back)).then_some(0.0),
        // One way alone cannot tell distance from delay, unless it is longer than a room.
        (Some(lag), None) => Some(if is_near(lag) { 0.0 } else { lag }),
        (None, Some(lag)) => Some(if is_near(lag) { 0.0 } else { -lag }),
        (None, None) => None,
    }
    .map(|delay_s| if delay_s.abs() <= ALIGNED_S { 0.0 } else { delay_s })
}
