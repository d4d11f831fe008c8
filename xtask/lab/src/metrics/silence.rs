//! Bleed while the own source is silent, where it is most audible.

use super::{Measured, power_ratio_db};
use std::ops::Range;

/// Window length of the level measurement in seconds.
const WINDOW_S: f64 = 0.05;

/// Level in dB below the loudest window of the own source at which it counts as silent.
const UNDER_PEAK_DB: f64 = 50.0;

/// Mean power (-120 dB) at or below which bleed is ignored.
const NO_BLEED_POWER: f64 = super::SILENT_POWER;

fn window_samples(rate_hz: u32) -> usize {
    crate::convert::to_index(f64::from(rate_hz) * WINDOW_S).max(1)
}

fn mean_power(window: &[f32]) -> f64 {
    window.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / window.len() as f64
}

/// Returns the mean power of the loudest window.
pub(super) fn peak_power(signal: &[f32], rate_hz: u32) -> f64 {
    signal.chunks(window_samples(rate_hz)).map(mean_power).fold(0.0, f64::max)
}

/// Returns true for each window in which the own source is silent. The last window may be shorter.
fn is_silent(measured: &Measured<'_>) -> impl Iterator<Item = bool> {
    let peak = peak_power(measured.reference, measured.rate_hz);
    let threshold = if measured.source_is_silent {
        f64::INFINITY
    } else {
        (peak * 10.0_f64.powf(-UNDER_PEAK_DB / 10.0)).max(super::SILENT_POWER)
    };
    let windows = measured.reference.chunks(window_samples(measured.rate_hz));
    windows.map(move |window| mean_power(window) < threshold)
}

/// Returns the sample ranges of all silences of the own source.
pub(super) fn stretches(measured: &Measured<'_>) -> Vec<Range<usize>> {
    let window = window_samples(measured.rate_hz);
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for (index, _) in is_silent(measured).enumerate().filter(|&(_, silent)| silent) {
        let start = index * window;
        let end = (start + window).min(measured.reference.len());
        match stretches.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => stretches.push(start..end),
        }
    }
    stretches
}

/// Returns the energy of the bleed in the input over that in the output, in dB, while the own
/// source is silent.
///
/// Returns `None` if there is no such window, or if these windows have no bleed.
pub(super) fn bleed_reduction_db(measured: &Measured<'_>) -> Option<f64> {
    let (mut before, mut after, mut num_samples) = (0.0, 0.0, 0);
    for stretch in stretches(measured) {
        let s = &measured.reference[stretch.clone()];
        let energy = |signal: &[f32]| -> f64 {
            signal.iter().zip(s).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
        };
        before += energy(&measured.input[stretch.clone()]);
        after += energy(&measured.estimate[stretch]);
        num_samples += s.len();
    }
    let heard = num_samples > 0 && before / num_samples as f64 > NO_BLEED_POWER;
    heard.then(|| power_ratio_db(before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one second at 8 kHz in which the own source plays for the first half.
    fn half_playing(level_after: f32) -> Vec<f32> {
        (0..8_000).map(|n| if n < 4_000 { 0.5 } else { level_after }).collect()
    }

    fn measure(reference: &[f32], estimate: &[f32], input: &[f32]) -> Option<f64> {
        bleed_reduction_db(&Measured {
            reference,
            estimate,
            input,
            rate_hz: 8_000,
            source_is_silent: false,
        })
    }

    #[test]
    fn only_windows_without_the_own_source_count() {
        let target = half_playing(0.0);
        let input: Vec<f32> = target.iter().map(|s| s + 0.2).collect();
        // Bleed is ten times weaker in the pause and unchanged while the source plays.
        let output: Vec<f32> =
            target.iter().map(|s| if *s > 0.0 { s + 0.2 } else { 0.02 }).collect();
        let found = measure(&target, &output, &input).unwrap();
        assert!((found - 20.0).abs() < 1e-4, "{found}");
    }

    #[test]
    fn silence_begins_fifty_decibels_under_the_peak_window() {
        let bleed = vec![0.1; 8_000];
        let less = vec![0.01; 8_000];
        let add = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(p, q)| p + q).collect::<Vec<f32>>();
        // 51 dB and 49 dB below 0.5.
        for (quiet, counts) in [(0.001_409, true), (0.001_774, false)] {
            let target = half_playing(quiet);
            let found = measure(&target, &add(&target, &less), &add(&target, &bleed));
            assert_eq!(found.is_some(), counts, "{quiet}");
        }
    }

    #[test]
    fn noise_of_the_mic_itself_is_no_source() {
        let noise = vec![0.01; 8_000];
        let with = |bleed: f32| noise.iter().map(|n| n + bleed).collect::<Vec<f32>>();
        let (input, estimate) = (with(0.1), with(0.01));
        let score = |source_is_silent| {
            let (reference, rate_hz) = (&noise[..], 8_000);
            let estimate = &estimate[..];
            Measured { reference, estimate, input: &input, rate_hz, source_is_silent }.score()
        };
        let silent = score(true).unwrap();
        assert_eq!(silent.sdr_gain_db, None);
        assert!((silent.bleed_reduction_db.unwrap() - 20.0).abs() < 1e-4);
        assert!(score(false).unwrap().sdr_gain_db.is_some());
    }

    #[test]
    fn without_pause_or_bleed_there_is_no_number() {
        let always = vec![0.5; 8_000];
        assert_eq!(measure(&always, &always, &vec![0.7; 8_000]), None);
        let target = half_playing(0.0);
        assert_eq!(measure(&target, &target, &target), None);
        let noisy: Vec<f32> = target.iter().map(|s| s + 0.1).collect();
        assert_eq!(measure(&target, &target, &noisy), Some(super::super::LIMIT_DB));
    }
}
