//! Division of a session into blocks.

/// The lengths of successive blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockPattern {
    /// A constant length (the last block may be shorter).
    Fixed(usize),
    /// Random lengths from 1 sample to the longest, reproducible by the seed.
    Random {
        /// Longest block in samples.
        max_block_samples: usize,
        /// Random seed.
        seed: u64,
    },
}

impl BlockPattern {
    /// Returns the length of the longest block in samples.
    #[must_use]
    pub fn max_block_samples(self) -> usize {
        match self {
            Self::Fixed(samples) | Self::Random { max_block_samples: samples, .. } => samples,
        }
    }

    /// Returns an endless sequence of block lengths, each at least 1.
    pub fn lengths(self) -> impl Iterator<Item = usize> {
        let max = self.max_block_samples().max(1);
        let mut state = match self {
            Self::Fixed(_) => None,
            Self::Random { seed, .. } => Some(seed),
        };
        std::iter::repeat_with(move || match &mut state {
            None => max,
            Some(state) => random_length(state, max),
        })
    }
}

/// Returns a random length. The number of bits is drawn first, so short blocks are as likely as
/// long ones.
fn random_length(state: &mut u64, max: usize) -> usize {
    let num_bits = usize::BITS - max.leading_zeros();
    let bits = next_random(state) % u64::from(num_bits) + 1;
    let drawn = next_random(state) % (1 << bits) + 1;
    usize::try_from(drawn).map_or(max, |drawn| drawn.min(max))
}

/// Returns the next number of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014, figure 16).
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_lengths_cover_the_range_and_repeat_with_the_seed() {
        let pattern = BlockPattern::Random { max_block_samples: 1000, seed: 7 };
        let lengths: Vec<usize> = pattern.lengths().take(2000).collect();
        assert_eq!(lengths, pattern.lengths().take(2000).collect::<Vec<_>>());
        assert_eq!(lengths.iter().min(), Some(&1));
        assert_eq!(lengths.iter().max(), Some(&1000));
        assert!(lengths.iter().filter(|&&length| length < 32).count() > 500);
        let other = BlockPattern::Random { max_block_samples: 1000, seed: 8 };
        assert_ne!(lengths, other.lengths().take(2000).collect::<Vec<_>>());
    }

    #[test]
    fn a_fixed_pattern_never_changes() {
        assert!(BlockPattern::Fixed(31).lengths().take(10).all(|length| length == 31));
    }
}
