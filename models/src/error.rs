//! Errors of a model before its weights are built.

use engine::network::ModelError;

/// Reason why a card, or the weights beside it, was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardError {
    /// The card is not TOML, or a field is missing, unknown or of the wrong type.
    Unreadable {
        /// Message of the reader.
        reason: String,
    },
    /// The card was made for a later version of the program.
    NewerFormat {
        /// Newest format that can be read.
        newest: u32,
        /// Format of the card.
        actual: u32,
    },
    /// The layers or features are of a kind that this engine does not have.
    Architecture {
        /// Architecture of the engine.
        expected: &'static str,
        /// Architecture of the card.
        actual: String,
    },
    /// The engine does not support the sample rate.
    Rate {
        /// Sample rate of the card, in Hz.
        actual_hz: u32,
    },
    /// The transform differs from the engine's: window in samples, hop in samples, lookahead
    /// in hops.
    Transform {
        /// Sizes of the engine at that rate.
        expected: [usize; 3],
        /// Sizes of the card.
        actual: [usize; 3],
    },
    /// The numbers of mics are impossible.
    Mics {
        /// Smallest number in the card.
        min: usize,
        /// Largest number in the card.
        max: usize,
        /// Largest number of the engine.
        most: usize,
    },
    /// The number of blocks differs from the architecture's.
    Blocks {
        /// Number of blocks of the architecture.
        expected: usize,
        /// Number of dilations in the card.
        actual: usize,
    },
    /// The weights are not those that the card was written for.
    Hash {
        /// Hash in the card.
        expected: String,
        /// Hash of the weights.
        actual: String,
    },
    /// The engine has other bands or features.
    Engine(ModelError),
}

impl std::fmt::Display for CardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => {
                write!(f, "the card cannot be read: {}", one_line(reason))
            }
            Self::NewerFormat { newest, actual } => {
                write!(f, "the card has format {actual}, but this version supports up to {newest}")
            }
            Self::Architecture { expected, actual } => {
                let actual = one_line(actual);
                write!(f, "the architecture is {actual}, but this version has {expected}")
            }
            Self::Rate { actual_hz } => {
                write!(f, "the engine does not support {actual_hz} Hz")
            }
            Self::Transform { expected, actual } => {
                write!(f, "window, hop and lookahead are {actual:?}, expected {expected:?}")
            }
            Self::Mics { min, max, most } => {
                write!(f, "{min} to {max} mics, but 1 to {most} are possible")
            }
            Self::Blocks { expected, actual } => {
                write!(f, "{actual} dilations, but the architecture has {expected} blocks")
            }
            Self::Hash { expected, actual } => {
                let expected = one_line(expected);
                write!(f, "the weights have the hash {actual}, but the card has {expected}")
            }
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CardError {}

/// Returns text of a card, or about one, on one line: control characters become spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
