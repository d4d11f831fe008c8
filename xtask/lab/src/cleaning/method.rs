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

impl Method {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 1] = [Self::Ratio];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
        }
    }

    /// Whether it must hear the whole session before it cleans.
    #[must_use]
    pub fn learns_first(self) -> bool {
        match self {
            Self::Ratio => false,
        }
    }

    /// The method with its transforms, ready for a session.
    #[must_use]
    pub fn pipeline(self, rate: SampleRate, mode: Mode, num_mics: usize) -> Pipeline {
        let method: Box<dyn Debleed> = match self {
            Self::Ratio => Box::new(Ratio::new(rate, mode)),
        };
        Pipeline::new(method, num_mics)
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.map(Self::name);
        if name == "network" {
            bail!("no model is installed; the methods without one are {}", known.join(", "));
        }
        match Self::ALL.into_iter().find(|method| method.name() == name) {
            Some(method) => Ok(method),
            None => bail!("no method {name}; there are {}", known.join(", ")),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name_and_says_truly_whether_it_learns() {
        let rate = SampleRate::new(48_000.0).unwrap();
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
            let passes = method.pipeline(rate, Mode::Live, 2).learning_passes();
            assert_eq!(passes > 0, method.learns_first(), "{method}");
        }
        assert!(DEFAULT_METHOD.parse::<Method>().is_ok());
    }
}
