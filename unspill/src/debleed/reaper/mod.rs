//! A REAPER project in place of files: each track with sound is a mic, and a copy of the project
//! plays the cleaned files.
//!
//! 1. `project` reads tracks, items and takes from the text (`lines`).
//! 2. `pieces` finds the samples that each item plays (`files`), or the reason why it stays.
//! 3. `plan` puts the pieces of a track into one file, or into several if they overlap.
//! 4. `assemble` writes these files into a folder that is removed at the end.
//! 5. The session of these files is cleaned like any other.
//! 6. `rewrite` makes the copy. It keeps every byte of the lines that it does not change.

mod assemble;
mod files;
mod lines;
mod pieces;
mod plan;
mod project;
mod rewrite;

use super::progress::Checking;
use super::{DebleedOptions, Job, Report};
use anyhow::{Context, Result, bail, ensure};
use audiofile::{
    AudioFileError, Completed, Destination, Existing, NewFolder, Problem, check_free, readable,
    same_file, signals,
};
use files::SoundFiles;
use plan::Plan;
use project::Project;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest project in bytes; those with many plugin states have some millions.
const MAX_BYTES: u64 = 1 << 28;

/// The copy of the project, and what is known about the tracks.
pub(super) struct Copy {
    destination: Destination,
    text: Vec<u8>,
    /// REAPER's number of each mic's track.
    pub(super) tracks: Vec<usize>,
    not_cleaned: Vec<String>,
}

/// Returns true if the path has the extension of a REAPER project.
pub(super) fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rpp"))
        && !path.is_dir()
}

/// Cleans the tracks of the one project in the options.
///
/// # Errors
///
/// The same as [`super::run`].
pub(super) fn run(options: &DebleedOptions, tell: &dyn Fn(&str)) -> Result<Report> {
    let [path] = options.mics.as_slice() else {
        bail!("a REAPER project is cleaned alone, without other files");
    };
    ensure!(!options.ignore_timestamps, "--ignore-timestamps is for files, not for a project");
    options.model(options.method()?)?;
    let bytes = read(path)?;
    let name = || readable(path);
    let project = Project::read(&bytes).with_context(name)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut files = SoundFiles::new(folder);
    let plan = Plan::new(&project, &mut files, options.tracks.as_deref()).with_context(name)?;
    let names: Vec<String> = plan.layers.iter().map(|layer| layer.name.clone()).collect();
    let options = grouped(&super::named(options, &names), &plan.siblings());
    options.controls(&plan.mic_channels(), plan.layers.len())?;

    let out = options.out_folder(&options.mics);
    let existing = Existing::overwritten(options.overwrite);
    let copy_path = copy_path(path);
    let inputs = inputs(path, &project, &files);
    let mut outputs = vec![copy_path.clone()];
    for folder in std::iter::once(&out).chain(&options.removed) {
        outputs.extend(plan.layers.iter().map(|layer| folder.join(format!("{}.wav", layer.name))));
    }
    for output in &outputs {
        spare(output, &inputs)?;
        check_free(output, existing)?;
    }
    if let Some(json) = &options.json {
        spare(json, &inputs).with_context(|| "--json")?;
        ensure!(
            !same_file(json, &copy_path),
            "--json {}: the copy of the project has this name",
            readable(json)
        );
    }
    let destination = Destination::new(&copy_path, existing)?;

    signals::listen()?;
    let mut made = NewFolder::make(&out)?;
    let parts = tempfile::Builder::new()
        .prefix(".unspill-")
        .tempdir_in(&out)
        .with_context(|| format!("{}: cannot create a folder for the tracks", readable(&out)))?;
    let not_cleaned: Vec<String> = plan.not_cleaned.iter().map(|(_, line)| line.clone()).collect();
    for line in &not_cleaned {
        tell(&format!("not cleaned: {line}"));
    }
    let mics = assemble(&plan, &files, parts.path())?;
    let text = rewrite::copy(&bytes, &project, &plan, folder, &out)?;
    let tracks = plan.layers.iter().map(|layer| layer.track_number).collect();
    let copy = Copy { destination, text, tracks, not_cleaned };
    let report =
        super::clean(Job { options: &options, mics: &mics, out: &out, project: Some(copy) }, tell)?;
    made.keep();
    Ok(report)
}

impl Copy {
    /// Writes the copy, so that only its rename is left, and completes the report.
    ///
    /// # Errors
    ///
    /// If the disk is full or fails.
    pub(super) fn complete(self, report: &mut Report) -> Result<Completed> {
        report.project = Some(self.destination.path().to_owned());
        report.not_cleaned = self.not_cleaned;
        // All files are as long as their tracks, and in a folder that is about to go.
        report.placement = None;
        for mic in &mut report.mics {
            mic.file = mic.file.file_name().map(PathBuf::from).unwrap_or_default();
        }
        Ok(self.destination.complete(self.text)?)
    }
}

