//! `cargo xtask simulate`: simulates a folder of scenes on all cores; a stopped run can be resumed.
//!
//! `simulation.json` describes the contents of the folder and is written before the first scene. A
//! scene's folder is renamed into place once it is complete, and depends only on the recipe and its
//! number. The same command therefore completes a run that was killed at any point, and the
//! resulting folder is identical to the last byte.

use super::scene;
use crate::report::json;
use crate::scenes::recipe::Recipe;
use crate::scenes::sources::Library;
use crate::scenes::split::Split;
use anyhow::{Context, Result, bail, ensure};
use audiofile::{AudioFileError, Existing, FileClaim, Problem, readable, signals};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use crate::scenes::Format;

/// Options of `cargo xtask simulate`.
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateOptions {
    /// Recipe file, or built-in recipe: all, ensembles, blends, tutti, clean, kits
    #[arg(long, value_name = "FILE|NAME")]
    pub recipe: String,
    /// Folder for the scenes
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of scenes
    #[arg(long, value_name = "N")]
    pub count: u64,
    /// Split, instead of the recipe's
    #[arg(long, value_parser = parse_split, value_name = "train|validation|test")]
    pub split: Option<Split>,
    /// Random seed, instead of the recipe's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Number of the first scene
    #[arg(
        long,
        default_value_t = 1,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub first: u64,
    /// Format: 32-bit float WAV or 24-bit FLAC
    #[arg(long, value_enum, default_value_t = Format::Wav)]
    pub format: Format,
    /// Number of scenes computed at a time [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Material instead of the recipe's.
    #[command(flatten)]
    pub material: MaterialOptions,
}

/// Material given on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct MaterialOptions {
    /// SoundFont file
    #[arg(long, value_name = "FILE")]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "json::optional_path"
    )]
    pub soundfont: Option<PathBuf>,
    /// Folder of a real kit (repeatable)
    #[arg(long, value_name = "DIR")]
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "json::paths")]
    pub kit: Vec<PathBuf>,
    /// Folder of single notes of one instrument, or folder of such folders (repeatable)
    #[arg(long, value_name = "DIR")]
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "json::paths")]
    pub notes: Vec<PathBuf>,
    /// MIDI score, or folder of scores (repeatable)
    #[arg(long, value_name = "PATH")]
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "json::paths")]
    pub scores: Vec<PathBuf>,
}

/// Outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of scenes made.
    pub num_made: u64,
    /// Number of scenes that existed before.
    pub num_kept: u64,
    /// Duration of the run in seconds.
    pub wall_s: f64,
}

impl Summary {
    /// Returns a summary in one line.
    #[must_use]
    pub fn line(&self, out: &Path) -> String {
        let Self { num_made, num_kept, wall_s } = *self;
        let kept =
            if num_kept > 0 { format!(", {num_kept} already existed") } else { String::new() };
        let pace = num_made as f64 / wall_s.max(1e-9);
        format!("{}: {num_made} scenes made{kept}; {pace:.2} scenes/s", out.display())
    }
}

/// Description of a folder of scenes, stored as `simulation.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Simulation {
    recipe: String,
    split: Split,
    seed: u64,
    format: Format,
    #[serde(default)]
    material: MaterialOptions,
    recipe_text: String,
}

const SIMULATION_FILE: &str = "simulation.json";

/// Makes the scenes that do not exist yet.
///
/// # Errors
///
/// Returns an error if the recipe is invalid, if material is missing, if the folder belongs to
/// other scenes or cannot be written, or if the run is interrupted.
pub fn run(options: &SimulateOptions) -> Result<Summary> {
    let started = std::time::Instant::now();
    let mut recipe = Recipe::open(&options.recipe)?;
    recipe.split = options.split.unwrap_or(recipe.split);
    recipe.seed = options.seed.unwrap_or(recipe.seed);
    options.material.apply(&mut recipe);
    ensure!(options.count > 0, "--count must be at least 1");
    ensure!(options.threads != Some(0), "--threads must be at least 1");
    let end = options.first.checked_add(options.count).context("--first is too large")?;
    let library = recipe.library()?;
    signals::listen()?;
    // Held until the end, so that no second run writes to the same folder.
    let _lock = claim(options, &recipe)?;
    remove_leftovers(&options.out, &recipe.name)?;
    let batch = Batch {
        recipe: &recipe,
        library: &library,
        options,
        next: AtomicU64::new(options.first),
        end,
        failed: AtomicBool::new(false),
        num_made: AtomicU64::new(0),
        bar: progress_bar(options.count)?,
    };
    let num_threads = match options.threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..num_threads).map(|_| scope.spawn(|| batch.work())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail_panic())).collect()
    });
    batch.bar.finish_and_clear();
    let num_made = batch.num_made.load(Ordering::Relaxed);
    results.into_iter().collect::<Result<()>>()?;
    ensure!(
        !signals::requested(),
        "interrupted after {num_made} scenes; run the same command again to continue"
    );
    let wall_s = started.elapsed().as_secs_f64();
    Ok(Summary { num_made, num_kept: options.count - num_made, wall_s })
}

fn bail_panic() -> Result<()> {
    bail!("a thread panicked")
}

