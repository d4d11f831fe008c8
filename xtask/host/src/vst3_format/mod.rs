//! Hosting VST3 plugins.

#![allow(unsafe_code, reason = "VST3 is a C interface")]

mod convert;
#[cfg(target_os = "linux")]
mod editor;
mod instance;
mod loaded;
mod module;
mod objects;
mod odd;
mod odd_objects;
mod process;

pub(crate) use instance::Vst3Instance;
pub(crate) use module::Vst3Module;

use anyhow::{Result, bail};
use vst3::Steinberg::Vst::{MediaType, MediaTypes_, TChar};
use vst3::Steinberg::{
    kInvalidArgument, kNoInterface, kNotImplemented, kNotInitialized, kResultFalse, kResultOk,
    tresult,
};

/// Returns the text in a fixed field of UTF-16, up to its terminator or its end.
fn wide_text(field: &[u16]) -> String {
    let end = field.iter().position(|&unit| unit == 0).unwrap_or(field.len());
    String::from_utf16_lossy(&field[..end])
}

/// Converts a text to a terminated field of 128 units, which plugins may expect.
fn wide_field(text: &str) -> Vec<TChar> {
    let mut wide: Vec<TChar> = text.encode_utf16().take(127).collect();
    wide.resize(128, 0);
    wide
}

/// Turns a result code into an error that names it.
fn ok(result: tresult, call: &str) -> Result<()> {
    #[allow(non_upper_case_globals, reason = "the format's own names")]
    let name = match result {
        kResultOk => return Ok(()),
        kResultFalse => "kResultFalse",
        kInvalidArgument => "kInvalidArgument",
        kNotImplemented => "kNotImplemented",
        kNoInterface => "kNoInterface",
        kNotInitialized => "kNotInitialized",
        other => bail!("{call} returned error {other}"),
    };
    bail!("{call} returned {name}")
}

/// Converts a constant of the format to the type of its fields. The constants are unsigned on some
/// systems and signed on others, and small on all.
fn int<T: TryInto<i32>>(constant: T) -> i32 {
    constant.try_into().unwrap_or(0)
}

/// Returns the medium of the buses that this host uses.
fn audio() -> MediaType {
    int(MediaTypes_::kAudio)
}
