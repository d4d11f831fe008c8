//! Errors of preparing sessions and of processing blocks.

/// Error of preparing a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// No mics, or more than the engine supports.
    NumMics {
        /// Requested number of mics.
        actual: usize,
        /// Largest possible number of mics.
        max: usize,
    },
    /// The operating system did not start the thread.
    Thread {
        /// Reason given by the operating system.
        kind: std::io::ErrorKind,
    },
    /// A session cannot continue at another rate, in another mode or with another number of mics.
    OtherSetUp,
    /// The worker of the previous session has failed or does not end.
    WorkerLost,
}

impl std::fmt::Display for SessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NumMics { actual, max } => write!(f, "{actual} mics, expected 1 to {max}"),
            Self::Thread { kind } => write!(f, "the worker thread could not be started: {kind}"),
            Self::OtherSetUp => {
                f.write_str("the sample rate, the mode or the number of mics has changed")
            }
            Self::WorkerLost => f.write_str("the worker thread has failed or does not stop"),
        }
    }
}

impl std::error::Error for SessionError {}

/// Error of a refused block. The block is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessError {
    /// The number of mics differs from the prepared one.
    NumMics {
        /// Prepared number of mics.
        expected: usize,
        /// Number of mics in the block.
        actual: usize,
    },
    /// The mics of the block have different lengths.
    Length {
        /// Length of the first mic in samples.
        expected: usize,
        /// First length that differs, in samples.
        actual: usize,
    },
}

impl std::fmt::Display for ProcessError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NumMics { expected, actual } => {
                write!(f, "block of {actual} mics, expected {expected}")
            }
            Self::Length { expected, actual } => {
                write!(f, "mic of {actual} samples in a block of {expected}")
            }
        }
    }
}

impl std::error::Error for ProcessError {}
