//! Configuration of a training: one TOML file with the material and the parameters.
//!
//! Every field except `[[recipe]]` has a default. Errors name the file, the line and the field.

use super::device::DeviceName;
use super::loss::LossConfig;
use crate::scenes::recipe::{Recipe, line_at, read_toml};
use crate::scenes::sources::MaterialConfig;
use anyhow::{Context, Result, bail, ensure};
use engine::debleed::cancel::{NUM_BANDS, NUM_FEATURES};
use engine::network::{MaskForm, NetworkConfig};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Built-in configurations: name and text.
pub const BUILT_IN: [(&str, &str); 1] = [("default", include_str!("../../training/default.toml"))];

/// Configuration of a training.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// File of the configuration, or name of the built-in one.
    #[serde(skip)]
    pub name: String,
    /// Folder for recordings, checkpoints and results, relative to the working directory.
    #[serde(default = "default_out")]
    pub out: PathBuf,
    /// Seed of all random numbers.
    #[serde(default = "one")]
    pub seed: u64,
    /// Number of rounds of recording and training. The network trained so far guides the canceller
    /// while a round is recorded; for the first round, see [`guide`](Self::guide).
    #[serde(default = "default_rounds", deserialize_with = "rounds")]
    pub rounds: usize,
    /// Number of steps in every round.
    #[serde(default = "default_steps", deserialize_with = "steps")]
    pub steps: usize,
    /// Number of hops in every clip.
    #[serde(default = "default_hops", deserialize_with = "hops")]
    pub hops: usize,
    /// Number of clips in every step.
    #[serde(default = "default_clips", deserialize_with = "clips")]
    pub clips: usize,
    /// Share of the clips that begin with their scene, before anything is known about the bleed.
    #[serde(default, deserialize_with = "share")]
    pub early: f64,
    /// Number of steps between checkpoints.
    #[serde(default = "default_checkpoint", deserialize_with = "steps")]
    pub checkpoint_steps: usize,
    /// Kind of device that computes tensors.
    #[serde(default)]
    pub device: DeviceName,
    /// Number of devices of that kind that share the clips of a step.
    #[serde(default = "one_device", deserialize_with = "devices")]
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

/// A recipe to draw scenes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeEntry {
    /// Line in the configuration where the entry begins.
    #[serde(skip)]
    pub line: usize,
    /// Recipe file, relative to the configuration, or name of a built-in recipe.
    pub recipe: String,
    /// Relative number of scenes from this recipe.
    #[serde(default = "one_weight", deserialize_with = "weight")]
    pub weight: f64,
    /// Material that replaces the recipe's; a kind without an entry stays the recipe's.
    #[serde(default)]
    pub material: MaterialConfig,
    /// True to leave out missing material, and the recipe with it if none of the kits named here
    /// is left.
    #[serde(default)]
    pub optional: bool,
    /// Share of the scenes whose sources are remixed by gains alone, without a room, like tracks of
    /// a console with crosstalk.
    #[serde(default, deserialize_with = "share")]
    pub linear: f64,
    /// Credits and licences: lines for the data sheet of models trained with this material.
    #[serde(default)]
    pub credits: Vec<String>,
}

/// Number and length of the scenes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScenesConfig {
    /// Number of scenes to learn from in every round, from the training split.
    #[serde(deserialize_with = "scenes")]
    pub train: u64,
    /// Number of validation scenes, from the validation split.
    #[serde(deserialize_with = "scenes")]
    pub validation: u64,
    /// Length of every scene in seconds.
    #[serde(deserialize_with = "seconds")]
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
    #[serde(deserialize_with = "weight")]
    pub live: f64,
    /// During playback, with lookahead.
    #[serde(deserialize_with = "weight")]
    pub mix: f64,
    /// From the whole session before cleaning.
    #[serde(deserialize_with = "weight")]
    pub learned: f64,
    /// During playback, without lookahead, after the plugin's Learn has processed the whole scene.
    #[serde(deserialize_with = "weight")]
    pub taught: f64,
}

impl Default for WaysConfig {
    fn default() -> Self {
        Self { live: 1.0, mix: 0.0, learned: 1.0, taught: 0.0 }
    }
}

/// Network sizes that are free to choose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SizeConfig {
    /// Numbers that represent one mic in the blocks; half as many are exchanged between mics.
    #[serde(deserialize_with = "width")]
    pub width: usize,
    /// Numbers that represent one band of one mic in the layers that process single bands; 0 for no
    /// such layers.
    #[serde(deserialize_with = "local_width")]
    pub local_width: usize,
    /// Form of the masks.
    #[serde(with = "MaskFormConfig")]
    pub masks: MaskForm,
    /// Number of the canceller's features that the network uses, from the first one on.
    #[serde(deserialize_with = "features")]
    pub features: usize,
    /// Hops between the three taps of each block, which decide its reach into the past.
    #[serde(deserialize_with = "dilations")]
    pub dilations: [usize; NetworkConfig::NUM_BLOCKS],
}

