//! Unspill's engine: hears all mics of a session at once and removes from each what leaked in from the others.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "bit-exactness is what many tests are about"))]

pub mod controls;
pub mod debleed;
pub mod units;

pub use controls::{Controls, Listen, MicControls, Role};
pub use units::{Decibels, GroupId, MicIndex, SampleRate};

/// The most mics one session takes; a stereo mic counts as two.
pub const MAX_MICS: usize = 32;
