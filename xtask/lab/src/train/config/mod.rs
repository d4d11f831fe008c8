//! Configuration of a training: one TOML file with the material and the parameters.
//!
//! Every field except `[[recipe]]` has a default. Errors name the file, the line and the field.

mod optimiser;
mod recipes;
mod size;

pub use optimiser::OptimiserConfig;
pub use recipes::{Ready, RecipeEntry};
pub use size::SizeConfig;

use super::device::DeviceName;
use super::limits;
use super::loss::LossConfig;
use crate::toml_text::{self, line_at, read_toml};
use anyhow::{Result, bail, ensure};
use recipes::Setting;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Built-in configurations: name and text.
pub const BUILT_IN: [(&str, &str); 1] =
    [("default", include_str!("../../../training/default.toml"))];

/// Configuration of a training.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// File of the configuration, or name of the built-in one.
    #[serde(skip)]
    pub name: String,
    /// Text of the file.
    #[serde(skip)]
    pub text: String,
    /// Folder for recordings, checkpoints and results, relative to the working directory.
    #[serde(default = "default_out")]
    pub out: PathBuf,
    /// Seed of all random numbers.
    #[serde(default = "one")]
    pub seed: u64,
    /// Number of rounds of recording and training. The network trained so far guides the canceller
    /// while a round is recorded; for the first round, see [`guide`](Self::guide).
    #[serde(default = "default_rounds", deserialize_with = "limits::rounds")]
    pub rounds: usize,
    /// Number of steps in every round.
    #[serde(default = "default_steps", deserialize_with = "limits::steps")]
    pub steps: usize,
    /// Number of hops in every clip.
    #[serde(default = "default_hops", deserialize_with = "limits::hops")]
    pub hops: usize,
    /// Number of clips in every step.
    #[serde(default = "default_clips", deserialize_with = "limits::clips")]
    pub clips: usize,
    /// Share of the clips that begin with their scene, before anything is known about the bleed.
    #[serde(default, deserialize_with = "limits::share")]
    pub early: f64,
    /// Number of steps between checkpoints.
    #[serde(default = "default_checkpoint", deserialize_with = "limits::steps")]
    pub checkpoint_steps: usize,
    /// Kind of device that computes tensors.
    #[serde(default)]
    pub device: DeviceName,
    /// Number of devices of that kind that share the clips of a step.
    #[serde(default = "one_device", deserialize_with = "limits::devices")]
    pub devices: usize,
    /// Model that guides the canceller while the first round is recorded, by id or folder. Without
    /// one, the canceller uses its own rules.
    #[serde(default)]
    pub guide: Option<String>,
    /// Model whose weights the first round starts with, by id or folder. Without one, they
    /// are random.
    #[serde(default)]
    pub start: Option<String>,
    /// Recipes of the scenes to learn from.
    #[serde(rename = "recipe")]
    pub recipes: Vec<Spanned<RecipeEntry>>,
    /// Number and length of the scenes.
    #[serde(default)]
    pub scenes: ScenesConfig,
    /// Weights of the ways in which the canceller learns a scene.
    #[serde(default)]
    pub ways: WaysConfig,
    /// Sizes of the network.
    #[serde(default)]
    pub network: SizeConfig,
    /// Parameters of the optimiser.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// Parameters of the validation.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// Weights and parameters of the loss.
    #[serde(default)]
    pub loss: LossConfig,
}

/// Number and length of the scenes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScenesConfig {
    /// Number of scenes to learn from in every round, from the training split.
    #[serde(deserialize_with = "limits::scenes")]
    pub train: u64,
    /// Number of validation scenes, from the validation split.
    #[serde(deserialize_with = "limits::scenes")]
    pub validation: u64,
    /// Length of every scene in seconds.
    #[serde(deserialize_with = "limits::seconds")]
    pub seconds: f64,
}

impl Default for ScenesConfig {
    fn default() -> Self {
        Self { train: 240, validation: 16, seconds: 10.0 }
    }
}

/// Weights of the ways in which the canceller learns a scene.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaysConfig {
    /// During playback, without lookahead.
    #[serde(deserialize_with = "limits::weight")]
    pub live: f64,
    /// During playback, with lookahead.
    #[serde(deserialize_with = "limits::weight")]
    pub mix: f64,
    /// From the whole session before cleaning.
    #[serde(deserialize_with = "limits::weight")]
    pub learned: f64,
    /// During playback, without lookahead, after the plugin's Learn has processed the whole scene.
    #[serde(deserialize_with = "limits::weight")]
    pub taught: f64,
}

