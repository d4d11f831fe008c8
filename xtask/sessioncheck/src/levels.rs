//! DC offset and clipping of one mic, measured over all its samples.

use crate::finding::Finding;

/// Largest harmless offset, 54 dB below full scale.
const LEAST_OFFSET: f32 = 0.002;
/// Largest spread of the means of seconds, relative to the offset. The means of instruments with
/// one-sided waves vary by at least a fifth.
const MOST_SPREAD: f32 = 0.15;
/// Least number of blocks (seconds) for a reliable offset.
const LEAST_BLOCKS: usize = 3;
/// Threshold of full scale: half a step below the highest value of a 16-bit file.
const FULL_SCALE: f32 = 1.0 - 1.0 / 32_768.0 - 1.0 / 65_536.0;
/// Least number of equal samples at full scale in a row that counts as clipping.
const LEAST_RUN: u32 = 3;

/// Running measurements of one mic.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    block_samples: u64,
    sum: f64,
    in_block: u64,
    is_silent: bool,
    /// Mean of each second that is not digital silence.
    means: Vec<f32>,
    position: u64,
    last: f32,
    run: u32,
    num_runs: u64,
    first_run: u64,
}

/// Runs of samples at full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clipped {
    num_runs: u64,
    first_s: f64,
}

impl Clipped {
    pub(crate) fn of(self, mic: usize) -> Finding {
        Finding::Clipped { mic, num_runs: self.num_runs, first_s: self.first_s }
    }
}

impl Levels {
    pub(crate) fn new(rate_hz: u32) -> Self {
        Self {
            block_samples: u64::from(rate_hz),
            sum: 0.0,
            in_block: 0,
            is_silent: true,
            means: Vec::new(),
            position: 0,
            last: 0.0,
            run: 0,
            num_runs: 0,
            first_run: 0,
        }
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        for &x in samples {
            let is_full = (FULL_SCALE..=1.0).contains(&x.abs());
            // Samples beyond full scale and unequal samples near it were not clipped.
            self.run = match (is_full, x.to_bits() == self.last.to_bits()) {
                (false, _) => 0,
                (true, true) => self.run + 1,
                (true, false) => 1,
            };
            if self.run == LEAST_RUN {
                if self.num_runs == 0 {
                    self.first_run = self.position + 1 - u64::from(LEAST_RUN);
                }
                self.num_runs += 1;
            }
            self.last = x;
            self.position += 1;
            self.sum += f64::from(x);
            self.is_silent &= x == 0.0;
            self.in_block += 1;
            if self.in_block == self.block_samples {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        if !self.is_silent {
            #[allow(clippy::cast_possible_truncation, reason = "a mean of f32 samples")]
            self.means.push((self.sum / self.in_block as f64) as f32);
        }
        (self.sum, self.in_block, self.is_silent) = (0.0, 0, true);
    }

    /// Returns the DC offset relative to full scale if it is the same in nine of ten seconds; a
    /// mean that varies with the notes is none.
    pub(crate) fn offset(&self) -> Option<f32> {
        let mut means = self.means.clone();
        if means.len() < LEAST_BLOCKS {
            return None;
        }
        means.sort_by(f32::total_cmp);
        let at = |part: usize| means[(means.len() - 1) * part / 20];
        let offset = at(10);
        let spread = at(19) - at(1);
        (offset.abs() > LEAST_OFFSET && spread < MOST_SPREAD * offset.abs()).then_some(offset)
    }

    pub(crate) fn clipped(&self, rate_hz: u32) -> Option<Clipped> {
        let first_s = self.first_run as f64 / f64::from(rate_hz);
        (self.num_runs > 0).then_some(Clipped { num_runs: self.num_runs, first_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f32]) -> Levels {
        let mut levels = Levels::new(1_000);
        for block in samples.chunks(77) {
            levels.push(block);
        }
        levels
    }

    fn tone(num_samples: usize, level: f32) -> Vec<f32> {
        (0..num_samples).map(|n| (n as f32 * 0.05).sin() * level).collect()
    }

    #[test]
    fn an_offset_is_measured_beside_any_sound() {
        // Eight periods per second.
        let whole = |n: usize| (n as f32 * 8.0 / 1_000.0 * std::f32::consts::TAU).sin() * 0.5;
        for offset in [0.02, -0.004] {
            let samples: Vec<f32> = (0..10_000).map(|n| whole(n) + offset).collect();
            // The measured error is 2e-7.
            assert!((of(&samples).offset().unwrap() - offset).abs() < 2e-6, "{offset}");
        }
        // One-sided waves have an offset that follows their level.
        let level = |n: usize| 0.1 + 0.05 * (n / 1_000 % 4) as f32;
        let samples: Vec<f32> = (0..10_000).map(|n| whole(n).abs() * level(n)).collect();
        assert_eq!(of(&samples).offset(), None);
        let mut samples = vec![0.0; 10_000];
        assert_eq!(of(&samples).offset(), None);
        // Digital silence has no offset, and does not hide one.
        samples[..4_000].fill(0.01);
        assert_eq!(of(&samples).offset(), Some(0.01));
        // A step of a second is a sound.
        let mut samples = tone(10_000, 0.1);
        samples[..1_500].fill(0.5);
        assert_eq!(of(&samples).offset(), None);
    }

    #[test]
    fn clipping_is_a_run_of_equal_samples_at_full_scale() {
        let clipped = |samples: &[f32]| of(samples).clipped(1_000);
        let cut: Vec<f32> = tone(1_000, 1.3).iter().map(|x| x.clamp(-1.0, 1.0)).collect();
        // 1000 samples at 0.05 rad each are 7.96 periods, each clipped twice.
        let found = clipped(&cut).unwrap();
        assert_eq!(found.num_runs, 16);
        // The sine passes 1 / 1.3 at this time.
        assert!((found.first_s - 0.018).abs() < 1e-12);
        let top = 32_767.0 / 32_768.0;
        let cut: Vec<f32> = tone(1_000, 1.3).iter().map(|x| x.clamp(-1.0, top)).collect();
        assert_eq!(clipped(&cut).unwrap().num_runs, 16);
        for sound in [tone(1_000, 1.3), tone(1_000, 1.0), tone(1_000, 0.999), vec![0.0; 1_000]] {
            assert_eq!(clipped(&sound), None);
        }
        let peaks = [0.0, 1.0, 1.0, 0.0, -1.0, -1.0, 0.0];
        assert_eq!(clipped(&peaks), None);
    }
}
