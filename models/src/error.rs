//! Errors of a model before its weights are built.

use engine::network::ModelError;

/// Reason why a card, or the weights beside it, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The card is not TOML, or a field is missing, unknown or of the wrong type.
    #[error("the card cannot be read: {}", one_line(.reason))]
    Unreadable {
        /// Message of the reader.
        reason: String,
    },
    /// The card was made for a later version of the program.
    #[error("the card has format {actual}, but this version supports up to {newest}")]
    NewerFormat {
        /// Newest format that can be read.
        newest: u32,
        /// Format of the card.
        actual: u32,
    },
    /// The layers or features are of a kind that this engine does not have.
    #[error("the architecture is {}, but this version has {expected}", one_line(.actual))]
    Architecture {
        /// Architecture of the engine.
        expected: &'static str,
        /// Architecture of the card.
        actual: String,
    },
    /// The engine does not support the sample rate.
    #[error("the engine does not support {actual_hz} Hz")]
    Rate {
        /// Sample rate of the card, in Hz.
        actual_hz: u32,
    },
    /// The transform differs from the engine's: window in samples, hop in samples, lookahead
    /// in hops.
    #[error("window, hop and lookahead are {actual:?}, expected {expected:?}")]
    Transform {
        /// Sizes of the engine at that rate.
        expected: [usize; 3],
        /// Sizes of the card.
        actual: [usize; 3],
    },
    /// The numbers of mics are impossible.
    #[error("{min} to {max} mics, but 1 to {most} are possible")]
    Mics {
        /// Smallest number in the card.
        min: usize,
        /// Largest number in the card.
        max: usize,
        /// Largest number of the engine.
        most: usize,
    },
    /// The number of blocks differs from the architecture's.
    #[error("{actual} dilations, but the architecture has {expected} blocks")]
    Blocks {
        /// Number of blocks of the architecture.
        expected: usize,
        /// Number of dilations in the card.
        actual: usize,
    },
    /// The weights are not those that the card was written for.
    #[error("the weights have the hash {actual}, but the card has {}", one_line(.expected))]
    Hash {
        /// Hash in the card.
        expected: String,
        /// Hash of the weights.
        actual: String,
    },
    /// The engine has other bands or features.
    #[error("{0}")]
    Engine(ModelError),
}

/// Returns text of a card, or about one, on one line: control characters become spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
