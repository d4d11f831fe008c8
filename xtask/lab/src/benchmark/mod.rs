//! `cargo xtask benchmark`: measures every method on the same scenes, which never change.
//!
//! The scenes come from three fixed recipes (`recipes/benchmark-*.toml`) and are drawn for the test
//! split: no network is trained on their material. Nothing is downloaded: the simulated parts need
//! only FluidR3, and the real kit is given with `--kit`.

mod table;

pub use table::{markdown, text};

use crate::evaluate::plots;
use crate::evaluate::{self, Candidate, MethodResult, SceneResult, ScoreOptions};
use crate::scenes::recipe::Recipe;
use crate::scenes::simulate;
use crate::scenes::sources::Library;
use crate::scenes::{Scene, linear};
use anyhow::{Result, ensure};
use audiofile::{Destination, Existing, NewFolder};
use clap::Args;
use engine::Mode;
use engine::network::Model;
use serde::Serialize;
use std::path::PathBuf;

/// Options of `cargo xtask benchmark`.
#[derive(Clone, Debug, Args)]
pub struct BenchmarkOptions {
    /// Methods to compare, separated by commas [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub method: Vec<Candidate>,
    /// Released model (id, or id and version) or model folder [default: newest released model]
    #[arg(long, value_name = "ID|DIR")]
    pub model: Option<String>,
    /// Folder of a real kit; without it, that part is left out
    #[arg(long, value_name = "DIR")]
    pub kit: Option<PathBuf>,
    /// Only the first N scenes of every part; such figures are no benchmark
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub first: Option<u64>,
    /// SoundFont file instead of the system's
    #[arg(long, value_name = "FILE")]
    pub soundfont: Option<PathBuf>,
    /// JSON file for all numbers (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Markdown file for the table (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Folder for pictures, with one folder per part
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub overwrite: bool,
}

/// Destinations of the figures.
#[derive(Debug)]
pub struct Outputs {
    /// Destination of all numbers.
    pub json: Option<Destination>,
    /// Destination of the table.
    pub markdown: Option<Destination>,
}

impl BenchmarkOptions {
    /// Returns the destinations of the figures, after checking that no output conflicts with
    /// another or with a file that is to be kept.
    ///
    /// # Errors
    ///
    /// Returns an error if outputs conflict or a file cannot be written.
    pub fn check_outputs(&self) -> Result<Outputs> {
        let existing = Existing::overwritten(self.overwrite);
        let methods: Vec<String> = self.candidates().iter().map(ToString::to_string).collect();
        let mut outputs = Vec::new();
        if let Some(folder) = &self.plots {
            let folders = self.parts().map(|part| folder.join(part.folder()));
            outputs.extend(folders.flat_map(|folder| plots::paths(&methods, &folder)));
        }
        outputs.iter().try_for_each(|path| audiofile::check_free(path, existing))?;
        outputs.extend(self.json.iter().chain(&self.markdown).cloned());
        audiofile::check_differ(&outputs)?;
        let open = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| Destination::new(path, existing)).transpose()
        };
        let outputs = Outputs { json: open(&self.json)?, markdown: open(&self.markdown)? };
        let on_stdout =
            |output: &Option<Destination>| output.as_ref().is_some_and(Destination::is_stdout);
        ensure!(
            !(on_stdout(&outputs.json) && on_stdout(&outputs.markdown)),
            "--json and --markdown cannot both go to standard output"
        );
        Ok(outputs)
    }

    /// Returns the parts for which there is material.
    fn parts(&self) -> impl Iterator<Item = Part> {
        let has_kit = self.kit.is_some();
        Part::ALL.into_iter().filter(move |&part| part != Part::RealKit || has_kit)
    }

    fn candidates(&self) -> Vec<Candidate> {
        if self.method.is_empty() { Candidate::all() } else { self.method.clone() }
    }
}

/// One part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The ensembles' sources mixed with gains alone: no room, no delay.
    Linear,
    /// Ensembles in simulated rooms.
    Ensembles,
    /// Drum kits in simulated rooms.
    Kits,
    /// A real kit, every mic recorded for every hit.
    RealKit,
}

impl Part {
    /// All parts, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Ensembles, Self::Kits, Self::RealKit];

    /// Returns the title in the table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Linear => "linear mixes",
            Self::Ensembles => "simulated ensembles",
            Self::Kits => "simulated kits",
            Self::RealKit => "real kit",
        }
    }

    /// Returns the name of the folder for its pictures.
    fn folder(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Ensembles => "ensembles",
            Self::Kits => "kits",
            Self::RealKit => "real-kit",
        }
    }

    fn recipe(self) -> &'static str {
        match self {
            Self::Linear | Self::Ensembles => "benchmark-ensembles",
            Self::Kits => "benchmark-kits",
            Self::RealKit => "benchmark-real-kit",
        }
    }

    /// Returns the number of scenes in the benchmark.
    #[must_use]
    pub fn num_scenes(self) -> u64 {
        match self {
            Self::Linear | Self::Kits | Self::RealKit => 8,
            Self::Ensembles => 16,
        }
    }
}

/// Results of one part.
#[derive(Clone, Debug, Serialize)]
pub struct PartResult {
    /// The part.
    pub part: Part,
    /// Number of scenes measured.
    pub num_scenes: u64,
    /// Results of every method; a method that works live has a second entry for live mode.
    pub methods: Vec<MethodResult>,
}

