//! Sound files that the items of a project play.

use audiofile::{AudioFileError, AudioReader, Problem, readable};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One sound file.
#[derive(Clone, Debug)]
pub(super) struct SoundFile {
    pub(super) path: PathBuf,
    pub(super) rate_hz: u32,
    pub(super) num_channels: usize,
    pub(super) num_samples: u64,
}

/// The sound files of a project, each opened once.
#[derive(Debug)]
pub(super) struct SoundFiles {
    /// Folder of the project, from which paths in it start.
    folder: PathBuf,
    files: Vec<SoundFile>,
    /// Index among the files by path, or the reason why it cannot be read.
    known: HashMap<PathBuf, Result<usize, String>>,
}

impl SoundFiles {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: Vec::new(), known: HashMap::new() }
    }

    /// Returns the path of a file as written in the project, also on another system.
    pub(super) fn resolved(&self, written: &[u8]) -> PathBuf {
        let path = self.folder.join(path_of(written));
        if !written.contains(&b'\\') || path.exists() {
            return path;
        }
        let slashes: Vec<u8> =
            written.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
        self.folder.join(path_of(&slashes))
    }

    /// Returns the index of a file that is written in the project, or the reason why it cannot
    /// be read.
    pub(super) fn find(&mut self, written: &[u8]) -> Result<usize, String> {
        let path = self.resolved(written);
        let path = path.canonicalize().unwrap_or(path);
        if let Some(known) = self.known.get(&path) {
            return known.clone();
        }
        let found = match AudioReader::open(&path) {
            Ok(reader) => {
                self.files.push(SoundFile {
                    path: path.clone(),
                    rate_hz: reader.rate_hz(),
                    num_channels: reader.num_channels(),
                    num_samples: reader.num_samples(),
                });
                Ok(self.files.len() - 1)
            }
            Err(error) => Err(format!("{}: {}", readable(path_of(written)), error.problem)),
        };
        self.known.insert(path, found.clone());
        found
    }

    pub(super) fn get(&self, index: usize) -> &SoundFile {
        &self.files[index]
    }
}

/// Returns the sample rate in Hz of these files.
///
/// # Errors
///
/// If a file has another rate than most; the error names it.
pub(super) fn common_rate_hz<'a>(
    files: impl Iterator<Item = &'a SoundFile> + Clone,
) -> Result<u32, AudioFileError> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for file in files.clone() {
        *counts.entry(file.rate_hz).or_default() += 1;
    }
    // Of two rates with as many files, the lower one counts.
    let common = counts.iter().max_by_key(|(rate, count)| (**count, std::cmp::Reverse(**rate)));
    let rate_hz = common.map_or(0, |(rate, _)| *rate);
    let usual = files.clone().find(|file| file.rate_hz == rate_hz);
    match (files.clone().find(|file| file.rate_hz != rate_hz), usual) {
        (Some(odd), Some(usual)) => {
            let problem = Problem::RateDiffers {
                rate_hz: odd.rate_hz,
                first: usual.path.clone(),
                first_hz: rate_hz,
            };
            Err(AudioFileError { path: odd.path.clone(), problem })
        }
        _ => Ok(rate_hz),
    }
}

/// Returns the path with these bytes.
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).as_ref())
}

/// Returns the bytes of a path as REAPER writes them.
pub(super) fn bytes_of(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned().into_bytes()
}
