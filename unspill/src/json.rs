//! Results as JSON.

use anyhow::Result;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// Returns the text of a JSON file.
///
/// # Errors
///
/// Returns an error if `value` cannot be expressed in JSON.
pub fn bytes(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Serialises a path, which need not be text, in the form of [`audiofile::readable`].
///
/// # Errors
///
/// Returns the errors of the serialiser.
pub fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&audiofile::readable(path))
}

/// Serialises an optional path in the same form.
///
/// # Errors
///
/// Returns the errors of the serialiser.
pub fn optional_path<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    path.as_ref().map(audiofile::readable).serialize(serializer)
}

/// Serialises several paths in the same form.
///
/// # Errors
///
/// Returns the errors of the serialiser.
pub fn paths<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(audiofile::readable))
}