impl Default for SizeConfig {
    fn default() -> Self {
        Self {
            width: 160,
            local_width: 12,
            masks: MaskForm::Probability,
            features: NUM_FEATURES,
            dilations: [1, 2, 4, 8, 1, 2],
        }
    }
}

impl SizeConfig {
    /// Returns all sizes of the network.
    #[must_use]
    pub fn network(&self) -> NetworkConfig {
        NetworkConfig {
            num_bands: NUM_BANDS,
            num_features: self.features,
            width: self.width,
            exchange_width: self.width / 2,
            local_width: self.local_width,
            masks: self.masks,
            dilations: self.dilations,
        }
    }
}

/// Names of [`MaskForm`] in configurations.
#[derive(Deserialize, Serialize)]
#[serde(remote = "MaskForm", rename_all = "lowercase")]
enum MaskFormConfig {
    Stretched,
    Probability,
}

/// Parameters of the optimiser, AdamW.
///
/// # Source
///
/// I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2; the
/// cosine is that of "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
/// run once and not down to 0.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Greatest step size of the first round.
    #[serde(deserialize_with = "rate")]
    pub learning_rate: f64,
    /// Factor on the step size in every further round, whose network has learned already.
    #[serde(deserialize_with = "share")]
    pub round_factor: f64,
    /// Number of steps over which the step size grows from 0.
    pub warm_up_steps: usize,
    /// Final step size as a share of the greatest. In between, it follows half a cosine.
    #[serde(deserialize_with = "share")]
    pub final_share: f64,
    /// Norm to which larger gradients of each weight tensor are scaled down.
    #[serde(deserialize_with = "positive")]
    pub gradient_norm: f32,
    /// Weight decay: the rate at which weights shrink by themselves.
    #[serde(deserialize_with = "share")]
    pub weight_decay: f64,
    /// Share of the average over steps that remains in each step. The average is validated and kept
    /// instead of the last weights; 0 for no average.
    ///
    /// # Source
    ///
    /// B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992;
    /// fading as in D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
    /// section 7.2.
    #[serde(deserialize_with = "share")]
    pub average: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            learning_rate: 2e-3,
            round_factor: 0.5,
            warm_up_steps: 50,
            final_share: 0.05,
            gradient_norm: 5.0,
            weight_decay: 0.01,
            average: 0.0,
        }
    }
}

impl OptimiserConfig {
    /// Returns the step size of a step, counted from 0, of `steps` in a round.
    #[must_use]
    pub fn rate(&self, round: usize, step: usize, steps: usize) -> f64 {
        let progress = step as f64 / steps.max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let warm = ((step + 1) as f64 / (self.warm_up_steps.max(1)) as f64).min(1.0);
        let greatest = (0..round).fold(self.learning_rate, |rate, _| rate * self.round_factor);
        greatest * warm * (self.final_share + (1.0 - self.final_share) * cosine)
    }
}

/// Parameters of the validation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Number of steps between validations.
    #[serde(deserialize_with = "steps")]
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

/// A recipe ready to draw scenes from.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The recipe, with the configuration's seed, length and material.
    pub recipe: Recipe,
    /// Relative number of scenes from this recipe.
    pub weight: f64,
    /// Share of its scenes that are remixed by gains alone.
    pub linear: f64,
    /// Lines for the data sheet.
    pub credits: Vec<String>,
}

