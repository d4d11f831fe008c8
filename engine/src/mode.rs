//! The two modes, and the sizes and latency that follow from them.

use crate::SampleRate;
use crate::stft::Geometry;

/// Lookahead of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Causal. The total latency is below 50 ms at 48 kHz.
    #[default]
    Live,
    /// With lookahead and a longer overlap, for better results. The total latency is below 1 s.
    Mix,
}

/// Pace of the host's processing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pace {
    /// Real time. The session never waits for the worker, and a late hop is replaced by dry.
    #[default]
    Realtime,
    /// As fast as possible (bounce, command line). The session always waits for the worker.
    Offline,
}

impl Mode {
    /// Window, hop and overlap in samples at 44.1 and 48 kHz. Other rates scale them by powers
    /// of two.
    const fn sizes(self) -> (usize, usize, usize) {
        match self {
            Self::Live => (2048, 512, 1024),
            Self::Mix => (2048, 512, 2048),
        }
    }

    /// Returns the transform of this mode at a sample rate.
    ///
    /// Lengths scale with the rate in powers of two, so that a window lasts 43 ms at 48 kHz and 30
    /// to 64 ms at every rate.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn geometry(self, rate: SampleRate) -> Geometry {
        let (window, hop, overlap) = self.sizes();
        let sized = Geometry::new(scaled(window, rate), scaled(hop, rate), scaled(overlap, rate));
        // A test covers the sizes at every scale.
        sized.unwrap_or_else(|_| unreachable!("sizes scale together"))
    }

    /// Returns the number of future hops that the engine reads before it cleans a hop.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub const fn lookahead_hops(self) -> usize {
        match self {
            Self::Live => 0,
            Self::Mix => 72,
        }
    }
}

/// Time that a worker has for a hop before it is late, in samples at 44.1 and 48 kHz: two hops, as
/// long as the longest block that common hosts use during playback.
const SLACK_SAMPLES: usize = 1024;

/// Scales a length given for 44.1 and 48 kHz to another rate, by the nearest power of two.
pub(crate) fn scaled(samples: usize, rate: SampleRate) -> usize {
    // The boundaries lie half-way (in octaves) between the usual rates: 46 kHz times odd powers
    // of sqrt(2).
    let mut length = samples;
    let mut boundary_hz = 46_000.0 * std::f32::consts::SQRT_2;
    while rate.hz() > boundary_hz {
        length *= 2;
        boundary_hz *= 2.0;
    }
    let mut boundary_hz = 46_000.0 / std::f32::consts::SQRT_2;
    while rate.hz() < boundary_hz {
        length /= 2;
        boundary_hz /= 2.0;
    }
    length
}

/// Returns the samples from a mic's input to the same sample at its output, for the engine's
/// own method.
///
/// The latency is the sum of the transform's overlap, the lookahead, and the worker's slack. The
/// slack covers the adaptation to block sizes. Blocks up to the slack (1024 samples at 44.1 and 48
/// kHz) all give the same latency. In real time longer blocks increase it, because all hops of a
/// block arrive at the same moment. Offline the session waits for the worker, so the block size
/// does not matter.
///
/// # Real-time
///
/// Safe on the audio thread: no allocation.
#[must_use]
pub fn latency_samples(
    rate: SampleRate,
    mode: Mode,
    pace: Pace,
    max_block_samples: usize,
) -> usize {
    latency_of(mode.geometry(rate), mode.lookahead_hops(), rate, pace, max_block_samples)
}

/// Returns the same sum for any method's transform and lookahead.
pub(crate) fn latency_of(
    geometry: Geometry,
    lookahead_hops: usize,
    rate: SampleRate,
    pace: Pace,
    max_block_samples: usize,
) -> usize {
    geometry.overlap_samples()
        + lookahead_hops * geometry.hop_samples()
        + slack_samples(geometry, rate, pace, max_block_samples)
}

/// Returns the worker's slack in samples, a multiple of the hop.
pub(crate) fn slack_samples(
    geometry: Geometry,
    rate: SampleRate,
    pace: Pace,
    max_block_samples: usize,
) -> usize {
    let base = scaled(SLACK_SAMPLES, rate);
    let slack = match pace {
        Pace::Realtime => base.max(max_block_samples),
        Pace::Offline => base,
    };
    slack.next_multiple_of(geometry.hop_samples())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES_HZ: [f32; 10] = [
        8_000.0, 16_000.0, 22_050.0, 32_000.0, 44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0,
        192_000.0,
    ];

    #[test]
    fn every_rate_has_a_transform_of_about_the_same_duration() {
        for rate_hz in RATES_HZ {
            let rate = SampleRate::new(rate_hz).unwrap();
            for mode in [Mode::Live, Mode::Mix] {
                let window_s = mode.geometry(rate).window_samples() as f32 / rate_hz;
                assert!((0.030..0.064).contains(&window_s), "{rate_hz} Hz: {window_s} s");
            }
        }
    }

    #[test]
    fn latency_is_what_the_table_says() {
        use Mode::{Live, Mix};
        use Pace::{Offline, Realtime};
        let table = [
            // overlap + lookahead + slack
            (44_100.0, Live, Realtime, 512, 1024 + 1024),
            (48_000.0, Live, Realtime, 1, 1024 + 1024),
            (48_000.0, Live, Realtime, 1024, 1024 + 1024),
            (48_000.0, Live, Realtime, 1025, 1024 + 1536),
            (48_000.0, Live, Realtime, 8192, 1024 + 8192),
            (48_000.0, Live, Offline, 8192, 1024 + 1024),
            (96_000.0, Live, Realtime, 2048, 2048 + 2048),
            (192_000.0, Live, Realtime, 4096, 4096 + 4096),
            (8_000.0, Live, Realtime, 64, 128 + 128),
            (48_000.0, Mix, Realtime, 512, 2048 + 72 * 512 + 1024),
            (44_100.0, Mix, Offline, 8192, 2048 + 72 * 512 + 1024),
            (96_000.0, Mix, Realtime, 512, 2 * (2048 + 72 * 512 + 1024)),
        ];
        for (rate_hz, mode, pace, block, expected) in table {
            let rate = SampleRate::new(rate_hz).unwrap();
            assert_eq!(
                latency_samples(rate, mode, pace, block),
                expected,
                "{rate_hz} {mode:?} {pace:?} {block}"
            );
        }
    }

    #[test]
    fn live_stays_under_50_ms_and_mix_under_a_second() {
        let rate = SampleRate::new(48_000.0).unwrap();
        assert!(latency_samples(rate, Mode::Live, Pace::Realtime, 1024) < 2_400);
        for rate_hz in RATES_HZ {
            let rate = SampleRate::new(rate_hz).unwrap();
            let mix = latency_samples(rate, Mode::Mix, Pace::Realtime, 64);
            assert!(mix as f32 / rate_hz < 1.0, "{rate_hz}");
        }
    }
}
