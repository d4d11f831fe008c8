//! Musical noise: fluctuation of the power of the output relative to that of the input.

use super::{Measured, SILENT_POWER, silence};
use crate::convert::{to_f32, to_index};
use realfft::RealFftPlanner;

/// Minimum window length of the analysis in seconds; the number of samples is the next power
/// of two.
const WINDOW_S: f64 = 0.03;

/// Minimum number of windows. With fewer the fourth moment is unreliable.
const MIN_WINDOWS: usize = 40;

/// Range of the audible bins below the strongest bin of the recorded mic, in dB. Bins outside it,
/// before or after, are ignored.
const HEARD_DB: f64 = 60.0;

/// Returns the mean over bins of the log ratio of output to input kurtosis of the spectral power,
/// while the own source is silent.
///
/// The kurtosis of a bin's power `p` over time is `mean(p^4) / mean(p^2)^2`; it is 6 for Gaussian
/// noise. It does not change with level, so 0 stands for no musical noise. A method that keeps one
/// window in ten and removes the others gets `ln 10`.
///
/// Intermittent bleed, such as music, has a high kurtosis of its own. A method that removes one of
/// two neighbours changes it without any musical noise. Values are therefore only comparable
/// between methods on the same scenes.
///
/// Returns `None` if the own source pauses too seldom, if its pauses have no bleed, or if nothing
/// is left.
///
/// # Source
///
/// Y. Uemura, Y. Takahashi, H. Saruwatari, K. Shikano, K. Kondo, "Automatic optimization scheme of
/// spectral subtraction based on musical noise assessment via higher-order statistics", IWAENC
/// 2008: the kurtosis ratio. It differs in the definition of noise: there it is a pause of the
/// talker, here the silence of the own source as determined by [`silence`].
pub(super) fn log_kurtosis_ratio(measured: &Measured<'_>) -> Option<f64> {
    let window = to_index(f64::from(measured.rate_hz) * WINDOW_S).next_power_of_two();
    let stretches = silence::stretches(measured);
    let mut moments = [Moments::new(window), Moments::new(window)];
    let mut power = Power::new(window);
    let (mut num_windows, mut sum, mut num_samples) = (0, 0.0, 0);
    for stretch in stretches {
        let (input, estimate) = (&measured.input[stretch.clone()], &measured.estimate[stretch]);
        sum += input.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        num_samples += input.len();
        let starts = (0..=input.len().saturating_sub(window)).step_by(window / 2);
        for start in starts.filter(|start| start + window <= input.len()) {
            for (signal, moments) in [input, estimate].into_iter().zip(&mut moments) {
                moments.add(power.of(&signal[start..start + window])?);
            }
            num_windows += 1;
        }
    }
    if num_windows < MIN_WINDOWS || sum / num_samples as f64 <= SILENT_POWER {
        return None;
    }
    let [before, after] = moments;
    let strongest = before.first.iter().copied().fold(0.0, f64::max);
    let least = strongest * 10.0_f64.powf(-HEARD_DB / 10.0);
    let heard = (0..before.first.len())
        .filter(|&bin| before.first[bin] > least && after.first[bin] > least);
    // The number of windows cancels out.
    let ratios: Vec<f64> =
        heard.map(|bin| (after.kurtosis(bin) / before.kurtosis(bin)).ln()).collect();
    (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
}

/// Sums over time of each bin's power, its square and its fourth power, `[bin]`.
struct Moments {
    first: Vec<f64>,
    second: Vec<f64>,
    fourth: Vec<f64>,
}

impl Moments {
    fn new(window: usize) -> Self {
        let zeros = vec![0.0; window / 2 + 1];
        Self { first: zeros.clone(), second: zeros.clone(), fourth: zeros }
    }

    fn add(&mut self, powers: impl Iterator<Item = f64>) {
        for (bin, power) in powers.enumerate() {
            let square = power * power;
            self.first[bin] += power;
            self.second[bin] += square;
            self.fourth[bin] += square * square;
        }
    }

    /// Returns the kurtosis divided by the number of windows.
    fn kurtosis(&self, bin: usize) -> f64 {
        self.fourth[bin] / self.second[bin].powi(2)
    }
}

/// Computes the spectral power of single windows.
struct Power {
    plan: std::sync::Arc<dyn realfft::RealToComplex<f32>>,
    /// Periodic Hann window.
    shape: Vec<f32>,
    windowed: Vec<f32>,
    spectrum: Vec<realfft::num_complex::Complex<f32>>,
}

impl Power {
    fn new(window: usize) -> Self {
        let plan = RealFftPlanner::<f32>::new().plan_fft_forward(window);
        let at = |n: usize| std::f64::consts::TAU * n as f64 / window as f64;
        Self {
            shape: (0..window).map(|n| to_f32(0.5 - 0.5 * at(n).cos())).collect(),
            windowed: plan.make_input_vec(),
            spectrum: plan.make_output_vec(),
            plan,
        }
    }

    fn of(&mut self, signal: &[f32]) -> Option<impl Iterator<Item = f64> + '_> {
        for ((to, x), weight) in self.windowed.iter_mut().zip(signal).zip(&self.shape) {
            *to = x * weight;
        }
        self.plan.process(&mut self.windowed, &mut self.spectrum).ok()?;
        Some(self.spectrum.iter().map(|bin| f64::from(bin.norm_sqr())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ideal::transform;
    use crate::random::Random;

    const RATE_HZ: u32 = 16_000;

    fn noise(num_samples: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..num_samples).map(|_| to_f32(random.normal(0.0, 0.1))).collect()
    }

    fn ratio(reference: &[f32], estimate: &[f32], input: &[f32]) -> Option<f64> {
        log_kurtosis_ratio(&Measured {
            reference,
            estimate,
            input,
            rate_hz: RATE_HZ,
            source_is_silent: false,
        })
    }

    #[test]
    fn noise_that_is_left_alone_or_only_quieter_is_not_musical() {
        let (input, silence) = (noise(160_000, 1), vec![0.0; 160_000]);
        assert_eq!(ratio(&silence, &input, &input), Some(0.0));
        let quieter: Vec<f32> = input.iter().map(|x| 0.125 * x).collect();
        assert_eq!(ratio(&silence, &quieter, &input), Some(0.0));
    }

    #[test]
    fn gaussian_noise_has_the_kurtosis_of_the_textbook() {
        // The fourth moment of the exponential distribution is 24, its second 2.
        let window = 512;
        let mut moments = Moments::new(window);
        let mut power = Power::new(window);
        let signal = noise(512 * 4_000, 2);
        for part in signal.chunks(window) {
            moments.add(power.of(part).unwrap());
        }
        let mean = (1..window / 2).map(|bin| 4_000.0 * moments.kurtosis(bin)).sum::<f64>();
        let mean = mean / (window / 2 - 1) as f64;
        // Measured: 5.95.
        assert!((mean - 6.0).abs() < 0.15, "{mean}");
    }

    #[test]
    fn what_is_cut_out_at_random_has_the_ratio_of_one_over_its_share() {
        // Keeps about one in eight stretches of time, each far longer than a window.
        let input = noise(1_600_000, 3);
        let mut random = Random::new(4);
        let output: Vec<f32> = input
            .chunks(8_000)
            .flat_map(|part| {
                let gain = if random.index(8) == 0 { 1.0 } else { 0.0 };
                part.iter().map(move |x| gain * x)
            })
            .collect();
        let left = output.iter().filter(|&&x| x != 0.0).count() as f64 / output.len() as f64;
        let found = ratio(&vec![0.0; input.len()], &output, &input).unwrap();
        assert!((found + left.ln()).abs() < 0.05, "{found} for {left}");
    }

    #[test]
    fn a_random_mask_of_bins_is_musical_and_one_that_is_smoothed_over_time_less_so() {
        let input = noise(320_000, 5);
        let silence = vec![0.0; input.len()];
        let masked = |smoothing: f32| {
            let mut random = Random::new(6);
            let geometry = transform::geometry(RATE_HZ, 1).unwrap();
            let mut masks = vec![0.0_f32; geometry.num_bins()];
            let outputs = transform::resynthesise(geometry, &[&input], 1, |spectrum, out| {
                for (bin, mask) in masks.iter_mut().enumerate() {
                    let drawn = if random.index(10) == 0 { 1.0 } else { 0.0 };
                    *mask = smoothing * *mask + (1.0 - smoothing) * drawn;
                    out.mic_mut(0)[bin] = spectrum.mic(0)[bin] * *mask;
                }
            });
            ratio(&silence, &outputs[0], &input).unwrap()
        };
        let (random, smoothed) = (masked(0.0), masked(0.95));
        // Measured: 1.88, and 0.81 smoothed.
        assert!(random > 1.5, "{random}");
        assert!(smoothed < 0.6 * random, "{smoothed} of {random}");
    }

    #[test]
    fn only_the_own_sources_silence_counts() {
        let bleed = noise(160_000, 7);
        let target: Vec<f32> =
            (0..160_000).map(|n| if n < 80_000 { (n as f32 * 0.3).sin() } else { 0.0 }).collect();
        let add = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(p, q)| p + q).collect::<Vec<f32>>();
        let input = add(&target, &bleed);
        // Removes every other stretch while the source plays.
        let output: Vec<f32> = input
            .iter()
            .enumerate()
            .map(|(n, x)| if n < 80_000 && n / 1_000 % 2 == 0 { 0.0 } else { *x })
            .collect();
        assert_eq!(ratio(&target, &output, &input), Some(0.0));
    }

    #[test]
    fn without_pause_bleed_or_anything_left_there_is_no_number() {
        let (bleed, silence) = (noise(160_000, 8), vec![0.0; 160_000]);
        let always = vec![0.5; 160_000];
        assert_eq!(ratio(&always, &bleed, &bleed), None);
        assert_eq!(ratio(&silence, &silence, &silence), None);
        assert_eq!(ratio(&silence, &silence, &bleed), None);
        assert_eq!(ratio(&silence[..9_000], &bleed[..9_000], &bleed[..9_000]), None);
    }
}
