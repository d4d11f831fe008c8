//! Destination of one text or picture: a file that is created atomically, or another byte sink.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{AudioFileError, Problem};
use crate::existing::{Existing, check_free};
use crate::names::{folder_of, same_file};
use crate::partial::{self, PartialFile};
use crate::swap::Swap;

/// Destination of an output that is written at the end of a run: a report, a table, a picture.
///
/// A file appears complete under its name or not at all. Anything that is no regular file (a pipe,
/// a terminal, `/dev/null`) is written directly, and `-` is standard output.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    kind: Kind,
    existing: Existing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Stdout,
    /// Another byte sink, which is opened by its path and not renamed.
    Straight,
}

impl Destination {
    /// Checks that the file can be written, so that a long run does not fail at its end.
    ///
    /// # Errors
    ///
    /// If `path` is a folder, a file to be kept, or in a folder that is missing or not writable.
    pub fn new(path: &Path, existing: Existing) -> Result<Self, AudioFileError> {
        let kind = Kind::of(path);
        if kind == Kind::File {
            check_free(path, existing)?;
            let folder = folder_of(path);
            partial::remove_leftovers(folder);
            // Only creating (and removing) a file shows that the folder is writable.
            partial::create_in(folder).map_err(|error| AudioFileError::io(path, "write", error))?;
        }
        Ok(Self { path: path.to_owned(), kind, existing })
    }

    /// Returns the path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if this path is standard output.
    #[must_use]
    pub fn names_stdout(path: &Path) -> bool {
        Kind::of(path) == Kind::Stdout
    }

    /// Returns true if the bytes go to standard output; nothing else should be printed there then.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.kind == Kind::Stdout
    }

    /// Writes all bytes and makes the file appear.
    ///
    /// # Errors
    ///
    /// If the disk is full or fails, or if a file to be kept has appeared at the path meanwhile.
    pub fn write(self, bytes: Vec<u8>) -> Result<(), AudioFileError> {
        let mut swap = Swap::default();
        self.complete(bytes)?.appear(&mut swap)?;
        swap.keep();
        Ok(())
    }

    /// Writes all bytes to the temporary file, so that only the rename is left.
    ///
    /// # Errors
    ///
    /// If the disk is full or fails.
    pub fn complete(self, bytes: Vec<u8>) -> Result<Completed, AudioFileError> {
        let Self { path, kind, existing } = self;
        let ready = match kind {
            Kind::File => {
                let fail = |error| AudioFileError::io(&path, "write", error);
                let (mut file, temp) = partial::create_in(folder_of(&path)).map_err(fail)?;
                file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(fail)?;
                Ready::Partial(PartialFile::new(path, file, temp), existing)
            }
            Kind::Stdout => Ready::Stdout(bytes),
            Kind::Straight => Ready::Straight(path, bytes),
        };
        Ok(Completed(ready))
    }
}

/// An output that is written completely but has not yet appeared.
#[derive(Debug)]
pub struct Completed(Ready);

#[derive(Debug)]
enum Ready {
    Partial(PartialFile, Existing),
    Stdout(Vec<u8>),
    Straight(PathBuf, Vec<u8>),
}

impl Completed {
    /// Returns true if the appearance can be undone.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.0, Ready::Partial(..))
    }

    pub(crate) fn appear(self, swap: &mut Swap) -> Result<(), AudioFileError> {
        match self.0 {
            Ready::Partial(file, existing) => swap.place(file, existing),
            Ready::Stdout(bytes) => {
                let mut stdout = io::stdout().lock();
                sent(Path::new("-"), stdout.write_all(&bytes).and_then(|()| stdout.flush()))
            }
            Ready::Straight(path, bytes) => {
                // Appending keeps the earlier contents of a file behind `/dev/fd/3`.
                let opened = File::options().append(true).open(&path);
                sent(&path, opened.and_then(|mut file| file.write_all(&bytes)))
            }
        }
    }
}

