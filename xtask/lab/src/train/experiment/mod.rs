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

mod fixed;
mod table;

use super::batch::{Batch, Pick};
use super::checkpoint::optimiser;
use super::config::{Ready, TrainConfig};
use super::course::{masks, scalar};
use super::loss::{Given, LossConfig, Sums, negative_snr};
use super::progress::{Bar, Form, Tell};
use super::record::{Recordings, record, record_split};
use super::run::num_threads;
use super::settings::{Settings, claim};
use super::store::{Stored, write_whole};
use super::weights::initial_weights;
use crate::random::Random;
use crate::scenes::recipe::Recipe;
use crate::scenes::split::Split;
use anyhow::{Context, Result, ensure};
use audiofile::signals;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;
use clap::{Args, ValueEnum};
use engine::network::{Masks, Network, NetworkConfig};
use fixed::FixedOrder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

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

const CONFIG: &str = include_str!("../../../experiments/experiment.toml");
const RECIPES: [(&str, &str); 4] = [
    (BAND_OF_FOUR, include_str!("../../../experiments/band-of-four.toml")),
    ("others-of-four", include_str!("../../../experiments/others-of-four.toml")),
    ("band-of-three", include_str!("../../../experiments/band-of-three.toml")),
    ("band-of-six", include_str!("../../../experiments/band-of-six.toml")),
];
const BAND_OF_FOUR: &str = "band-of-four";

/// Property in which the networks differ
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Experiment {
    /// Fixed order of mics, order permuted in every clip, or no order
    MicOrder,
    /// Losses: SNR, multi-domain, combinations of mics, or several of them
    Losses,
}

/// Places of the mics in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Places {
    /// Each mic has a place, always the same one.
    Fixed,
    /// Each mic has a place, another one in every clip.
    Permuted,
    /// There are no places.
    None,
}

/// One of the networks that are compared.
#[derive(Clone, Copy, Debug)]
struct Arm {
    /// Identifier in the names of its files.
    id: &'static str,
    name: &'static str,
    places: Places,
    /// Change of the configuration's losses.
    loss: fn(&mut LossConfig),
}

const MIC_ORDER: [Arm; 3] = [
    Arm { id: "fixed-order", name: "fixed order", places: Places::Fixed, loss: |_| () },
    Arm {
        id: "permuted-clips",
        name: "fixed order, mics permuted in every clip",
        places: Places::Permuted,
        loss: |_| (),
    },
    Arm {
        id: "equivariant",
        name: "equivariant by construction",
        places: Places::None,
        loss: |_| (),
    },
];
const LOSSES: [Arm; 5] = [
    Arm { id: "snr", name: "SNR", places: Places::None, loss: |loss| loss.multi_domain = 0.0 },
    Arm { id: "equivariant", name: "SNR and multi-domain", places: Places::None, loss: |_| () },
    Arm {
        id: "multi-domain",
        name: "multi-domain",
        places: Places::None,
        loss: |loss| (loss.whole, loss.segments) = (0.0, 0.0),
    },
    Arm {
        id: "snr-combination",
        name: "SNR and combination",
        places: Places::None,
        loss: |loss| (loss.multi_domain, loss.combination) = (0.0, COMBINATION),
    },
    // Single mics are combinations, too.
    Arm {
        id: "combination",
        name: "multi-domain and combination",
        places: Places::None,
        loss: |loss| {
            (loss.whole, loss.segments) = (0.0, 0.0);
            (loss.multi_domain, loss.combination) = (0.0, COMBINATION);
        },
    },
];
/// Weight of the combination loss if it is on: that of the multi-domain loss in the configuration.
const COMBINATION: f64 = 1.0;

impl Experiment {
    fn arms(self) -> &'static [Arm] {
        match self {
            Self::MicOrder => &MIC_ORDER,
            Self::Losses => &LOSSES,
        }
    }
}

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

/// A network of either kind.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
enum Backbone {
    Set(Network),
    Fixed(FixedOrder),
}

impl Backbone {
    fn new(places: Places, config: &NetworkConfig, num_places: usize, seed: u64) -> Result<Self> {
        let device = Device::flex().autodiff();
        let set = |seed| -> Result<Network> {
            Ok(Network::from_safetensors(config, initial_weights(config, seed)?, &device)?)
        };
        if places == Places::None {
            return Ok(Self::Set(set(seed)?.train()));
        }
        let wanted = set(seed)?.num_params();
        // The width with the nearest number of weights.
        let far = |width| FixedOrder::num_weights(config, (num_places, width)).abs_diff(wanted);
        let mut width = 2;
        while far(width + 1) <= far(width) {
            width += 1;
        }
        Ok(Self::Fixed(FixedOrder::new(config, (num_places, width), seed, &device)))
    }

