//! Streaming WAV, AIFF, CAF and FLAC reading and all-or-nothing writing for the command line tools.
//!
//! All audio is planar `f32` with full scale 1. It is streamed: memory does not grow with the
//! length of a session. Every error is one line that names the file.
//!
//! | read | with |
//! |---|---|
//! | RIFF, RF64, BW64, Wave64 | integers of 8 to 32 bits, floats of 32 and 64 bits |
//! | RIFX | the same, most significant byte first |
//! | AIFF, AIFF-C | integers of 1 to 32 bits, in either byte order; floats of 32 and 64 bits |
//! | CAF | integers of 8, 16, 24 and 32 bits, floats of 32 and 64 bits, in either byte order |
//! | FLAC | 4 to 32 bits, with ID3 tags in front |
//!
//! PCM integers are in containers of whole bytes. WAV headers may be plain or
//! `WAVE_FORMAT_EXTENSIBLE`.
//!
//! Sizes in headers are not trusted: they only move a position, and memory is allocated for
//! existing bytes. Sizes that were never filled in, as after writing to a pipe, extend to the end
//! of the file. Other formats are refused by name. Start reading at `Decoder::open`.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "samples are copied, so equality is exact"))]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "tests make their own numbers"))]

mod aiff;
mod byte_order;
mod caf;
mod chunks;
mod claim;
mod decoder;
mod destination;
mod error;
mod existing;
mod flac;
mod header;
mod input;
mod ixml;
mod kinds;
mod level;
mod metadata;
mod names;
mod new_folder;
mod open_ended;
mod outputs;
mod partial;
mod pcm;
mod placement;
mod reader;
mod session;
pub mod signals;
mod swap;
mod track_names;
mod wav;
mod writer;

pub use claim::FileClaim;
pub use destination::{Completed, Destination, check_differ, write_whole};
pub use error::{AudioFileError, Problem};
pub use existing::{Existing, check_free};
pub use level::parse_floor_db;
pub use metadata::Metadata;
pub use names::{EXTENSIONS, has_sound_extension, readable, same_file};
pub use new_folder::NewFolder;
pub use outputs::{OutputSet, OutputSpec};
pub use partial::remove_leftovers;
pub use placement::Placement;
pub use reader::AudioReader;
pub use session::{MicChannel, SessionFiles};
pub use track_names::track_file_name;
pub use writer::WavWriter;

#[cfg(test)]
mod testing;
