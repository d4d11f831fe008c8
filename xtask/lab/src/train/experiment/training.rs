//! One training of an experiment, and its tests.

use super::super::batch::{Batch, Pick};
use super::super::checkpoint::optimiser;
use super::super::config::TrainConfig;
use super::super::course::scalar;
use super::super::loss::{Given, negative_snr};
use super::super::progress::{Bar, Tell};
use super::super::store::{Stored, write_whole};
use super::super::sums::Sums;
use super::arms::{Arm, Places};
use super::backbone::Backbone;
use super::scenes::{RECIPES, TestSet};
use crate::random::Random;
use anyhow::{Context, Result, ensure};
use audiofile::signals;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Results of a trained network on one set of scenes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Name of the set.
    pub set: String,
    /// Gain of SNR in dB over no mask, mean over the mics whose sources play, `[scene]`; `None` if
    /// the network does not support that many mics.
    pub gains_db: Option<Vec<f64>>,
}

/// One training and its tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Identifier of the network.
    pub arm: String,
    /// Seed of its weights and clips.
    pub seed: u64,
    /// Hash of its losses and of the recipes of its test scenes.
    pub made_with: String,
    /// Number of weights.
    pub num_weights: usize,
    /// Number of steps after which the weights were best on the validation scenes. These weights
    /// are tested.
    pub best_step: usize,
    /// Results on every set.
    pub tests: Vec<Tested>,
}

/// One training.
#[derive(Debug)]
pub(super) struct One<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) scenes: &'a [Stored],
    pub(super) validation: &'a TestSet,
    pub(super) num_places: usize,
    pub(super) arm: Arm,
    pub(super) seed: u64,
}

impl One<'_> {
    /// Trains and tests, or reads the result of an earlier run.
    pub(super) fn run(&self, sets: &[TestSet], tell: Tell<'_>) -> Result<Trained> {
        let what = format!("steps, {}, seed {}", self.arm.name, self.seed);
        let file = self.config.out.join(format!("{}-{}.json", self.arm.id, self.seed));
        let mut config = TrainConfig { seed: self.seed, ..self.config.clone() };
        (self.arm.loss)(&mut config.loss);
        let made_with = made_with(&config)?;
        if file.exists() {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("could not read {}", file.display()))?;
            let trained: Trained = serde_json::from_str(&text)
                .with_context(|| format!("{}: not a valid result", file.display()))?;
            ensure!(
                trained.made_with == made_with,
                "{} was made with other losses or other test scenes; use another folder",
                file.display()
            );
            return Ok(trained);
        }
        let mut network =
            Backbone::new(self.arm.places, &config.network.network(), self.num_places, self.seed)?;
        let num_weights = network.num_params();
        let mut optimiser = optimiser(&config);
        let bar = Bar::new(config.steps, &what, 200, tell)?;
        let mut best: Option<(f64, usize, Backbone)> = None;
        for step in 0..config.steps {
            ensure!(
                !signals::requested(),
                "interrupted; run the same command again to continue with {what}"
            );
            let (gradients, loss) = self.learn(&network, &config, step)?;
            ensure!(loss.is_finite(), "the loss is not finite after {step} {what}");
            let rate = config.optimiser.rate(0, step, config.steps);
            network = optimiser.step(rate, network, gradients);
            bar.at(step + 1, &format!("loss {loss:.2}"));
            let step = step + 1;
            if step == config.steps || step.is_multiple_of(config.validation.every_steps) {
                let found_db = self.validate(&network.valid())?;
                bar.say(&format!("{step} {what}: validation {found_db:+.2} dB"));
                if best.as_ref().is_none_or(|(best_db, ..)| found_db > *best_db) {
                    best = Some((found_db, step, network.valid()));
                }
            }
        }
        bar.finish();
        let (_, best_step, network) = best.context("no steps")?;
        let tests = sets.iter().map(|set| self.test(&network, set)).collect::<Result<_>>()?;
        let arm = self.arm.id.to_owned();
        let seed = self.seed;
        let trained = Trained { arm, seed, made_with, num_weights, best_step, tests };
        write_whole(&file, (serde_json::to_string_pretty(&trained)? + "\n").as_bytes())?;
        Ok(trained)
    }

    fn learn(
        &self,
        network: &Backbone,
        config: &TrainConfig,
        step: usize,
    ) -> Result<(GradientsParams, f64)> {
        let device = Device::flex().autodiff();
        let mut picks = Pick::draw(self.scenes, config, (0, step));
        if self.arm.places == Places::Fixed {
            picks = picks.into_iter().map(Pick::in_order).collect();
        }
        let share = 1.0 / picks.len() as f64;
        let (mut gradients, mut sum) = (GradientsAccumulator::new(), 0.0);
        for pick in picks.chunks(1) {
            let batch = Batch::read(pick, config.hops, &device)?;
            let masks = network.masks(&batch, &device);
            let given = Given { keep: &masks.keep, guide: &masks.guide, logits: &masks.logits };
            let loss = config.loss.total(&given, &batch.sums);
            sum += scalar(loss.clone())? * share;
            let found = GradientsParams::from_grads((loss * share).backward(), network);
            gradients.accumulate(network, found);
        }
        Ok((gradients.grads(), sum))
    }

    /// Returns the mean gain of SNR in dB over no mask on the validation scenes.
    fn validate(&self, network: &Backbone) -> Result<f64> {
        let gains_db = self.gains_db(network, self.validation)?;
        ensure!(!gains_db.is_empty(), "no source of the validation scenes plays");
        Ok(gains_db.iter().sum::<f64>() / gains_db.len() as f64)
    }

    fn test(&self, network: &Backbone, set: &TestSet) -> Result<Tested> {
        let most = set.scenes.iter().map(|scene| scene.relations.num_mics).max().unwrap_or(0);
        let can = matches!(network, Backbone::Set(_)) || most <= self.num_places;
        let gains_db = can.then(|| self.gains_db(network, set)).transpose()?;
        Ok(Tested { set: set.name.clone(), gains_db })
    }

    fn gains_db(&self, network: &Backbone, set: &TestSet) -> Result<Vec<f64>> {
        let device = Device::flex();
        let mut gains_db = Vec::new();
        for (number, scene) in (0..).zip(&set.scenes) {
            let mut pick = Pick::whole(scene);
            if set.is_shuffled {
                pick = pick.shuffled(&mut Random::for_part(self.config.seed, number));
            }
            let batch = Batch::read(&[pick], scene.num_hops, &device)?;
            let heard: f64 = f64::from(batch.measured.clone().sum().into_scalar::<f32>());
            if heard == 0.0 {
                continue;
            }
            let keep = network.masks(&batch, &device).keep;
            let sums = Sums { weights: batch.measured, ..batch.sums };
            let loss = &self.config.loss;
            let of = |keep| {
                Ok::<f64, anyhow::Error>(-scalar(negative_snr(keep, &sums, scene.num_hops, loss))?)
            };
            gains_db.push(of(&keep)? - of(&keep.ones_like())?);
        }
        Ok(gains_db)
    }
}

/// Returns a hash of the losses and the test recipes, which the folder's settings do not cover.
fn made_with(config: &TrainConfig) -> Result<String> {
    let text = serde_json::to_string(&(&config.loss, RECIPES))?;
    Ok(Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}