/// Converts the result of a write to a stream; a closed reader (`| head`) is no error.
fn sent(path: &Path, result: io::Result<()>) -> Result<(), AudioFileError> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| AudioFileError::io(path, "write", error)),
    }
}

impl Kind {
    fn of(path: &Path) -> Self {
        const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
        if STDOUT.iter().any(|name| path == Path::new(name)) {
            return Self::Stdout;
        }
        // Files that are open in a process; these names belong to the system.
        let is_open_file = path == Path::new("/dev/stderr")
            || path.starts_with("/dev/fd")
            || path.starts_with("/proc") && folder_of(path).ends_with("fd");
        let takes_bytes = |kind: std::fs::FileType| !kind.is_file() && !kind.is_dir();
        let is_special = path.metadata().is_ok_and(|metadata| takes_bytes(metadata.file_type()));
        if is_open_file || is_special { Self::Straight } else { Self::File }
    }
}

/// Checks that all outputs are different files.
///
/// # Errors
///
/// If two outputs are the same file; the error names the first such pair.
pub fn check_differ(paths: &[PathBuf]) -> Result<(), AudioFileError> {
    for (index, path) in paths.iter().enumerate() {
        if let Some(other) = paths[..index].iter().find(|other| same_file(other, path)) {
            let problem = Problem::OutputsClash { other: other.clone() };
            return Err(AudioFileError::new(path, problem));
        }
    }
    Ok(())
}

/// Writes a file atomically.
///
/// # Errors
///
/// If the disk is full or fails, or if `path` is a folder, or exists and is to be kept.
pub fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), AudioFileError> {
    check_free(path, existing)?;
    let to = Destination { path: path.to_owned(), kind: Kind::of(path), existing };
    to.write(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::names_in;
    use std::fs;

    #[test]
    fn a_file_that_is_there_is_replaced_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        Destination::new(&path, Existing::Keep).unwrap().write(b"one".to_vec()).unwrap();
        let line = Destination::new(&path, Existing::Keep).unwrap_err().to_string();
        assert!(line.contains("r.json: already exists") && line.contains("--overwrite"), "{line}");
        assert!(write_whole(&path, b"two", Existing::Keep).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        Destination::new(&path, Existing::Replace).unwrap().write(b"three".to_vec()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(names_in(folder.path()), ["r.json"]);
    }

    #[test]
    fn two_outputs_are_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        check_differ(&[at("a.json"), at("a.md"), at("b/a.md")]).unwrap();
        let line = check_differ(&[at("a.md"), at("b.md"), at("./a.md")]).unwrap_err().to_string();
        assert!(line.contains("would be written to the same file as"), "{line}");
    }

    #[test]
    fn what_came_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let late = Destination::new(&path, Existing::Keep).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(late.write(b"ours".to_vec()).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names_in(folder.path()), ["r.json"]);
    }

    #[test]
    fn folders_and_missing_folders_are_one_clear_line() {
        let folder = tempfile::tempdir().unwrap();
        for existing in [Existing::Keep, Existing::Replace] {
            let line = Destination::new(folder.path(), existing).unwrap_err().to_string();
            assert!(line.contains("a folder has this name"), "{line}");
            let path = folder.path().join("no/r.json");
            let line = Destination::new(&path, existing).unwrap_err().to_string();
            assert!(line.contains("r.json: cannot write: No such file"), "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn open_files_and_devices_are_written_straight_into() {
        assert_eq!(Kind::of(Path::new("-")), Kind::Stdout);
        assert_eq!(Kind::of(Path::new("/dev/stdout")), Kind::Stdout);
        for path in ["/dev/stderr", "/dev/null", "/proc/self/fd/2", "/dev/fd/7"] {
            assert_eq!(Kind::of(Path::new(path)), Kind::Straight, "{path}");
        }
        for path in ["./-", "/dev/none-of-this-name", "/tmp/new.json"] {
            assert_eq!(Kind::of(Path::new(path)), Kind::File, "{path}");
        }
        write_whole(Path::new("/dev/null"), b"gone", Existing::Replace).unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }
}
