//! `unspill clean` and `cargo xtask debleed`: clean the files of a session.
//!
//! Learning before cleaning, and the method used without `--method`:
//!
//! | | `--learn session` | `--learn none` | neither |
//! |---|---|---|---|
//! | no `--method` | `network` | `network-online` | `network` |
//! | `network` | learns first | `network-online` | learns first |
//! | `network-learned` | Learn of the plugin first | `network-online` | Learn of the plugin first |
//! | `cancel`, `fastmira` | learns first | refused | learns first |
//! | `online`, `ratio`, `kamir`, `mira` | refused | learns nothing ahead | learns nothing ahead |
//!
//! `network-online` is the method of the plugin, and `network-learned` that of the plugin after
//! Learn. `--mode` affects these two, `online` and `ratio`; the other methods have one form for
//! both modes.
//!
//! A REAPER project in place of the files is the module `reaper`.

mod check;
mod folder;
mod levels;
mod options;
mod progress;
mod reaper;
#[cfg(test)]
mod tests;

pub use options::{DebleedOptions, Learn};

use crate::cleaning::{self, Outcome, Setup};
use crate::json;
use crate::table::{Table, signed_db};
use anyhow::{Result, bail, ensure};
use audiofile::{
    Destination, Existing, OutputSet, Placement, SessionFiles, readable, same_file, signals,
};
use engine::MAX_MICS;
use levels::Levels;
use micnames::Guess;
use progress::Progress;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Report that `--json` writes.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The copy of the project that plays the cleaned mics, if a project was cleaned.
    #[serde(serialize_with = "json::optional_path")]
    pub project: Option<PathBuf>,
    /// One line for items of a project that stay as they are, by track and reason.
    pub not_cleaned: Vec<String>,
    /// Folder of the cleaned mics; in JSON, bytes that are not text become `\xff`.
    #[serde(serialize_with = "json::path")]
    pub out: PathBuf,
    /// Name of the method used.
    pub method: String,
    /// Model of the network as `id-version`, if the method uses one.
    pub model: Option<String>,
    /// `live` or `mix`.
    pub mode: String,
    /// Sample rate of the session in Hz.
    pub rate_hz: u32,
    /// Length of the session in samples.
    pub num_samples: u64,
    /// One line about files placed by their time stamps; `None` if all start and end together.
    pub placement: Option<String>,
    /// One line about files in formats that are not written; `None` if there are none.
    pub formats: Option<String>,
    /// One line for every fault of the session.
    pub warnings: Vec<String>,
    /// Latency of the engine in samples, already removed from the files.
    pub latency_samples: usize,
    /// Number of learning passes over the session before it was cleaned.
    pub learning_passes: usize,
    /// Processing time in seconds, learning included.
    pub elapsed_s: f64,
    /// Processing time divided by the duration of the session.
    pub rtf: f64,
    /// One entry per mono mic.
    pub mics: Vec<MicReport>,
}

/// Levels of one mono mic.
#[derive(Debug, Serialize)]
pub struct MicReport {
    /// Input file, or the file of its track in a project; in JSON, bytes that are not text become
    /// `\xff`.
    #[serde(serialize_with = "json::path")]
    pub file: PathBuf,
    /// Channel of that file, from 1.
    pub channel: usize,
    /// Name of the output file; bytes that are not text become `\xff`.
    pub output: String,
    /// RMS level of the input in dB under full scale; `None` for silence.
    pub input_db: Option<f64>,
    /// RMS level of the cleaned mic in dB under full scale; `None` for silence.
    pub output_db: Option<f64>,
    /// RMS level of the removed signal in dB under full scale; `None` for silence.
    pub removed_db: Option<f64>,
    /// Input level minus output level in dB; `None` if either is silent.
    pub reduction_db: Option<f64>,
    /// Change of the level in the quarter of the mic with the least sound, in dB. Most of that
    /// sound is bleed if the source rests at times. `None` for silence.
    pub quiet_change_db: Option<f64>,
}

/// A session to clean.
struct Job<'a> {
    options: &'a DebleedOptions,
    mics: &'a [PathBuf],
    out: &'a Path,
    /// The project that the mics come from.
    project: Option<reaper::Copy>,
}

/// Cleans the session and writes its outputs, all of them or none. Passes lines to `tell`: the mics
/// with their positions, every fault of the session, and an estimate of the time. A REAPER project
/// in place of the mics is cleaned track by track, with a copy that plays the results.
///
/// # Errors
///
/// Returns an error, described in one line, if anything is wrong with the files, the options or the
/// disk, and if the user interrupts. No output is left half-written.
pub fn run(options: &DebleedOptions, tell: &dyn Fn(&str)) -> Result<Report> {
    if options.mics.iter().any(|path| reaper::is_project(path)) {
        return reaper::run(options, tell);
    }
    ensure!(options.tracks.is_none(), "--tracks chooses tracks of a REAPER project (.rpp)");
    let mics = folder::expanded(&options.mics)?;
    let out = options.out_folder(&mics);
    clean(Job { options, mics: &mics, out: &out, project: None }, tell)
}

