//! Linked instances: one plugin on each track, which find each other through shared memory.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "bit-exactness is what many tests are about"))]

// Files of the tests' folder that unit tests use name the package.
#[cfg(test)]
extern crate self as link;

mod align;
mod board;
mod hub;
mod kept;
mod lock;
mod member;
#[cfg(test)]
#[path = "../tests/common/panel.rs"]
mod panel;
mod ring;
mod roster;
pub mod segment;
mod stamp;
mod stream;
#[cfg(test)]
mod stream_tests;
mod timing;
mod track;
mod watcher;

pub use board::{
    Console, Entry, Label, Lesson, MAX_OWN_ENTRIES, MAX_SHARED_ENTRIES, NoConsole, PAIR_CODE,
    Request, Sheet,
};
pub use hub::MAX_LINKED_MICS;
pub use kept::Kept;
pub use member::{JoinError, Member, MemberConfig};
pub use ring::MAX_MEMBER_MICS;
pub use roster::{MemberInfo, MemberState};
pub use stamp::{Line, MicSettings, Place, Stamp};
pub use timing::Timing;
pub use watcher::Watcher;
