//! Mics that bleed into each other, the same every time.

/// As many mics as any test asks for.
const MAX_TEST_MICS: u8 = 16;

/// `[mic][sample]`: each mic hears its own source and, weaker and later, those around it.
///
/// A source is a decaying tone with some noise, struck again and again; it starts at once, so that
/// even the first blocks have something to remove.
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
                // 1 m apart each: 2.9 ms later and 10 dB down at the first neighbour.
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
    let mut noise = Noise(u32::from(index) + 1);
    (0..num_samples)
        .map(|sample| {
            let time_s = sample as f32 / rate_hz as f32;
            let since_s = (time_s + 0.4 * period_s * f32::from(index % 3)) % period_s;
            let tone = (std::f32::consts::TAU * pitch_hz * time_s).sin();
            0.3 * (-since_s / 0.05).exp() * (tone + 0.2 * noise.next())
        })
        .collect()
}

/// A linear congruential generator (Numerical Recipes' constants), from -1 to 1.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}
