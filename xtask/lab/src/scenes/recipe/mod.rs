//! Scene recipes: TOML files that define the distribution of scenes.
//!
//! Every field has a default, so a recipe lists only its differences. Errors name the file, the
//! line and the field.

mod console;
mod range;
mod stage;

pub use console::{
    CompressorConfig, ConsoleConfig, DriveConfig, EqualiserConfig, LevelConfig, OffsetConfig,
};
pub use range::Range;
pub use stage::{PatternWeights, RoomConfig, StageConfig};

use super::sources::{Ensemble, Library, MaterialConfig};
use super::split::Split;
use crate::toml_text::{self, line_at, read_toml};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::Path;
use toml::Spanned;

/// Built-in recipes: name and text.
pub const BUILT_IN: [(&str, &str); 9] = [
    ("all", include_str!("../../../recipes/all.toml")),
    ("ensembles", include_str!("../../../recipes/ensembles.toml")),
    ("kits", include_str!("../../../recipes/kits.toml")),
    ("blends", include_str!("../../../recipes/blends.toml")),
    ("clean", include_str!("../../../recipes/clean.toml")),
    ("tutti", include_str!("../../../recipes/tutti.toml")),
    ("benchmark-ensembles", include_str!("../../../recipes/benchmark-ensembles.toml")),
    ("benchmark-kits", include_str!("../../../recipes/benchmark-kits.toml")),
    ("benchmark-real-kit", include_str!("../../../recipes/benchmark-real-kit.toml")),
];

/// A distribution of scenes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Stem of the file name. A scene's folder is named by it and the scene's number.
    #[serde(skip)]
    pub name: String,
    /// Text of the recipe file.
    #[serde(skip)]
    pub text: String,
    /// Seed of all draws.
    pub seed: u64,
    /// Split of the scenes.
    pub split: Split,
    /// Length of every scene in seconds.
    #[serde(deserialize_with = "range::duration_s")]
    pub duration_s: f64,
    /// Sample rates in Hz to draw from. A rate listed twice is drawn twice as often.
    #[serde(deserialize_with = "range::rates_hz")]
    pub rate_hz: Vec<u32>,
    /// Material that can be played.
    pub material: MaterialConfig,
    /// Rooms to draw from.
    pub room: RoomConfig,
    /// Places and mics to draw from.
    pub stage: StageConfig,
    /// Processing between mic and file.
    pub console: ConsoleConfig,
    /// Kinds of scenes to draw from.
    #[serde(rename = "scene")]
    pub scenes: Vec<Spanned<SceneConfig>>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: String::new(),
            text: String::new(),
            seed: 1,
            split: Split::Train,
            duration_s: 12.0,
            rate_hz: vec![44_100],
            material: MaterialConfig::default(),
            room: RoomConfig::default(),
            stage: StageConfig::default(),
            console: ConsoleConfig::default(),
            scenes: Vec::new(),
        }
    }
}

/// Origin of a scene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SceneKind {
    /// Dry parts in a simulated room.
    #[default]
    Ensemble,
    /// Hits of a real kit, recorded by its own mics in its own room.
    Kit,
}

/// A kind of scenes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SceneConfig {
    /// Origin of the scenes.
    pub kind: SceneKind,
    /// Weight of this kind among all kinds.
    #[serde(deserialize_with = "range::weight")]
    pub weight: f64,
    /// Ensembles to draw from; if empty, all that the material can play.
    pub ensembles: Vec<Ensemble>,
    /// Number of mics.
    #[serde(deserialize_with = "range::mics")]
    pub mics: Range,
    /// Rooms that replace the recipe's.
    pub room: Option<RoomConfig>,
    /// Stage that replaces the recipe's.
    pub stage: Option<StageConfig>,
    /// Console that replaces the recipe's.
    pub console: Option<ConsoleConfig>,
}

impl Default for SceneConfig {
    fn default() -> Self {
        Self {
            kind: SceneKind::Ensemble,
            weight: 1.0,
            ensembles: Vec::new(),
            mics: Range::new(2.0, 8.0),
            room: None,
            stage: None,
            console: None,
        }
    }
}

