//! A whole training in one folder: rounds of recording and learning that survive interruptions.

use super::calibration;
use super::checkpoint::{LogEntry, Progress, State};
use super::config::{Ready, TrainConfig};
use super::course::{BEST_FILE, CHECKPOINT_FILE, Course, End, Watch};
use super::progress::{Bar, Form, Tell};
use super::record::record;
use super::settings::{Settings, claim};
use super::store::write_whole;
use crate::report::curves;
use anyhow::{Context, Result, bail, ensure};
use audiofile::signals;
use burn::tensor::Device;
use engine::network::Network;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Options of `cargo xtask train`.
#[derive(Clone, Debug, clap::Args)]
pub struct TrainOptions {
    /// Configuration file, or built-in configuration: default
    #[arg(value_name = "CONFIG.toml|NAME")]
    pub config: String,
    /// Folder for recordings, checkpoints and results, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Number of scenes recorded, and clips computed, at a time [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Keep the recordings of finished rounds
    #[arg(long)]
    pub keep_recordings: bool,
    /// Form of the progress output
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub progress: Form,
}

/// Result of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Folder of the training.
    pub out: PathBuf,
    /// SNR of the validation's mics in the last round in dB: with the canceller alone, and with the
    /// best masks.
    pub validation_db: [Option<f64>; 2],
}

impl Outcome {
    /// Returns one line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let level = |db: Option<f64>| db.map_or("-".to_owned(), |db| format!("{db:.2}"));
        let [without, with] = self.validation_db;
        let best = self.out.join(BEST_FILE);
        format!(
            "{}: validation SNR {} dB, without masks {} dB",
            best.display(),
            level(with),
            level(without)
        )
    }
}

/// Trains to the end, from the point where an earlier run stopped; passes progress to `tell`.
///
/// # Errors
///
/// Returns an error if the configuration is wrong, material is missing, the folder belongs to
/// another configuration or cannot be written, the loss is not finite, or the user interrupts.
pub fn run(options: &TrainOptions, tell: &(dyn Fn(&str) + Sync)) -> Result<Outcome> {
    let mut config = TrainConfig::open(&options.config)?;
    if let Some(out) = &options.out {
        config.out.clone_from(out);
    }
    let num_threads = num_threads(options.threads)?;
    let devices = config.device.open(config.devices)?;
    let (ready, notes) = config.recipes()?;
    let tell = Tell { form: options.progress, line: tell };
    notes.iter().for_each(|note| tell.say(note));
    signals::listen()?;
    let settings = Settings::of(&config, &ready)?;
    // Held until the end, so that no second run works in the same folder.
    let _lock = claim(&config.out, &settings)?;
    let training = Training {
        config: &config,
        ready: &ready,
        devices: &devices,
        num_threads,
        keep_recordings: options.keep_recordings,
        tell,
    };
    training.run()
}

/// Returns the requested number of threads, or the number of cores without a request.
pub(super) fn num_threads(asked: Option<usize>) -> Result<usize> {
    ensure!(asked != Some(0), "--threads must be at least 1");
    Ok(asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)))
}

struct Training<'a> {
    config: &'a TrainConfig,
    ready: &'a [Ready],
    /// The first device holds the weights.
    devices: &'a [Device],
    num_threads: usize,
    keep_recordings: bool,
    tell: Tell<'a>,
}

