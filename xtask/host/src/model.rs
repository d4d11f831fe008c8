//! Descriptions of plugins, common to both formats.

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

/// One plugin in a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassInfo {
    /// Permanent id: a CLAP id, or a VST3 class id as 32 hexadecimal digits.
    pub id: String,
    /// Name for users.
    pub name: String,
    /// CLAP features, or VST3 sub-categories.
    pub features: Vec<String>,
}

/// The direction of a bus, as seen from the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the plugin.
    Input,
    /// Out of the plugin.
    Output,
}

/// The purpose of a bus according to the plugin.
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
    /// Name for users.
    pub name: String,
    /// Number of channels.
    pub num_channels: usize,
    /// Main or aux.
    pub kind: BusKind,
    /// True if hosts should activate it by default (always true for CLAP ports).
    pub default_active: bool,
}

/// One parameter of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    /// Permanent number.
    pub id: u32,
    /// Name for users.
    pub name: String,
    /// Unit of the value; empty for CLAP, where the value's text contains it.
    pub unit: String,
    /// Lowest value in the format's scale (0 in VST3).
    pub min: f64,
    /// Highest value in the format's scale (1 in VST3).
    pub max: f64,
    /// Default value in the format's scale.
    pub default: f64,
    /// True if hosts may automate it.
    pub automatable: bool,
    /// True if hosts should hide it.
    pub hidden: bool,
    /// True for the bypass switch.
    pub bypass: bool,
}

impl ParamInfo {
    /// Converts a position from 0 to 1 to a value in the format's scale.
    #[must_use]
    pub fn value_at(&self, position: f64) -> f64 {
        self.min + position * (self.max - self.min)
    }

    /// Converts a value in the format's scale to a position from 0 to 1.
    #[must_use]
    pub fn position_of(&self, value: f64) -> f64 {
        if self.max > self.min { (value - self.min) / (self.max - self.min) } else { 0.0 }
    }
}

/// The time constraint on a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderMode {
    /// In real time, as during playback.
    Realtime,
    /// Without a deadline, as during a bounce.
    Offline,
}

/// The settings of an activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioConfig {
    /// Sample rate in Hz.
    pub rate_hz: f64,
    /// Longest block in samples.
    pub max_block_samples: usize,
    /// Playback or bounce.
    pub mode: RenderMode,
}

/// The time that a host states for the first sample of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTime {
    /// Position on the timeline in samples; `None` while the transport is stopped.
    pub timeline: Option<i64>,
    /// Count of samples that also advances while the transport is stopped.
    pub steady: i64,
}

/// A parameter change by a plugin's editor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    /// The user starts to edit the parameter with this id.
    Begin(u32),
    /// The parameter changes to a value in the format's scale.
    Value(u32, f64),
    /// The user stops editing the parameter with this id.
    End(u32),
}

/// The requests of a plugin to its host since the last query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// True to deactivate and activate the plugin again.
    pub restart: bool,
    /// True if the latency has changed.
    pub latency_changed: bool,
    /// True if the buses have changed.
    pub buses_changed: bool,
    /// True if parameter values, texts or names have changed.
    pub params_changed: bool,
    /// True if the state has changed and should be saved with the project.
    pub state_dirty: bool,
}