impl Recipe {
    /// Opens a recipe, given the name of a built-in one or a file.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such recipe, or if it is invalid. The error names the line.
    pub fn open(name_or_file: &str) -> Result<Self> {
        let (text, folder) = toml_text::open(name_or_file, &BUILT_IN, ["recipe file", "recipes"])?;
        let mut recipe = Self::parse(name_or_file, &text)?;
        if let Some(folder) = folder {
            recipe.material.resolve(folder);
        }
        Ok(recipe)
    }

    /// Parses a recipe's text. `name` is its file, which appears in messages and names the scenes.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is invalid. The error names the line.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut recipe: Self = read_toml(name, text)?;
        recipe.name = Path::new(name)
            .file_stem()
            .map_or_else(|| "scene".to_owned(), |stem| stem.to_string_lossy().into_owned());
        text.clone_into(&mut recipe.text);
        if recipe.scenes.is_empty() {
            recipe.scenes.push(Spanned::new(0..0, SceneConfig::default()));
        }
        for scene in &recipe.scenes {
            let line = line_at(text, scene.span().start).0;
            check_scene(scene.get_ref())
                .with_context(|| format!("{name} line {line}: [[scene]]"))?;
        }
        if recipe.scenes.iter().all(|scene| scene.get_ref().weight <= 0.0) {
            bail!("{name}: the weights of all [[scene]] are 0");
        }
        Ok(recipe)
    }

    /// Loads the recipe's material for its split.
    ///
    /// # Errors
    ///
    /// Returns an error if material is missing or damaged.
    pub fn library(&self) -> Result<Library> {
        Library::load(&self.material, self.split)
    }

    /// Returns the rooms of a kind of scenes.
    #[must_use]
    pub fn room_of<'a>(&'a self, scene: &'a SceneConfig) -> &'a RoomConfig {
        scene.room.as_ref().unwrap_or(&self.room)
    }

    /// Returns the stage of a kind of scenes.
    #[must_use]
    pub fn stage_of<'a>(&'a self, scene: &'a SceneConfig) -> &'a StageConfig {
        scene.stage.as_ref().unwrap_or(&self.stage)
    }

    /// Returns the console of a kind of scenes.
    #[must_use]
    pub fn console_of<'a>(&'a self, scene: &'a SceneConfig) -> &'a ConsoleConfig {
        scene.console.as_ref().unwrap_or(&self.console)
    }
}

