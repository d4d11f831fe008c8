//! Available material: the `[material]` table of a recipe.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Sources of a recipe's sounds. All fields are optional; the default is the SoundFont alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct MaterialConfig {
    /// SoundFont file; by default Debian's path of FluidR3.
    pub soundfont: Option<PathBuf>,
    /// Folders of single notes, one instrument each, or folders of such folders.
    pub notes: Vec<PathBuf>,
    /// MIDI scores with one track per part, or folders of them.
    pub scores: Vec<PathBuf>,
    /// Folders of real kits: `<piece>/<hit>_mics01-08.flac` with `<hit>_mics09-13.flac`.
    pub kits: Vec<PathBuf>,
    /// Folders of isolated stems.
    pub stems: Vec<StemFolder>,
}

/// A collection of songs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StemFolder {
    /// Top folder of the collection.
    pub path: PathBuf,
    /// Naming scheme of its files.
    pub layout: StemLayout,
}

/// Naming scheme of a collection's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StemLayout {
    /// MUSDB18-HQ: `{train,test}/<song>/{drums,bass,other,vocals}.wav`; `mixture.wav` is ignored.
    Musdb,
    /// URMP: `<piece>/AuSep_<number>_<instrument>_….wav`.
    Urmp,
    /// MedleyDB: `<song>/<song>_STEMS/<song>_STEM_<number>.wav` with `<song>_METADATA.yaml`. Songs
    /// whose metadata report bleed are left out.
    Medleydb,
    /// SynthSOD: `<song>/Tree/<instrument>.flac`.
    Synthsod,
    /// Any other collection: `<song>/<instrument>.wav` or `.flac`.
    Plain,
}

impl StemLayout {
    /// Returns the name in a recipe.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Musdb => "musdb",
            Self::Urmp => "urmp",
            Self::Medleydb => "medleydb",
            Self::Synthsod => "synthsod",
            Self::Plain => "plain",
        }
    }
}

impl MaterialConfig {
    /// Resolves relative paths against `base`, the recipe's folder.
    pub fn resolve(&mut self, base: &Path) {
        let lists = [&mut self.notes, &mut self.scores, &mut self.kits];
        let stems = self.stems.iter_mut().map(|folder| &mut folder.path);
        let paths = lists.into_iter().flatten().chain(&mut self.soundfont).chain(stems);
        for path in paths {
            *path = base.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_material_table_is_read_and_its_paths_are_the_recipes() {
        let text = "
            notes = ['notes/violin', '/elsewhere']
            [[stems]]
            path = 'musdb18hq'
            layout = 'musdb'
        ";
        let mut config: MaterialConfig = toml::from_str(text).unwrap();
        config.resolve(Path::new("recipes"));
        let notes = ["recipes/notes/violin", "/elsewhere"].map(PathBuf::from);
        assert_eq!(config.notes, notes);
        let path = PathBuf::from("recipes/musdb18hq");
        assert_eq!(config.stems, [StemFolder { path, layout: StemLayout::Musdb }]);
        assert_eq!(config.soundfont, None);
        assert!(toml::from_str::<MaterialConfig>("note = ['a']").is_err());
    }
}
