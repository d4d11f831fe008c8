//! Results as JSON.

use anyhow::Result;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// The text of a JSON file.
///
/// # Errors
///
/// When `value` cannot be expressed in JSON.
pub fn bytes(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Serialises a path that need not be text, as [`audiofile::readable`] has it.
///
/// # Errors
///
/// Those of the serialiser.
pub fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&audiofile::readable(path))
}

/// The same for a path that need not be there.
///
/// # Errors
///
/// Those of the serialiser.
pub fn optional_path<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    path.as_ref().map(audiofile::readable).serialize(serializer)
}

/// The same for several paths.
///
/// # Errors
///
/// Those of the serialiser.
pub fn paths<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(audiofile::readable))
}