impl TrainConfig {
    /// Opens a configuration: a built-in one by name, or a file.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none or something in it is wrong; the error names the line.
    pub fn open(name_or_file: &str) -> Result<Self> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_file) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_file);
        if !path.exists() && path.extension().is_none() {
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            bail!("no file {name_or_file}; built-in configurations are {}", names.join(", "));
        }
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("could not read {name_or_file}"))?;
        let mut config = Self::parse(name_or_file, &text)?;
        let base = path.parent().unwrap_or(Path::new(""));
        for scenes in &mut config.validation.scenes {
            *scenes = base.join(&*scenes);
        }
        for entry in &mut config.recipes {
            let entry = entry.get_mut();
            entry.material.resolve(base);
            if Path::new(&entry.recipe).extension().is_some() {
                entry.recipe = base.join(&entry.recipe).to_string_lossy().into_owned();
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
        for entry in &self.recipes {
            let entry = entry.get_ref();
            let mut recipe = Recipe::open(&entry.recipe)
                .with_context(|| format!("{} line {}: [[recipe]]", self.name, entry.line))?;
            recipe.seed = self.seed;
            recipe.duration_s = self.scenes.seconds;
            let mut given = entry.material.clone();
            let wanted_kits = !given.kits.is_empty();
            if entry.optional {
                let mut drop_missing = |paths: &mut Vec<PathBuf>| {
                    paths.retain(|path| {
                        let there = path.exists();
                        if !there {
                            notes.push(format!(
                                "{}: {} does not exist",
                                entry.recipe,
                                path.display()
                            ));
                        }
                        there
                    });
                };
                drop_missing(&mut given.notes);
                drop_missing(&mut given.scores);
                drop_missing(&mut given.kits);
                given.stems.retain(|stems| stems.path.exists());
            }
            if entry.optional && wanted_kits && given.kits.is_empty() {
                notes.push(format!("recipe {} is left out: no kit found", entry.recipe));
                continue;
            }
            let material = &mut recipe.material;
            if given.soundfont.is_some() {
                material.soundfont = given.soundfont;
            }
            for (given, own) in [
                (given.notes, &mut material.notes),
                (given.scores, &mut material.scores),
                (given.kits, &mut material.kits),
            ] {
                if !given.is_empty() {
                    *own = given;
                }
            }
            if !given.stems.is_empty() {
                material.stems = given.stems;
            }
            if entry.weight > 0.0 {
                ready.push(Ready {
                    recipe,
                    weight: entry.weight,
                    linear: entry.linear,
                    credits: entry.credits.clone(),
                });
            }
        }
        ensure!(!ready.is_empty(), "{}: no recipe is left", self.name);
        Ok((ready, notes))
    }
}

/// Fewest hops per second at any sample rate: 44.1 kHz by 512 samples, rounded down.
const HOPS_PER_S: f64 = 86.0;

/// Defines readers for `#[serde(deserialize_with = …)]`, each with its own limits.
macro_rules! limits {
    ($($name:ident: $type:ty, $least:literal, $most:literal;)*) => {$(
        fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
            let value = <$type>::deserialize(d)?;
            // This form refuses NaN as well.
            if ($least..=$most).contains(&value) {
                return Ok(value);
            }
            Err(de::Error::custom(format!("{value} is not within {} to {}", $least, $most)))
        }
    )*};
}

limits! {
    rounds: usize, 1, 100;
    steps: usize, 1, 100_000_000;
    hops: usize, 1, 100_000;
    clips: usize, 1, 4096;
    devices: usize, 1, 64;
    scenes: u64, 1, 1_000_000;
    seconds: f64, 0.5, 600.0;
    width: usize, 2, 4096;
    local_width: usize, 0, 1024;
    weight: f64, 0.0, 1e6;
    rate: f64, 1e-9, 1.0;
    share: f64, 0.0, 1.0;
    positive: f32, 1e-6, 1e6;
}

fn features<'de, D: Deserializer<'de>>(d: D) -> Result<usize, D::Error> {
    let value = usize::deserialize(d)?;
    if (1..=NUM_FEATURES).contains(&value) {
        return Ok(value);
    }
    Err(de::Error::custom(format!("{value} is not within 1 to {NUM_FEATURES}")))
}

fn dilations<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<[usize; NetworkConfig::NUM_BLOCKS], D::Error> {
    const MOST: usize = 1024;
    let values = <[usize; NetworkConfig::NUM_BLOCKS]>::deserialize(d)?;
    if values.iter().all(|value| (1..=MOST).contains(value)) {
        return Ok(values);
    }
    Err(de::Error::custom(format!("a dilation is not within 1 to {MOST}")))
}

fn default_out() -> PathBuf {
    PathBuf::from("target/train")
}

fn one() -> u64 {
    1
}

fn one_weight() -> f64 {
    1.0
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
                 [[recipe]]\nrecipe = 'kits'\noptional = {optional}\nmaterial = {{ kits = ['gone'] }}\n"
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

    #[test]
    fn the_step_size_warms_up_and_falls_to_its_final_share() {
        let config = OptimiserConfig { learning_rate: 1.0, ..OptimiserConfig::default() };
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}");
        near(config.rate(0, 0, 1_000_000_000), 1.0 / 50.0);
        // Half a cosine has fallen half way in the middle.
        near(config.rate(0, 500, 1000), 0.05 + 0.95 * 0.5);
        near(config.rate(0, 1000, 1000), 0.05);
        near(config.rate(2, 500, 1000), 0.25 * (0.05 + 0.95 * 0.5));
    }
}
