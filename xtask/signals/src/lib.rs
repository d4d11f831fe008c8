//! Repeatable noise for tests, benches and examples. No product code depends on it.

/// White noise from a seed, the same on every machine.
///
/// # Source
///
/// Linear congruential generator with the constants of Press et al., "Numerical Recipes in C",
/// 2nd edition, section 7.1. Only its upper bits are used for samples.
#[derive(Clone, Debug)]
pub struct Noise(u32);

impl Noise {
    /// Creates the noise of a seed.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// Draws 32 bits. The lower ones repeat after short periods.
    pub const fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    /// Draws a number from 0 up to 1, uniformly, with 24 bits.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }

    /// Draws a sample from -1 up to 1, uniformly.
    pub fn draw(&mut self) -> f32 {
        2.0 * self.unit() - 1.0
    }

    /// Returns `length` samples from `-peak` up to `peak`.
    pub fn samples(&mut self, length: usize, peak: f32) -> Vec<f32> {
        (0..length).map(|_| peak * self.draw()).collect()
    }

    /// Returns a hop of mics with bleed, `[mic, sample]`: noise of each mic up to `own`, plus noise
    /// common to all mics up to `shared`.
    pub fn hop(&mut self, num_mics: usize, hop_samples: usize, own: f32, shared: f32) -> Vec<f32> {
        let common = self.samples(hop_samples, shared);
        let mut mics = self.samples(num_mics * hop_samples, own);
        for (sample, common) in mics.iter_mut().zip(common.iter().cycle()) {
            *sample += common;
        }
        mics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "the same on every machine, to the last bit")]
    fn a_seed_gives_the_same_noise_forever() {
        let mut noise = Noise::new(1);
        assert_eq!([noise.bits(), noise.bits()], [1_015_568_748, 1_586_005_467]);
        let mut noise = Noise::new(1);
        assert_eq!(noise.samples(2, 0.5), [-0.263_544_5, -0.130_729_38]);
        let mut noise = Noise::new(7);
        let values: Vec<f32> = (0..100_000).map(|_| noise.draw()).collect();
        assert!(values.iter().all(|value| (-1.0..1.0).contains(value)));
        let mean = values.iter().sum::<f32>() / 100_000.0;
        assert!(mean.abs() < 0.01, "{mean}");
    }

    #[test]
    fn a_hop_has_common_and_own_noise() {
        let mut noise = Noise::new(1);
        let same = noise.hop(2, 100, 0.0, 0.5);
        assert_eq!(same[..100], same[100..]);
        let other = noise.hop(2, 100, 0.5, 0.0);
        assert_ne!(other[..100], other[100..]);
    }
}