impl Training<'_> {
    fn run(&self) -> Result<Outcome> {
        let out = &self.config.out;
        let checkpoint = out.join(CHECKPOINT_FILE);
        let mut state = if checkpoint.exists() {
            let state = State::load(self.config, &self.devices[0], &checkpoint)?;
            let Progress { round, step, .. } = state.progress;
            if round < self.config.rounds {
                self.tell.say(&format!("continuing from round {round}, step {step}"));
            }
            state
        } else {
            State::fresh(self.config, &self.devices[0])?
        };
        let mut validation_db = last_validation(&state.progress);
        while state.progress.round < self.config.rounds {
            let round = state.progress.round;
            validation_db = self.round(&mut state)?;
            let weights = read(&out.join(BEST_FILE))?;
            write_whole(&round_file(out, round), &weights)?;
            let log = std::mem::take(&mut state.progress.log);
            // Reported again if the finished training is started again.
            let unmasked_db = state.progress.unmasked_db;
            let progress = Progress { round: round + 1, unmasked_db, log, ..Progress::default() };
            state = State::from_weights(self.config, &self.devices[0], weights, progress)?;
            state.save(&checkpoint)?;
            if !self.keep_recordings {
                let folder = recordings(out, round);
                std::fs::remove_dir_all(&folder)
                    .with_context(|| format!("could not remove {}", folder.display()))?;
            }
        }
        self.write_log(&state.progress.log)?;
        Ok(Outcome { out: out.clone(), validation_db })
    }

    fn round(&self, state: &mut State) -> Result<[Option<f64>; 2]> {
        let out = &self.config.out;
        let round = state.progress.round;
        let guide = match round.checked_sub(1) {
            None => self.first_guide()?,
            Some(before) => {
                let size = self.config.network.network();
                let weights = read(&round_file(out, before))?;
                Some(Arc::new(Network::from_safetensors(&size, weights, &Device::flex())?))
            }
        };
        let recordings = record(
            self.config,
            self.ready,
            (round, guide.as_ref()),
            &recordings(out, round),
            (self.num_threads, self.tell),
        )?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.num_threads).build()?;
        let course = Course {
            config: self.config,
            examples: &recordings.train,
            validation: &recordings.validation,
            device: &self.devices[0],
            others: &self.devices[1..],
            pool: &pool,
            out,
        };
        let what = format!("steps of round {round}");
        let bar = Bar::new(self.config.steps, &what, 50, self.tell)?;
        let end = course.run(state, &mut Viewer { bar: &bar, tell: self.tell });
        bar.finish();
        let end = end?;
        self.write_log(&state.progress.log)?;
        let step = state.progress.step;
        match end {
            End::Stopped => {
                bail!(
                    "interrupted at step {step} of round {round}; \
                     run the same command again to continue"
                )
            }
            End::Early => self
                .tell
                .say(&format!("round {round} ended at step {step}: the masks no longer improve")),
            End::Complete => {}
        }
        Ok([state.progress.unmasked_db, state.progress.best_db])
    }

    /// Returns the network that guides the first recording, if the configuration names a model.
    fn first_guide(&self) -> Result<Option<Arc<Network>>> {
        let Some(name) = &self.config.guide else { return Ok(None) };
        let found = crate::cleaning::model::find(Some(name))
            .and_then(|model| model.context("there are no released models"))
            .and_then(|model| Ok(model.network()?))
            .with_context(|| format!("{}: guide = {name:?}", self.config.name))?;
        Ok(Some(found))
    }

    /// Writes `log.json`, `curves.png` and `calibration.png`, which shows the last validation.
    fn write_log(&self, log: &[LogEntry]) -> Result<()> {
        let text = serde_json::to_string_pretty(log)? + "\n";
        write_whole(&self.config.out.join("log.json"), text.as_bytes())?;
        let training = points(log, self.config.steps, |entry| entry.training_db);
        let validation = points(log, self.config.steps, |entry| entry.validation_db);
        let out = &self.config.out;
        curves::draw(&self.config.name, &training, &validation, &out.join("curves.png"))?;
        let validated = log.iter().rev().find(|entry| !entry.calibration.is_empty());
        let classes = validated.map_or(&[][..], |entry| &entry.calibration);
        let gains: Vec<_> = classes.iter().map(|class| (class.predicted, class.ideal)).collect();
        curves::draw_calibration(&self.config.name, &gains, &out.join("calibration.png"))
    }
}

/// Returns the curve of one number over the steps of all rounds.
fn points(
    log: &[LogEntry],
    steps: usize,
    of: impl Fn(&LogEntry) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let at = |entry: &LogEntry| (entry.round * steps + entry.step) as f64;
    log.iter().filter_map(|entry| Some((at(entry), of(entry)?))).collect()
}

/// Returns the validation of the last round in the log in dB, without and with masks, for a
/// training that is finished.
fn last_validation(progress: &Progress) -> [Option<f64>; 2] {
    let Some(last) = progress.log.last().map(|entry| entry.round) else { return [None; 2] };
    let of_last = progress.log.iter().filter(|entry| entry.round == last);
    let best = of_last.filter_map(|entry| entry.validation_db).reduce(f64::max);
    [progress.unmasked_db, best]
}

fn recordings(out: &Path, round: usize) -> PathBuf {
    out.join(format!("recordings{round}"))
}

fn round_file(out: &Path, round: usize) -> PathBuf {
    out.join(format!("round{round}.safetensors"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("could not read {}", path.display()))
}

struct Viewer<'a> {
    bar: &'a Bar<'a>,
    tell: Tell<'a>,
}

