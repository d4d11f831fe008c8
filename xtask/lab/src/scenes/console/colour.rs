//! Memoryless curves, expressed as gains: `g[t] = f(x[t]) / x[t]`.

use crate::convert::{db_to_lin, to_f32};

/// Returns the gains of the soft saturation `f(x) = tanh(d x) / d`, where `d` is the drive of a
/// full-scale peak.
pub(super) fn saturation_gains(mic: &[f32], drive_db: f64) -> Vec<f32> {
    let drive = to_f32(db_to_lin(drive_db));
    let gain = |sample: f32| {
        let driven = drive * sample;
        // The limit at 0. In single precision, tanh(x) / x is 1 well above this threshold.
        if driven.abs() < 1e-4 { 1.0 } else { driven.tanh() / driven }
    };
    mic.iter().map(|&sample| gain(sample)).collect()
}

/// Returns the gains of hard clipping, which cuts `over_db` from the mic's peak.
pub(super) fn clipping_gains(mic: &[f32], over_db: f64) -> Vec<f32> {
    let peak = mic.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
    let ceiling = peak * to_f32(db_to_lin(-over_db));
    let gain = |sample: f32| if sample.abs() > ceiling { ceiling / sample.abs() } else { 1.0 };
    mic.iter().map(|&sample| gain(sample)).collect()
}
