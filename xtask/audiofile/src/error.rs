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
    /// Neither WAV nor FLAC, or a kind of them that is not read.
    NotAudio {
        /// What the decoder says.
        detail: String,
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
        /// What the decoder says.
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
    /// More than two channels in a file that stands for one mic.
    TooManyChannels {
        /// How many there are.
        num_channels: usize,
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
    /// Fewer than two files were given.
    TooFewMics {
        /// How many files were given.
        num_files: usize,
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
    /// More audio than a WAV file can hold.
    TooLong {
        /// Size of the audio data.
        num_bytes: u64,
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
            Self::NotAudio { detail } => {
                write!(f, "not a WAV or FLAC file that can be read ({detail})")
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
            Self::TooManyChannels { num_channels } => {
                write!(f, "has {num_channels} channels; a mic is one mono or stereo file")
            }
            Self::RateDiffers { rate_hz, first, first_hz } => {
                write!(f, "is at {rate_hz} Hz, but {} is at {first_hz} Hz", readable(first))
            }
            Self::LengthDiffers { num_samples, first, first_samples } => write!(
                f,
                "is {num_samples} samples long, but {} is {first_samples}",
                readable(first)
            ),
            Self::TooFewMics { num_files } => {
                write!(f, "at least two mic files are needed, {num_files} given")
            }
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
            Self::TooLong { num_bytes } => {
                write!(f, "{num_bytes} bytes of audio are more than a WAV file can hold (4 GB)")
            }
        }
    }
}
