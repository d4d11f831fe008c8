//! Errors of preparing sessions and of processing blocks.

/// Error of preparing a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// No mics, or more than the engine supports.
    #[error("{actual} mics, expected 1 to {max}")]
    NumMics {
        /// Requested number of mics.
        actual: usize,
        /// Largest possible number of mics.
        max: usize,
    },
    /// The operating system did not start the thread.
    #[error("the worker thread could not be started: {kind}")]
    Thread {
        /// Reason given by the operating system.
        kind: std::io::ErrorKind,
    },
    /// A session cannot continue at another rate, in another mode or with another number of mics.
    #[error("the sample rate, the mode or the number of mics has changed")]
    OtherSetUp,
    /// The worker of the previous session has failed or does not end.
    #[error("the worker thread has failed or does not stop")]
    WorkerLost,
}

/// Error of a refused block. The block is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The number of mics differs from the prepared one.
    #[error("block of {actual} mics, expected {expected}")]
    NumMics {
        /// Prepared number of mics.
        expected: usize,
        /// Number of mics in the block.
        actual: usize,
    },
    /// The mics of the block have different lengths.
    #[error("mic of {actual} samples in a block of {expected}")]
    Length {
        /// Length of the first mic in samples.
        expected: usize,
        /// First length that differs, in samples.
        actual: usize,
    },
}
