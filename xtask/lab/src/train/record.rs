//! Records the scenes of a round on all cores, each once, as files.
//!
//! A recording depends only on the configuration, the round and the scene's number. Any number of
//! threads therefore records the same files, and the next run completes a killed one.

use super::config::{Ready, TrainConfig, WaysConfig};
use super::examples::{Example, Way};
use super::progress::{Bar, Tell};
use super::store::Stored;
use crate::random::Random;
use crate::scenes::recipe::Recipe;
use crate::scenes::simulate::scene;
use crate::scenes::sources::Library;
use crate::scenes::{draw_weighted, split::Split};
use crate::scenes::{folder, linear};
use anyhow::{Context, Result, anyhow, ensure};
use audiofile::signals;
use engine::network::Network;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One scene to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Job {
    file: PathBuf,
    /// Stratum of the scene in the validation.
    stratum: String,
    recipe: usize,
    /// Number of the scene in its recipe.
    index: u64,
    /// Folder of the scene, if another program made it.
    folder: Option<PathBuf>,
    way: Way,
    /// True to remix the sources by gains alone.
    linear: bool,
}

/// Recordings of a round for training and validation.
#[derive(Debug)]
pub(super) struct Recordings {
    pub(super) train: Vec<Stored>,
    /// Recordings for validation, each with its stratum.
    pub(super) validation: Vec<(String, Stored)>,
}

/// Records the missing scenes into `folder`; `guide`, if any, steers the canceller.
pub(super) fn record(
    config: &TrainConfig,
    ready: &[Ready],
    (round, guide): (usize, Option<&Arc<Network>>),
    folder: &Path,
    (num_threads, tell): (usize, Tell<'_>),
) -> Result<Recordings> {
    let of_split = |split: Split| {
        record_strata(config, ready, (round, guide), (folder, split), (num_threads, tell))
    };
    let train = of_split(Split::Train)?.into_iter().map(|(_, stored)| stored).collect();
    Ok(Recordings { train, validation: of_split(Split::Validation)? })
}

/// Records the scenes of one split only; there are as many test scenes as validation scenes.
pub(super) fn record_split(
    config: &TrainConfig,
    ready: &[Ready],
    (round, guide): (usize, Option<&Arc<Network>>),
    (folder, split): (&Path, Split),
    (num_threads, tell): (usize, Tell<'_>),
) -> Result<Vec<Stored>> {
    let found = record_strata(config, ready, (round, guide), (folder, split), (num_threads, tell))?;
    Ok(found.into_iter().map(|(_, stored)| stored).collect())
}

/// Records the scenes of one split and returns them with their strata.
fn record_strata(
    config: &TrainConfig,
    ready: &[Ready],
    (round, guide): (usize, Option<&Arc<Network>>),
    (folder, split): (&Path, Split),
    (num_threads, tell): (usize, Tell<'_>),
) -> Result<Vec<(String, Stored)>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("could not create {}", folder.display()))?;
    audiofile::remove_leftovers(folder);
    let mut jobs = jobs(config, ready, (split, round), folder);
    if split == Split::Validation {
        jobs.extend(jobs_of_others(config, folder)?);
    }
    let missing: Vec<&Job> = jobs.iter().filter(|job| !job.file.exists()).collect();
    if !missing.is_empty() {
        let recipes: Vec<Recipe> = ready.iter().map(|r| with_split(&r.recipe, split)).collect();
        let needed =
            |recipe: usize| missing.iter().any(|job| job.folder.is_none() && job.recipe == recipe);
        let libraries = recipes
            .iter()
            .enumerate()
            .map(|(n, recipe)| needed(n).then(|| recipe.library()).transpose())
            .collect::<Result<Vec<Option<Library>>>>()?;
        let what = format!("scenes of round {round} recorded ({split})");
        let work = Work {
            jobs: &missing,
            recipes: &recipes,
            libraries: &libraries,
            guide,
            hops: config.hops,
            // Sums of pairs serve training only, not validation.
            with_pairs: split == Split::Train && config.loss.combination > 0.0,
            bar: Bar::new(missing.len(), &what, missing.len().div_ceil(10), tell)?,
            next: AtomicUsize::new(0),
            num_done: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
        };
        work.run(num_threads)?;
    }
    jobs.into_iter().map(|job| Ok((job.stratum, Stored::open(&job.file)?))).collect()
}

/// Returns jobs for the scenes in the configured folders; the ways that have weight take turns.
fn jobs_of_others(config: &TrainConfig, folder: &Path) -> Result<Vec<Job>> {
    let WaysConfig { live, mix, learned, taught } = config.ways;
    let ways: Vec<Way> =
        [(live, Way::Live), (mix, Way::Mix), (learned, Way::Learned), (taught, Way::Taught)]
            .into_iter()
            .filter_map(|(weight, way)| (weight > 0.0).then_some(way))
            .collect();
    let mut found = Vec::new();
    for scenes in &config.validation.scenes {
        found.extend(folder::list(scenes)?);
    }
    let job = |(number, scene): (usize, PathBuf)| {
        let name = scene.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Job {
            file: folder.join(format!("others{:05}.example", number + 1)),
            stratum: name.split("__").next().unwrap_or(&name).to_owned(),
            recipe: 0,
            index: 0,
            way: ways[number % ways.len()],
            linear: false,
            folder: Some(scene),
        }
    };
    Ok(found.into_iter().enumerate().map(job).collect())
}

fn with_split(recipe: &Recipe, split: Split) -> Recipe {
    Recipe { split, ..recipe.clone() }
}

/// Distributes the scenes over the recipes by weight, as evenly as whole numbers allow, and over
/// the ways at random.
fn jobs(
    config: &TrainConfig,
    ready: &[Ready],
    (split, round): (Split, usize),
    folder: &Path,
) -> Vec<Job> {
    let count = match split {
        Split::Train => config.scenes.train,
        Split::Validation | Split::Test => config.scenes.validation,
    };
    // Training scenes are new in every round, validation scenes are always the same.
    let (round, part) = if split == Split::Train { (round as u64, 1) } else { (0, 2) };
    let WaysConfig { live, mix, learned, taught } = config.ways;
    let of_split = Random::for_part(config.seed, WAYS_PART + part).bits();
    let total: f64 = ready.iter().map(|ready| ready.weight).sum();
    let mut given = vec![0_u64; ready.len()];
    (0..count)
        .map(|number| {
            let lacks = |recipe: usize| {
                ready[recipe].weight / total * (number + 1) as f64 - given[recipe] as f64
            };
            let recipe = (0..ready.len())
                .max_by(|&a, &b| lacks(a).total_cmp(&lacks(b)).then(b.cmp(&a)))
                .unwrap_or(0);
            given[recipe] += 1;
            let mut random = Random::for_part(of_split, round * count + number);
            let way = [Way::Live, Way::Mix, Way::Learned, Way::Taught]
                [draw_weighted(&[live, mix, learned, taught], &mut random)];
            Job {
                file: folder.join(format!("{split}{:05}.example", number + 1)),
                stratum: ready[recipe].recipe.name.clone(),
                folder: None,
                recipe,
                // Numbers of different rounds are disjoint, as no recipe gets more than all scenes.
                index: round * count + given[recipe],
                way,
                linear: random.unit() < ready[recipe].linear,
            }
        })
        .collect()
}

/// Separates these streams from those of steps.
const WAYS_PART: u64 = 0x3A45_0000;

/// A batch of jobs, shared by its threads.
struct Work<'a> {
    jobs: &'a [&'a Job],
    recipes: &'a [Recipe],
    libraries: &'a [Option<Library>],
    guide: Option<&'a Arc<Network>>,
    hops: usize,
    with_pairs: bool,
    bar: Bar<'a>,
    next: AtomicUsize,
    num_done: AtomicUsize,
    failed: AtomicBool,
}

