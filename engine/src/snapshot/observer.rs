//! The worker's side of a monitor: measures hops while a watcher is present.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::scale::Scale;
use super::{MicLevels, Monitor, SILENT_DB};
use crate::controls::{Controls, Listen, clamped};
use crate::pipeline::Pipeline;
use crate::units::SampleRate;

/// Hops between two readings of the crosstalk.
const CROSSTALK_EVERY_HOPS: usize = 8;
/// Time constant of the mean crosstalk, in seconds.
const SETTLING_S: f32 = 3.0;
/// Largest distance of a settled crosstalk estimate from its mean, in decibels.
const SETTLED_DB: f32 = 0.5;
/// Smallest crosstalk, in power, of the pairs that count for the convergence.
const AUDIBLE: f32 = 1e-6;

/// Fills snapshots on the worker thread.
#[derive(Debug)]
pub(crate) struct Observer {
    monitor: Arc<Monitor>,
    scale: Scale,
    hop_samples: usize,
    num_mics: usize,
    /// Input of the last hops, `[hop, mic, sample]`: a ring as long as the pipeline's latency,
    /// empty without a watcher.
    past: Vec<f32>,
    past_hops: usize,
    /// Index of the hop of `past` that is written next.
    next: usize,
    crosstalk: Vec<f32>,
    /// Mean crosstalk of each pair in decibels, NaN before the first estimate.
    mean_db: Vec<f32>,
    /// Age of each pair's mean, in time constants.
    followed: Vec<f32>,
    settled: f32,
    hops: usize,
}

impl Observer {
    pub(crate) fn new(pipeline: &Pipeline, rate: SampleRate, num_mics: usize) -> Self {
        let geometry = pipeline.geometry();
        let hop_samples = geometry.hop_samples();
        Self {
            monitor: Arc::new(Monitor::new(num_mics, hop_samples as f32 / rate.hz())),
            scale: Scale::new(geometry, rate),
            hop_samples,
            num_mics,
            past: Vec::new(),
            past_hops: pipeline.latency_samples() / hop_samples + 1,
            next: 0,
            crosstalk: vec![0.0; num_mics * num_mics],
            mean_db: vec![f32::NAN; num_mics * num_mics],
            followed: vec![0.0; num_mics * num_mics],
            settled: 0.0,
            hops: 0,
        }
    }

    pub(crate) fn monitor(&self) -> Arc<Monitor> {
        Arc::clone(&self.monitor)
    }

    /// Stores the input of a hop, before the pipeline replaces it. `samples` is `[mic, hop]`.
    pub(crate) fn store_input(&mut self, samples: &[f32]) {
        if !self.monitor.watched.load(Ordering::Relaxed) {
            if !self.past.is_empty() {
                self.past = Vec::new();
            }
            return;
        }
        let length = samples.len();
        if self.past.is_empty() {
            self.past.resize(self.past_hops * length, 0.0);
            self.mean_db.fill(f32::NAN);
            self.followed.fill(0.0);
            self.settled = 0.0;
            self.next = 0;
        }
        self.past[self.next * length..][..length].copy_from_slice(samples);
        self.next = (self.next + 1) % self.past_hops;
    }

