//! `training.json`: the settings of the training in a folder, and the refusal of any other one.

use super::config::{Ready, SizeConfig, TrainConfig};
use super::course::{BEST_FILE, CHECKPOINT_FILE};
use anyhow::{Context, Result, bail};
use audiofile::{AudioFileError, Existing, FileClaim, Problem};
use engine::network::NetworkConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::process::Command;

/// Name of the settings file beside the weights.
pub const SETTINGS_FILE: &str = "training.json";
/// Name of the configuration's text beside a model's card.
pub(super) const CONFIGURATION_FILE: &str = "training.toml";
/// Files that a training replaces while it continues.
const OWN_FILES: [&str; 5] =
    [BEST_FILE, CHECKPOINT_FILE, "log.json", "curves.png", "calibration.png"];
/// Version of the meaning of recordings and steps.
const FORMAT: u64 = 3;
/// Version of the tensor library, for the cards of models.
pub(super) const BURN_VERSION: &str = "0.22.1";

/// Settings of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// All settings that affect the weights.
    pub settings: Value,
    /// Sizes of the network.
    pub network: SizeConfig,
    /// The seed.
    pub seed: u64,
    /// Command of the training.
    pub command: String,
    /// Commit of the project, with `-dirty` if it was changed since.
    pub commit: String,
    /// Credits and licences of the training material.
    pub credits: Vec<String>,
    /// Texts of the configuration, `training.toml`, and of the recipes beside it, by file name.
    /// Empty in trainings from before these were kept.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

impl Settings {
    /// Returns the settings of a configuration and its recipes.
    pub(super) fn of(config: &TrainConfig, ready: &[Ready]) -> Result<Self> {
        let recipes = ready.iter().map(|ready| {
            let recipe = &ready.recipe;
            json!({
                "name": recipe.name, "text": recipe.text, "weight": ready.weight,
                "linear": ready.linear,
                "material": recipe.material,
            })
        });
        let settings = json!({
            "format": FORMAT,
            "seed": config.seed,
            "rounds": config.rounds,
            "steps": config.steps,
            "hops": config.hops,
            "clips": config.clips,
            "early": config.early,
            "guide": config.guide,
            "start": config.start,
            "device": serde_json::to_value(config.device)?,
            "recipe": recipes.collect::<Vec<Value>>(),
            "scenes": serde_json::to_value(&config.scenes)?,
            "ways": serde_json::to_value(&config.ways)?,
            "network": serde_json::to_value(&config.network)?,
            "optimiser": serde_json::to_value(&config.optimiser)?,
            "validation": serde_json::to_value(&config.validation)?,
            "loss": serde_json::to_value(&config.loss)?,
        });
        Ok(Self {
            settings,
            network: config.network.clone(),
            seed: config.seed,
            command: format!("cargo xtask train {}", config.name),
            commit: commit(),
            credits: credits(ready),
            files: files(config)?,
        })
    }
}

impl Settings {
    /// Returns the sizes of the network.
    pub(super) fn size(&self) -> NetworkConfig {
        self.network.network()
    }
}

/// Returns the credits for the data sheet: those of the recipes, and that of the default SoundFont.
fn credits(ready: &[Ready]) -> Vec<String> {
    let mut credits = Vec::new();
    if ready.iter().any(|ready| ready.recipe.material.soundfont.is_none()) {
        credits.push("FluidR3 GM SoundFont by Frank Wen, MIT licence".to_owned());
    }
    for line in ready.iter().flat_map(|ready| &ready.credits) {
        if !credits.contains(line) {
            credits.push(line.clone());
        }
    }
    credits
}

/// Returns the texts of the configuration and of the recipe files that lie beside it or below.
fn files(config: &TrainConfig) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in &config.recipes {
        let entry = entry.get_ref();
        if let Some(name) = entry.file.as_ref().filter(|name| is_inside(name)) {
            let text = std::fs::read_to_string(&entry.recipe)
                .with_context(|| format!("could not read {}", entry.recipe))?;
            files.insert(name.clone(), text);
        }
    }
    files.insert(CONFIGURATION_FILE.to_owned(), config.text.clone());
    Ok(files)
}

