//! Scenes of the experiments: their configuration and recipes, and the sets to test with.

use super::super::config::{Ready, TrainConfig};
use super::super::progress::Tell;
use super::super::record::record_split;
use super::super::store::Stored;
use crate::scenes::recipe::Recipe;
use crate::scenes::split::Split;
use anyhow::{Context, Result};
use std::path::Path;

const CONFIG: &str = include_str!("../../../experiments/experiment.toml");
/// Recipes of the experiments: that of the training first.
pub(super) const RECIPES: [(&str, &str); 4] = [
    (BAND_OF_FOUR, include_str!("../../../experiments/band-of-four.toml")),
    ("others-of-four", include_str!("../../../experiments/others-of-four.toml")),
    ("band-of-three", include_str!("../../../experiments/band-of-three.toml")),
    ("band-of-six", include_str!("../../../experiments/band-of-six.toml")),
];
pub(super) const BAND_OF_FOUR: &str = "band-of-four";

/// Scenes to test with.
#[derive(Debug)]
pub(super) struct TestSet {
    pub(super) name: String,
    pub(super) scenes: Vec<Stored>,
    pub(super) is_shuffled: bool,
}

/// Returns the experiment's own configuration, with its recipe as a file in `folder`.
pub(super) fn own_config(folder: &Path) -> Result<TrainConfig> {
    let (name, text) = RECIPES[0];
    let file = folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))?;
    let named = CONFIG
        .replace(&format!("\"{BAND_OF_FOUR}\""), &format!("{:?}", file.display().to_string()));
    TrainConfig::parse("experiment.toml", &named)
}

/// Records the test scenes of every recipe; those of the training's recipe make two sets.
pub(super) fn test_sets(
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
