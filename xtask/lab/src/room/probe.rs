//! Measurements of responses for tests: energies in octaves and time windows, decay in one band.

use super::measured_rt60_s;
use crate::convert::{to_f32, to_index};
use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;

/// Distance from the centre at which the soft filter of an octave reaches zero. A hard filter would
/// ring longer than short rooms do.
const HALF_WIDTH_OCTAVES: f64 = 0.75;

/// Returns the part of a response in the octave around a frequency, or the whole response
/// for `None`.
pub(super) fn octave(response: &[f32], centre_hz: Option<f64>, rate_hz: f64) -> Vec<f64> {
    // Leaves room for the ringing at both ends.
    let size = 2 * response.len().next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let mut signal = vec![0.0; size];
    signal.iter_mut().zip(response).for_each(|(to, &from)| *to = f64::from(from));
    let forward = planner.plan_fft_forward(size);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut signal, &mut spectrum).unwrap();
    if let Some(centre_hz) = centre_hz {
        for (bin, value) in spectrum.iter_mut().enumerate() {
            let octaves = (bin as f64 * rate_hz / size as f64 / centre_hz).log2();
            let angle = std::f64::consts::FRAC_PI_2 * octaves / HALF_WIDTH_OCTAVES;
            let inside = octaves.abs() < HALF_WIDTH_OCTAVES;
            *value = if inside { *value * angle.cos().powi(2) } else { Complex64::default() };
        }
    }
    planner.plan_fft_inverse(size).process(&mut spectrum, &mut signal).unwrap();
    signal.truncate(response.len());
    signal.iter_mut().for_each(|sample| *sample /= size as f64);
    signal
}

/// Returns the energy between two times, in seconds after the emission.
pub(super) fn energy(signal: &[f64], from_s: f64, to_s: f64, rate_hz: f64) -> f64 {
    let at =
        |time_s: f64| (to_index(time_s * rate_hz) + super::Room::MARGIN_SAMPLES).min(signal.len());
    signal[at(from_s)..at(to_s)].iter().map(|sample| sample * sample).sum()
}

/// Returns the RT60 of one octave.
pub(super) fn octave_rt60_s(response: &[f32], centre_hz: f64, rate_hz: f64) -> Option<f64> {
    let band: Vec<f32> =
        octave(response, Some(centre_hz), rate_hz).into_iter().map(to_f32).collect();
    measured_rt60_s(&band, rate_hz)
}