impl MaterialOptions {
    fn apply(&self, recipe: &mut Recipe) {
        let material = &mut recipe.material;
        if self.soundfont.is_some() {
            material.soundfont.clone_from(&self.soundfont);
        }
        for (ours, theirs) in [
            (&self.kit, &mut material.kits),
            (&self.notes, &mut material.notes),
            (&self.scores, &mut material.scores),
        ] {
            if !ours.is_empty() {
                theirs.clone_from(ours);
            }
        }
    }
}

/// A run, shared by its threads.
struct Batch<'a> {
    recipe: &'a Recipe,
    library: &'a Library,
    options: &'a SimulateOptions,
    next: AtomicU64,
    end: u64,
    failed: AtomicBool,
    num_made: AtomicU64,
    bar: ProgressBar,
}

impl Batch<'_> {
    /// Makes one scene after another until none is left, a thread fails or the run is interrupted.
    // Relaxed: the counters only hand out numbers and guard no other data.
    fn work(&self) -> Result<()> {
        while !signals::requested() && !self.failed.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.end {
                break;
            }
            self.make(index).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
            self.bar.inc(1);
        }
        Ok(())
    }

    fn make(&self, index: u64) -> Result<()> {
        let folder = self.options.out.join(format!("{}{index:04}", self.recipe.name));
        if folder.exists() {
            return Ok(());
        }
        let scene = scene(self.recipe, self.library, index)?;
        scene.write_as(&folder, self.options.format)?;
        self.num_made.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Claims the folder: writes `simulation.json`, or compares it with the existing one, and locks it.
fn claim(options: &SimulateOptions, recipe: &Recipe) -> Result<FileClaim> {
    let ours = Simulation {
        recipe: recipe.name.clone(),
        split: recipe.split,
        seed: recipe.seed,
        format: options.format,
        material: options.material.clone(),
        recipe_text: recipe.text.clone(),
    };
    let text = json::bytes(&ours)?;
    // Normalises paths that are not valid Unicode to their written form.
    let ours: Simulation = serde_json::from_slice(&text)?;
    let path = options.out.join(SIMULATION_FILE);
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("could not create {}", options.out.display()))?;
    if !path.exists() {
        if let Some(scene) = foreign_scene(&options.out, &recipe.name)? {
            bail!(
                "{}: contains {} but no {SIMULATION_FILE}; use another --out",
                options.out.display(),
                readable(scene)
            );
        }
        match audiofile::write_whole(&path, &text, Existing::Keep) {
            // A concurrent run has written it; the record is checked below like any other.
            Err(AudioFileError { problem: Problem::Exists, .. }) => {}
            result => result?,
        }
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read {}", path.display()))?;
    let theirs: Simulation = serde_json::from_str(&text)
        .with_context(|| format!("{}: not a valid record of a simulation", path.display()))?;
    if let Some(difference) = theirs.differs_from(&ours) {
        bail!("{} was made {difference}; use another --out", options.out.display());
    }
    FileClaim::take(&path)
        .with_context(|| format!("could not open {}", path.display()))?
        .with_context(|| {
            format!("{}: another run is writing to this folder", options.out.display())
        })
}

impl Simulation {
    fn differs_from(&self, other: &Self) -> Option<String> {
        if self.recipe != other.recipe {
            return Some(format!("by recipe {}", self.recipe));
        }
        if self.split != other.split {
            return Some(format!("for split {}", self.split));
        }
        if self.seed != other.seed {
            return Some(format!("with seed {}", self.seed));
        }
        if self.format != other.format {
            return Some(format!("as {}", format!("{:?}", self.format).to_lowercase()));
        }
        if self.material != other.material {
            return Some("from other material".to_owned());
        }
        let same = self.recipe_text == other.recipe_text;
        (!same).then(|| format!("by another version of recipe {}", self.recipe))
    }
}

/// Returns the name of a scene's folder in a folder without `simulation.json`, if there is one.
fn foreign_scene(out: &Path, recipe_name: &str) -> Result<Option<OsString>> {
    let context = || format!("could not read {}", out.display());
    for entry in std::fs::read_dir(out).with_context(context)? {
        let name = entry.with_context(context)?.file_name();
        if name.to_str().is_some_and(|name| is_scene(name, recipe_name)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// True if `name` is that of a scene of this recipe.
fn is_scene(name: &str, recipe_name: &str) -> bool {
    let number = name.strip_prefix(recipe_name);
    number.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
}

/// Removes partial files and folders of a killed run.
fn remove_leftovers(out: &Path, recipe_name: &str) -> Result<()> {
    audiofile::remove_leftovers(out);
    let context = || format!("could not clean up {}", out.display());
    for entry in std::fs::read_dir(out).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".partial") else { continue };
        if is_scene(stem, recipe_name) && path.is_dir() {
            std::fs::remove_dir_all(&path).with_context(context)?;
        }
    }
    Ok(())
}

/// Returns a progress bar that draws on a terminal only.
fn progress_bar(count: u64) -> Result<ProgressBar> {
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} scenes  {eta} left")
        .context("the progress bar's template")?;
    bar.set_style(style);
    Ok(bar)
}

fn parse_split(text: &str) -> Result<Split, String> {
    let split = Split::ALL.into_iter().find(|split| split.name() == text);
    split.ok_or_else(|| "use train, validation or test".to_owned())
}
