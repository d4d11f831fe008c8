//! `debleed`: cleans the files of a session.
//!
//! What is heard ahead, and what is used where `--method` is left away:
//!
//! | | `--learn session` | `--learn none` | neither |
//! |---|---|---|---|
//! | no `--method` | `network` | `network-online` | `network` |
//! | `network` | learns first | `network-online` | learns first |
//! | `network-learned` | learns first, as the plugin does | `network-online` | learns first, as the plugin does |
//! | `cancel`, `fastmira` | learns first | refused | learns first |
//! | `online`, `ratio`, `kamir`, `mira` | refused | learns nothing ahead | learns nothing ahead |
//!
//! `network-online` is what the plugin does, and `network-learned` what it does after Learn. `--mode` makes a difference to these, to
//! `online` and to `ratio`; the other methods have one form, and take it in both modes.

mod levels;
mod options;
mod progress;
#[cfg(test)]
mod tests;

pub use options::{DebleedOptions, Learn};

use crate::cleaning::{self, Outcome, Setup};
use crate::report::{Table, db, signed_db};
use anyhow::{Context, Result, ensure};
use audiofile::{OutputSet, Placement, SessionFiles};
use engine::MAX_MICS;
use levels::Levels;
use progress::Progress;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What `--json` writes.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The method used.
    pub method: String,
    /// The network's model, `id-version`, if the method asks one.
    pub model: Option<String>,
    /// `live` or `mix`.
    pub mode: String,
    /// Sample rate of the session in Hz.
    pub rate_hz: u32,
    /// Length of the session in samples.
    pub num_samples: u64,
    /// One line about files that were placed by their time stamps; `None` where all start and end
    /// together.
    pub placement: Option<String>,
    /// The engine's latency in samples; it has been removed from the files.
    pub latency_samples: usize,
    /// How many times the session was heard before it was cleaned.
    pub learning_passes: usize,
    /// Processing time, learning included.
    pub elapsed_s: f64,
    /// Processing time over the session's duration.
    pub rtf: f64,
    /// One entry per mono mic.
    pub mics: Vec<MicReport>,
}

/// One mono mic's levels.
#[derive(Debug, Serialize)]
pub struct MicReport {
    /// The file it came from.
    pub file: PathBuf,
    /// Channel of that file, from 1.
    pub channel: usize,
    /// The name of the file that it was written to.
    pub output: String,
    /// RMS level in dB under full scale; `None` for silence.
    pub input_db: Option<f64>,
    /// RMS level of the cleaned mic.
    pub output_db: Option<f64>,
    /// RMS level of what was removed.
    pub removed_db: Option<f64>,
    /// Input level minus output level; `None` when either is silent.
    pub reduction_db: Option<f64>,
}

/// Cleans the session and writes its outputs, all of them or none.
///
/// # Errors
///
/// Anything wrong with the files, the options or the disk, as one line; and when the user
/// interrupts. Nothing is left half-written then.
pub fn run(options: &DebleedOptions) -> Result<Report> {
    let method = options.method()?;
    let model = options.model(method)?;
    let mut files = if options.ignore_timestamps {
        SessionFiles::open_without_time_stamps(&options.mics, MAX_MICS)?
    } else {
        SessionFiles::open(&options.mics, MAX_MICS)?
    };
    let controls = options.controls(files.mics(), files.num_mics())?;
    files.check_outputs_spare_inputs(&options.out)?;
    if let Some(folder) = &options.removed {
        files.check_outputs_spare_inputs(folder)?;
    }
    if let Some(path) = &options.json {
        ensure!(
            !options.mics.iter().any(|mic| same(mic, path)),
            "--json {}: a mic",
            path.display()
        );
    }
    // Everything that can be refused is refused before the long work.
    let mut cleaned = OutputSet::create(&options.out, files.rate_hz(), &files.output_specs())?;
    let mut removed = match &options.removed {
        Some(folder) => {
            let set = OutputSet::create(folder, files.rate_hz(), &files.output_specs())?;
            ensure!(!same(folder, &options.out), "--removed and --out are the same folder");
            Some(set)
        }
        None => None,
    };
    // Last of the three, because it may lie in a folder that was just made.
    let mut json = options.json.as_deref().map(JsonFile::create).transpose()?;
    let mut levels = vec![Levels::default(); files.mics().len()];
    let places: Vec<Placement> =
        files.mics().iter().map(|mic| files.placements()[mic.file]).collect();
    let mut done_samples = 0;
    let mut difference = vec![Vec::new(); files.mics().len()];
    let mut progress = Progress::start()?;
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
    let report = report(options, &files, &setup, &outcome?, &levels);
    // All that a full disk can spoil comes before the first name appears.
    if let Some(json) = &mut json {
        json.fill(&report)?;
    }
    OutputSet::finish_all(std::iter::once(cleaned).chain(removed).collect())?;
    if let Some(json) = json {
        json.appear()?;
    }
    Ok(report)
}

