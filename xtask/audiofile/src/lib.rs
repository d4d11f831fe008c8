//! Streaming WAV/FLAC reading and all-or-nothing writing for the command line tools.
//!
//! Everything is planar `f32`, full scale 1, and streams: memory does not grow with the length of
//! a session. Every error is one line that names the file.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "samples are copied, so equality is exact"))]

mod decoder;
mod destination;
mod error;
mod level;
mod names;
mod outputs;
mod partial;
mod reader;
mod session;
pub mod signals;
mod wav;
mod writer;

pub use destination::{Completed, Destination, check_differ, check_free, write_whole};
pub use error::{AudioFileError, Problem};
pub use level::parse_floor_db;
pub use names::{readable, same_file};
pub use outputs::{Existing, NewFolder, OutputSet, OutputSpec};
pub use partial::remove_leftovers;
pub use reader::AudioReader;
pub use session::{MicChannel, SessionFiles};
pub use writer::WavWriter;

#[cfg(test)]
mod testing;
