//! Sessions that cannot be prepared, and blocks that are refused.

/// A session that cannot be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// No mics, or more than the engine takes.
    NumMics {
        /// What was asked for.
        actual: usize,
        /// The most possible.
        max: usize,
    },
    /// The operating system gave no thread.
    Thread {
        /// Its reason.
        kind: std::io::ErrorKind,
    },
    /// A session cannot go on at another rate, in another mode or with another number of mics.
    OtherSetUp,
    /// The worker of the session before has failed or does not end.
    WorkerLost,
}

impl std::fmt::Display for SessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NumMics { actual, max } => write!(f, "{actual} mics, expected 1 to {max}"),
            Self::Thread { kind } => write!(f, "no worker thread could be started: {kind}"),
            Self::OtherSetUp => f.write_str("another rate, mode or number of mics than before"),
            Self::WorkerLost => f.write_str("the worker thread has failed or does not end"),
        }
    }
}

impl std::error::Error for SessionError {}

/// A block that was refused; it is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessError {
    /// Another number of mics than prepared.
    NumMics {
        /// As prepared.
        expected: usize,
        /// As given.
        actual: usize,
    },
    /// Mics of different lengths in one block.
    Length {
        /// The first mic's length.
        expected: usize,
        /// The first that differs.
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