/// Reads a project into memory.
fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |problem| AudioFileError { path: path.to_owned(), problem };
    let metadata = path.metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => fail(Problem::Missing),
        _ => fail(Problem::Io { action: "inspect", source: error }),
    })?;
    if !metadata.is_file() {
        return Err(fail(Problem::IsNoFile).into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| fail(Problem::Io { action: "read", source: error }))?;
    let is_small = bytes.len() as u64 <= MAX_BYTES;
    ensure!(is_small, "{}: larger than {} MB", readable(path), MAX_BYTES >> 20);
    Ok(bytes)
}

/// Returns the path of the copy: `song.rpp` becomes `song-cleaned.rpp`.
fn copy_path(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push("-cleaned.");
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

/// Returns the canonical paths of all files that the project needs, and of the project itself.
fn inputs(path: &Path, project: &Project, files: &SoundFiles) -> HashSet<PathBuf> {
    let items = project.tracks.iter().flat_map(|track| &track.items);
    let written: HashSet<&Vec<u8>> = items.flat_map(|item| &item.files).collect();
    let paths = written.into_iter().map(|written| files.resolved(written));
    paths.chain([path.to_owned()]).filter_map(|path| path.canonicalize().ok()).collect()
}

/// Checks that an output replaces no input.
fn spare(output: &Path, inputs: &HashSet<PathBuf>) -> Result<(), AudioFileError> {
    match output.canonicalize().ok().filter(|path| inputs.contains(path)) {
        Some(input) => {
            let problem = Problem::OverwritesInput { input };
            Err(AudioFileError { path: output.to_owned(), problem })
        }
        None => Ok(()),
    }
}

/// Returns the options with groups and rooms that hold all mics of a track, or none.
///
/// `siblings` are the positions of the mics of each track with several.
fn grouped(options: &DebleedOptions, siblings: &[Vec<usize>]) -> DebleedOptions {
    let mut options = options.clone();
    for mics in siblings {
        let names: Vec<String> = mics.iter().map(ToString::to_string).collect();
        let is_in = |item: &str| names.iter().any(|name| name == item.trim());
        match options.group.iter_mut().find(|group| group.split(',').any(is_in)) {
            Some(group) => {
                let missing: Vec<&str> = names
                    .iter()
                    .map(String::as_str)
                    .filter(|name| !group.split(',').any(|item| item.trim() == *name))
                    .collect();
                *group =
                    std::iter::once(group.as_str()).chain(missing).collect::<Vec<_>>().join(",");
            }
            None => options.group.push(names.join(",")),
        }
        if mics.iter().any(|mic| options.room.contains(mic)) {
            options.room.extend(mics);
        }
    }
    options
}

/// Writes the file of every mic into `folder` and returns their paths.
fn assemble(plan: &Plan, files: &SoundFiles, folder: &Path) -> Result<Vec<PathBuf>> {
    let lengths = plan.layers.iter().map(|layer| layer.end() - layer.first);
    let bar = Checking::start(lengths.sum::<i64>().cast_unsigned(), "reading the tracks")?;
    let mut done_samples = 0;
    let mut advance = |num_samples: u64| {
        done_samples += num_samples;
        bar.advance(done_samples)
    };
    let mut mics = Vec::new();
    for layer in &plan.layers {
        let path = folder.join(format!("{}.wav", layer.name));
        assemble::write(layer, files, plan.rate_hz, &path, &mut advance)?;
        mics.push(path);
    }
    bar.finish();
    Ok(mics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: DebleedOptions,
    }

    #[test]
    fn mics_of_one_track_share_their_groups_and_rooms() {
        let grouped = |line: &str| {
            let words = ["clean", "song.rpp"].into_iter().chain(line.split_whitespace());
            let options = Line::try_parse_from(words).unwrap().options;
            let options = grouped(&options, &[vec![2, 3], vec![5, 6]]);
            (options.group, options.room)
        };
        assert_eq!(grouped(""), (vec!["2,3".to_owned(), "5,6".to_owned()], vec![]));
        let (groups, rooms) = grouped("--group 1,3 --room 6");
        assert_eq!(groups, ["1,3,2", "5,6"]);
        assert_eq!(rooms, [6, 5, 6]);
        // A word that is no number is left for the error about it.
        assert_eq!(grouped("--group 2,x").0, ["2,x,3", "5,6"]);
    }

    #[test]
    fn a_copy_lies_beside_its_project() {
        assert!(is_project(Path::new("a/Song.RPP")) && !is_project(Path::new("a/rpp")));
        assert_eq!(copy_path(Path::new("a/my.song.rpp")), Path::new("a/my.song-cleaned.rpp"));
    }
}