    fn masks(&self, batch: &Batch, device: &Device) -> Masks {
        match self {
            Self::Set(network) => masks(network, batch, device),
            Self::Fixed(network) => network.forward(batch.features.clone()),
        }
    }
}

/// Scenes to test with.
#[derive(Debug)]
struct TestSet {
    name: String,
    scenes: Vec<Stored>,
    is_shuffled: bool,
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

/// Returns the experiment's own configuration, with its recipe as a file in `folder`.
fn own_config(folder: &Path) -> Result<TrainConfig> {
    let (name, text) = RECIPES[0];
    let file = folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))?;
    let named = CONFIG
        .replace(&format!("\"{BAND_OF_FOUR}\""), &format!("{:?}", file.display().to_string()));
    TrainConfig::parse("experiment.toml", &named)
}

/// Returns a hash of the losses and the test recipes, which the folder's settings do not cover.
fn made_with(config: &TrainConfig) -> Result<String> {
    let text = serde_json::to_string(&(&config.loss, RECIPES))?;
    Ok(Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn test_sets(
    config: &TrainConfig,
    ready: &[Ready],
    (num_threads, tell): (usize, Tell<'_>),
) -> Result<Vec<TestSet>> {
    let mut sets = Vec::new();
    for (name, text) in RECIPES {
        let mut recipe = Recipe::parse(&format!("{name}.toml"), text)?;
        recipe.seed = config.seed;
        recipe.duration_s = config.scenes.seconds;
        recipe.material = ready[0].recipe.material.clone();
        let ready = [Ready { recipe, weight: 1.0, linear: 0.0, credits: Vec::new() }];
        let folder = config.out.join("recordings").join(name);
        let scenes =
            record_split(config, &ready, (0, None), (&folder, Split::Test), (num_threads, tell))?;
        if name == BAND_OF_FOUR {
            let set = |name: &str, is_shuffled| TestSet {
                name: name.to_owned(),
                scenes: scenes.clone(),
                is_shuffled,
            };
            sets.push(set("unheard rooms", false));
            sets.push(set("the same, mics shuffled", true));
        } else {
            sets.push(TestSet { name: name.replace('-', " "), scenes, is_shuffled: false });
        }
    }
    Ok(sets)
}

/// One training.
#[derive(Debug)]
struct One<'a> {
    config: &'a TrainConfig,
    scenes: &'a [Stored],
    validation: &'a TestSet,
    num_places: usize,
    arm: Arm,
    seed: u64,
}

impl One<'_> {
    /// Trains and tests, or reads the result of an earlier run.
    fn run(&self, sets: &[TestSet], tell: Tell<'_>) -> Result<Trained> {
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

#[cfg(test)]
mod tests {
    use super::super::examples::NUM_SUMS;
    use super::super::store::tests::{random_example, with_pairs};
    use super::*;
    use engine::debleed::cancel::NUM_BANDS;
    use std::sync::Mutex;

    fn config(out: &Path) -> TrainConfig {
        let text = "steps = 3\nhops = 6\nclips = 2\n[[recipe]]\nrecipe = 'ensembles'\n\
                    [network]\nwidth = 24\nlocal_width = 0\n[loss]\nsegment_hops = 3\nmulti_domain = 1\n";
        TrainConfig { out: out.to_owned(), ..TrainConfig::parse("test.toml", text).unwrap() }
    }

    fn scenes(folder: &Path, num_mics: usize) -> Vec<Stored> {
        (0..3)
            .map(|number| {
                let path = folder.join(format!("{num_mics}-{number}.example"));
                Stored::write(&with_pairs(random_example(num_mics, 9, number)), &path).unwrap()
            })
            .collect()
    }

    #[test]
    fn only_the_equivariant_network_does_the_same_in_any_order_and_takes_any_number() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let at = |num_mics| scenes(folder.path(), num_mics);
        let set = |name: &str, num_mics, is_shuffled| TestSet {
            name: name.to_owned(),
            scenes: at(num_mics),
            is_shuffled,
        };
        let sets = [
            set("in order", 4, false),
            set("shuffled", 4, true),
            set("fewer", 3, false),
            set("more", 5, false),
        ];
        let learned = at(4);
        let validation = set("validation", 4, false);
        let of = |arm, config| One {
            config,
            scenes: &learned,
            validation: &validation,
            num_places: 4,
            arm,
            seed: 1,
        };
        let quiet = Tell { form: Form::Text, line: &|_: &str| {} };
        let results: Vec<Trained> = MIC_ORDER
            .iter()
            .chain(&LOSSES)
            .map(|&arm| {
                let one = of(arm, &config);
                let found = one.run(&sets, quiet).unwrap();
                assert_eq!(one.run(&sets, quiet).unwrap(), found, "read, not trained again");
                found
            })
            .collect();
        // A result of an older version with other losses is refused.
        let mut other = config.clone();
        other.loss.harm = 1.0;
        let line = of(LOSSES[0], &other).run(&sets, quiet).unwrap_err().to_string();
        assert!(line.contains("snr-1.json was made with other losses"), "{line}");
        for result in &results {
            let gains = |set: usize| result.tests[set].gains_db.clone();
            let is_set = !["fixed-order", "permuted-clips"].contains(&result.arm.as_str());
            let apart = gains(0)
                .unwrap()
                .iter()
                .zip(gains(1).unwrap())
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            // Measured: 2e-6 dB for equivariant networks, 0.1 dB and more for the others.
            assert_eq!(apart < 1e-5, is_set, "{:?}: {apart} dB", result.arm);
            assert!(gains(2).unwrap().iter().all(|gain| gain.is_finite()));
            assert_eq!(gains(3).is_some(), is_set, "{:?}", result.arm);
            let share = result.num_weights as f64 / results[2].num_weights as f64;
            assert!((0.95..1.05).contains(&share), "{:?}: {share}", result.arm);
        }
        let gains = |result: &Trained| result.tests[0].gains_db.clone();
        assert_ne!(gains(&results[0]), gains(&results[1]), "their clips differ");
        assert_eq!(gains(&results[2]), gains(&results[4]), "the same network");
        assert_ne!(gains(&results[3]), gains(&results[4]), "their losses differ");
        assert_ne!(gains(&results[5]), gains(&results[4]), "their losses differ");
        assert_ne!(gains(&results[6]), gains(&results[3]), "their losses differ");
        assert_ne!(gains(&results[7]), gains(&results[5]), "their losses differ");
        let text = table::markdown((&config, &MIC_ORDER), &results);
        assert_eq!(text.matches("cannot").count(), 2, "{text}");
        assert_eq!(text.lines().nth(4).unwrap().matches('|').count(), 7, "{text}");
    }

    #[test]
    fn the_weights_that_do_best_on_the_validation_are_tested() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        config.steps = 6;
        config.validation.every_steps = 1;
        config.optimiser.warm_up_steps = 1;
        // Training on silence makes the network mute mics, which spoils clean ones more and more.
        let scenes = |name: &str, truth: f32| -> Vec<Stored> {
            let mut example = random_example(3, 9, 1);
            for sums in example.sums.chunks_exact_mut(NUM_SUMS * NUM_BANDS) {
                let (after, others) = sums.split_at_mut(NUM_BANDS);
                let shares =
                    others.chunks_exact_mut(NUM_BANDS).zip([truth, truth, 1.0, 1.0 - truth]);
                for (sums, share) in shares {
                    sums.iter_mut().zip(after.iter()).for_each(|(sum, after)| *sum = share * after);
                }
            }
            let path = folder.path().join(name);
            vec![Stored::write(&example, &path).unwrap()]
        };
        let learned = scenes("silent.example", 0.0);
        let sets = [TestSet {
            name: "validation".to_owned(),
            scenes: scenes("clean.example", 1.0),
            is_shuffled: false,
        }];
        let [validation] = &sets;
        let one = One {
            config: &config,
            scenes: &learned,
            validation,
            num_places: 3,
            arm: LOSSES[0],
            seed: 1,
        };
        let lines = Mutex::new(Vec::new());
        let say = |line: &str| lines.lock().unwrap().push(line.to_owned());
        let found = one.run(&sets, Tell { form: Form::Text, line: &say }).unwrap();
        let seen: Vec<String> = lines.into_inner().unwrap();
        let seen: Vec<f64> = seen
            .iter()
            .filter_map(|line| line.split_once("validation ")?.1.strip_suffix(" dB")?.parse().ok())
            .collect();
        assert_eq!(seen.len(), 6, "{seen:?}");
        let best = seen.iter().copied().fold(f64::MIN, f64::max);
        assert!(best > seen[5] + 0.1, "{seen:?}");
        assert_eq!(seen[found.best_step - 1], best, "{seen:?}");
        let gains_db = found.tests[0].gains_db.clone().unwrap();
        let mean = gains_db.iter().sum::<f64>() / gains_db.len() as f64;
        // Lines have two decimals.
        assert!((mean - best).abs() < 0.0051, "{mean}, {best}");
    }

    #[test]
    fn its_own_configuration_and_recipes_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let config = own_config(folder.path()).unwrap();
        let (ready, _) = config.recipes().unwrap();
        assert_eq!(ready[0].recipe.name, BAND_OF_FOUR);
        for (name, text) in RECIPES {
            Recipe::parse(name, text).unwrap();
        }
    }
}