/// Cleans a session of files.
fn clean(job: Job<'_>, tell: &dyn Fn(&str)) -> Result<Report> {
    let Job { options, mics, out, project } = job;
    let method = options.method()?;
    let model = options.model(method)?;
    let mut files = if options.ignore_timestamps {
        SessionFiles::open_without_time_stamps(mics, MAX_MICS)?
    } else {
        SessionFiles::open(mics, MAX_MICS)?
    };
    let options = &named(options, &names(&files));
    let controls = options.controls(files.mics(), files.num_mics())?;
    let existing = Existing::overwritten(options.overwrite);
    // All checks come before the long work.
    files.check_outputs_spare_inputs(out)?;
    if let Some(folder) = &options.removed {
        files.check_outputs_spare_inputs(folder)?;
    }
    // Interrupts are caught before the first file that needs cleanup is created.
    signals::listen()?;
    let create =
        |folder| OutputSet::create(folder, files.rate_hz(), &files.output_specs(), existing);
    let mut cleaned = create(out)?;
    let mut removed = match &options.removed {
        Some(folder) => {
            let set = create(folder)?;
            ensure!(!same_file(folder, out), "--removed and --out are the same folder");
            Some(set)
        }
        None => None,
    };
    // The last of the three outputs, because it may lie in a folder that was just created.
    let json = match &options.json {
        Some(path) => {
            let mut sets = std::iter::once(&cleaned).chain(&removed);
            let clash = files
                .check_spares_inputs(path)
                .and_then(|()| sets.try_for_each(|set| set.check_spares(path)));
            if let Err(error) = clash {
                bail!("--json {}: {}", readable(path), error.problem);
            }
            Some(Destination::new(path, existing)?)
        }
        None => None,
    };
    tell(&summary(&files, project.as_ref().map(|project| project.tracks.as_slice())));
    if let Some(tip) = tip(&names(&files), options) {
        tell(&tip);
    }
    let warnings = check::warnings(&mut files, &controls)?;
    for warning in &warnings {
        tell(&format!("warning: {warning}"));
    }
    let mut levels = vec![Levels::new(files.rate_hz()); files.mics().len()];
    let places: Vec<Placement> =
        files.mics().iter().map(|mic| files.placements()[mic.file]).collect();
    let mut done_samples = 0;
    let mut difference = vec![Vec::new(); files.mics().len()];
    let mut progress = Progress::start(files.num_samples(), tell)?;
    let setup = Setup { method, model, mode: options.mode, controls };
    let outcome = cleaning::clean(&mut files, &setup, &mut progress, |dry, clean| {
        for (mic, level) in levels.iter_mut().enumerate() {
            let own = places[mic].within(done_samples, dry[mic].len());
            level.add(&dry[mic][own.clone()], &clean[mic][own]);
        }
        done_samples += dry.first().map_or(0, |dry| dry.len() as u64);
        cleaned.write(clean)?;
        if let Some(removed) = &mut removed {
            for (gone, (d, c)) in difference.iter_mut().zip(dry.iter().zip(clean)) {
                gone.clear();
                gone.extend(d.iter().zip(*c).map(|(d, c)| d - c));
            }
            removed.write(&difference.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        }
        Ok(())
    });
    progress.finish();
    let mut report = report(out, &files, &setup, &outcome?, &levels);
    report.warnings = warnings;
    let mut others = Vec::new();
    if let Some(project) = project {
        others.push(project.complete(&mut report)?);
    }
    // Everything that a full disk can spoil precedes the first rename to a final name.
    let json = json.map(|json| Ok::<_, anyhow::Error>(json.complete(json::bytes(&report)?)?));
    others.extend(json.transpose()?);
    let sets = std::iter::once(cleaned).chain(removed).collect();
    OutputSet::finish_all(sets, others)?;
    Ok(report)
}

impl Report {
    /// Returns the change of every mic as a table, followed by notes and the processing time.
    #[must_use]
    pub fn table(&self) -> String {
        let in_db = |change: Option<f64>| match change {
            Some(_) => format!("{} dB", signed_db(change)),
            None => "silent".to_owned(),
        };
        let mut table = Table::new(&["mic", "level", "in its quiet parts"]);
        for mic in &self.mics {
            let name = readable(mic.file.file_name().unwrap_or_default());
            let several = self.mics.iter().filter(|other| other.file == mic.file).count() > 1;
            let side = if several { format!(" {}", mic.channel) } else { String::new() };
            table.row([
                format!("{name}{side}"),
                in_db(mic.reduction_db.map(|db| -db)),
                in_db(mic.quiet_change_db),
            ]);
        }
        let notes = self.placement.iter().chain(&self.formats);
        let notes: String = notes.map(|note| format!("{note}\n")).collect();
        let project = self.project.as_ref().map_or_else(String::new, |path| {
            format!("project that plays them: {}\n", readable(path))
        });
        format!(
            "{}{notes}{}, {}: {:.1} s of sound in {:.1} s (RTF {:.3})\ncleaned files: {}\n\
             {project}",
            table.render(),
            self.method,
            self.mode,
            self.num_samples as f64 / f64::from(self.rate_hz),
            self.elapsed_s,
            self.rtf,
            readable(&self.out)
        )
    }
}

/// Returns one line with the length of the session and its mics, numbered as options count them,
/// and with the number of each mic's track in a project.
fn summary(files: &SessionFiles, tracks: Option<&[usize]>) -> String {
    let seconds = files.num_samples() as f64 / f64::from(files.rate_hz());
    let names: Vec<String> = names(files)
        .iter()
        .zip(1..)
        .map(|(name, position)| {
            let track = tracks.and_then(|tracks| tracks.get(position - 1));
            let track = track.map_or_else(String::new, |track| format!(" (track {track})"));
            format!("{position} {name}{track}")
        })
        .collect();
    format!("{} mics, {seconds:.1} s: {}", names.len(), names.join(", "))
}

/// Returns the names of the mics, as options count them.
fn names(files: &SessionFiles) -> Vec<String> {
    let stem = |name: &Path| readable(name.file_stem().unwrap_or_default());
    files.output_specs().iter().map(|output| stem(Path::new(&output.file_name))).collect()
}

/// Returns the groups and the room mics that the names tell, by position, if the options have none
/// yet.
fn told_by(names: &[String], options: &DebleedOptions) -> (Vec<String>, Vec<usize>) {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sources = micnames::sources(&names);
    let positions = |is_meant: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..names.len()).filter(|&mic| is_meant(mic)).map(|mic| mic + 1).collect()
    };
    let mut groups = Vec::new();
    let mut rooms = Vec::new();
    if options.group.is_empty() {
        for source in 0..names.len() {
            let mics = positions(&|mic| sources[mic] == Some(source));
            let mics: Vec<String> = mics.iter().map(ToString::to_string).collect();
            groups.extend((!mics.is_empty()).then(|| mics.join(",")));
        }
    }
    if options.room.is_empty() {
        rooms = positions(&|mic| {
            Guess::of(names[mic]).is_some_and(|guess| guess.instrument.hears_all())
        });
    }
    (groups, rooms)
}

