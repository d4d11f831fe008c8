//! Everything an engineer can move while audio runs.

use crate::{Decibels, GroupId, MAX_MICS};

/// What one mic's output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Listen {
    /// The mic without its bleed.
    #[default]
    Clean,
    /// What was taken out: `Clean + Removed = Dry`.
    Removed,
    /// The mic as it came in, delayed by the session's latency.
    Dry,
    /// Silence, for a mic beside a soloed one.
    Mute,
}

/// Where crosstalk, filters and what else is known about the mics come from.
///
/// A method that follows nothing while it plays does not care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Estimates {
    /// They follow the music, from the last reset on.
    #[default]
    Adaptive,
    /// They start from nothing and follow a passage that is to be learned; a reset forgets none of it.
    Learning,
    /// They are what was learned, frozen; `Adaptive` where that cannot be used.
    Learned,
}

/// What a mic stands for in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Role {
    /// Stands close to its own source; is cleaned, and its source is removed from the others.
    #[default]
    Close,
    /// Hears everything (overhead, room): is passed through untouched and predicts nobody's bleed.
    Room,
    /// Hears everything, and is cleaned of the close mics' sources because the engineer asked.
    CleanedRoom,
}

/// One mic's part of [`Controls`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MicControls {
    /// How much of the found bleed is removed, `0.0 ..= 1.0`.
    pub amount: f32,
    /// The most a bin may be turned down; [`Decibels::NEG_INFINITY`] sets no limit.
    pub floor: Decibels,
    /// What this mic's output carries.
    pub listen: Listen,
    /// What the mic stands for.
    pub role: Role,
    /// Mics of one group share a source and are never each other's bleed; `None` stands alone.
    pub group: Option<GroupId>,
}

impl Default for MicControls {
    fn default() -> Self {
        Self {
            amount: 1.0,
            floor: Decibels::NEG_INFINITY,
            listen: Listen::Clean,
            role: Role::Close,
            group: None,
        }
    }
}

/// The position of every control of a session.
///
/// Plain data of a fixed size, so that it is copied between threads without allocation. A change
/// given to `Session::set_controls` before a block takes effect on the very sample that came in
/// first in that block, when it leaves `latency_samples` later.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Scales every mic's amount, `0.0 ..= 1.0`.
    pub global_amount: f32,
    /// Where estimates come from.
    pub estimates: Estimates,
    /// One entry per mic; entries beyond the session's mics are ignored.
    pub mics: [MicControls; MAX_MICS],
    /// `pair_amount[target][bleeder]`: how much of that bleeder's sound is removed from that
    /// target, `0.0 ..= 1.0`.
    pub pair_amount: [[f32; MAX_MICS]; MAX_MICS],
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            global_amount: 1.0,
            estimates: Estimates::Adaptive,
            mics: [MicControls::default(); MAX_MICS],
            pair_amount: [[1.0; MAX_MICS]; MAX_MICS],
        }
    }
}
