//! Writes many WAV files that appear together or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::AudioFileError;
use crate::metadata::Metadata;
use crate::placement::Placement;
use crate::writer::{CompletedWav, WavWriter};

/// One file of an [`OutputSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// File name inside the set's folder.
    pub file_name: String,
    /// How many channels it has.
    pub num_channels: usize,
    /// The part of what is written that it gets; `None` for all of it.
    pub placement: Option<Placement>,
    /// Chunks of its input that it gets as well.
    pub metadata: Metadata,
}

/// Many WAV files in one folder, of which all or none appear.
///
/// # Invariants
///
/// - Until [`finish`](Self::finish) has succeeded, no file has its final name, and what was there
///   before is untouched.
/// - When anything fails or the set is dropped, no temporary file is left, nor a folder that did
///   not exist before.
#[derive(Debug)]
pub struct OutputSet {
    // Fields drop in order: the temporary files have to go before their folder can.
    writers: Vec<WavWriter>,
    placements: Vec<Option<Placement>>,
    written_samples: u64,
    folder: NewFolder,
}

impl OutputSet {
    /// Makes `folder` (with its parents) where it is missing, and one temporary file per output.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written to.
    pub fn create(
        folder: &Path,
        rate_hz: u32,
        outputs: &[OutputSpec],
    ) -> Result<Self, AudioFileError> {
        let guard = NewFolder::make(folder)?;
        let writers = outputs
            .iter()
            .map(|output| {
                let path = folder.join(&output.file_name);
                WavWriter::create_with(&path, rate_hz, output.num_channels, &output.metadata)
            })
            .collect::<Result<_, _>>()?;
        let placements = outputs.iter().map(|output| output.placement).collect();
        Ok(Self { writers, placements, written_samples: 0, folder: guard })
    }

    /// Appends one block to every file, as far as the file lies within it.
    ///
    /// # Shapes
    ///
    /// `channels`: `[file and channel][sample]`: all channels of the first file, then all of the
    /// second, and so on; all of one length.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails.
    ///
    /// # Panics
    ///
    /// When `channels` does not have one slice per channel of every file.
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

    /// Completes all files and lets them appear under their final names.
    ///
    /// # Errors
    ///
    /// When any of them cannot be completed or renamed; none appears then, and files that were
    /// there before are still there.
    pub fn finish(self) -> Result<(), AudioFileError> {
        Self::finish_all(vec![self])
    }

    /// Finishes several sets together: all files of all of them appear, or none.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub fn finish_all(mut sets: Vec<Self>) -> Result<(), AudioFileError> {
        let result = Self::appear(&mut sets);
        // Backwards: a later set's folder may lie in one that an earlier set made.
        while let Some(mut set) = sets.pop() {
            if result.is_ok() {
                set.folder.keep();
            }
        }
        result
    }

    /// Leaves no temporary file, whatever comes of it.
    fn appear(sets: &mut [Self]) -> Result<(), AudioFileError> {
        let completed = sets
            .iter_mut()
            .flat_map(|set| std::mem::take(&mut set.writers))
            .map(WavWriter::complete)
            .collect::<Result<Vec<_>, _>>();
        let mut swap = Swap::default();
        for wav in completed? {
            swap.replace(wav)?;
        }
        swap.keep();
        Ok(())
    }
}

/// Renames that are undone on drop unless all of them succeeded.
#[derive(Default)]
struct Swap {
    /// Final name and, where something was there before, where it waits.
    done: Vec<(PathBuf, Option<PathBuf>)>,
}

impl Swap {
    fn replace(&mut self, wav: CompletedWav) -> Result<(), AudioFileError> {
        let path = wav.path.clone();
        let backup = if path.symlink_metadata().is_ok() {
            let backup = wav.backup_path();
            fs::rename(&path, &backup)
                .map_err(|error| AudioFileError::io(&path, "replace it", error))?;
            Some(backup)
        } else {
            None
        };
        self.done.push((path, backup));
        wav.appear()
    }

    fn keep(mut self) {
        for (_, backup) in self.done.drain(..) {
            if let Some(backup) = backup {
                // The new file stands; an old one that cannot be removed is no reason to fail.
                let _ = fs::remove_file(backup);
            }
        }
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        for (path, backup) in self.done.drain(..).rev() {
            // Best effort while another error is already on its way to the user.
            let _ = fs::remove_file(&path);
            if let Some(backup) = backup {
                let _ = fs::rename(backup, &path);
            }
        }
    }
}

/// Folders made for the outputs, removed on drop unless kept.
#[derive(Debug)]
struct NewFolder {
    /// Outermost first.
    made: Vec<PathBuf>,
}

impl NewFolder {
    fn make(folder: &Path) -> Result<Self, AudioFileError> {
        let missing: Vec<PathBuf> = folder
            .ancestors()
            .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
            .map(Path::to_owned)
            .collect();
        let mut guard = Self { made: Vec::new() };
        for path in missing.into_iter().rev() {
            fs::create_dir(&path)
                .map_err(|error| AudioFileError::io(&path, "make the folder", error))?;
            guard.made.push(path);
        }
        if !folder.is_dir() {
            let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(AudioFileError::io(folder, "write into it", error));
        }
        Ok(guard)
    }

