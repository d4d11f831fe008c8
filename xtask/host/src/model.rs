//! What both formats tell about plugins, in one vocabulary.

use std::fmt;

/// A plugin format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.clap`
    Clap,
    /// `.vst3`
    Vst3,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clap => "CLAP",
            Self::Vst3 => "VST3",
        })
    }
}

/// One plugin inside a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassInfo {
    /// The permanent id: a CLAP id, or a VST3 class id as 32 hexadecimal digits.
    pub id: String,
    /// The name a user sees.
    pub name: String,
    /// CLAP features, or VST3 sub-categories.
    pub features: Vec<String>,
}

/// Which way a bus goes, seen from the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the plugin.
    Input,
    /// Out of the plugin.
    Output,
}

/// What the plugin says a bus is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusKind {
    /// The main bus.
    Main,
    /// A side-chain or further output.
    Aux,
}

/// One bus of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusInfo {
    /// The name a user sees.
    pub name: String,
    /// How many channels it has.
    pub num_channels: usize,
    /// Main or aux.
    pub kind: BusKind,
    /// Whether hosts should activate it unasked (CLAP ports always are).
    pub default_active: bool,
}

/// One parameter of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    /// The permanent number.
    pub id: u32,
    /// The name a user sees.
    pub name: String,
    /// The unit behind the value; CLAP has none of its own and leaves it to the value's text.
    pub unit: String,
    /// The lowest value as the format counts (0 in VST3).
    pub min: f64,
    /// The highest value as the format counts (1 in VST3).
    pub max: f64,
    /// The default value as the format counts.
    pub default: f64,
    /// Whether hosts may automate it.
    pub automatable: bool,
    /// Whether hosts should hide it.
    pub hidden: bool,
    /// Whether this is the bypass switch.
    pub bypass: bool,
}

impl ParamInfo {
    /// Turns a position from 0 to 1 into a value as the format counts.
    #[must_use]
    pub fn value_at(&self, position: f64) -> f64 {
        self.min + position * (self.max - self.min)
    }

    /// Turns a value as the format counts into a position from 0 to 1.
    #[must_use]
    pub fn position_of(&self, value: f64) -> f64 {
        if self.max > self.min { (value - self.min) / (self.max - self.min) } else { 0.0 }
    }
}

/// Whether a plugin may take its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderMode {
    /// As during playback.
    Realtime,
    /// As during a bounce.
    Offline,
}

/// What a plugin is activated with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioConfig {
    /// The sample rate in Hz.
    pub rate_hz: f64,
    /// The longest block that may come.
    pub max_block_samples: usize,
    /// Playback or bounce.
    pub mode: RenderMode,
}

/// What a plugin's editor does to a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    /// The user takes hold of it.
    Begin(u32),
    /// It moves to a value as the format counts.
    Value(u32, f64),
    /// The user lets go.
    End(u32),
}

/// What a plugin has asked its host for since it was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// It wants to be deactivated and activated again.
    pub restart: bool,
    /// Its latency has changed.
    pub latency_changed: bool,
    /// Its buses have changed.
    pub buses_changed: bool,
    /// Parameter values, texts or names have changed.
    pub params_changed: bool,
    /// Its state has changed and should be saved with the project.
    pub state_dirty: bool,
}
