//! What can go wrong with an audio file, each as one line that names the file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::names::readable;

/// A file and what is wrong with it.
#[derive(Debug)]
pub struct AudioFileError {
    /// The file or folder the problem is about.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an audio file or with a list of them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// There is no such file.
    Missing,
    /// The path is a folder.
    IsFolder,
    /// Reading or writing failed.
    Io {
        /// What was being done, as in "cannot {action}".
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The path is a pipe or a device, which can be read only once.
    IsNoFile,
    /// No WAV, AIFF, CAF or FLAC file, or damaged in its header.
    NotAudio {
        /// The fault in the header.
        detail: String,
    },
    /// A known format that is not read.
    Unread {
        /// Its name.
        format: String,
    },
    /// The header does not say how long the audio is, as after writing into a pipe.
    UnknownLength,
    /// The file has a valid header and no samples.
    Empty,
    /// The audio ends before the length its header promises.
    Truncated {
        /// Samples per channel that could be read.
        read: u64,
        /// Samples per channel that the header promises.
        expected: u64,
    },
    /// The audio data is damaged.
    Damaged {
        /// First sample per channel that cannot be trusted.
        sample: u64,
        /// The fault in the data.
        detail: String,
    },
    /// A sample is NaN or infinite.
    NonFinite {
        /// Which channel of the file, from 0.
        channel: usize,
        /// Position in that channel, from 0.
        sample: u64,
        /// The value found.
        value: f32,
    },
    /// The sample rate differs from the first file's.
    RateDiffers {
        /// This file's rate.
        rate_hz: u32,
        /// The first file.
        first: PathBuf,
        /// The first file's rate.
        first_hz: u32,
    },
    /// The length differs from the first file's.
    LengthDiffers {
        /// Samples per channel in this file.
        num_samples: u64,
        /// The first file.
        first: PathBuf,
        /// Samples per channel in the first file.
        first_samples: u64,
    },
    /// Some mics have time stamps that differ, and this one has none.
    NoTimeStamp {
        /// A file that has one.
        other: PathBuf,
    },
    /// By its time stamp the mic starts after all earlier ones have ended.
    Apart,
    /// Fewer than two mics were given.
    TooFewMics {
        /// The number of mics given.
        num_mics: usize,
    },
    /// More mono mics than can be processed together.
    TooManyMics {
        /// How many there are; a stereo file counts twice.
        num_mics: usize,
        /// The most there may be.
        max_mics: usize,
    },
    /// Two inputs would be written to the same output file.
    OutputsClash {
        /// The other input.
        other: PathBuf,
    },
    /// There is something of that name, and it is to be kept.
    Exists,
    /// A folder is where a file should go.
    FolderInTheWay,
    /// No regular file, where a WAV file should go.
    NoRegularFile,
    /// Writing the output would destroy an input.
    OverwritesInput {
        /// The input.
        input: PathBuf,
    },
    /// A WAV file cannot be written so.
    CannotWrite {
        /// Why not.
        detail: String,
    },
}

impl AudioFileError {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        Self { path: path.to_owned(), problem }
    }

    /// Whether a file or folder is gone that was needed.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(&self.problem, Problem::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
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

impl std::error::Error for AudioFileError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "no such file"),
            Self::IsFolder => write!(f, "is a folder, not an audio file"),
            Self::Io { action, source } => write!(f, "cannot {action}: {source}"),
            Self::IsNoFile => write!(f, "is no file on a disk, which can be read more than once"),
            Self::Unread { format } => write!(
                f,
                "{format} is not read; convert it to WAV with integer or float samples, or to FLAC"
            ),
            Self::NotAudio { detail } => {
                write!(f, "not a WAV, AIFF, CAF or FLAC file that can be read ({detail})")
            }
            Self::UnknownLength => {
                write!(f, "its header does not say how long it is; write it again with a length")
            }
            Self::Empty => write!(f, "has no samples"),
            Self::Truncated { read, expected } => {
                write!(f, "ends after {read} of {expected} samples")
            }
            Self::Damaged { sample, detail } => {
                write!(f, "is damaged from sample {sample} on ({detail})")
            }
            Self::NonFinite { channel, sample, value } => {
                write!(f, "sample {sample} of channel {} is {value}", channel + 1)
            }
            Self::RateDiffers { rate_hz, first, first_hz } => {
                write!(f, "is at {rate_hz} Hz, but {} is at {first_hz} Hz", readable(first))
            }
            Self::LengthDiffers { num_samples, first, first_samples } => write!(
                f,
                "is {num_samples} samples long, but {} is {first_samples}",
                readable(first)
            ),
            Self::NoTimeStamp { other } => write!(
                f,
                "has no time stamp, while that of {} differs from the others'; \
                 --ignore-timestamps takes all files as they are",
                readable(other)
            ),
            Self::Apart => write!(
                f,
                "starts after the earlier mics have ended, by its time stamp; \
                 --ignore-timestamps takes all files as they are"
            ),
            Self::TooFewMics { num_mics } => write!(
                f,
                "at least two mic files are needed, or one with more than two channels; \
                 {num_mics} given"
            ),
            Self::TooManyMics { num_mics, max_mics } => write!(
                f,
                "at most {max_mics} mics are possible, {num_mics} given (a stereo file counts twice)"
            ),
            Self::OutputsClash { other } => {
                write!(f, "would be written to the same file as {}", readable(other))
            }
            Self::Exists => write!(f, "is there already; --overwrite replaces it"),
            Self::FolderInTheWay => write!(f, "cannot write it: it is a folder"),
            Self::NoRegularFile => {
                write!(f, "is a pipe, a device or the like, which cannot hold a WAV file")
            }
            Self::OverwritesInput { input } => {
                write!(f, "writing it would destroy the input {}", readable(input))
            }
            Self::CannotWrite { detail } => write!(f, "no WAV file can be so: {detail}"),
        }
    }
}
