//! Latency of linked instances, and the time that tracks may lie apart.

use engine::{Mode, Pace, SampleRate};

/// Time that tracks may lie apart in Mix beyond a block, in seconds: more than hosts render tracks
/// ahead of others.
const MIX_SKEW_S: f32 = 0.3;

/// Latency of one member and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Samples from input to output: transform, lookahead, the worker's slack and the skew.
    pub latency_samples: usize,
    /// Samples that other tracks may be behind this one before hops go on without them.
    pub tolerance_samples: usize,
    /// Number of samples per hop.
    pub hop_samples: usize,
}

impl Timing {
    /// Returns the timing of a member whose host announces blocks of at most `max_block_samples`.
    ///
    /// The pace has no effect: a host that renders also calls tracks one after the other, so the
    /// output of the first track in a block is due before the others have delivered it.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn new(rate: SampleRate, mode: Mode, max_block_samples: usize) -> Self {
        let geometry = mode.geometry(rate);
        let hop_samples = geometry.hop_samples();
        let skew_samples = match mode {
            Mode::Live => hop_samples,
            Mode::Mix => rate.samples_in(MIX_SKEW_S).next_multiple_of(hop_samples),
        };
        let alone = engine::latency_samples(rate, mode, Pace::Realtime, max_block_samples);
        let latency_samples = alone + skew_samples;
        let before = geometry.overlap_samples() + mode.lookahead_hops() * hop_samples;
        let tolerance_samples = latency_samples - before - hop_samples;
        Self { latency_samples, tolerance_samples, hop_samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latency_is_a_sum_that_can_be_read() {
        use Mode::{Live, Mix};
        for (rate_hz, mode, block, latency, tolerance) in [
            // overlap + lookahead + slack + skew
            (48_000.0, Live, 512, 1024 + 1024 + 512, 1024),
            (48_000.0, Live, 1024, 1024 + 1024 + 512, 1024),
            (48_000.0, Live, 8192, 1024 + 8192 + 512, 8192),
            (48_000.0, Mix, 512, 2048 + 72 * 512 + 1024 + 14_848, 1024 + 14_848 - 512),
            (44_100.0, Mix, 512, 2048 + 72 * 512 + 1024 + 13_312, 1024 + 13_312 - 512),
            (96_000.0, Mix, 512, 2 * (2048 + 72 * 512 + 1024 + 14_848), 2 * 15_360),
        ] {
            let timing = Timing::new(SampleRate::new(rate_hz).unwrap(), mode, block);
            assert_eq!(timing.latency_samples, latency, "{rate_hz} {mode:?} {block}");
            assert_eq!(timing.tolerance_samples, tolerance, "{rate_hz} {mode:?} {block}");
        }
    }
}
