//! A plain delay for mics that are not cleaned. They have the latency that the host was given.

/// Delays channels by a fixed number of samples.
///
/// # Real-time
///
/// [`Delay::new`] allocates; everything else is safe on the audio thread.
#[derive(Debug, Default)]
pub(crate) struct Delay {
    /// The delayed samples, `[channel, delay_samples]`. All rings share one position.
    rings: Vec<f32>,
    delay_samples: usize,
    place: usize,
}

impl Delay {
    pub(crate) fn new(num_channels: usize, delay_samples: usize) -> Self {
        Self { rings: vec![0.0; num_channels * delay_samples], delay_samples, place: 0 }
    }

    /// Clears the delayed samples.
    pub(crate) fn reset(&mut self) {
        self.rings.fill(0.0);
        self.place = 0;
    }

    /// Replaces the samples by those of `delay_samples` earlier. Channels beyond the first
    /// `num_channels` stay unchanged.
    ///
    /// As in the engine, an input that is not finite becomes silence.
    pub(crate) fn process(&mut self, channels: &mut [&mut [f32]]) {
        if self.delay_samples == 0 {
            return;
        }
        let length = channels.first().map_or(0, |channel| channel.len());
        for (ring, channel) in self.rings.chunks_exact_mut(self.delay_samples).zip(channels) {
            let mut place = self.place;
            for sample in channel.iter_mut() {
                let fresh = if sample.is_finite() { *sample } else { 0.0 };
                *sample = std::mem::replace(&mut ring[place], fresh);
                place = if place + 1 == self.delay_samples { 0 } else { place + 1 };
            }
        }
        self.place = (self.place + length) % self.delay_samples;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_comes_out_as_late_as_was_said_however_blocks_are_cut() {
        for delay_samples in [0, 1, 7, 64] {
            let mut delay = Delay::new(2, delay_samples);
            for _ in 0..2 {
                let sent: [Vec<f32>; 2] =
                    [1.0, 1000.0].map(|from| (0..200_u8).map(|n| from + f32::from(n)).collect());
                let mut heard = sent.clone();
                let [left, right] = &mut heard;
                for (left, right) in left.chunks_mut(30).zip(right.chunks_mut(30)) {
                    delay.process(&mut [left, right]);
                }
                for (heard, sent) in heard.iter().zip(&sent) {
                    assert!(heard[..delay_samples].iter().all(|&sample| sample == 0.0));
                    assert_eq!(heard[delay_samples..], sent[..200 - delay_samples]);
                }
                delay.reset();
            }
        }
    }
}