impl Watch for Viewer<'_> {
    fn step(&mut self, state: &State) {
        let [loss, snr_db] = state.progress.recent;
        self.bar.at(state.progress.step, &format!("loss {loss:.2}, SNR {snr_db:.2} dB"));
        self.tell.training([loss, snr_db]);
    }

    fn validated(&mut self, state: &State, entry: &LogEntry) {
        let Progress { round, step, .. } = state.progress;
        let level = |db: Option<f64>| db.map_or("-".to_owned(), |db| format!("{db:.2}"));
        let best = if state.progress.since_best == 0 { ", best so far" } else { "" };
        let worst = entry.strata_db.iter().min_by(|(_, a), (_, b)| a.total_cmp(b));
        let worst = worst.map_or(String::new(), |(name, gain_db)| {
            format!(", worst stratum {name} {gain_db:+.2} dB")
        });
        self.bar.say(&format!(
            "round {round}, step {step}: validation SNR {} dB, score {} dB{worst}, \
             calibration error {:.3}{best}; without masks {} dB",
            level(entry.validation_db),
            level(entry.score_db),
            calibration::error(&entry.calibration),
            level(state.progress.unmasked_db)
        ));
        if let Some(snr_db) = entry.validation_db {
            self.tell.validation(snr_db);
        }
    }

    fn stop(&self) -> bool {
        signals::requested()
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::SETTINGS_FILE;
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_model_that_is_not_there_is_refused_before_anything_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.toml");
        for field in ["guide", "start"] {
            let text = format!("{field} = 'nobody-7'\n[[recipe]]\nrecipe = 'ensembles'\n");
            std::fs::write(&file, text).unwrap();
            let out = folder.path().join(field);
            let options = TrainOptions {
                config: file.to_string_lossy().into_owned(),
                out: Some(out.clone()),
                threads: Some(1),
                keep_recordings: false,
                progress: Form::Text,
            };
            let error = format!("{:#}", run(&options, &|_| {}).unwrap_err());
            let named = format!("my.toml: {field} = \"nobody-7\"");
            assert!(error.contains(&named) && !error.contains('\n'), "{error}");
            assert!(!recordings(&out, 0).exists(), "{field}");
        }
    }

    #[test]
    fn a_training_goes_through_its_rounds_and_ends_with_weights_curves_and_a_log() {
        if !Path::new(crate::soundfont::DEFAULT_PATH).exists() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = "steps = 4\nhops = 12\nrounds = 2\n[[recipe]]\nrecipe = 'short.toml'\n\
             [scenes]\ntrain = 2\nvalidation = 3\nseconds = 1.5\n[network]\nwidth = 4\n\
             [loss]\nsegment_hops = 6\n[validation]\nevery_steps = 2\n";
        std::fs::write(at("my.toml"), text).unwrap();
        let recipe = "rate_hz = 44100\n[[scene]]\nensembles = ['drum-kit']\nmics = 3\n";
        std::fs::write(at("short.toml"), recipe).unwrap();
        let lines = Mutex::new(Vec::new());
        let train = |out: &str| {
            let options = TrainOptions {
                config: at("my.toml").to_string_lossy().into_owned(),
                out: Some(at(out)),
                threads: Some(2),
                keep_recordings: false,
                progress: Form::Text,
            };
            run(&options, &|line| lines.lock().unwrap().push(line.to_owned())).unwrap()
        };
        let outcome = train("a");
        let mut names: Vec<String> = std::fs::read_dir(at("a"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [BEST_FILE, "calibration.png", CHECKPOINT_FILE, "curves.png", "log.json"];
        let rounds = ["round0.safetensors", "round1.safetensors", SETTINGS_FILE];
        assert_eq!(names, [&expected[..], &rounds[..]].concat());
        let log: Vec<LogEntry> = serde_json::from_slice(&read(&at("a/log.json")).unwrap()).unwrap();
        let steps: Vec<(usize, usize)> =
            log.iter().map(|entry| (entry.round, entry.step)).collect();
        assert_eq!(steps, [(0, 0), (0, 2), (0, 4), (1, 0), (1, 2), (1, 4)]);
        // The guide of the canceller changes the recordings, and with them the SNR of the same
        // validation scenes.
        assert_ne!(log[3].validation_db, log[2].validation_db);
        assert!(lines.lock().unwrap().iter().any(|line| line.contains("round 1, step 4")));
        // A second run has nothing left to do.
        let before = read(&at("a").join(BEST_FILE)).unwrap();
        assert_eq!(train("a"), outcome);
        assert!(read(&at("a").join(BEST_FILE)).unwrap() == before);
        // A run from the start gives the same result.
        train("b");
        assert!(read(&at("b").join(BEST_FILE)).unwrap() == before);
        assert!(read(&at("b/log.json")).unwrap() == read(&at("a/log.json")).unwrap());
    }
}
