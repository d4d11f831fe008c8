//! The engine's methods by their names on the command line.

use super::{model, taught::Taught};
use anyhow::{Error, Result, bail};
use engine::debleed::kamir::Kamir;
use engine::debleed::mira::{FastMira, Mira};
use engine::debleed::{Cancel, Debleed, Online, Ratio};
use engine::network::Model;
use engine::pipeline::Pipeline;
use engine::{Mode, SampleRate};
use std::fmt;
use std::str::FromStr;

/// A method of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Linear cancellation that adapts during playback, as in the plugin.
    Online,
    /// Linear cancellation with filters learned from the whole session.
    Cancel,
    /// Ratio masks: each mic's share of the power of all mics.
    Ratio,
    /// KAMIR: per-bin crosstalk and kernel-smoothed spectra, refined in turns, chunk by chunk.
    Kamir,
    /// MIRA: KAMIR's model with Wiener gains from all mics at once, chunk by chunk.
    Mira,
    /// FastMIRA: MIRA with crosstalk learned once from the whole session.
    FastMira,
    /// Cancellation learned from the whole session and steered by a trained network.
    Network,
    /// Cancellation steered by a trained network that adapts during playback, as in the plugin.
    NetworkOnline,
    /// [`NetworkOnline`](Self::NetworkOnline) with estimates frozen after Learn has processed the
    /// session.
    NetworkLearned,
}

impl Method {
    /// All methods, in the order of the help.
    pub const ALL: [Self; 9] = [
        Self::Online,
        Self::Cancel,
        Self::Ratio,
        Self::Kamir,
        Self::Mira,
        Self::FastMira,
        Self::Network,
        Self::NetworkOnline,
        Self::NetworkLearned,
    ];

    /// Returns the default method: the best one that does, or does not, learn from the whole
    /// session first.
    #[must_use]
    pub fn default_for(learns_first: bool) -> Self {
        match (model::any_released(), learns_first) {
            (true, true) => Self::Network,
            (true, false) => Self::NetworkOnline,
            (false, true) => Self::Cancel,
            (false, false) => Self::Online,
        }
    }

    /// Returns the form of this method that does, or does not, learn from the whole session first,
    /// if it has that form.
    #[must_use]
    pub fn learning(self, learns_first: bool) -> Option<Self> {
        match self {
            Self::Network | Self::NetworkOnline if learns_first => Some(Self::Network),
            Self::NetworkLearned if learns_first => Some(self),
            Self::Network | Self::NetworkOnline | Self::NetworkLearned => Some(Self::NetworkOnline),
            other => (other.learns_first() == learns_first).then_some(other),
        }
    }

    /// Returns true if the method uses a network.
    #[must_use]
    pub fn needs_model(self) -> bool {
        matches!(self, Self::Network | Self::NetworkOnline | Self::NetworkLearned)
    }

    /// Returns the name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Cancel => "cancel",
            Self::Ratio => "ratio",
            Self::Kamir => "kamir",
            Self::Mira => "mira",
            Self::FastMira => "fastmira",
            Self::Network => "network",
            Self::NetworkOnline => "network-online",
            Self::NetworkLearned => "network-learned",
        }
    }

    /// Returns true if the method learns from the whole session before it cleans.
    #[must_use]
    pub fn learns_first(self) -> bool {
        matches!(self, Self::Cancel | Self::FastMira | Self::Network | Self::NetworkLearned)
    }

    /// Creates the method with its transforms, ready for a session. A network method needs a model.
    ///
    /// `mode` affects only [`NetworkOnline`](Self::NetworkOnline),
    /// [`NetworkLearned`](Self::NetworkLearned), [`Online`](Self::Online) and
    /// [`Ratio`](Self::Ratio). The other methods have one form.
    ///
    /// # Errors
    ///
    /// Returns an error if the method needs a model and there is none.
    pub fn pipeline(
        self,
        rate: SampleRate,
        mode: Mode,
        num_mics: usize,
        model: Option<&Model>,
    ) -> Result<Pipeline> {
        let method: Box<dyn Debleed> = match self {
            Self::Network | Self::NetworkOnline | Self::NetworkLearned => {
                let Some(model) = model else { bail!("method {self} needs a model; add --model") };
                let guide = || model.guide(num_mics);
                let online = || Online::guided(rate, mode, num_mics, &guide);
                match self {
                    Self::Network => Box::new(Cancel::guided(rate, num_mics, &guide)),
                    Self::NetworkLearned => Box::new(Taught::new(online(), num_mics)),
                    _ => Box::new(online()),
                }
            }
            Self::Online => Box::new(Online::new(rate, mode, num_mics)),
            Self::Cancel => Box::new(Cancel::new(rate, num_mics)),
            Self::Ratio => Box::new(Ratio::new(rate, mode)),
            Self::Kamir => Box::new(Kamir::new(rate, num_mics)),
            Self::Mira => Box::new(Mira::new(rate, num_mics)),
            Self::FastMira => Box::new(FastMira::new(rate, num_mics)),
        };
        Ok(Pipeline::new(method, num_mics))
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.map(Self::name);
        if name.starts_with("ideal-") || name.starts_with("optimisation") {
            bail!("{name} is available in evaluate only; use one of {}", known.join(", "));
        }
        match Self::ALL.into_iter().find(|method| method.name() == name) {
            Some(method) => Ok(method),
            None => bail!("no method {name}; use one of {}", known.join(", ")),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Parses the name of a mode.
///
/// # Errors
///
/// Returns an error if there is no such mode.
pub fn parse_mode(name: &str) -> Result<Mode> {
    match name {
        "live" => Ok(Mode::Live),
        "mix" => Ok(Mode::Mix),
        _ => bail!("use live or mix"),
    }
}

/// Returns the name that selects this mode.
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
    fn a_network_without_a_model_is_refused() {
        let rate = SampleRate::new(48_000.0).unwrap();
        let error = Method::Network.pipeline(rate, Mode::Mix, 2, None).unwrap_err();
        assert!(error.to_string().contains("--model"), "{error}");
    }

    #[test]
    fn every_method_is_found_by_its_name_and_says_truly_whether_it_learns() {
        let rate = SampleRate::new(48_000.0).unwrap();
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
            let model = model::find(None).unwrap();
            let pipeline = method.pipeline(rate, Mode::Live, 2, model.as_ref()).unwrap();
            let passes = pipeline.learning_passes();
            assert_eq!(passes > 0, method.learns_first(), "{method}");
        }
        for learns_first in [true, false] {
            assert_eq!(Method::default_for(learns_first).learns_first(), learns_first);
            for method in Method::ALL {
                if let Some(other) = method.learning(learns_first) {
                    assert_eq!(other.learns_first(), learns_first, "{method}");
                } else {
                    assert_ne!(method.learns_first(), learns_first, "{method}");
                }
            }
        }
    }
}