impl Work<'_> {
    fn run(&self, num_threads: usize) -> Result<()> {
        let results: Vec<Result<()>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..num_threads).map(|_| scope.spawn(|| self.work())).collect();
            let broke = |_| Err(anyhow!("a thread panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(broke)).collect()
        });
        self.bar.finish();
        results.into_iter().collect::<Result<()>>()?;
        ensure!(
            !signals::requested(),
            "interrupted after {} scenes; run the same command again to continue",
            self.num_done.load(Ordering::Relaxed)
        );
        Ok(())
    }

    /// Processes jobs until none is left, a thread has failed or the user interrupts.
    // Relaxed throughout: the counters hand out numbers and carry no other data.
    fn work(&self) -> Result<()> {
        while !signals::requested() && !self.failed.load(Ordering::Relaxed) {
            let Some(job) = self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            self.make(job).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
            self.bar.at(self.num_done.fetch_add(1, Ordering::Relaxed) + 1, "");
        }
        Ok(())
    }

    fn make(&self, job: &Job) -> Result<()> {
        let (name, mut scene) = if let Some(path) = &job.folder {
            (path.display().to_string(), folder::read(path)?)
        } else {
            let library =
                self.libraries[job.recipe].as_ref().context("the material was not loaded")?;
            let recipe = &self.recipes[job.recipe];
            let name = format!("{} scene {}", recipe.name, job.index);
            (name, scene(recipe, library, job.index)?)
        };
        if job.linear
            && let Ok(remixed) = linear::remix(&scene, job.index)
        {
            // Scenes in which a single source plays stay as they are.
            scene = remixed;
        }
        let record = if self.with_pairs { Example::record_with_pairs } else { Example::record };
        let example = record(&scene, job.way, self.guide).with_context(|| name.clone())?;
        ensure!(
            example.num_hops >= self.hops,
            "{name} has {} hops, fewer than a clip",
            example.num_hops
        );
        Stored::write(&example, &job.file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::progress::Form;
    use super::*;

    fn config(scenes: &str) -> TrainConfig {
        let text = format!(
            "seed = 3\nhops = 20\n[[recipe]]\nrecipe = 'ensembles'\nweight = 3\n\
             [[recipe]]\nrecipe = 'ensembles'\nweight = 1\n[loss]\nsegment_hops = 5\n\
             [scenes]\n{scenes}\n"
        );
        TrainConfig::parse("test.toml", &text).unwrap()
    }

    #[test]
    fn recipes_get_scenes_by_their_weights_and_no_scene_comes_twice() {
        let config = config("train = 40\nvalidation = 8");
        let (ready, _) = config.recipes().unwrap();
        let of = |split, round| jobs(&config, &ready, (split, round), Path::new("x"));
        let train = of(Split::Train, 0);
        assert_eq!(train.iter().filter(|job| job.recipe == 0).count(), 30);
        assert_eq!(train[..4].iter().filter(|job| job.recipe == 0).count(), 3);
        assert!((10..30).contains(&train.iter().filter(|job| job.way == Way::Live).count()));
        assert!(train.iter().all(|job| job.way != Way::Mix));
        let mut scenes: Vec<(usize, u64)> = (0..3)
            .flat_map(|round| of(Split::Train, round))
            .map(|job| (job.recipe, job.index))
            .collect();
        scenes.sort_unstable();
        scenes.dedup();
        assert_eq!(scenes.len(), 120);
        assert_eq!(of(Split::Validation, 0), of(Split::Validation, 2));
        assert_eq!(of(Split::Validation, 0)[0].index, 1);
    }

    #[test]
    fn a_share_of_a_recipes_scenes_is_mixed_by_gains_alone() {
        let recipe = "[[recipe]]\nrecipe = 'ensembles'\n";
        let text = format!(
            "hops = 20\n{recipe}linear = 0.25\n{recipe}[loss]\nsegment_hops = 5\n[scenes]\n\
             train = 200\n"
        );
        let config = TrainConfig::parse("test.toml", &text).unwrap();
        let (ready, _) = config.recipes().unwrap();
        let jobs = jobs(&config, &ready, (Split::Train, 0), Path::new("x"));
        let count = |recipe: usize| jobs.iter().filter(|j| j.recipe == recipe && j.linear).count();
        // Each recipe has a hundred scenes.
        assert!((13..40).contains(&count(0)), "{}", count(0));
        assert_eq!(count(1), 0);
    }

    #[test]
    fn any_number_of_threads_records_the_same_files_and_only_what_is_missing() {
        if !Path::new(crate::soundfont::DEFAULT_PATH).exists() {
            return;
        }
        let config = config("train = 3\nvalidation = 1\nseconds = 0.6");
        let (mut ready, _) = config.recipes().unwrap();
        for ready in &mut ready {
            ready.recipe.rate_hz = vec![44_100];
        }
        let folder = tempfile::tempdir().unwrap();
        let quiet = Tell { form: Form::Text, line: &|_: &str| {} };
        let record = |name: &str, num_threads: usize| {
            let folder = folder.path().join(name);
            record(&config, &ready, (0, None), &folder, (num_threads, quiet)).unwrap();
            let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
            let files = ["train00001", "train00002", "train00003", "validation00001"];
            files.map(|file| read(&format!("{file}.example")))
        };
        let alone = record("a", 1);
        assert!(record("b", 3) == alone);
        assert!(alone[0] != alone[1]);
        // The next run completes a killed one, and existing files stay.
        let at = |file: &str| folder.path().join("a").join(file);
        std::fs::remove_file(at("train00002.example")).unwrap();
        std::fs::write(at(".unspill-X.part"), b"half").unwrap();
        let before = std::fs::metadata(at("train00001.example")).unwrap().modified().unwrap();
        assert!(record("a", 2) == alone);
        let after = std::fs::metadata(at("train00001.example")).unwrap().modified().unwrap();
        assert_eq!(before, after);
        assert!(!at(".unspill-X.part").exists());
    }
    #[test]
    fn sums_of_pairs_are_recorded_to_learn_from_where_the_loss_asks_for_them() {
        if !Path::new(crate::soundfont::DEFAULT_PATH).exists() {
            return;
        }
        let mut config = config("train = 1\nvalidation = 1\nseconds = 0.6");
        let (ready, _) = config.recipes().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let quiet = Tell { form: Form::Text, line: &|_: &str| {} };
        for (combination, asked) in [(0.0, false), (1.0, true)] {
            config.loss.combination = combination;
            let folder = folder.path().join(combination.to_string());
            let found = record(&config, &ready, (0, None), &folder, (1, quiet)).unwrap();
            assert_eq!((found.train[0].has_pairs, found.validation[0].1.has_pairs), (asked, false));
        }
    }
}
