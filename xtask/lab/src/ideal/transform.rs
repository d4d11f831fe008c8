//! Processes whole signals with the engine's transform, hop by hop.

use anyhow::{Context, Result};
use engine::stft::{Analysis, Geometry, Spectrum, Synthesis};
use engine::{Mode, SampleRate};

/// Returns the transform of the engine's mix mode, with window and hop `times` as long (a power
/// of two).
pub(crate) fn geometry(rate_hz: u32, times: usize) -> Result<Geometry> {
    let rate = SampleRate::new(rate_hz as f32).context("unsupported sample rate")?;
    let sizes = Mode::Mix.geometry(rate);
    let (window, hop) = (times * sizes.window_samples(), times * sizes.hop_samples());
    Geometry::new(window, hop, window).context("a longer transform")
}

/// Calls `look` with the spectra of all signals for every hop, up to the end of the last window.
pub(crate) fn analyse(geometry: Geometry, signals: &[&[f32]], mut look: impl FnMut(&Spectrum)) {
    let hop_samples = geometry.hop_samples();
    let length = signals.first().map_or(0, |signal| signal.len());
    let num_hops = (length + geometry.overlap_samples()).div_ceil(hop_samples);
    let mut analysis = Analysis::new(geometry, signals.len());
    let mut spectrum = Spectrum::new(signals.len(), geometry.num_bins());
    let mut hop = vec![0.0; signals.len() * hop_samples];
    for index in 0..num_hops {
        let start = (index * hop_samples).min(length);
        let end = (start + hop_samples).min(length);
        for (part, signal) in hop.chunks_exact_mut(hop_samples).zip(signals) {
            part[..end - start].copy_from_slice(&signal[start..end]);
            part[end - start..].fill(0.0);
        }
        analysis.push_hop(&hop, &mut spectrum);
        look(&spectrum);
    }
}

/// Transforms the spectra of all signals into `num_outputs` signals of the same length and timing.
///
/// Calls `change(spectra, outputs)` for every hop; `outputs` still holds the previous hop's values.
pub(crate) fn resynthesise(
    geometry: Geometry,
    signals: &[&[f32]],
    num_outputs: usize,
    mut change: impl FnMut(&Spectrum, &mut Spectrum),
) -> Vec<Vec<f32>> {
    let length = signals.first().map_or(0, |signal| signal.len());
    let late_samples = geometry.overlap_samples() - geometry.hop_samples();
    let mut synthesis = Synthesis::new(geometry, num_outputs);
    let mut changed = Spectrum::new(num_outputs, geometry.num_bins());
    let mut hop = vec![0.0; num_outputs * geometry.hop_samples()];
    let mut outputs = vec![Vec::with_capacity(length + geometry.window_samples()); num_outputs];
    analyse(geometry, signals, |spectrum| {
        change(spectrum, &mut changed);
        synthesis.push_hop(&changed, &mut hop);
        for (output, part) in outputs.iter_mut().zip(hop.chunks_exact(geometry.hop_samples())) {
            output.extend_from_slice(part);
        }
    });
    for output in &mut outputs {
        output.drain(..late_samples);
        output.truncate(length);
    }
    outputs
}