/// Returns the options with the groups and the room mics that the names tell, if that is asked for.
fn named(options: &DebleedOptions, names: &[String]) -> DebleedOptions {
    let mut options = options.clone();
    if options.by_name {
        let (groups, rooms) = told_by(names, &options);
        options.group.extend(groups);
        options.room.extend(rooms);
    }
    options
}

/// Returns the groups and the room mics that the names tell, as options, if there are none yet.
fn tip(names: &[String], options: &DebleedOptions) -> Option<String> {
    let (groups, rooms) = told_by(names, options);
    let groups = groups.iter().map(|group| format!("--group {group}"));
    let rooms = rooms.iter().map(|room| format!("--room {room}"));
    let advice: Vec<String> = groups.chain(rooms).collect();
    let is_any = !options.by_name && !advice.is_empty();
    is_any.then(|| format!("tip: the names suggest {} (--by-name sets this)", advice.join(" ")))
}

fn report(
    out: &Path,
    files: &SessionFiles,
    setup: &Setup,
    outcome: &Outcome,
    levels: &[Levels],
) -> Report {
    let duration_s = files.num_samples() as f64 / f64::from(files.rate_hz());
    let outputs = files.output_specs();
    let paths: Vec<&Path> = files.paths().collect();
    let mics = files.mics().iter().zip(levels).map(|(mic, level)| MicReport {
        file: paths[mic.file].to_owned(),
        channel: mic.channel + 1,
        output: readable(&outputs[mic.mic].file_name),
        input_db: level.input_db(),
        output_db: level.output_db(),
        removed_db: level.removed_db(),
        quiet_change_db: level.quiet_change_db(),
        reduction_db: level.input_db().zip(level.output_db()).map(|(before, after)| before - after),
    });
    Report {
        project: None,
        not_cleaned: Vec::new(),
        out: out.to_owned(),
        method: setup.method.to_string(),
        model: setup.model.as_ref().map(|model| format!("{}-{}", model.id(), model.version())),
        mode: cleaning::mode_name(setup.mode).to_owned(),
        rate_hz: files.rate_hz(),
        num_samples: files.num_samples(),
        placement: files.placement_note(),
        formats: files.format_note(),
        warnings: Vec::new(),
        latency_samples: outcome.latency_samples,
        learning_passes: outcome.learning_passes,
        elapsed_s: outcome.elapsed.as_secs_f64(),
        rtf: outcome.elapsed.as_secs_f64() / duration_s,
        mics: mics.collect(),
    }
}