    /// Measures the pipeline's last hop, and publishes the result if a snapshot is free.
    pub(crate) fn publish(&mut self, removed: &[f32], pipeline: &Pipeline) {
        let (current, gone, controls) = pipeline.last();
        let heard = (0..self.num_mics).filter(|&mic| current.is_active(mic));
        let heard = heard.fold(0, |mask, mic| mask | 1 << mic);
        self.monitor.heard.fetch_or(heard, Ordering::Relaxed);
        if self.past.is_empty() {
            return;
        }
        self.hops += 1;
        if self.hops.is_multiple_of(CROSSTALK_EVERY_HOPS) {
            self.look_at_crosstalk(pipeline);
        }
        let Some(mut snapshot) = self.monitor.free.pop() else { return };
        // The oldest stored hop belongs to `removed`.
        let input = &self.past[self.next * removed.len()..][..removed.len()];
        let pairs =
            input.chunks_exact(self.hop_samples).zip(removed.chunks_exact(self.hop_samples));
        for ((mic, levels), (input, removed)) in snapshot.mics.iter_mut().enumerate().zip(pairs) {
            *levels = measure(input, removed, controls, mic);
        }
        snapshot.crosstalk.copy_from_slice(&self.crosstalk);
        snapshot.settled = self.settled;
        for (mic, twin) in snapshot.twins.iter_mut().enumerate() {
            *twin = pipeline.twin(mic);
        }
        snapshot.trouble = pipeline.guide_trouble();
        let selected = self.monitor.selected.load(Ordering::Relaxed);
        for (mic, column) in snapshot.columns.iter_mut().enumerate() {
            column.is_new = mic == selected || (self.hops + mic).is_multiple_of(2);
            if !column.is_new {
                continue;
            }
            if !current.is_active(mic) {
                for signal in [&mut column.before_db, &mut column.after_db, &mut column.removed_db]
                {
                    signal.fill(SILENT_DB);
                }
                continue;
            }
            let amount = amount_of(controls, mic);
            let (own, gone) = (current.mic(mic), gone.mic(mic));
            self.scale.show(|bin| own[bin], &mut column.before_db);
            self.scale.show(|bin| own[bin] - gone[bin] * amount, &mut column.after_db);
            self.scale.show(|bin| gone[bin] * amount, &mut column.removed_db);
        }
        self.monitor.hand_over(snapshot);
    }

    fn look_at_crosstalk(&mut self, pipeline: &Pipeline) {
        let step = CROSSTALK_EVERY_HOPS as f32 * self.monitor.hop_s / SETTLING_S;
        let (mut known, mut settled) = (0_u32, 0_u32);
        for target in 0..self.num_mics {
            for bleeder in (0..self.num_mics).filter(|&bleeder| bleeder != target) {
                let at = target * self.num_mics + bleeder;
                let ratio = pipeline.crosstalk(target, bleeder).unwrap_or(0.0);
                self.crosstalk[at] = ratio;
                if ratio < AUDIBLE {
                    continue;
                }
                let now_db = 10.0 * ratio.log10();
                let mean_db = &mut self.mean_db[at];
                if mean_db.is_nan() {
                    *mean_db = now_db;
                }
                *mean_db += step.min(1.0) * (now_db - *mean_db);
                known += 1;
                self.followed[at] += step;
                let steady = (now_db - *mean_db).abs() < SETTLED_DB;
                settled += u32::from(steady && self.followed[at] >= 1.0);
            }
        }
        self.settled = if known == 0 { 0.0 } else { settled as f32 / known as f32 };
    }
}

fn amount_of(controls: &Controls, mic: usize) -> f32 {
    clamped(controls.global_amount) * clamped(controls.mics[mic].amount)
}

fn measure(input: &[f32], removed: &[f32], controls: &Controls, mic: usize) -> MicLevels {
    let amount = amount_of(controls, mic);
    let (dry, wet) = match controls.mics[mic].listen {
        Listen::Clean => (1.0, -amount),
        Listen::Removed => (0.0, amount),
        Listen::Dry => (1.0, 0.0),
        Listen::Mute => (0.0, 0.0),
    };
    let mut levels = MicLevels::default();
    for (&input, &removed) in input.iter().zip(removed) {
        let (output, clean) = (dry * input + wet * removed, input - amount * removed);
        levels.input_peak = levels.input_peak.max(input.abs());
        levels.output_peak = levels.output_peak.max(output.abs());
        levels.input_power += input * input;
        levels.output_power += output * output;
        levels.clean_power += clean * clean;
    }
    let share = 1.0 / input.len().max(1) as f32;
    levels.input_power *= share;
    levels.output_power *= share;
    levels.clean_power *= share;
    levels
}
