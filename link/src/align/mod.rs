//! Tracks whose audio is late or early: found by listening, beside the worker.
//!
//! The stream hands over its samples ([`Watcher`]). They are reduced to about 8 kHz and collected
//! into blocks of 2 s (`feed`). A thread of low priority compares the tracks over windows of two
//! blocks: delays between each two of them (`paths`, GCC-PHAT), those that stay the same over
//! several windows (`history`), and the tracks that most others disagree with (`votes`). `judge`
//! joins these steps.
//!
//! A verdict holds until the sound shows that the track is aligned: a pause is no evidence.

mod feed;
mod history;
mod judge;
mod paths;
#[cfg(test)]
mod tests;
mod thread;
mod votes;

pub(crate) use feed::Heard;
pub(crate) use thread::Watcher;

use crate::track::MemberId;

/// Largest distance of two mics of one room, in seconds: ten metres. A track that is off by more
/// is misaligned.
const ALIGNED_S: f32 = 0.03;
/// Largest delay that is taken for a path through the room, in seconds: a distance, and a delay
/// within [`ALIGNED_S`].
const ROOM_S: f32 = 0.05;
/// Largest delay that is looked for, in seconds.
const FARTHEST_S: f32 = 1.0;

/// A misaligned track, with its delay after the others in seconds; negative if it is early.
pub(crate) type Offset = (MemberId, f32);
