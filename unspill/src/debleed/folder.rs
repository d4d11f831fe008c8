//! Folders given in place of files: all sound files of a folder are one session.

use anyhow::{Context, Result, ensure};
use audiofile::{has_sound_extension, readable};
use std::path::{Path, PathBuf};

/// Replaces every folder by its sound files, in the order in which people number files: `mic2`
/// comes before `mic10`. Folders inside a folder and hidden files are left out.
///
/// # Errors
///
/// Returns an error if a folder cannot be read or has no sound files.
pub(super) fn expanded(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if path.is_dir() {
            files.extend(sounds(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn sounds(folder: &Path) -> Result<Vec<PathBuf>> {
    let name = || readable(folder);
    let mut sounds = Vec::new();
    let entries = folder.read_dir().with_context(|| format!("{}: cannot be read", name()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("{}: cannot be read", name()))?.path();
        let is_hidden = path.file_name().is_some_and(|file| file.as_encoded_bytes()[0] == b'.');
        if has_sound_extension(&path) && !is_hidden && path.is_file() {
            sounds.push(path);
        }
    }
    ensure!(!sounds.is_empty(), "{}: a folder without sound files", name());
    alphanumeric_sort::sort_path_slice(&mut sounds);
    Ok(sounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_sound_files_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["mic10.wav", "mic2.FLAC", "Mic1.wav", "notes.txt", ".mic3.wav"] {
            std::fs::write(at(name), "").unwrap();
        }
        std::fs::create_dir(at("cleaned")).unwrap();
        std::fs::create_dir(at("take.wav")).unwrap();
        let given = [at("other.wav"), folder.path().to_owned()];
        let expected = ["other.wav", "Mic1.wav", "mic2.FLAC", "mic10.wav"].map(at);
        assert_eq!(expanded(&given).unwrap(), expected);
        let line = expanded(&[at("cleaned")]).unwrap_err().to_string();
        assert!(line.ends_with("cleaned: a folder without sound files"), "{line}");
    }
}
