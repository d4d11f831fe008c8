//! Deterministic mic signals with bleed.

use test_signals::Noise;

/// Largest number of mics in any test.
const MAX_TEST_MICS: u8 = 16;

/// Returns signals `[mic][sample]`: each mic picks up its own source and, weaker and later, the
/// sources around it.
///
/// A source is a decaying tone with some noise, struck repeatedly. It starts at once, so that even
/// the first blocks contain bleed.
#[must_use]
pub fn mics(num_mics: usize, rate_hz: u32, num_samples: usize) -> Vec<Vec<f32>> {
    let sources: Vec<Vec<f32>> =
        (0..MAX_TEST_MICS).map(|index| source(index, rate_hz, num_samples)).collect();
    (0..num_mics)
        .map(|mic| {
            let mut signal = sources[mic].clone();
            for (other, source) in sources.iter().enumerate() {
                let distance = mic.abs_diff(other);
                if distance == 0 {
                    continue;
                }
                // Neighbours are 1 m apart: 2.9 ms of delay and 10 dB of attenuation at the
                // first one.
                let delay = distance * rate_hz as usize / 343;
                let gain = 0.3 / distance as f32;
                for (out, x) in signal.iter_mut().skip(delay).zip(source) {
                    *out += gain * x;
                }
            }
            signal
        })
        .collect()
}

fn source(index: u8, rate_hz: u32, num_samples: usize) -> Vec<f32> {
    let pitch_hz = 110.0 * 1.26_f32.powi(i32::from(index));
    let period_s = 0.12 + 0.013 * f32::from(index);
    let mut noise = Noise::new(u32::from(index) + 1);
    (0..num_samples)
        .map(|sample| {
            let time_s = sample as f32 / rate_hz as f32;
            let since_s = (time_s + 0.4 * period_s * f32::from(index % 3)) % period_s;
            let tone = (std::f32::consts::TAU * pitch_hz * time_s).sin();
            0.3 * (-since_s / 0.05).exp() * (tone + 0.2 * noise.draw())
        })
        .collect()
}
