//! Writes many WAV files that appear together or not at all.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::destination::Completed;
use crate::error::{AudioFileError, Problem};
use crate::existing::{Existing, check_free};
use crate::metadata::Metadata;
use crate::names::same_file;
use crate::new_folder::NewFolder;
use crate::partial::remove_leftovers;
use crate::placement::Placement;
use crate::swap::Swap;
use crate::writer::WavWriter;

/// Largest number of attempts to make a folder that another run removes at the same time.
const MAX_ATTEMPTS: usize = 100;

/// One file of an [`OutputSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// File name inside the set's folder.
    pub file_name: OsString,
    /// Number of channels.
    pub num_channels: usize,
    /// Part of the session that the file contains; `None` for all of it.
    pub placement: Option<Placement>,
    /// Chunks of the input that are copied to the output.
    pub metadata: Metadata,
}

/// Many WAV files in one folder that appear together or not at all.
///
/// # Invariants
///
/// - Until [`finish`](Self::finish) has succeeded, no file has its final name, and existing files
///   are unchanged.
/// - If an operation fails or the set is dropped, all temporary files and new folders are removed.
#[derive(Debug)]
pub struct OutputSet {
    // Fields drop in this order: the temporary files must be removed before their folder.
    writers: Vec<WavWriter>,
    placements: Vec<Option<Placement>>,
    written_samples: u64,
    folder: NewFolder,
    existing: Existing,
}