    fn keep(&mut self) {
        self.made.clear();
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        for path in self.made.drain(..).rev() {
            // Fails where somebody else put a file there meanwhile, which is as it should be.
            let _ = fs::remove_dir(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{names_in, read_all};

    fn spec(name: &str, num_channels: usize) -> OutputSpec {
        let metadata = Metadata::default();
        OutputSpec { file_name: name.to_owned(), num_channels, placement: None, metadata }
    }

    fn specs(names: &[&str]) -> Vec<OutputSpec> {
        names.iter().map(|name| spec(name, 1)).collect()
    }

    #[test]
    fn all_files_appear_together() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let mut outputs =
            OutputSet::create(&out, 48_000, &[spec("kick.wav", 1), spec("over.wav", 2)]).unwrap();
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
            OutputSet::create(folder.path(), 48_000, &[late, spec("all.wav", 1)]).unwrap();
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
        let outputs = OutputSet::create(&out, 48_000, &specs(&["x.wav", "y.wav"])).unwrap();
        assert_eq!(names_in(&out).len(), 2);
        drop(outputs);
        assert!(names_in(folder.path()).is_empty());
    }

    #[test]
    fn when_one_rename_fails_the_earlier_files_come_back() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.wav"), "old").unwrap();
        let outputs =
            OutputSet::create(folder.path(), 48_000, &specs(&["x.wav", "new.wav", "y.wav"]))
                .unwrap();
        // The last temporary file disappears: the renames before it have to be undone.
        fs::remove_file(outputs.writers[2].temp_path()).unwrap();
        let message = outputs.finish().unwrap_err().to_string();
        assert!(message.contains("y.wav: cannot give it its name"), "{message}");
        assert_eq!(names_in(folder.path()), ["x.wav"]);
        assert_eq!(fs::read(folder.path().join("x.wav")).unwrap(), b"old");
    }

    #[test]
    fn when_one_set_fails_no_other_appears() {
        let folder = tempfile::tempdir().unwrap();
        let (out, inner) = (folder.path().join("out"), folder.path().join("out/inner"));
        let sets = [&out, &inner].map(|at| OutputSet::create(at, 48_000, &specs(&["x.wav"])));
        let sets: Vec<OutputSet> = sets.map(Result::unwrap).into();
        fs::remove_file(sets[1].writers[0].temp_path()).unwrap();
        let message = OutputSet::finish_all(sets).unwrap_err().to_string();
        assert!(message.contains("inner/x.wav: cannot give it its name"), "{message}");
        assert!(names_in(folder.path()).is_empty());
    }

    #[test]
    fn finishing_replaces_older_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.wav"), "old").unwrap();
        let mut outputs = OutputSet::create(folder.path(), 48_000, &specs(&["x.wav"])).unwrap();
        outputs.write(&[&[0.5; 3]]).unwrap();
        outputs.finish().unwrap();
        assert_eq!(names_in(folder.path()), ["x.wav"]);
        assert_eq!(read_all(&folder.path().join("x.wav"), 64).unwrap(), [[0.5; 3]]);
    }

    #[test]
    fn a_file_where_the_folder_should_be_is_one_clear_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        fs::write(&file, "x").unwrap();
        for out in [file.clone(), file.join("deeper")] {
            let message = OutputSet::create(&out, 48_000, &specs(&["x.wav"])).unwrap_err();
            assert!(message.to_string().to_lowercase().contains("not a directory"), "{message}");
        }
        assert_eq!(fs::read(file).unwrap(), b"x");
    }

    /// Where root can mount one: a file system of its own that is too small.
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
            // Not root: `a_failed_write_leaves_nothing_behind` proves the same by other means.
            return;
        }
        let outcome = write_too_much(&folder.path().join("out"));
        let left = names_in(folder.path());
        assert!(mount(&["umount"]));
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("cannot write it: No space left"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        assert!(left.is_empty(), "{left:?}");
    }

    /// Runs itself again with a limit on file sizes, which fails writes as a full disk does.
    #[cfg(unix)]
    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        const FOLDER: &str = "AUDIOFILE_TEST_LIMITED_FOLDER";
        if let Some(folder) = std::env::var_os(FOLDER) {
            let folder = Path::new(&folder);
            let error = write_too_much(&folder.join("out")).unwrap_err().to_string();
            assert!(error.contains("cannot write it: File too large"), "{error}");
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

    /// 1.6 MB in two files.
    fn write_too_much(out: &Path) -> Result<(), AudioFileError> {
        let mut outputs = OutputSet::create(out, 48_000, &specs(&["x.wav", "y.wav"]))?;
        for _ in 0..50 {
            outputs.write(&[&[0.25; 4096], &[0.5; 4096]])?;
        }
        outputs.finish()
    }
}
