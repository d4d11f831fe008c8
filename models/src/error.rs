//! What can be wrong with a model before its weights are looked at.

use engine::network::ModelError;

/// Why a card, or the weights beside it, was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardError {
    /// No TOML, or a field is missing, unknown or of the wrong type.
    Unreadable {
        /// What the reader said.
        reason: String,
    },
    /// Made for a later version of the program.
    NewerFormat {
        /// The newest that can be read.
        newest: u32,
        /// The card's.
        actual: u32,
    },
    /// Layers or features of a kind that this engine does not have.
    Architecture {
        /// The engine's.
        expected: &'static str,
        /// The card's.
        actual: String,
    },
    /// A sample rate that the engine does not take.
    Rate {
        /// The card's.
        actual_hz: u32,
    },
    /// Another transform than the engine's: window in samples, hop in samples, lookahead in hops.
    Transform {
        /// The engine's at that rate.
        expected: [usize; 3],
        /// The card's.
        actual: [usize; 3],
    },
    /// An impossible number of mics.
    Mics {
        /// The card's fewest.
        min: usize,
        /// The card's most.
        max: usize,
        /// The engine's most.
        most: usize,
    },
    /// Another number of blocks than the architecture has.
    Blocks {
        /// The architecture's.
        expected: usize,
        /// The card's dilations.
        actual: usize,
    },
    /// The weights are not those that the card was written for.
    Hash {
        /// The card's.
        expected: String,
        /// The weights'.
        actual: String,
    },
    /// The engine shows other bands or features.
    Engine(ModelError),
}

impl std::fmt::Display for CardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { reason } => {
                write!(f, "the card cannot be read: {}", one_line(reason))
            }
            Self::NewerFormat { newest, actual } => {
                write!(f, "card of format {actual}, this version reads up to {newest}")
            }
            Self::Architecture { expected, actual } => {
                let actual = one_line(actual);
                write!(f, "architecture {actual}, this version has {expected}")
            }
            Self::Rate { actual_hz } => {
                write!(f, "the engine does not take a rate of {actual_hz} Hz")
            }
            Self::Transform { expected, actual } => {
                write!(f, "window, hop and lookahead are {actual:?}, the engine's are {expected:?}")
            }
            Self::Mics { min, max, most } => {
                write!(f, "{min} to {max} mics, possible are 1 to {most}")
            }
            Self::Blocks { expected, actual } => {
                write!(f, "{actual} dilations, the architecture has {expected} blocks")
            }
            Self::Hash { expected, actual } => {
                let expected = one_line(expected);
                write!(f, "weights with the hash {actual}, the card says {expected}")
            }
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CardError {}

/// Text of a card, or about one, in one line whatever is in it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
