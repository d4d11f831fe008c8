//! Experiments: networks that differ in one respect are trained on the same recordings and tested
//! on the same scenes.
//!
//! - [`Experiment::MicOrder`]: compares a network that accepts mics in any order with one that has
//!   a place for each. The same backbone is trained with a place for every mic, in an order that
//!   never changes; with places, but mics in a random order in every clip; and equivariant by
//!   construction.
//! - [`Experiment::Losses`]: compares the multi-domain loss and that of combinations of mics, with
//!   the SNR or alone.
//!
//! All networks are tested on rooms that they were not trained on, with mics in the order of the
//! training and in another, on groups that they were not trained on, and on other numbers of mics.
//!
//! # Source
//!
//! The permuted clips are those of A. Pandey et al., "Learning input-channel permutation
//! equivariance for multi-channel source separation: reducing bleeding in small music ensembles",
//! 2026, who compare them with a fixed order. For the losses, see [`super::loss`].

mod arms;
mod backbone;
mod fixed;
mod scenes;
mod table;
mod training;

pub use arms::Experiment;
pub use training::{Tested, Trained};

use super::config::TrainConfig;
use super::progress::{Form, Tell};
use super::record::{Recordings, record};
use super::run::num_threads;
use super::settings::{Settings, claim};
use super::store::write_whole;
use anyhow::{Result, ensure};
use arms::COMBINATION;
use audiofile::signals;
use clap::{Args, ValueEnum};
use scenes::{TestSet, own_config, test_sets};
use std::path::PathBuf;
use training::One;

/// Options of `cargo xtask experiment`.
#[derive(Clone, Debug, Args)]
pub struct ExperimentOptions {
    /// Experiment
    #[arg(value_enum)]
    pub experiment: Experiment,
    /// Training configuration, instead of the experiment's; all scenes have the same number of mics
    #[arg(long, value_name = "CONFIG.toml")]
    pub config: Option<String>,
    /// Folder for recordings and results, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Number of trainings per network
    #[arg(long, default_value_t = 3)]
    pub seeds: u64,
    /// Number of scenes recorded at a time [default: all cores]; trainings use one core
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// Trains every network that no earlier run has finished, writes the results as JSON and as a
/// table, and returns the table.
///
/// # Errors
///
/// Returns an error if the configuration is wrong, the scenes' numbers of mics differ, the folder
/// belongs to another configuration or cannot be written, or the user interrupts.
pub fn run(options: &ExperimentOptions, tell: &(dyn Fn(&str) + Sync)) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let mut config = match &options.config {
        Some(file) => TrainConfig::open(file)?,
        None => own_config(folder.path())?,
    };
    if let Some(out) = &options.out {
        config.out.clone_from(out);
    }
    let tell = Tell { form: Form::Text, line: tell };
    let num_threads = num_threads(options.threads)?;
    ensure!(options.seeds > 0, "--seeds must be at least 1");
    let (ready, _) = config.recipes()?;
    signals::listen()?;
    let settings = Settings::of(&config, &ready)?;
    // Held until the end, so that no second run works in the same folder.
    let _lock = claim(&config.out, &settings)?;
    let recorded = config.out.join("recordings");
    let Recordings { train, validation } = {
        // All networks are trained on the same recordings, whatever is compared.
        let mut config = config.clone();
        config.loss.combination = COMBINATION;
        record(&config, &ready, (0, None), &recorded, (num_threads, tell))?
    };
    let validation = validation.into_iter().map(|(_, stored)| stored).collect();
    let num_places = train.first().map_or(0, |scene| scene.relations.num_mics);
    ensure!(
        train.iter().all(|scene| scene.relations.num_mics == num_places),
        "all training scenes must have the same number of mics"
    );
    let sets = test_sets(&config, &ready, (num_threads, tell))?;
    let arms = options.experiment.arms();
    let validation =
        TestSet { name: "validation".to_owned(), scenes: validation, is_shuffled: false };
    let mut results = Vec::new();
    for seed in 1..=options.seeds {
        for &arm in arms {
            let one = One {
                config: &config,
                scenes: &train,
                validation: &validation,
                num_places,
                arm,
                seed,
            };
            results.push(one.run(&sets, tell)?);
        }
    }
    let text = table::markdown((&config, arms), &results);
    let json = serde_json::to_string_pretty(&results)? + "\n";
    let name = options.experiment.to_possible_value().map(|value| value.get_name().to_owned());
    let name = name.unwrap_or_default();
    write_whole(&config.out.join(format!("{name}.json")), json.as_bytes())?;
    write_whole(&config.out.join(format!("{name}.md")), text.as_bytes())?;
    Ok(text)
}

#[cfg(test)]
mod tests;
