//! Unspill's engine: processes all mics of a session jointly and removes the bleed from each.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "bit-exactness is what many tests are about"))]

pub mod conformance;
pub mod controls;
pub mod debleed;
pub mod mode;
pub mod network;
pub mod pipeline;
pub mod session;
pub mod snapshot;
pub mod stft;
mod sync;
pub mod units;
mod worker;

pub use controls::{Controls, Estimates, Listen, MicControls, Role};
pub use debleed::cancel::{LearnState, Learned, LearnedError, Learner, Unusable};
pub use debleed::{Debleed, GuideTrouble};
pub use mode::{Mode, Pace, latency_samples};
pub use session::{
    Inlet, Outlet, OutletConfig, ProcessError, Removal, Session, SessionConfig, SessionError,
    SessionMethod,
};
pub use snapshot::{Monitor, Snapshot};
pub use units::{Decibels, GroupId, MicIndex, SampleRate};
pub use worker::{HopRunner, SessionStats, Urgency, abandoned_workers, join_worker};

/// Largest number of mics in a session. A stereo mic counts as two.
pub const MAX_MICS: usize = 32;