/// Returns true if a file of this name lies in a folder or below it.
pub(super) fn is_inside(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Returns the project's commit, or `unknown` without a checkout or git.
fn commit() -> String {
    let describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
    let found = Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(describe).output();
    let said = found.ok().filter(|found| found.status.success());
    said.map_or_else(
        || "unknown".to_owned(),
        |found| String::from_utf8_lossy(&found.stdout).trim().to_owned(),
    )
}

/// Claims and locks the folder: writes [`SETTINGS_FILE`], or checks that it has the same settings.
pub(super) fn claim(out: &Path, ours: &Settings) -> Result<FileClaim> {
    std::fs::create_dir_all(out).with_context(|| format!("could not create {}", out.display()))?;
    let path = out.join(SETTINGS_FILE);
    audiofile::remove_leftovers(out);
    if !path.exists() {
        if let Some(name) = OWN_FILES.into_iter().find(|name| out.join(name).exists()) {
            bail!("{}: contains {name} but no {SETTINGS_FILE}; use another folder", out.display());
        }
        match audiofile::write_whole(&path, &crate::report::json::bytes(ours)?, Existing::Keep) {
            // Another run has begun at the same moment; its record is checked like any other.
            Err(AudioFileError { problem: Problem::Exists, .. }) => {}
            result => result?,
        }
    }
    let theirs = read(&path)?;
    if let Some(difference) = difference("", &theirs.settings, &ours.settings) {
        bail!("{}: contains another training ({difference}); use another folder", out.display());
    }
    FileClaim::take(&path)
        .with_context(|| format!("could not open {}", path.display()))?
        .with_context(|| format!("{}: another run is training in this folder", out.display()))
}

/// Reads a [`SETTINGS_FILE`].
pub(super) fn read(path: &Path) -> Result<Settings> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{}: not a valid record of a training", path.display()))
}

/// Describes the first field that differs, with both values; `None` if there is none.
fn difference(at: &str, theirs: &Value, ours: &Value) -> Option<String> {
    if theirs == ours {
        return None;
    }
    let join = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match (theirs, ours) {
        // Indexing a value, unlike a map, gives null for a missing key.
        (Value::Object(old), Value::Object(new)) => old
            .keys()
            .chain(new.keys())
            .find_map(|key| difference(&join(key), &theirs[key.as_str()], &ours[key.as_str()]))
            .or_else(|| Some(format!("`{at}` differs"))),
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            (1..).zip(theirs.iter().zip(ours)).find_map(|(number, (theirs, ours))| {
                difference(&join(&number.to_string()), theirs, ours)
            })
        }
        _ => {
            let short = |value: &Value| {
                let text = value.to_string();
                if text.len() > 60 { "another value".to_owned() } else { text }
            };
            Some(format!("{at} is {}, not {}", short(theirs), short(ours)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(changes: &str) -> Settings {
        let text = format!("[[recipe]]\nrecipe = 'ensembles'\ncredits = ['thanks']\n{changes}");
        let config = TrainConfig::parse("my.toml", &text).unwrap();
        let (ready, _) = config.recipes().unwrap();
        Settings::of(&config, &ready).unwrap()
    }

    #[test]
    fn a_folder_of_another_configuration_is_refused_and_the_field_named() {
        let folder = tempfile::tempdir().unwrap();
        let ours = settings("");
        drop(claim(folder.path(), &ours).unwrap());
        drop(claim(folder.path(), &ours).unwrap());
        for (changes, parts) in [
            ("[network]\nwidth = 32", ["network.width is 160, not 32", "another training"]),
            ("[optimiser]\nlearning_rate = 1e-3", ["optimiser.learning_rate", "0.002, not 0.001"]),
            ("material = { notes = ['a'] }", ["recipe.1.material.notes", "[\"a\"]"]),
        ] {
            let line = claim(folder.path(), &settings(changes)).unwrap_err().to_string();
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        // Written before the field existed.
        let path = folder.path().join(SETTINGS_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"average\": 0.0,", "")).unwrap();
        let line = claim(folder.path(), &ours).unwrap_err().to_string();
        assert!(line.contains("optimiser.average is null, not 0.0"), "{line}");
        std::fs::write(&path, text).unwrap();
        let held = claim(folder.path(), &ours).unwrap();
        let line = claim(folder.path(), &ours).unwrap_err().to_string();
        assert!(line.contains("another run"), "{line}");
        drop(held);
    }

    #[test]
    fn files_that_no_training_of_ours_has_made_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.json"), "theirs").unwrap();
        let line = claim(folder.path(), &settings("")).unwrap_err().to_string();
        assert!(line.contains("contains log.json but no training.json"), "{line}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_learned_from_is_thanked_once() {
        let found =
            settings("[[recipe]]\nrecipe = 'ensembles'\ncredits = ['thanks', 'more']").credits;
        assert_eq!(found.len(), 3);
        assert!(found[0].contains("FluidR3") && found[1..] == ["thanks", "more"], "{found:?}");
    }

    #[test]
    fn the_tensor_library_is_that_of_the_lock_file() {
        let lock = include_str!("../../../../Cargo.lock");
        let entry = format!("name = \"burn\"\nversion = \"{BURN_VERSION}\"\n");
        assert!(lock.contains(&entry));
    }
}
