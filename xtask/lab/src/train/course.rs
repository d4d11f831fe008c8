//! Loop of one round: steps, validation, the best weights, checkpoints, and an early end.

use super::batch::{Batch, Pick};
use super::calibration::Calibration;
use super::checkpoint::{LogEntry, State};
use super::config::TrainConfig;
use super::loss::{Given, harm, level_error, negative_snr};
use super::store::{Stored, write_whole};
use super::sums::Sums;
use super::weights::weights_of;
use anyhow::{Result, anyhow, ensure};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use engine::debleed::cancel::NUM_BANDS;
use engine::network::{Masks, Network};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the file with the best weights so far.
pub const BEST_FILE: &str = "best.safetensors";
/// Name of the file from which a killed training continues.
pub(super) const CHECKPOINT_FILE: &str = "checkpoint.bin";
/// Number of steps between two log entries.
const LOG_STEPS: usize = 20;
/// Number of steps in the running means.
const RECENT_STEPS: usize = 50;

/// Inputs of one round.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) examples: &'a [Stored],
    /// Validation recordings, each with its stratum.
    pub(super) validation: &'a [(String, Stored)],
    /// Device that holds the weights and computes the validation.
    pub(super) device: &'a Device,
    /// Other devices that share the clips of a step.
    pub(super) others: &'a [Device],
    /// Computes several clips in parallel; the number of threads does not change the results.
    pub(super) pool: &'a ThreadPool,
    pub(super) out: &'a Path,
}

/// Clips of a step that are computed together.
struct Part<'p, 'e> {
    clips: &'p [Pick<'e>],
    device: &'p Device,
    /// Share of the clips of the step.
    share: f64,
}

/// Observer of a round.
pub(super) trait Watch {
    /// Called after each step.
    fn step(&mut self, state: &State);
    /// Called after each validation.
    fn validated(&mut self, state: &State, entry: &LogEntry);
    /// Returns true to stop the round.
    fn stop(&self) -> bool;
}

/// End of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All steps were taken.
    Complete,
    /// The validation no longer improved.
    Early,
    /// The observer stopped the round.
    Stopped,
}