/// Whether both are there and one and the same.
fn same(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

impl Report {
    /// Levels of every mic as a table, and what it took.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new(&["mic", "in (dB)", "out (dB)", "change"]);
        for mic in &self.mics {
            let name = mic.file.file_name().unwrap_or_default().to_string_lossy();
            let several = self.mics.iter().filter(|other| other.file == mic.file).count() > 1;
            let side = if several { format!(" {}", mic.channel) } else { String::new() };
            table.row([
                format!("{name}{side}"),
                db(mic.input_db),
                db(mic.output_db),
                signed_db(mic.reduction_db.map(|db| -db)),
            ]);
        }
        let placement = self.placement.iter().fold(String::new(), |_, note| format!("{note}\n"));
        format!(
            "{}{placement}{}, {}: {:.1} s in {:.1} s (RTF {:.3})\n",
            table.render(),
            self.method,
            self.mode,
            self.num_samples as f64 / f64::from(self.rate_hz),
            self.elapsed_s,
            self.rtf
        )
    }
}

fn report(
    options: &DebleedOptions,
    files: &SessionFiles,
    setup: &Setup,
    outcome: &Outcome,
    levels: &[Levels],
) -> Report {
    let duration_s = files.num_samples() as f64 / f64::from(files.rate_hz());
    let outputs = files.output_specs();
    let mics = files.mics().iter().zip(levels).map(|(mic, level)| MicReport {
        file: options.mics[mic.file].clone(),
        channel: mic.channel + 1,
        output: outputs[mic.mic].file_name.clone(),
        input_db: level.input_db(),
        output_db: level.output_db(),
        removed_db: level.removed_db(),
        reduction_db: level.input_db().zip(level.output_db()).map(|(before, after)| before - after),
    });
    Report {
        method: setup.method.to_string(),
        model: setup.model.as_ref().map(|model| format!("{}-{}", model.id(), model.version())),
        mode: cleaning::mode_name(setup.mode).to_owned(),
        rate_hz: files.rate_hz(),
        num_samples: files.num_samples(),
        placement: files.placement_note(),
        latency_samples: outcome.latency_samples,
        learning_passes: outcome.learning_passes,
        elapsed_s: outcome.elapsed.as_secs_f64(),
        rtf: outcome.elapsed.as_secs_f64() / duration_s,
        mics: mics.collect(),
    }
}

/// A JSON file that appears complete or not at all.
#[derive(Debug)]
pub struct JsonFile {
    partial: tempfile::NamedTempFile,
    path: PathBuf,
}

impl JsonFile {
    /// Makes sure that the file can be written.
    ///
    /// # Errors
    ///
    /// When its folder cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let partial = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { partial, path: path.to_owned() })
    }

    /// Writes `value` and lets the file appear.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails.
    pub fn write(mut self, value: &impl Serialize) -> Result<()> {
        self.fill(value)?;
        self.appear()
    }

    /// Writes `value` under the temporary name.
    fn fill(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value)? + "\n";
        let context = || format!("cannot write {}", self.path.display());
        self.partial.write_all(text.as_bytes()).with_context(context)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary files are private; a report is like any other file.
            let open = std::fs::Permissions::from_mode(0o644);
            self.partial.as_file().set_permissions(open).with_context(context)?;
        }
        self.partial.as_file().sync_all().with_context(context)
    }

    fn appear(self) -> Result<()> {
        let Self { partial, path } = self;
        partial.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }
}