impl Default for WaysConfig {
    fn default() -> Self {
        Self { live: 1.0, mix: 0.0, learned: 1.0, taught: 0.0 }
    }
}

/// Parameters of the validation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Number of steps between validations.
    #[serde(deserialize_with = "limits::steps")]
    pub every_steps: usize,
    /// Number of validations without a better one after which a round ends; 0 for never.
    pub patience: usize,
    /// Folders of scenes from other programs, in the format of `cargo xtask evaluate`, for
    /// validation in addition to the recipes' own scenes. The part of a scene's name before `__` is
    /// its stratum. Paths are relative to the configuration.
    pub scenes: Vec<PathBuf>,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { every_steps: 500, patience: 6, scenes: Vec::new() }
    }
}

impl TrainConfig {
    /// Opens a configuration: a built-in one by name, or a file.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none or something in it is wrong; the error names the line.
    pub fn open(name_or_file: &str) -> Result<Self> {
        let (text, folder) = toml_text::open(name_or_file, &BUILT_IN, ["file", "configurations"])?;
        let mut config = Self::parse(name_or_file, &text)?;
        let Some(base) = folder else { return Ok(config) };
        for scenes in &mut config.validation.scenes {
            *scenes = base.join(&*scenes);
        }
        for entry in &mut config.recipes {
            let entry = entry.get_mut();
            entry.material.resolve(base);
            if Path::new(&entry.recipe).extension().is_some() {
                let path = base.join(&entry.recipe).to_string_lossy().into_owned();
                entry.file = Some(std::mem::replace(&mut entry.recipe, path));
            }
        }
        Ok(config)
    }

    /// Reads a configuration's text; `name` is its file, for messages.
    ///
    /// # Errors
    ///
    /// Returns an error if something is wrong; the error names the line.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut config: Self = read_toml(name, text)?;
        name.clone_into(&mut config.name);
        text.clone_into(&mut config.text);
        for entry in &mut config.recipes {
            let line = line_at(text, entry.span().start).0;
            entry.get_mut().line = line;
        }
        let at = |field: &str| {
            let line = text
                .lines()
                .position(|line| line.split_once('=').is_some_and(|(key, _)| key.trim() == field));
            line.map_or_else(|| name.to_owned(), |line| format!("{name} line {}", line + 1))
        };
        ensure!(!config.recipes.is_empty(), "{name}: no [[recipe]]");
        if config.recipes.iter().all(|entry| entry.get_ref().weight <= 0.0) {
            bail!("{}: the weights of all [[recipe]] are 0", at("weight"));
        }
        let WaysConfig { live, mix, learned, taught } = config.ways;
        ensure!(
            live + mix + learned + taught > 0.0,
            "{}: the weights of all [ways] are 0",
            at("live")
        );
        let least_hops = HOPS_PER_S * config.scenes.seconds
            - if mix > 0.0 { engine::Mode::Mix.lookahead_hops() as f64 } else { 0.0 };
        ensure!(
            config.hops as f64 <= least_hops,
            "{}: clips of {} hops do not fit into scenes of {} s, which have {:.0} hops",
            at("hops"),
            config.hops,
            config.scenes.seconds,
            least_hops.max(0.0)
        );
        ensure!(
            config.loss.segment_hops <= config.hops,
            "{}: segments of {} hops are longer than clips of {}",
            at("segment_hops"),
            config.loss.segment_hops,
            config.hops
        );
        Ok(config)
    }

    /// Returns the recipes that are available on this machine, and notes on everything left out.
    ///
    /// # Errors
    ///
    /// Returns an error if a recipe is wrong, or none is left.
    pub fn recipes(&self) -> Result<(Vec<Ready>, Vec<String>)> {
        let (mut ready, mut notes) = (Vec::new(), Vec::new());
        let setting =
            Setting { name: &self.name, seed: self.seed, duration_s: self.scenes.seconds };
        for entry in &self.recipes {
            ready.extend(entry.get_ref().open(&setting, &mut notes)?);
        }
        ensure!(!ready.is_empty(), "{}: no recipe is left", self.name);
        Ok((ready, notes))
    }
}

