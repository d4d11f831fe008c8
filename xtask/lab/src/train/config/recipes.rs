//! Recipes in a configuration: their choice, and the material that replaces theirs.

use super::super::limits;
use crate::scenes::recipe::Recipe;
use crate::scenes::sources::MaterialConfig;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// A recipe to draw scenes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeEntry {
    /// Line in the configuration where the entry begins.
    #[serde(skip)]
    pub line: usize,
    /// Name of the recipe file as in the configuration; `None` for a built-in recipe.
    #[serde(skip)]
    pub file: Option<String>,
    /// Recipe file, relative to the configuration, or name of a built-in recipe.
    pub recipe: String,
    /// Relative number of scenes from this recipe.
    #[serde(default = "one_weight", deserialize_with = "limits::weight")]
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
    #[serde(default, deserialize_with = "limits::share")]
    pub linear: f64,
    /// Credits and licences: lines for the data sheet of models trained with this material.
    #[serde(default)]
    pub credits: Vec<String>,
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

/// The part of a configuration that all its recipes share.
pub(super) struct Setting<'a> {
    /// File of the configuration, for messages.
    pub(super) name: &'a str,
    pub(super) seed: u64,
    pub(super) duration_s: f64,
}

impl RecipeEntry {
    /// Opens the recipe, and adds notes on everything that is left out; `None` if that is the whole
    /// recipe.
    pub(super) fn open(
        &self,
        setting: &Setting<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Ready>> {
        let mut recipe = Recipe::open(&self.recipe)
            .with_context(|| format!("{} line {}: [[recipe]]", setting.name, self.line))?;
        recipe.seed = setting.seed;
        recipe.duration_s = setting.duration_s;
        let mut given = self.material.clone();
        let wanted_kits = !given.kits.is_empty();
        if self.optional {
            let mut drop_missing = |paths: &mut Vec<PathBuf>| {
                paths.retain(|path| {
                    let there = path.exists();
                    if !there {
                        notes.push(format!("{}: {} does not exist", self.recipe, path.display()));
                    }
                    there
                });
            };
            drop_missing(&mut given.notes);
            drop_missing(&mut given.scores);
            drop_missing(&mut given.kits);
            given.stems.retain(|stems| stems.path.exists());
        }
        if self.optional && wanted_kits && given.kits.is_empty() {
            notes.push(format!("recipe {} is left out: no kit found", self.recipe));
            return Ok(None);
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
        Ok((self.weight > 0.0).then(|| Ready {
            recipe,
            weight: self.weight,
            linear: self.linear,
            credits: self.credits.clone(),
        }))
    }
}

fn one_weight() -> f64 {
    1.0
}
