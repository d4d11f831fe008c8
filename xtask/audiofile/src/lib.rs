//! Streaming WAV/FLAC reading and all-or-nothing WAV writing for the command line tools.
//!
//! Everything is planar `f32`, full scale 1, and streams: memory does not grow with the length of
//! a session. Every error is one line that names the file.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "samples are copied, so equality is exact"))]

mod decoder;
mod error;
mod outputs;
mod reader;
mod session;
mod wav;
mod writer;

pub use error::{AudioFileError, Problem};
pub use outputs::{OutputSet, OutputSpec};
pub use reader::AudioReader;
pub use session::{MicChannel, SessionFiles};
pub use writer::WavWriter;

#[cfg(test)]
mod testing;
