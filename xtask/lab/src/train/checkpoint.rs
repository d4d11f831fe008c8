//! State of a training, in memory and as one file: weights, the optimiser's memory, and the number
//! of steps.
//!
//! The file contains a magic number, then a JSON header, the weights and the optimiser's memory in
//! the tensor library's record format, and the averaged weights as safetensors, each after its
//! length. It is written whole or not at all.

use super::calibration::Class;
use super::config::TrainConfig;
use super::store::write_whole;
use super::weights::{blend, initial_weights, weights_of, weights_of_model};
use anyhow::{Context, Result, anyhow, ensure};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use engine::network::Network;
use serde::{Deserialize, Serialize};
use std::path::Path;

const MAGIC: &[u8; 8] = b"UNSPCK\x00\x02";

/// Measurements at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Round, from 0.
    pub round: usize,
    /// Steps taken in this round.
    pub step: usize,
    /// Step size of the next step.
    pub learning_rate: f64,
    /// Total loss, mean over the last steps.
    pub loss: Option<f64>,
    /// SNR of the masked mics of the clips, mean over the last steps, in dB.
    pub training_db: Option<f64>,
    /// SNR of the masked mics of the validation scenes in dB, minus the harm that masks do and
    /// their level error, both weighted as in the loss.
    pub validation_db: Option<f64>,
    /// Gain of the masks over the SNR of cancellation alone, in dB: half the mean over strata and
    /// half the worst of them.
    #[serde(default)]
    pub score_db: Option<f64>,
    /// Gain of the masks in each stratum, in dB.
    #[serde(default)]
    pub strata_db: Vec<(String, f64)>,
    /// Predicted and ideal gains of the validation's masks, by classes of predicted gain.
    #[serde(default)]
    pub calibration: Vec<Class>,
}

/// Progress of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Round, from 0.
    pub round: usize,
    /// Steps taken in this round.
    pub step: usize,
    /// SNR of the best validation of this round in dB.
    pub best_db: Option<f64>,
    /// Score of the best validation of this round in dB.
    #[serde(default)]
    pub best_score_db: Option<f64>,
    /// Number of validations since the best one.
    pub since_best: usize,
    /// SNR of this round's validation recordings without any mask, in dB.
    pub unmasked_db: Option<f64>,
    /// The same for each scene; `None` if no source plays in it.
    #[serde(default)]
    pub unmasked_scenes_db: Vec<Option<f64>>,
    /// Running means of the loss and of the SNR in dB: plain means over the first fifty steps of
    /// the round, fading means after that.
    pub recent: [f64; 2],
    /// All log entries so far.
    pub log: Vec<LogEntry>,
}

/// A training between two steps.
pub(super) struct State {
    pub(super) network: Network,
    pub(super) optimiser: ModuleOptimizer,
    /// Weights averaged over steps, as safetensors, if the configuration requests them. Validation
    /// and export use the average.
    pub(super) average: Option<Vec<u8>>,
    pub(super) progress: Progress,
}

impl State {
    /// Creates the state before the first step of all, with random weights or those of the model in
    /// the configuration.
    pub(super) fn fresh(config: &TrainConfig, device: &Device) -> Result<Self> {
        let bytes = match &config.start {
            Some(name) => weights_of_model(name, &config.network.network(), config.seed)
                .with_context(|| format!("{}: start = {name:?}", config.name))?,
            None => initial_weights(&config.network.network(), config.seed)?,
        };
        Self::from_weights(config, device, bytes, Progress::default())
    }

    /// Creates the state before the first step of a round, from weights as safetensors.
    pub(super) fn from_weights(
        config: &TrainConfig,
        device: &Device,
        weights: Vec<u8>,
        progress: Progress,
    ) -> Result<Self> {
        let device = device.clone().autodiff();
        let network =
            Network::from_safetensors(&config.network.network(), weights, &device)?.train();
        let wants_average = config.optimiser.average > 0.0;
        let average = wants_average.then(|| weights_of(&network.valid())).transpose()?;
        Ok(Self { network, optimiser: optimiser(config), average, progress })
    }

    /// Updates the average after a step.
    pub(super) fn follow(&mut self, config: &TrainConfig) -> Result<()> {
        let Some(average) = &mut self.average else { return Ok(()) };
        // At first a plain mean over steps; the weights before the first step do not count.
        let share = (1.0 - config.optimiser.average).max(1.0 / self.progress.step.max(1) as f64);
        blend(average, &weights_of(&self.network.valid())?, share)
    }

    /// Returns the network to validate and keep: with its averaged weights, or as it is.
    pub(super) fn judged(&self, config: &TrainConfig, device: &Device) -> Result<Network> {
        match &self.average {
            Some(average) => {
                Ok(Network::from_safetensors(&config.network.network(), average.clone(), device)?)
            }
            None => Ok(self.network.valid()),
        }
    }

    /// Writes the state to a file.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        let record = |error: &dyn std::fmt::Display| anyhow!("could not record weights: {error}");
        let weights =
            self.network.clone().into_record().into_bytes().map_err(|error| record(&error))?;
        let optimiser = self.optimiser.into_bytes().map_err(|error| record(&error))?;
        let header = serde_json::to_vec(&self.progress)?;
        let mut bytes = MAGIC.to_vec();
        let average = self.average.as_deref().unwrap_or_default();
        for part in [&header[..], &weights[..], &optimiser[..], average] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        write_whole(path, &bytes)
    }

    /// Reads a file written by [`save`](Self::save).
    pub(super) fn load(config: &TrainConfig, device: &Device, path: &Path) -> Result<Self> {
        Self::read(config, device, path)
            .with_context(|| format!("could not continue from {}", path.display()))
    }

    fn read(config: &TrainConfig, device: &Device, path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        let mut rest = bytes.strip_prefix(MAGIC).context("not a checkpoint")?;
        let mut part = || -> Option<&[u8]> {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (part, after) = after.split_at_checked(length)?;
            rest = after;
            Some(part)
        };
        let mut part = || part().context("the file is incomplete");
        let (header, weights, optimised) = (part()?, part()?, part()?);
        let average = part()?.to_vec();
        let average = (!average.is_empty()).then_some(average);
        ensure!(
            average.is_some() == (config.optimiser.average > 0.0),
            "the average of the weights does not match the configuration"
        );
        let progress: Progress = serde_json::from_slice(header)?;
        let bytes = |part: &[u8]| Bytes::from_bytes_vec(part.to_vec());
        let damaged = |error: &dyn std::fmt::Display| anyhow!("the weights are damaged: {error}");
        let record = ModuleRecord::from_bytes(bytes(weights)).map_err(|error| damaged(&error))?;
        let device = device.clone().autodiff();
        let network = Network::new(&config.network.network(), &device)
            .try_load_record(record)
            .map_err(|error| damaged(&error))?;
        let optimiser =
            optimiser(config).from_bytes(bytes(optimised)).map_err(|error| damaged(&error))?;
        ensure!(progress.step <= config.steps, "more steps than in the configuration");
        Ok(Self { network: network.train(), optimiser, average, progress })
    }
}

pub(super) fn optimiser(config: &TrainConfig) -> ModuleOptimizer {
    AdamWConfig::new()
        .with_weight_decay(crate::convert::to_f32(config.optimiser.weight_decay))
        .with_grad_clipping(Some(GradientClippingConfig::Norm(config.optimiser.gradient_norm)))
        .init()
}
