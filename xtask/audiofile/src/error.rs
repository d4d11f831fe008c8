//! Errors of audio files, with one-line messages that name the file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::names::readable;

/// A problem and the file that has it.
#[derive(Debug, Error)]
pub struct AudioFileError {
    /// The file or folder with the problem.
    pub path: PathBuf,
    /// The problem.
    pub problem: Problem,
}

/// A problem with an audio file or with a list of them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file does not exist.
    #[error("no such file")]
    Missing,
    /// The path is a folder.
    #[error("a folder, not an audio file")]
    IsFolder,
    /// Reading or writing failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// The failed action, as in "cannot {action}".
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The path is a pipe or a device, which can be read only once.
    #[error("not a regular file")]
    IsNoFile,
    /// The file is no WAV, AIFF, CAF or FLAC file, or its header is damaged.
    #[error("not a valid WAV, AIFF, CAF or FLAC file ({detail})")]
    NotAudio {
        /// The fault in the header.
        detail: String,
    },
    /// The format is known but not supported.
    #[error("{format} is not supported; convert it to WAV (integer or float samples) or FLAC")]
    Unread {
        /// Name of the format.
        format: String,
    },
    /// The header gives no length of the audio, as after writing to a pipe.
    #[error("the header contains no length; save the file again")]
    UnknownLength,
    /// The file has a valid header and no samples.
    #[error("has no samples")]
    Empty,
    /// The audio ends before the length given in the header.
    #[error("ends after {read} of {expected} samples")]
    Truncated {
        /// Samples per channel that could be read.
        read: u64,
        /// Samples per channel according to the header.
        expected: u64,
    },
    /// The audio data is damaged.
    #[error("damaged from sample {sample} on ({detail})")]
    Damaged {
        /// First sample per channel that is unreliable.
        sample: u64,
        /// The fault in the data.
        detail: String,
    },
    /// A sample is NaN or infinite.
    #[error("sample {sample} of channel {} is {value}", .channel + 1)]
    NonFinite {
        /// Channel index in the file.
        channel: usize,
        /// Sample index in that channel.
        sample: u64,
        /// The sample's value.
        value: f32,
    },
    /// The sample rate differs from that of the first file.
    #[error("{rate_hz} Hz, but {} has {first_hz} Hz", readable(.first))]
    RateDiffers {
        /// Rate of this file in Hz.
        rate_hz: u32,
        /// The first file.
        first: PathBuf,
        /// Rate of the first file in Hz.
        first_hz: u32,
    },
    /// The length differs from that of the first file.
    #[error("{num_samples} samples, but {} has {first_samples}", readable(.first))]
    LengthDiffers {
        /// Samples per channel in this file.
        num_samples: u64,
        /// The first file.
        first: PathBuf,
        /// Samples per channel in the first file.
        first_samples: u64,
    },
    /// Some mics have different time stamps, and this one has none.
    #[error(
        "has no time stamp, but that of {} differs from the others; \
         --ignore-timestamps starts all files together",
        readable(.other)
    )]
    NoTimeStamp {
        /// A file with a time stamp.
        other: PathBuf,
    },
    /// According to its time stamp, the mic starts after all earlier ones have ended.
    #[error(
        "starts after the earlier mics have ended, according to its time stamp; \
         --ignore-timestamps starts all files together"
    )]
    Apart,
    /// Fewer than two mics were given.
    #[error(
        "at least two mics are needed, {num_mics} given: bleed shows only between mics (a stereo \
         file counts as one mic; in a file with more channels, each counts)"
    )]
    TooFewMics {
        /// Number of given mics.
        num_mics: usize,
    },
    /// The only file is stereo, which counts as one mic.
    #[error(
        "a stereo file counts as one mic, and bleed shows only between mics: add the other mics, \
         or split the file if its sides are two mics"
    )]
    OnePair,
    /// More mono mics than can be processed together.
    #[error("at most {max_mics} mics are possible, {num_mics} given (stereo files count twice)")]
    TooManyMics {
        /// Number of mono mics; a stereo file counts twice.
        num_mics: usize,
        /// Largest possible number.
        max_mics: usize,
    },
    /// Two inputs would be written to the same output file.
    #[error("would be written to the same file as {}", readable(.other))]
    OutputsClash {
        /// The other input.
        other: PathBuf,
    },
    /// The output exists and is to be kept.
    #[error("already exists; --overwrite replaces it")]
    Exists,
    /// The output's path is a folder.
    #[error("cannot write: a folder has this name")]
    FolderInTheWay,
    /// The path of a WAV output is no regular file.
    #[error("cannot write WAV to a pipe or device")]
    NoRegularFile,
    /// Writing the output would destroy an input.
    #[error("would overwrite the input {}", readable(.input))]
    OverwritesInput {
        /// The input.
        input: PathBuf,
    },
    /// WAV cannot hold such a file.
    #[error("cannot write as WAV: {detail}")]
    CannotWrite {
        /// The reason.
        detail: String,
    },
}

impl AudioFileError {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        Self { path: path.to_owned(), problem }
    }

    /// Returns true if a required file or folder does not exist any more.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(
            &self.problem,
            Problem::Io { source, .. } if source.kind() == io::ErrorKind::NotFound
        )
    }

    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self::new(path, Problem::Io { action, source })
    }
}

impl fmt::Display for AudioFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Problem::TooFewMics { .. } | Problem::TooManyMics { .. } = self.problem {
            return write!(f, "{}", self.problem);
        }
        write!(f, "{}: {}", readable(&self.path), self.problem)
    }
}
