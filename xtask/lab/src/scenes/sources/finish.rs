//! Last steps of a played part: amplifier, high-pass and final fade.

use super::levels;
use crate::convert::{db_to_lin, to_f32, to_index};
use crate::random::Random;

/// Length in seconds of the fade that ends every part, so that scenes do not end in clicks.
const LAST_FADE_S: f64 = 0.02;

/// Corner frequency in Hz of the high-pass that every part passes.
const LOWEST_HZ: f64 = 8.0;

/// Applies an amplifier: some saturation, then the loudspeaker's treble roll-off.
pub(super) fn amplify(sound: &mut [f32], rate_hz: u32, random: &mut Random) {
    let loud = levels::loud_part(sound, rate_hz);
    if loud <= 0.0 {
        return;
    }
    let drive = to_f32(db_to_lin(random.between(-16.0, 4.0)) / loud);
    let treble_hz = random.between(2_500.0, 5_500.0);
    let keep = to_f32((-std::f64::consts::TAU * treble_hz / f64::from(rate_hz)).exp());
    let (mut first, mut second) = (0.0, 0.0);
    for sample in sound {
        let saturated = (drive * *sample).tanh();
        first = keep * first + (1.0 - keep) * saturated;
        second = keep * second + (1.0 - keep) * first;
        *sample = second;
    }
}

/// Removes DC with a first-order high-pass at [`LOWEST_HZ`], because no source radiates
/// constant pressure.
pub(super) fn take_out_dc(sound: &mut [f32], rate_hz: u32) {
    let keep = (-std::f64::consts::TAU * LOWEST_HZ / f64::from(rate_hz)).exp();
    let mut constant = 0.0;
    for sample in sound {
        constant = keep * constant + (1.0 - keep) * f64::from(*sample);
        *sample -= to_f32(constant);
    }
}

/// Fades the end out, so that scenes do not end in clicks.
pub(super) fn fade_out(sound: &mut [f32], rate_hz: u32) {
    let fade = to_index(LAST_FADE_S * f64::from(rate_hz)).clamp(1, sound.len().max(1));
    let start = sound.len() - fade.min(sound.len());
    for (age, sample) in sound[start..].iter_mut().enumerate() {
        *sample *= to_f32(1.0 - (age + 1) as f64 / fade as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_pressure_is_taken_out_and_bass_stays() {
        let tone =
            |n: u32| to_f32(0.5 + (std::f64::consts::TAU * 40.0 * f64::from(n) / 8_000.0).sin());
        let mut sound: Vec<f32> = (0..16_000).map(tone).collect();
        take_out_dc(&mut sound, 8_000);
        let late = &sound[8_000..];
        assert!(late.iter().sum::<f32>().abs() / 8_000.0 < 0.003);
        let power = late.iter().map(|x| x * x).sum::<f32>() / 8_000.0;
        assert!((power - 0.5).abs() < 0.03, "{power}");
    }
}
