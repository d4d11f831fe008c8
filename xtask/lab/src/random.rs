//! Pseudo-random numbers from a seed, identical on every machine and with every crate version.

/// A stream of pseudo-random numbers.
///
/// Scenes and the demo must stay identical for a seed for the lifetime of the project. The
/// generator is therefore fixed here instead of taken from a crate that may change its streams.
///
/// # Source
///
/// G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA
/// 2014, figure 17 (SplitMix64): a counter stepped by the golden ratio and mixed.
#[derive(Clone, Debug)]
pub struct Random {
    counter: u64,
}

impl Random {
    const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

    /// Creates the stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { counter: mix(seed ^ 0x5EED_0F0A_DB1E_ED00) }
    }

    /// Creates an independent stream for one part of a job, so that more draws in one part do not
    /// change the others.
    #[must_use]
    pub fn for_part(seed: u64, part: u64) -> Self {
        Self { counter: mix(mix(seed).wrapping_add(part.wrapping_mul(Self::GOLDEN_GAMMA))) }
    }

    /// Returns the next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(Self::GOLDEN_GAMMA);
        mix(self.counter)
    }

    /// Draws a uniform number in `0.0 .. 1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws a uniform number in `low .. high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Draws a normally distributed number (Box and Muller's method).
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Returns true with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Draws a position in `0 .. count`; 0 if `count` is 0.
    pub fn index(&mut self, count: usize) -> usize {
        if count == 0 {
            return 0;
        }
        let wide = u128::from(self.bits()) * count as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Draws one of `choices`.
    ///
    /// # Panics
    ///
    /// Panics if `choices` is empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Puts `items` in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_gives_the_published_numbers() {
        // First outputs of SplitMix64 for seed 1234567, as listed with the reference program.
        let mut stream = Random { counter: 1_234_567 };
        assert_eq!(
            [stream.bits(), stream.bits(), stream.bits()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn seeds_and_parts_give_streams_of_their_own() {
        let first = |mut stream: Random| stream.bits();
        assert_eq!(first(Random::new(1)), first(Random::new(1)));
        assert_ne!(first(Random::new(1)), first(Random::new(2)));
        assert_ne!(first(Random::for_part(1, 0)), first(Random::for_part(1, 1)));
        assert_ne!(first(Random::for_part(1, 1)), first(Random::for_part(2, 1)));
    }

    #[test]
    fn draws_have_their_stated_mean_and_range() {
        let mut stream = Random::new(3);
        let count = 20_000;
        let uniform: f64 =
            (0..count).map(|_| stream.between(2.0, 4.0)).sum::<f64>() / f64::from(count);
        assert!((uniform - 3.0).abs() < 0.02, "{uniform}");
        let squares: f64 =
            (0..count).map(|_| stream.normal(0.0, 2.0).powi(2)).sum::<f64>() / f64::from(count);
        assert!((squares - 4.0).abs() < 0.2, "{squares}");
        assert!((0..count).all(|_| stream.index(7) < 7));
        let mut order: Vec<usize> = (0..50).collect();
        stream.shuffle(&mut order);
        assert!(order.iter().enumerate().any(|(place, &item)| place != item));
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(place, &item)| place == item));
    }
}
