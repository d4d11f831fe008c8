//! One track without its plugin: the part of it that may move between threads.

use std::time::Duration;

use anyhow::Result;

use super::transport::Transport;
use crate::buffers::BusBuffer;
use crate::pattern::BlockPattern;
use crate::plugin::ProcessOptions;
use crate::timings::Timings;

/// The samples of a track since they were last taken.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Input of the calls, `[channel][sample]`.
    pub fed: Vec<Vec<f32>>,
    /// Output of the calls, `[channel][sample]`: without processing, the input from one latency
    /// before.
    pub heard: Vec<Vec<f32>>,
    /// Cost of each call.
    pub timings: Timings,
}

/// The process call of a plugin or of its part that processes.
pub(super) type Process<'a> = &'a mut dyn FnMut(
    &mut [BusBuffer],
    &mut [BusBuffer],
    usize,
    ProcessOptions,
) -> Result<Duration>;

/// A track without its plugin.
pub(super) struct Lane {
    /// Position on the timeline of the signal's first sample.
    signal_start: i64,
    /// Signal on the timeline, `[channel][sample]`; silence before and after it.
    signal: Vec<Vec<f32>>,
    lengths: Box<dyn Iterator<Item = usize> + Send>,
    inputs: [BusBuffer; 1],
    outputs: [BusBuffer; 1],
    in_place: bool,
    /// Samples by which the host processes this track before the others.
    pub(super) ahead: i64,
    /// Steady count of the next sample.
    pub(super) at: i64,
    played: Played,
    rate_hz: f64,
}

impl Lane {
    /// Creates the lane of a track that begins at the steady count `at`.
    pub(super) fn new(
        signal: Vec<Vec<f32>>,
        pattern: BlockPattern,
        max_block_samples: usize,
        rate_hz: f64,
        at: i64,
    ) -> Self {
        let bus = BusBuffer::new(signal.len(), max_block_samples);
        let mut lane = Self {
            signal_start: 0,
            lengths: Box::new(pattern.lengths()),
            inputs: [bus.clone()],
            outputs: [bus],
            in_place: false,
            ahead: 0,
            at,
            played: Played::default(),
            rate_hz,
            signal,
        };
        lane.take();
        lane
    }

    pub(super) fn in_place(mut self, in_place: bool) -> Self {
        self.in_place = in_place;
        self
    }

    /// Continues the signal, and forgets all of it before the position `keep_from`.
    pub(super) fn feed(&mut self, signal: &[&[f32]], keep_from: i64) {
        let length = self.signal.first().map_or(0, Vec::len);
        let old = usize::try_from(keep_from - self.signal_start).unwrap_or(0).min(length);
        for (channel, more) in self.signal.iter_mut().zip(signal) {
            channel.drain(..old);
            channel.extend_from_slice(more);
        }
        self.signal_start += i64::try_from(old).unwrap_or(0);
    }

    /// Returns the samples since the last call.
    pub(super) fn take(&mut self) -> Played {
        let none = || vec![Vec::new(); self.signal.len()];
        let fresh = Played { fed: none(), heard: none(), timings: Timings::new(self.rate_hz) };
        std::mem::replace(&mut self.played, fresh)
    }

    /// Plays until the steady count is `until` plus the samples that this track is ahead.
    pub(super) fn play_to(
        &mut self,
        process: Process<'_>,
        transport: &Transport,
        until: i64,
    ) -> Result<()> {
        let until = until + self.ahead;
        while self.at < until {
            let end = transport.next_change(self.at).map_or(until, |change| change.min(until));
            let left = usize::try_from(end - self.at).unwrap_or(usize::MAX);
            let most = left.min(self.inputs[0].max_block_samples());
            let length = self.lengths.next().map_or(most, |length| length.min(most));
            self.play_block(process, transport, length)?;
        }
        Ok(())
    }

    fn play_block(
        &mut self,
        process: Process<'_>,
        transport: &Transport,
        length: usize,
    ) -> Result<()> {
        let time = transport.at(self.at);
        for (channel, signal) in self.signal.iter().enumerate() {
            let block = &mut self.inputs[0].channel_mut(channel)[..length];
            fill(block, signal, time.timeline.map(|timeline| timeline - self.signal_start));
            self.played.fed[channel].extend_from_slice(block);
        }
        let options = ProcessOptions { in_place: self.in_place, time: Some(time) };
        let elapsed = process(&mut self.inputs, &mut self.outputs, length, options)?;
        for (channel, heard) in self.played.heard.iter_mut().enumerate() {
            heard.extend_from_slice(&self.outputs[0].channel(channel)[..length]);
        }
        self.played.timings.push(length, elapsed);
        self.at += i64::try_from(length)?;
        Ok(())
    }
}

/// Fills a block with the signal from this index on; beyond its ends and without an index, with
/// silence.
fn fill(block: &mut [f32], signal: &[f32], from: Option<i64>) {
    for (sample, index) in block.iter_mut().zip(0_i64..) {
        let index = from.and_then(|from| usize::try_from(from + index).ok());
        *sample = index.and_then(|index| signal.get(index)).copied().unwrap_or(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_beyond_the_signal_is_silent() {
        let signal = [1.0, 2.0, 3.0];
        let filled = |from| {
            let mut block = [9.0; 3];
            fill(&mut block, &signal, from);
            block
        };
        assert_eq!(filled(Some(-1)), [0.0, 1.0, 2.0]);
        assert_eq!(filled(Some(2)), [3.0, 0.0, 0.0]);
        assert_eq!(filled(None), [0.0; 3]);
    }
}
