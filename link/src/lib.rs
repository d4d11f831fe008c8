//! Linked instances: one plugin on each track, which find each other through shared memory.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "bit-exactness is what many tests are about"))]

mod hub;
mod member;
mod ring;
mod roster;
pub mod segment;
mod stamp;
mod stream;
#[cfg(test)]
mod stream_tests;
mod timing;
mod track;

pub use hub::MAX_LINKED_MICS;
pub use member::{JoinError, Member, MemberConfig};
pub use ring::{Label, MAX_MEMBER_MICS};
pub use roster::{MemberInfo, MemberState};
pub use stamp::{Line, MicSettings, Place, Stamp};
pub use timing::Timing;
