//! The engine's methods by the names of the command line.

use anyhow::{Error, Result, bail};
use engine::debleed::kamir_method::Kamir;
use engine::debleed::mira_method::{FastMira, Mira};
use engine::debleed::{Cancel, Debleed, Online, Ratio};
use engine::pipeline::Pipeline;
use engine::{Mode, SampleRate};
use std::fmt;
use std::str::FromStr;

/// A method by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Linear cancellation that adapts while it plays, as the plugin does.
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
    NetOnline,
    NetCancel,
}

impl Method {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 8] = [
        Self::Online,
        Self::Cancel,
        Self::Ratio,
        Self::Kamir,
        Self::Mira,
        Self::FastMira,
        Self::NetOnline,
        Self::NetCancel,
    ];

    /// What is used unless something else is asked for: the best there is with and without
    /// hearing the whole session first.
    #[must_use]
    pub fn default_for(learns_first: bool) -> Self {
        if learns_first { Self::Cancel } else { Self::Online }
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Cancel => "cancel",
            Self::Ratio => "ratio",
            Self::Kamir => "kamir",
            Self::Mira => "mira",
            Self::FastMira => "fastmira",
            Self::NetOnline => "netonline",
            Self::NetCancel => "netcancel",
        }
    }

    /// Whether it must hear the whole session before it cleans; all others never do.
    #[must_use]
    pub fn learns_first(self) -> bool {
        matches!(self, Self::Cancel | Self::FastMira | Self::NetCancel)
    }

    /// The method with its transforms, ready for a session.
    ///
    /// `mode` makes a difference to [`Online`](Self::Online) and [`Ratio`](Self::Ratio); the
    /// others have one form.
    #[must_use]
    pub fn pipeline(self, rate: SampleRate, mode: Mode, num_mics: usize) -> Pipeline {
        let make = || -> Box<dyn engine::debleed::cancel::Guide> {
            static NET: std::sync::OnceLock<std::sync::Arc<engine::network::Network>> =
                std::sync::OnceLock::new();
            let net = NET.get_or_init(|| {
                let bytes = std::fs::read(std::env::var("UNSPILL_WEIGHTS").unwrap()).unwrap();
                let width: usize = std::env::var("UNSPILL_WIDTH").unwrap().parse().unwrap();
                std::sync::Arc::new(
                    engine::network::Network::from_safetensors(
                        &engine::network::NetworkConfig {
                            num_bands: 80,
                            num_features: 8,
                            width,
                            exchange_width: width / 2,
                            dilations: [1, 2, 4, 8, 1, 2],
                        },
                        bytes,
                        &burn::tensor::Device::flex(),
                    )
                    .unwrap(),
                )
            });
            Box::new(engine::network::NetworkGuide::new(net.clone(), num_mics))
        };
        let method: Box<dyn Debleed> = match self {
            Self::NetOnline => Box::new(Online::guided(rate, mode, num_mics, &make)),
            Self::NetCancel => Box::new(Cancel::guided(rate, num_mics, &make)),
            Self::Online => Box::new(Online::new(rate, mode, num_mics)),
            Self::Cancel => Box::new(Cancel::new(rate, num_mics)),
            Self::Ratio => Box::new(Ratio::new(rate, mode)),
            Self::Kamir => Box::new(Kamir::new(rate, num_mics)),
            Self::Mira => Box::new(Mira::new(rate, num_mics)),
            Self::FastMira => Box::new(FastMira::new(rate, num_mics)),
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
        if name.starts_with("ideal-") || name.starts_with("optimisation") {
            bail!(
                "{name} is for evaluate alone; the methods for sessions are {}",
                known.join(", ")
            );
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
        for learns_first in [true, false] {
            assert_eq!(Method::default_for(learns_first).learns_first(), learns_first);
        }
    }
}