fn check_scene(scene: &SceneConfig) -> Result<()> {
    if scene.kind == SceneKind::Kit {
        for (what, given) in [
            ("ensembles", !scene.ensembles.is_empty()),
            ("room", scene.room.is_some()),
            ("stage", scene.stage.is_some()),
        ] {
            if given {
                bail!("a real kit has its own room and mics, so `{what}` does not apply");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let line = format!("{:#}", Recipe::parse("my.toml", text).unwrap_err());
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[test]
    fn a_recipe_needs_to_say_only_what_it_wants_different() {
        let recipe = Recipe::parse("dir/tiny.toml", "").unwrap();
        assert_eq!((recipe.name.as_str(), recipe.seed, recipe.scenes.len()), ("tiny", 1, 1));
        assert_eq!(recipe.room, RoomConfig::default());
        let text = "seed = 7\nsplit = \"test\"\nrate_hz = [48000, 96000]\n[room]\nrt60_s = 0.3\n\
             [console]\npolarity = 0\n[console.noise]\nchance = 1\nbelow_db = [40, 50]\n\
             [[scene]]\nweight = 2\nmics = 3\n[[scene]]\nkind = \"kit\"\n";
        let recipe = Recipe::parse("own.toml", text).unwrap();
        assert_eq!(recipe.split, Split::Test);
        assert_eq!(recipe.room.rt60_s, Range::new(0.3, 0.3));
        assert_eq!(recipe.room.length_m, RoomConfig::default().length_m);
        assert_eq!(recipe.console.noise.chance, 1.0);
        assert_eq!(recipe.scenes[0].get_ref().mics, Range::new(3.0, 3.0));
        assert_eq!(recipe.scenes[1].get_ref().kind, SceneKind::Kit);
        assert_eq!(recipe.text, text);
    }

    #[test]
    fn the_recipes_that_come_along_are_in_order() {
        for (name, _) in BUILT_IN {
            let recipe = Recipe::open(name).unwrap();
            assert_eq!(recipe.name, name);
            assert!(!recipe.scenes.is_empty());
        }
    }

    #[test]
    fn the_recipe_of_everything_shows_every_field_with_its_default() {
        let all = Recipe::open("all").unwrap();
        let default = Recipe::default();
        assert_eq!((all.seed, all.split, all.duration_s), (1, Split::Train, 12.0));
        assert_eq!(all.material, default.material);
        assert_eq!((&all.room, &all.stage), (&default.room, &default.stage));
        assert_eq!(all.console, default.console);
        let mut values = vec![
            serde_json::to_value(&all.room).unwrap(),
            serde_json::to_value(&all.stage).unwrap(),
            serde_json::to_value(&all.console).unwrap(),
        ];
        let mut num_fields = 0;
        while let Some(value) = values.pop() {
            for (field, inner) in value.as_object().into_iter().flatten() {
                let table = format!("[console.{field}]");
                let shown = all.text.contains(&format!("{field} =")) || all.text.contains(&table);
                assert!(shown || ["low", "high"].contains(&field.as_str()), "{field}");
                values.push(inner.clone());
                num_fields += 1;
            }
        }
        assert!(num_fields > 40, "{num_fields}");
    }

    #[test]
    fn what_is_wrong_is_named_with_file_line_and_field() {
        for (text, line, says) in [
            ("seed = 1\nduration = 3\n", 2, "unknown field `duration`"),
            ("seed = -1\n", 1, "invalid value"),
            ("split = \"tests\"\n", 1, "unknown variant `tests`"),
            ("duration_s = 0.1\n", 1, "0.1 is not within 0.5 to 600"),
            ("rate_hz = [44100, 8000]\n", 1, "8000 Hz is not within"),
            ("rate_hz = []\n", 1, "no sample rate"),
            ("\n[room]\nrt60_s = [0.1, 9]\n", 3, "9 is not within 0.1 to 2.5"),
            ("\n[room]\nrt60_s = nan\n", 3, "not within"),
            ("[room]\nrt60_s = [0.5, 0.2]\n", 2, "is reversed"),
            ("[room]\nrt60_s = [0.5]\n", 2, "two numbers"),
            ("[room]\nrt60_s = \"long\"\n", 2, "a number or a range [low, high]"),
            ("[stage]\nunmiked = 1.5\n", 2, "1.5 is not within 0 to 1"),
            ("[stage.patterns]\ncardoid = 1\n", 2, "unknown field `cardoid`"),
            ("[console.noise]\nchance = [0.1, 0.2]\n", 2, "a probability is one number"),
            ("[console.compression]\nratio = 0.5\n", 2, "0.5 is not within 1 to 20"),
            ("[[scene]]\n[[scene]]\nmics = 17\n", 3, "17 is not within 2 to 16"),
            ("[[scene]]\nkind = \"band\"\n", 2, "unknown variant `band`"),
            ("seed = 1\n[[scene]]\nkind = \"kit\"\nroom = {}\n", 2, "`room` does not apply"),
            ("seed = 1\nseed = 2\n", 2, "duplicate key"),
            ("seed = \n", 1, ""),
        ] {
            let error = error(text);
            assert!(error.starts_with(&format!("my.toml line {line}")), "{text:?}: {error}");
            assert!(error.contains(says), "{text:?}: {error}");
            let key = text.lines().nth(line - 1).unwrap();
            let field = key.split(['=', '[']).find(|part| !part.is_empty()).unwrap().trim();
            assert!(error.contains(field), "{text:?}: {error}");
        }
        assert!(error("[[scene]]\nweight = 0\n").contains("weights of all [[scene]] are 0"));
        let line = error("see\u{8}d = 1");
        assert!(line.contains("see\\u{8}d") && !line.contains('\u{8}'), "{line}");
        let missing = format!("{:#}", Recipe::open("nonsense").unwrap_err());
        assert!(missing.contains("built-in recipes are all, ensembles, kits"), "{missing}");
    }
}