/// Runs the benchmark and passes the part and the result of each scene to `tell`.
///
/// # Errors
///
/// Returns an error if the SoundFont or the kit is missing, a method fails, or a picture cannot
/// be written.
pub fn run(
    options: &BenchmarkOptions,
    mut tell: impl FnMut(Part, &SceneResult),
) -> Result<Vec<PartResult>> {
    let candidates = options.candidates();
    let model = evaluate::model_for(&candidates, options.model.as_deref())?;
    let mut results = Vec::new();
    for part in options.parts() {
        let stage = Stage::set(part, options)?;
        let num_scenes =
            options.first.map_or(part.num_scenes(), |first| first.min(part.num_scenes()));
        let mut evaluation = evaluate::evaluate_scenes(
            (1..=num_scenes).map(|number| stage.scene(number)),
            &candidates,
            &score_options(model.clone(), Mode::Mix, options.plots.is_some()),
            |scene| tell(part, scene),
        )?;
        let live: Vec<Candidate> =
            candidates.iter().copied().filter(|candidate| candidate.works_live()).collect();
        let also_live = evaluate::evaluate_scenes(
            (1..=num_scenes).map(|number| stage.scene(number)),
            &live,
            &score_options(model.clone(), Mode::Live, false),
            |scene| tell(part, scene),
        )?;
        if let Some(folder) = &options.plots {
            let folder = folder.join(part.folder());
            let mut made = NewFolder::make(&folder)?;
            plots::draw(&evaluation, &folder)?;
            made.keep();
        }
        for mut method in also_live.methods {
            let place = evaluation.methods.iter().position(|other| other.method == method.method);
            method.method.push_str(" (live)");
            evaluation.methods.insert(place.map_or(0, |place| place + 1), method);
        }
        results.push(PartResult { part, num_scenes, methods: evaluation.methods });
    }
    Ok(results)
}

fn score_options(model: Option<Model>, mode: Mode, keeps_sounds: bool) -> ScoreOptions {
    ScoreOptions { model, mode, skip_s: 0.0, bss: false, keeps_sounds }
}

/// A part with its recipe and its material.
struct Stage {
    part: Part,
    recipe: Recipe,
    library: Library,
}

impl Stage {
    fn set(part: Part, options: &BenchmarkOptions) -> Result<Self> {
        let mut recipe = Recipe::open(part.recipe())?;
        recipe.material.soundfont.clone_from(&options.soundfont);
        if part == Part::RealKit {
            recipe.material.kits.extend(options.kit.clone());
        }
        let library = recipe.library()?;
        ensure!(
            part != Part::RealKit || library.num_kits() > 0,
            "--kit: no kit found in this folder"
        );
        Ok(Self { part, recipe, library })
    }

    fn scene(&self, number: u64) -> Result<(String, Scene)> {
        let mut scene = simulate::scene(&self.recipe, &self.library, number)?;
        if self.part == Part::Linear {
            scene = linear::remix(&scene, number)?;
        }
        Ok((format!("{}{number}", self.recipe.name), scene))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> BenchmarkOptions {
        BenchmarkOptions {
            method: vec!["ratio".parse().unwrap()],
            model: None,
            kit: None,
            first: Some(1),
            soundfont: None,
            json: None,
            markdown: None,
            plots: None,
            overwrite: false,
        }
    }

    /// Returns the mic names of the first scene and their input SDR in dB, to a tenth.
    fn first_scene(part: Part) -> (Vec<String>, Vec<Option<f64>>) {
        let (_, scene) = Stage::set(part, &options()).unwrap().scene(1).unwrap();
        (scene.info.names, scene.info.input_sdr_db)
    }

    #[test]
    fn the_scenes_are_the_ones_they_always_were() {
        for (part, names, input_sdr_db) in FIRST_SCENES {
            let (found_names, found_db) = first_scene(part);
            assert_eq!(found_names, names, "{part:?}");
            for (found, expected) in found_db.iter().zip(input_sdr_db) {
                // Levels are rounded to a tenth of a decibel; other machines may round differently.
                let apart = found.unwrap_or(f64::NAN) - expected.unwrap_or(f64::NAN);
                let same = found.is_none() && expected.is_none() || apart.abs() < 0.15;
                assert!(same, "{part:?}: {found_db:?}");
            }
            assert_eq!(found_db.len(), input_sdr_db.len(), "{part:?}");
        }
    }

    type FirstScene = (Part, &'static [&'static str], &'static [Option<f64>]);

    /// Values from the simulation when the benchmark was created.
    const FIRST_SCENES: [FirstScene; 2] = [
        (
            Part::Ensembles,
            &["kick", "snare", "bass", "guitar", "voice", "hi-hat", "crash"],
            &[Some(22.0), Some(10.7), Some(11.5), Some(14.2), Some(19.3), Some(2.7), Some(2.1)],
        ),
        (
            Part::Kits,
            &["kick", "snare", "snare below", "hi-hat", "hi-hat second", "tom 1", "floor tom"],
            &[Some(21.9), Some(16.9), Some(20.1), Some(2.4), Some(1.8), None, None],
        ),
    ];

    #[test]
    fn methods_that_work_live_are_measured_in_both_modes() {
        let mut told = Vec::new();
        let results =
            run(&options(), |part, scene| told.push((part, scene.method.clone()))).unwrap();
        assert_eq!(results.len(), 3, "without a kit there are three parts");
        for result in &results {
            let names: Vec<&str> = result.methods.iter().map(|m| m.method.as_str()).collect();
            assert_eq!(names, ["ratio", "ratio (live)"]);
            assert_eq!(result.num_scenes, 1);
        }
        assert_eq!(told.len(), 6);
    }
}