impl OutputSet {
    /// Makes `folder` and its parents if they are missing, removes leftovers of a killed run, and
    /// makes one temporary file per output.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or is not writable, or if an output has the name of an existing
    /// file to be kept or of something that is no regular file.
    pub fn create(
        folder: &Path,
        rate_hz: u32,
        outputs: &[OutputSpec],
        existing: Existing,
    ) -> Result<Self, AudioFileError> {
        for output in outputs {
            check_place(&folder.join(&output.file_name), existing)?;
        }
        let mut attempt = 1;
        loop {
            match Self::try_create(folder, rate_hz, outputs, existing) {
                // Another run had made the folder, and failed and removed it before a file was
                // created in it.
                Err(error) if error.is_missing() && attempt < MAX_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn try_create(
        folder: &Path,
        rate_hz: u32,
        outputs: &[OutputSpec],
        existing: Existing,
    ) -> Result<Self, AudioFileError> {
        let guard = NewFolder::make(folder)?;
        remove_leftovers(folder);
        let writers = outputs
            .iter()
            .map(|output| {
                let path = folder.join(&output.file_name);
                WavWriter::create_with(&path, rate_hz, output.num_channels, &output.metadata)
            })
            .collect::<Result<_, _>>()?;
        let placements = outputs.iter().map(|output| output.placement).collect();
        Ok(Self { writers, placements, written_samples: 0, folder: guard, existing })
    }

    /// Checks that `path` is none of the outputs.
    ///
    /// # Errors
    ///
    /// If `path` is an output; the error names it.
    pub fn check_spares(&self, path: &Path) -> Result<(), AudioFileError> {
        match self.writers.iter().find(|writer| same_file(writer.path(), path)) {
            Some(writer) => {
                let other = writer.path().to_owned();
                Err(AudioFileError::new(path, Problem::OutputsClash { other }))
            }
            None => Ok(()),
        }
    }

    /// Appends one block to every file; each file receives only its own part of the block.
    ///
    /// # Shapes
    ///
    /// `channels`: `[file and channel][sample]`: all channels of the first file, then all of the
    /// second, and so on; all of one length.
    ///
    /// # Errors
    ///
    /// If the disk is full or fails.
    ///
    /// # Panics
    ///
    /// If `channels` does not have one slice per channel of every file, or the slices differ
    /// in length.
    pub fn write(&mut self, channels: &[&[f32]]) -> Result<(), AudioFileError> {
        let num_samples = channels.first().map_or(0, |channel| channel.len());
        assert!(channels.iter().all(|channel| channel.len() == num_samples), "one length");
        let mut rest = channels;
        for (writer, placement) in self.writers.iter_mut().zip(&self.placements) {
            let (head, tail) = rest.split_at(writer.num_channels());
            match placement.map(|placement| placement.within(self.written_samples, num_samples)) {
                None => writer.write(head)?,
                Some(own) => {
                    let own: Vec<&[f32]> =
                        head.iter().map(|channel| &channel[own.clone()]).collect();
                    writer.write(&own)?;
                }
            }
            rest = tail;
        }
        self.written_samples += num_samples as u64;
        assert!(rest.is_empty(), "one slice per channel of every file");
        Ok(())
    }

    /// Completes all files and renames them to their final names.
    ///
    /// # Errors
    ///
    /// If a file cannot be completed or renamed; then no file appears, and existing files
    /// are unchanged.
    pub fn finish(self) -> Result<(), AudioFileError> {
        Self::finish_all(vec![self], Vec::new())
    }

    /// Finishes several sets and other outputs together: all their files appear, or none.
    ///
    /// # Errors
    ///
    /// The same as [`finish`](Self::finish).
    pub fn finish_all(mut sets: Vec<Self>, others: Vec<Completed>) -> Result<(), AudioFileError> {
        let result = Self::appear(&mut sets, others);
        // In reverse order: a later set's folder may be inside one that an earlier set made.
        while let Some(mut set) = sets.pop() {
            if result.is_ok() {
                set.folder.keep();
            }
        }
        result
    }

    /// Completes and renames all files; removes all temporary files, also on an error.
    fn appear(sets: &mut [Self], others: Vec<Completed>) -> Result<(), AudioFileError> {
        let completed = sets
            .iter_mut()
            .flat_map(|set| {
                let existing = set.existing;
                std::mem::take(&mut set.writers).into_iter().map(move |file| (file, existing))
            })
            .map(|(file, existing)| Ok((file.complete()?, existing)))
            .collect::<Result<Vec<_>, AudioFileError>>();
        let mut swap = Swap::default();
        for (file, existing) in completed? {
            swap.place(file, existing)?;
        }
        // Outputs that cannot be undone come last.
        let (files, straight): (Vec<_>, Vec<_>) = others.into_iter().partition(Completed::is_file);
        for other in files.into_iter().chain(straight) {
            other.appear(&mut swap)?;
        }
        swap.keep();
        Ok(())
    }
}

/// Checks that a WAV file can be written to `path`.
fn check_place(path: &Path, existing: Existing) -> Result<(), AudioFileError> {
    let is_special = |kind: fs::FileType| !kind.is_file() && !kind.is_dir();
    if path.metadata().is_ok_and(|metadata| is_special(metadata.file_type())) {
        return Err(AudioFileError::new(path, Problem::NoRegularFile));
    }
    check_free(path, existing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{names_in, read_all};

    fn spec(name: &str, num_channels: usize) -> OutputSpec {
        let metadata = Metadata::default();
        OutputSpec { file_name: name.into(), num_channels, placement: None, metadata }
    }

    fn specs(names: &[&str]) -> Vec<OutputSpec> {
        names.iter().map(|name| spec(name, 1)).collect()
    }

    fn created(
        folder: &Path,
        names: &[&str],
        existing: Existing,
    ) -> Result<OutputSet, AudioFileError> {
        OutputSet::create(folder, 48_000, &specs(names), existing)
    }

    #[test]
    fn all_files_appear_together() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let two = [spec("kick.wav", 1), spec("over.wav", 2)];
        let mut outputs = OutputSet::create(&out, 48_000, &two, Existing::Keep).unwrap();
        outputs.write(&[&[0.1; 10], &[0.2; 10], &[0.3; 10]]).unwrap();
        assert!(!out.join("kick.wav").exists());
        outputs.finish().unwrap();
        assert_eq!(names_in(&out), ["kick.wav", "over.wav"]);
        assert_eq!(read_all(&out.join("over.wav"), 64).unwrap(), [[0.2; 10], [0.3; 10]]);
    }

    #[test]
    fn each_file_gets_its_own_part() {
        let folder = tempfile::tempdir().unwrap();
        let mut late = spec("late.wav", 1);
        late.placement = Some(Placement { first_sample: 5, num_samples: 4 });
        let mut outputs =
            OutputSet::create(folder.path(), 48_000, &[late, spec("all.wav", 1)], Existing::Keep)
                .unwrap();
        for block in [0..3, 3..7, 7..12_u8] {
            let block: Vec<f32> = block.map(f32::from).collect();
            outputs.write(&[&block, &block]).unwrap();
        }
        outputs.finish().unwrap();
        let late = read_all(&folder.path().join("late.wav"), 64).unwrap();
        assert_eq!(late, [[5.0, 6.0, 7.0, 8.0]]);
        assert_eq!(read_all(&folder.path().join("all.wav"), 64).unwrap()[0].len(), 12);
    }

    #[test]
    fn a_dropped_set_leaves_neither_files_nor_folders() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let outputs = created(&out, &["x.wav", "y.wav"], Existing::Keep).unwrap();
        assert_eq!(names_in(&out).len(), 2);
        drop(outputs);
        assert!(names_in(folder.path()).is_empty());
    }

    #[test]
    fn when_one_rename_fails_the_earlier_files_come_back() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.wav"), "old").unwrap();
        let names = ["x.wav", "new.wav", "y.wav"];
        let outputs = created(folder.path(), &names, Existing::Replace).unwrap();
        // The last temporary file is removed, so the earlier renames must be undone.
        fs::remove_file(outputs.writers[2].temp_path()).unwrap();
        let message = outputs.finish().unwrap_err().to_string();
        assert!(message.contains("y.wav: cannot rename the temporary file"), "{message}");
        assert_eq!(names_in(folder.path()), ["x.wav"]);
        assert_eq!(fs::read(folder.path().join("x.wav")).unwrap(), b"old");
    }

    #[test]
    fn when_one_set_fails_no_other_appears() {
        let folder = tempfile::tempdir().unwrap();
        let (out, inner) = (folder.path().join("out"), folder.path().join("out/inner"));
        let sets = [&out, &inner].map(|at| created(at, &["x.wav"], Existing::Keep));
        let sets: Vec<OutputSet> = sets.map(Result::unwrap).into();
        fs::remove_file(sets[1].writers[0].temp_path()).unwrap();
        let message = OutputSet::finish_all(sets, Vec::new()).unwrap_err().to_string();
        assert!(message.contains("inner/x.wav: cannot rename the temporary file"), "{message}");
        assert!(names_in(folder.path()).is_empty());
    }

    #[test]
    fn finishing_replaces_older_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.wav"), "old").unwrap();
        let mut outputs = created(folder.path(), &["x.wav"], Existing::Replace).unwrap();
        outputs.write(&[&[0.5; 3]]).unwrap();
        outputs.finish().unwrap();
        assert_eq!(names_in(folder.path()), ["x.wav"]);
        assert_eq!(read_all(&folder.path().join("x.wav"), 64).unwrap(), [[0.5; 3]]);
    }