impl Course<'_> {
    /// Takes the remaining steps of the state's round.
    pub(super) fn run(&self, state: &mut State, watch: &mut dyn Watch) -> Result<End> {
        let checkpoint = self.out.join(CHECKPOINT_FILE);
        if state.progress.best_db.is_none() {
            let scenes_db = self.validate(None)?;
            state.progress.unmasked_db = Some(mean(scenes_db.iter().flatten().copied())?);
            state.progress.unmasked_scenes_db = scenes_db;
            self.judge(state, watch)?;
            state.save(&checkpoint)?;
        }
        while state.progress.step < self.config.steps && !self.is_over(state) {
            if watch.stop() {
                state.save(&checkpoint)?;
                return Ok(End::Stopped);
            }
            self.step(state)?;
            watch.step(state);
            let step = state.progress.step;
            let last = step == self.config.steps;
            if last || step.is_multiple_of(self.config.validation.every_steps) {
                self.judge(state, watch)?;
            } else if step.is_multiple_of(LOG_STEPS) {
                let entry = self.entry(state, None);
                state.progress.log.push(entry);
            }
            if last || step.is_multiple_of(self.config.checkpoint_steps) {
                state.save(&checkpoint)?;
            }
        }
        Ok(if state.progress.step < self.config.steps { End::Early } else { End::Complete })
    }

    fn is_over(&self, state: &State) -> bool {
        let patience = self.config.validation.patience;
        patience > 0 && state.progress.since_best >= patience
    }

    /// Takes one step, which depends only on the state.
    fn step(&self, state: &mut State) -> Result<()> {
        let config = self.config;
        let at = (state.progress.round, state.progress.step);
        let picks = Pick::draw(self.examples, config, at);
        let parts = self.parts(&picks);
        let found = self.each(&parts, |part| self.learn(&state.network, part))?;
        let mut gradients = GradientsAccumulator::new();
        let mut seen = [0.0; 2];
        // Accumulated in the order of the clips, whichever was computed first.
        for ((of_part, seen_in_part), part) in found.into_iter().zip(&parts) {
            gradients.accumulate(&state.network, of_part);
            for (sum, value) in seen.iter_mut().zip(seen_in_part) {
                *sum += value * part.share;
            }
        }
        ensure!(
            seen[0].is_finite(),
            "the loss is not finite after step {} of round {}; try a smaller learning_rate",
            at.1,
            at.0
        );
        let rate = config.optimiser.rate(at.0, at.1, config.steps);
        // The optimiser takes the network by value and returns it.
        state.network = state.optimiser.step(rate, state.network.clone(), gradients.grads());
        state.progress.step += 1;
        state.follow(config)?;
        let share = 1.0 / state.progress.step.min(RECENT_STEPS) as f64;
        for (recent, seen) in state.progress.recent.iter_mut().zip(seen) {
            *recent += (seen - *recent) * share;
        }
        Ok(())
    }

    /// Splits the clips into parts that are computed at once: clip by clip on the processor, whose
    /// cores share them; elsewhere all together, or one part for each device.
    fn parts<'p, 'e>(&'p self, picks: &'p [Pick<'e>]) -> Vec<Part<'p, 'e>> {
        let devices = std::iter::once(self.device).chain(self.others);
        let is_processor = self.config.device.is_processor();
        let size = if is_processor { 1 } else { picks.len().div_ceil(1 + self.others.len()) };
        let parts = picks.chunks(size).zip(devices.cycle());
        let share = |clips: &[Pick<'_>]| clips.len() as f64 / picks.len() as f64;
        parts.map(|(clips, device)| Part { clips, device, share: share(clips) }).collect()
    }

    /// Runs `work` for each part, several at a time; results are in the order of the parts.
    fn each<T: Send, P: Sync>(
        &self,
        parts: &[P],
        work: impl Fn(&P) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        self.pool.install(|| parts.par_iter().map(work).collect())
    }

    /// Computes the gradients of the part's share of the loss, on the first device, and the loss
    /// and the SNR in dB.
    fn learn(&self, network: &Network, part: &Part<'_, '_>) -> Result<(GradientsParams, [f64; 2])> {
        let config = self.config;
        let device = part.device.clone().autodiff();
        let batch = Batch::read(part.clips, config.hops, &device)?;
        // The fork has nodes of its own: a graph that threads share is locked while one of them
        // traverses it, and the others wait.
        let network = &network.valid().fork(part.device).train();
        let masks = masks(network, &batch, &device);
        let given = Given { keep: &masks.keep, guide: &masks.guide, logits: &masks.logits };
        let loss = config.loss.total(&given, &batch.sums);
        // As in the validation, mics whose sources are silent have no SNR.
        let heard = Sums { weights: batch.measured, ..batch.sums };
        let snr = negative_snr(&masks.keep, &heard, config.hops, &config.loss);
        let seen = [scalar(loss.clone())?, -scalar(snr)?];
        let gradients = GradientsParams::from_grads((loss * part.share).backward(), network);
        Ok((gradients.to_device(self.device, network), seen))
    }

    /// Validates, and keeps the weights if they are the best of this round.
    fn judge(&self, state: &mut State, watch: &mut dyn Watch) -> Result<()> {
        let network = state.judged(self.config, self.device)?;
        let (scenes_db, calibration) = self.examine(Some(&network))?;
        let found_db = mean(scenes_db.iter().flatten().copied())?;
        let progress = &mut state.progress;
        let strata_db = self.strata(&scenes_db, &progress.unmasked_scenes_db)?;
        let score_db = score(&strata_db)?;
        if progress.best_score_db.is_none_or(|best_db| score_db > best_db) {
            progress.best_db = Some(found_db);
            progress.best_score_db = Some(score_db);
            progress.since_best = 0;
            write_whole(&self.out.join(BEST_FILE), &weights_of(&network)?)?;
        } else {
            progress.since_best += 1;
        }
        let mut entry = self.entry(state, Some(found_db));
        entry.score_db = Some(score_db);
        entry.strata_db = strata_db;
        entry.calibration = calibration.classes();
        watch.validated(state, &entry);
        state.progress.log.push(entry);
        Ok(())
    }

    fn entry(&self, state: &State, validation_db: Option<f64>) -> LogEntry {
        let progress = &state.progress;
        let (round, step) = (progress.round, progress.step);
        let seen = |which: usize| (step > 0).then(|| progress.recent[which]);
        LogEntry {
            round,
            step,
            learning_rate: self.config.optimiser.rate(round, step, self.config.steps),
            loss: seen(0),
            training_db: seen(1),
            validation_db,
            score_db: None,
            strata_db: Vec::new(),
            calibration: Vec::new(),
        }
    }

    /// Returns the mean SNR in dB of each validation scene's mics whose sources play, with the
    /// masks of `network` or none. The [`harm`] of the masks over whole scenes and the
    /// [`level_error`] are subtracted, weighted as in the loss.
    fn validate(&self, network: Option<&Network>) -> Result<Vec<Option<f64>>> {
        Ok(self.examine(network)?.0)
    }

    /// Returns the same, and the calibration of all masks.
    fn examine(&self, network: Option<&Network>) -> Result<(Vec<Option<f64>>, Calibration)> {
        let of_scenes =
            self.each(self.validation, |(_, example)| self.examine_scene(network, example))?;
        let mut calibration = Calibration::default();
        let of_scene = |found: Option<(f64, Calibration)>| {
            let (snr_db, of_scene) = found?;
            calibration.add(&of_scene);
            Some(snr_db)
        };
        let scenes_db = of_scenes.into_iter().map(of_scene).collect();
        Ok((scenes_db, calibration))
    }

    /// Returns the gain of the masks in each stratum, in dB.
    fn strata(
        &self,
        masked_db: &[Option<f64>],
        unmasked_db: &[Option<f64>],
    ) -> Result<Vec<(String, f64)>> {
        let mut strata: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let scenes = self.validation.iter().zip(masked_db.iter().zip(unmasked_db));
        for ((stratum, _), (masked_db, unmasked_db)) in scenes {
            if let (Some(masked_db), Some(unmasked_db)) = (masked_db, unmasked_db) {
                strata.entry(stratum).or_default().push(masked_db - unmasked_db);
            }
        }
        let of = |(name, gains_db): (&str, Vec<f64>)| Ok((name.to_owned(), mean(gains_db)?));
        strata.into_iter().map(of).collect()
    }

    /// Returns the same for one scene; `None` if no source plays.
    fn examine_scene(
        &self,
        network: Option<&Network>,
        example: &Stored,
    ) -> Result<Option<(f64, Calibration)>> {
        let relations = &example.relations;
        let mut mics = relations.is_target.iter().zip(&relations.plays);
        if !mics.any(|(&target, &plays)| target && plays) {
            return Ok(None);
        }
        let batch = Batch::read(&[Pick::whole(example)], example.num_hops, self.device)?;
        let keep = match network {
            Some(network) => masks(network, &batch, self.device).keep,
            None => batch.sums.after.ones_like(),
        };
        let sums = Sums { weights: batch.measured, ..batch.sums };
        let (hops, loss) = (example.num_hops, &self.config.loss);
        let snr_db = -scalar(negative_snr(&keep, &sums, hops, loss))?;
        let harm_db = loss.harm * scalar(harm(&keep, &sums, hops, loss))?;
        let level_db = loss.level * scalar(level_error(&keep, &sums))?;
        Ok(Some((snr_db - harm_db - level_db, Calibration::of(&keep, &sums)?)))
    }
}

pub(super) fn masks(network: &Network, batch: &Batch, device: &Device) -> Masks {
    let [clips, mics, _, _] = batch.features.dims();
    let mut memory = network.blank_memory(clips, mics, device);
    let features = batch.features.clone().narrow(3, 0, network.num_features() * NUM_BANDS);
    network.forward(features, &batch.pairs, &mut memory)
}

/// Returns half the mean over strata plus half the worst of them, so that a single bad stratum
/// lowers the score.
fn score(strata_db: &[(String, f64)]) -> Result<f64> {
    let gains_db = || strata_db.iter().map(|&(_, gain_db)| gain_db);
    Ok(0.5 * mean(gains_db())? + 0.5 * gains_db().fold(f64::INFINITY, f64::min))
}

fn mean(values_db: impl IntoIterator<Item = f64>) -> Result<f64> {
    let (sum, count) =
        values_db.into_iter().fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    ensure!(count > 0.0, "no source of the validation scenes plays");
    let mean = sum / count;
    ensure!(mean.is_finite(), "the validation is not finite");
    Ok(mean)
}

pub(super) fn scalar(tensor: Tensor<1>) -> Result<f64> {
    let data = tensor.into_data();
    data.as_slice::<f32>()
        .ok()
        .and_then(|values| values.first().copied())
        .map(f64::from)
        .ok_or_else(|| anyhow!("a loss is one number"))
}

#[cfg(test)]
mod tests;
