//! The audio buffers of one bus, with guards that detect invalid writes.

/// Bits of a quiet NaN that no computation produces; samples that a plugin does not write keep it.
const CANARY_BITS: u32 = 0x7FC0_BE5E;

/// Guard samples after the longest block, which a plugin must not change.
const GUARD_SAMPLES: usize = 32;

/// The form in which a bus is passed to the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BusState {
    /// With buffers.
    #[default]
    Connected,
    /// With buffers of zeros and the format's flag for silence. Inputs only.
    Silent,
    /// Inactive: the right number of channels, every channel pointer null.
    NullChannels,
    /// Inactive: the right number of channels, the array of channel pointers itself null.
    NullArray,
    /// Inactive: no channels at all.
    ZeroChannels,
}

impl BusState {
    /// Returns true if the plugin receives memory that it can read or write.
    #[must_use]
    pub fn has_memory(self) -> bool {
        matches!(self, Self::Connected | Self::Silent)
    }
}

/// The buffers of one bus: `[channel][sample]`.
#[derive(Clone, Debug)]
pub struct BusBuffer {
    /// Form in which the bus is passed to the plugin.
    pub state: BusState,
    channels: Vec<Vec<f32>>,
    max_block_samples: usize,
}

impl BusBuffer {
    /// Creates buffers of zeros for `num_channels` channels and blocks of up
    /// to `max_block_samples`.
    #[must_use]
    pub fn new(num_channels: usize, max_block_samples: usize) -> Self {
        let mut channel = vec![0.0; max_block_samples];
        channel.resize(max_block_samples + GUARD_SAMPLES, f32::from_bits(CANARY_BITS));
        Self {
            state: BusState::Connected,
            channels: vec![channel; num_channels],
            max_block_samples,
        }
    }

    /// Returns the number of channels.
    #[must_use]
    pub fn num_channels(&self) -> usize {
        self.channels.len()
    }

    /// Returns the length of the longest block that fits.
    #[must_use]
    pub fn max_block_samples(&self) -> usize {
        self.max_block_samples
    }

    /// Returns one channel with the length of the longest block.
    ///
    /// # Panics
    ///
    /// If the channel does not exist.
    #[must_use]
    pub fn channel(&self, channel: usize) -> &[f32] {
        &self.channels[channel][..self.max_block_samples]
    }

    /// Returns one channel with the length of the longest block.
    ///
    /// # Panics
    ///
    /// If the channel does not exist.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [f32] {
        &mut self.channels[channel][..self.max_block_samples]
    }

    pub(crate) fn fill(&mut self, value: f32) {
        for channel in 0..self.num_channels() {
            self.channel_mut(channel).fill(value);
        }
    }

    pub(crate) fn fill_with_canary(&mut self) {
        self.fill(f32::from_bits(CANARY_BITS));
    }

    pub(crate) fn channel_pointers(&mut self) -> Vec<*mut f32> {
        self.channels.iter_mut().map(Vec::as_mut_ptr).collect()
    }

    /// Returns the first channel and sample among the first `num_samples` that still hold
    /// the canary.
    pub(crate) fn first_unwritten(&self, num_samples: usize) -> Option<(usize, usize)> {
        self.find(|channel| channel[..num_samples].iter().position(|x| x.to_bits() == CANARY_BITS))
    }

    /// Returns the first channel and sample among the first `num_samples` that are NaN or infinite.
    pub(crate) fn first_non_finite(&self, num_samples: usize) -> Option<(usize, usize)> {
        self.find(|channel| channel[..num_samples].iter().position(|x| !x.is_finite()))
    }

    /// Returns the first channel and sample among the first `num_samples` that are subnormal, which
    /// some hosts treat as a fault.
    pub(crate) fn first_subnormal(&self, num_samples: usize) -> Option<(usize, usize)> {
        self.find(|channel| channel[..num_samples].iter().position(|x| x.is_subnormal()))
    }

    /// Returns the first channel and sample with other bits than in `other`, guards included.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<(usize, usize)> {
        let pairs = self.channels.iter().zip(&other.channels).enumerate();
        pairs.into_iter().find_map(|(index, (channel, other))| {
            let mut pairs = channel.iter().zip(other);
            pairs.position(|(a, b)| a.to_bits() != b.to_bits()).map(|sample| (index, sample))
        })
    }

    /// Returns the first channel and sample after the longest block that no longer hold the canary.
    pub(crate) fn first_overrun(&self) -> Option<(usize, usize)> {
        let end = self.max_block_samples;
        self.find(|channel| {
            let touched = channel[end..].iter().position(|x| x.to_bits() != CANARY_BITS);
            touched.map(|position| end + position)
        })
    }

    fn find(&self, in_channel: impl Fn(&[f32]) -> Option<usize>) -> Option<(usize, usize)> {
        self.channels
            .iter()
            .enumerate()
            .find_map(|(index, channel)| in_channel(channel).map(|sample| (index, sample)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_is_found() {
        let mut bus = BusBuffer::new(2, 8);
        bus.fill_with_canary();
        bus.channel_mut(0)[..5].fill(0.5);
        bus.channel_mut(1)[..4].fill(f32::NAN);
        assert_eq!(bus.first_unwritten(4), None);
        assert_eq!(bus.first_unwritten(5), Some((1, 4)));
        assert_eq!(bus.first_non_finite(4), Some((1, 0)));
    }

    #[test]
    fn subnormal_samples_and_differences_are_found() {
        let mut bus = BusBuffer::new(2, 8);
        let before = bus.clone();
        assert_eq!((bus.first_subnormal(8), bus.first_difference(&before)), (None, None));
        bus.channel_mut(1)[3] = -1e-40;
        bus.channel_mut(1)[5] = -0.0;
        assert_eq!((bus.first_subnormal(8), bus.first_subnormal(3)), (Some((1, 3)), None));
        assert_eq!(bus.first_difference(&before), Some((1, 3)));
        bus.channel_mut(1)[3] = 0.0;
        assert_eq!(bus.first_difference(&before), Some((1, 5)), "a zero of the other sign");
    }

    #[test]
    fn what_was_written_behind_the_block_is_found() {
        let mut bus = BusBuffer::new(2, 8);
        assert_eq!(bus.first_overrun(), None);
        bus.channels[1][8] = 0.0;
        assert_eq!(bus.first_overrun(), Some((1, 8)));
    }
}