    #[test]
    fn older_files_are_kept_unless_they_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("y.wav"), "old").unwrap();
        let line = created(folder.path(), &["x.wav", "y.wav"], Existing::Keep).unwrap_err();
        assert!(line.to_string().contains("y.wav: already exists"), "{line}");
        // A file that appears while the outputs are being written is also kept.
        let outputs = created(folder.path(), &["x.wav", "z.wav"], Existing::Keep).unwrap();
        fs::write(folder.path().join("z.wav"), "meanwhile").unwrap();
        let line = outputs.finish().unwrap_err().to_string();
        assert!(line.contains("z.wav: already exists"), "{line}");
        assert_eq!(names_in(folder.path()), ["y.wav", "z.wav"]);
        assert_eq!(fs::read(folder.path().join("z.wav")).unwrap(), b"meanwhile");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_not_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("theirs"), "precious").unwrap();
        std::os::unix::fs::symlink(at("theirs"), at("x.wav")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("y.wav")).unwrap();
        for name in ["x.wav", "y.wav"] {
            assert!(created(folder.path(), &[name], Existing::Keep).is_err(), "{name}");
            created(folder.path(), &[name], Existing::Replace).unwrap().finish().unwrap();
            assert!(at(name).symlink_metadata().unwrap().is_file(), "{name}");
        }
        assert_eq!(fs::read(at("theirs")).unwrap(), b"precious");
        std::os::unix::fs::symlink("/dev/null", at("z.wav")).unwrap();
        let line = created(folder.path(), &["z.wav"], Existing::Replace).unwrap_err().to_string();
        assert!(line.contains("z.wav: cannot write WAV to a pipe or device"), "{line}");
    }

    #[test]
    fn runs_that_make_one_folder_and_remove_it_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for run in 0..4 {
                let out = folder.path().join(format!("a/b/{run}"));
                scope.spawn(move || {
                    for _ in 0..300 {
                        // Dropped at once, which removes the new folders.
                        created(&out, &["x.wav"], Existing::Keep).unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn a_file_where_the_folder_should_be_is_one_clear_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        fs::write(&file, "x").unwrap();
        for out in [file.clone(), file.join("deeper")] {
            let message = created(&out, &["x.wav"], Existing::Keep).unwrap_err();
            assert!(message.to_string().to_lowercase().contains("not a directory"), "{message}");
        }
        assert_eq!(fs::read(file).unwrap(), b"x");
    }

    /// Uses a separate small file system, which only root can mount.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mount = |args: &[&str]| {
            std::process::Command::new(args[0])
                .args(&args[1..])
                .arg(folder.path())
                .output()
                .is_ok_and(|output| output.status.success())
        };
        let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs"]);
        if !mounted {
            // Not root: `a_failed_write_leaves_nothing_behind` tests the same in another way.
            return;
        }
        let outcome = write_too_much(&folder.path().join("out"));
        let left = names_in(folder.path());
        assert!(mount(&["umount"]));
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("cannot write: No space left"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        assert!(left.is_empty(), "{left:?}");
    }

    /// Runs itself again with a limit on file sizes, which makes writes fail as on a full disk.
    #[cfg(unix)]
    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        const FOLDER: &str = "AUDIOFILE_TEST_LIMITED_FOLDER";
        if let Some(folder) = std::env::var_os(FOLDER) {
            let folder = Path::new(&folder);
            let error = write_too_much(&folder.join("out")).unwrap_err().to_string();
            assert!(error.contains("cannot write: File too large"), "{error}");
            assert!(names_in(folder).is_empty());
            fs::write(folder.join("ran"), "").unwrap();
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let output = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "outputs::tests::a_failed_write_leaves_nothing_behind"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(names_in(folder.path()), ["ran"]);
    }

    /// Writes 1.6 MB into two files.
    fn write_too_much(out: &Path) -> Result<(), AudioFileError> {
        let mut outputs = created(out, &["x.wav", "y.wav"], Existing::Keep)?;
        for _ in 0..50 {
            outputs.write(&[&[0.25; 4096], &[0.5; 4096]])?;
        }
        outputs.finish()
    }
}