/// Fewest hops per second at any sample rate: 44.1 kHz by 512 samples, rounded down.
const HOPS_PER_S: f64 = 86.0;

fn default_out() -> PathBuf {
    PathBuf::from("target/train")
}

fn one() -> u64 {
    1
}

fn default_rounds() -> usize {
    1
}

fn default_steps() -> usize {
    4_000
}

fn default_hops() -> usize {
    256
}

fn default_clips() -> usize {
    1
}

fn one_device() -> usize {
    1
}

fn default_checkpoint() -> usize {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let line = format!("{:#}", TrainConfig::parse("my.toml", text).unwrap_err());
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[test]
    fn the_configurations_that_come_with_the_lab_can_be_used_with_the_soundfont_alone() {
        for (name, _) in BUILT_IN {
            let config = TrainConfig::open(name).unwrap();
            let (ready, _) = config.recipes().unwrap();
            assert!(ready.iter().any(|ready| ready.recipe.material.kits.is_empty()), "{name}");
            assert!(ready.iter().all(|ready| ready.recipe.seed == config.seed), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_file_line_and_field() {
        let recipe = "[[recipe]]\nrecipe = 'ensembles'\n";
        for (text, parts) in [
            ("stepz = 3", &["my.toml line 1", "stepz"][..]),
            ("seed = 1\nsteps = 0", &["my.toml line 2", "steps = 0", "not within 1"]),
            ("hops = 9000", &["my.toml line 1", "9000 hops", "10 s"]),
            ("devices = 0", &["my.toml line 1", "devices = 0", "not within 1"]),
            ("device = 'tpu'", &["my.toml line 1", "tpu", "flex"]),
        ] {
            let line = error(&format!("{text}\n{recipe}"));
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        for (text, parts) in [
            ("[optimiser]\nlearning_rate = -1", &["my.toml line 4", "learning_rate = -1"][..]),
            ("[optimiser]\nlearning_rate = nan", &["my.toml line 4", "NaN is not within"]),
            ("[ways]\nlive = 0\nlearned = 0", &["my.toml line 4", "[ways]"]),
            ("[loss]\nsegment_hops = 300", &["my.toml line 4", "300 hops"]),
            ("[loss]\nthresold = 1", &["my.toml line 4", "thresold"]),
            ("[loss]\nmost_combinations = 0", &["my.toml line 4", "0 is not within 1 to 65534"]),
            ("[network]\nfeatures = 18", &["my.toml line 4", "18 is not within 1 to 17"]),
            ("weight = 0", &["my.toml line 3", "weights of all"]),
            ("material = { kit = ['a'] }", &["my.toml line 3", "kit"]),
        ] {
            let line = error(&format!("{recipe}{text}"));
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        let config =
            TrainConfig::parse("my.toml", "seed = 1\n[[recipe]]\nrecipe = 'gone'").unwrap();
        let line = format!("{:#}", config.recipes().unwrap_err());
        assert!(line.contains("my.toml line 2") && line.contains("no recipe file gone"), "{line}");
        assert!(error("recipe = []").contains("no [[recipe]]"));
        assert!(error("seed = 1").contains("recipe"));
    }

    #[test]
    fn material_that_is_not_there_is_left_out_where_it_is_optional_and_only_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("notes")).unwrap();
        let file = folder.path().join("my.toml");
        let entry = |optional: bool| {
            format!(
                "[[recipe]]\nrecipe = 'ensembles'\noptional = {optional}\n\
                 material = {{ notes = ['notes', 'gone'] }}\n\
                 [[recipe]]\nrecipe = 'kits'\noptional = {optional}\n\
                 material = {{ kits = ['gone'] }}\n"
            )
        };
        std::fs::write(&file, entry(true)).unwrap();
        let config = TrainConfig::open(file.to_str().unwrap()).unwrap();
        let (ready, notes) = config.recipes().unwrap();
        assert_eq!(ready.len(), 1);
        assert_eq!(ready[0].recipe.material.notes, [folder.path().join("notes")]);
        assert!(notes.iter().any(|note| note.contains("kits is left out")), "{notes:?}");
        std::fs::write(&file, entry(false)).unwrap();
        let (ready, notes) = TrainConfig::open(file.to_str().unwrap()).unwrap().recipes().unwrap();
        assert_eq!((ready.len(), notes.len()), (2, 0));
    }
}
