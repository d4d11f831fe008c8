//! Mains hum: a tone and its harmonics.

use super::Mains;
use crate::convert::to_f32;
use crate::random::Random;

const NUM_HARMONICS: usize = 12;

/// Adds hum of this RMS level.
///
/// Rectifiers emphasise the even harmonics, stray fields the odd ones. The emphasis and the decay
/// of the harmonics are drawn.
pub(super) fn add(signal: &mut [f32], mains: Mains, rms: f64, random: &mut Random) {
    let step = std::f64::consts::TAU * mains.hz / f64::from(mains.rate_hz);
    let fade = random.between(0.5, 1.5);
    let favoured = random.index(2);
    let harmonics: Vec<(f64, f64, f64)> = (1..=NUM_HARMONICS)
        .map(|number| {
            let loud = if number % 2 == favoured { 1.0 } else { 0.3 };
            let level = loud * (number as f64).powf(-fade) * random.between(0.5, 1.5);
            (number as f64 * step, level, random.between(0.0, std::f64::consts::TAU))
        })
        .collect();
    let power = 0.5 * harmonics.iter().map(|(_, level, _)| level * level).sum::<f64>();
    let scale = rms / power.sqrt();
    for (n, sample) in signal.iter_mut().enumerate() {
        let t = n as f64;
        let sum: f64 =
            harmonics.iter().map(|(step, level, phase)| level * (step * t + phase).sin()).sum();
        *sample += to_f32(scale * sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hum_has_its_level_and_period() {
        let mains = Mains { hz: 50.0, rate_hz: 16_000 };
        let mut signal = vec![0.0; 16_000];
        add(&mut signal, mains, 0.01, &mut Random::new(4));
        let power = signal.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 16_000.0;
        assert!((power.sqrt() - 0.01).abs() < 1e-6, "{}", power.sqrt());
        assert!(signal.iter().zip(&signal[320..]).all(|(a, b)| (a - b).abs() < 1e-7));
    }
}
