//! The engine's methods by the names of the command line.

use anyhow::{Error, Result, bail};
use engine::debleed::{Debleed, Ratio};
use engine::pipeline::Pipeline;
use engine::{Mode, SampleRate};
use std::fmt;
use std::str::FromStr;

/// A method by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Ratio masks: each mic's share of the power of all mics.
    Ratio,
}

/// What is used unless something else is asked for.
pub const DEFAULT_METHOD: &str = "ratio";

/// What can be asked for, in the order of the help.
pub const METHOD_NAMES: [&str; 1] = ["ratio"];

impl Method {
    /// Whether it must hear the whole session before it cleans.
    #[must_use]
    pub fn learns_first(self) -> bool {
        match self {
            Self::Ratio => false,
        }
    }

    /// The method with its transforms, ready for a session.
    ///
    /// # Errors
    ///
    /// When the engine cannot build it.
    pub fn pipeline(self, rate: SampleRate, mode: Mode, num_mics: usize) -> Result<Pipeline> {
        let method: Box<dyn Debleed> = match self {
            Self::Ratio => Box::new(Ratio::new(rate, mode)),
        };
        Ok(Pipeline::new(method, num_mics))
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "ratio" => Ok(Self::Ratio),
            "network" => bail!(
                "no model is installed; the methods without one are {}",
                METHOD_NAMES.join(", ")
            ),
            _ => bail!("no method {name}; there are {}", METHOD_NAMES.join(", ")),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ratio => "ratio",
        })
    }
}

/// The mode of this name.
///
/// # Errors
///
/// When there is none.
pub fn parse_mode(name: &str) -> Result<Mode> {
    match name {
        "live" => Ok(Mode::Live),
        "mix" => Ok(Mode::Mix),
        _ => bail!("there are live and mix"),
    }
}

/// The name that selects this mode.
#[must_use]
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "live",
        Mode::Mix => "mix",
    }
}
