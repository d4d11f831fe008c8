//! Reads TOML texts, built in or from files. Errors have one line and name the line in the text.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use audiofile::readable;
use serde::de::DeserializeOwned;

/// Returns the text with this name in `built_in`, or the text and the folder of a file. The error
/// message calls one file and all built-in texts by `nouns`.
pub(crate) fn open<'a>(
    name_or_file: &'a str,
    built_in: &[(&str, &'static str)],
    nouns: [&str; 2],
) -> Result<(Cow<'static, str>, Option<&'a Path>)> {
    if let Some((_, text)) = built_in.iter().find(|(name, _)| *name == name_or_file) {
        return Ok((Cow::Borrowed(text), None));
    }
    let path = Path::new(name_or_file);
    if !path.exists() && path.extension().is_none() {
        let names: Vec<&str> = built_in.iter().map(|(name, _)| *name).collect();
        let [file, all] = nouns;
        bail!("no {file} {name_or_file}; built-in {all} are {}", names.join(", "));
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("could not read {name_or_file}"))?;
    Ok((Cow::Owned(text), Some(path.parent().unwrap_or(Path::new("")))))
}

/// Parses TOML. Errors name the file and the line.
pub(crate) fn read_toml<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        // Messages quote the text, which may contain control characters.
        let message = readable(error.message().trim().replace('\n', " "));
        error.span().map_or_else(
            || anyhow!("{name}: {message}"),
            |span| anyhow!("{name} line {}: {message}", line_at(text, span.start)),
        )
    })
}

/// Returns the line that contains byte `offset`, with its number from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> Line<'_> {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let number = before.matches('\n').count();
    Line(number + 1, text.lines().nth(number).unwrap_or_default().trim())
}

/// Number and text of a line. Its display form has no control characters.
pub(crate) struct Line<'a>(pub(crate) usize, &'a str);

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (`{}`)", self.0, readable(self.1))
    }
}
