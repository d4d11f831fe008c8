//! Names of the outputs: the file's own name, or one per channel of a file with many mics.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::error::{AudioFileError, Problem};
use crate::names::case_key;

/// Longest track name used as a file name, in characters.
const MOST_LETTERS: usize = 100;

/// One input file.
#[derive(Clone, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) path: &'a Path,
    /// Names of the channels if each is a separate mic; empty if the file is one mic.
    pub(crate) tracks: Vec<Option<String>>,
}

/// Returns the outputs' names by file and mic: `kick.flac` becomes `kick.wav`, and the mics of
/// `poly.wav` become `poly.1.wav`, `poly.2.wav` … or get the names of their tracks. Track names of
/// a file are not used if they would give two outputs the same name.
///
/// # Errors
///
/// If two files would be written to the same output.
pub(crate) fn output_names(files: &[Named<'_>]) -> Result<Vec<Vec<OsString>>, AudioFileError> {
    let mut uses_tracks: Vec<bool> = files.iter().map(|file| !file.tracks.is_empty()).collect();
    loop {
        let names: Vec<Vec<OsString>> =
            files.iter().zip(&uses_tracks).map(|(file, &tracks)| names_of(file, tracks)).collect();
        let Some((earlier, later)) = first_clash(&names) else { return Ok(names) };
        if let Some(file) = [later, earlier].into_iter().find(|&file| uses_tracks[file]) {
            uses_tracks[file] = false;
            continue;
        }
        let problem = Problem::OutputsClash { other: files[earlier].path.to_owned() };
        return Err(AudioFileError::new(files[later].path, problem));
    }
}

/// Returns the outputs' names of one file; the stem keeps its bytes even if they are not
/// valid UTF-8.
fn names_of(file: &Named<'_>, uses_tracks: bool) -> Vec<OsString> {
    let with_end = |stem: &OsStr, end: &str| {
        let mut name = stem.to_owned();
        name.push(end);
        name
    };
    let stem = file.path.file_stem().unwrap_or(file.path.as_os_str());
    if file.tracks.is_empty() {
        return vec![with_end(stem, ".wav")];
    }
    (1..)
        .zip(&file.tracks)
        .map(|(number, track)| {
            let track = track.as_deref().filter(|_| uses_tracks).and_then(track_file_name);
            track.map_or_else(
                || with_end(stem, &format!(".{number}.wav")),
                |track| format!("{track}.wav").into(),
            )
        })
        .collect()
}

/// Returns the files of the first two equal names, ignoring case: on a case-insensitive volume
/// `Kick.wav` would overwrite `kick.wav`.
fn first_clash(names: &[Vec<OsString>]) -> Option<(usize, usize)> {
    let mut seen: Vec<(usize, OsString)> = Vec::new();
    for (file, name) in names
        .iter()
        .enumerate()
        .flat_map(|(file, names)| names.iter().map(move |name| (file, case_key(name))))
    {
        if let Some((earlier, _)) = seen.iter().find(|(_, other)| *other == name) {
            return Some((*earlier, file));
        }
        seen.push((file, name));
    }
    None
}

/// Returns the name of a track as a file name without extension: characters that file systems
/// refuse become `_`, and a long name is cut. Returns `None` if nothing is left.
#[must_use]
pub fn track_file_name(track: &str) -> Option<String> {
    let is_wrong = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let name: String =
        track.chars().take(MOST_LETTERS).map(|c| if is_wrong(c) { '_' } else { c }).collect();
    let name = name.trim_matches([' ', '.']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[(&str, &[&str])]) -> Result<Vec<Vec<OsString>>, AudioFileError> {
        let track = |name: &&str| (!name.is_empty()).then(|| (*name).to_owned());
        let files: Vec<Named<'_>> = files
            .iter()
            .map(|(path, tracks)| Named {
                path: Path::new(path),
                tracks: tracks.iter().map(track).collect(),
            })
            .collect();
        output_names(&files)
    }

    #[test]
    fn tracks_give_their_names_to_outputs() {
        let found = names(&[("a/kick.flac", &[]), ("poly.wav", &["Snare", "", "Room L/R"])]);
        let expected = [vec!["kick.wav"], vec!["Snare.wav", "poly.2.wav", "Room L_R.wav"]];
        assert_eq!(found.unwrap(), expected);
        let found = names(&[("p.wav", &["../../etc/passwd", "...", "\n"])]).unwrap();
        assert_eq!(found, [["_.._etc_passwd.wav", "p.2.wav", "_.wav"]]);
    }

    #[cfg(unix)]
    #[test]
    fn numbered_names_keep_bytes_that_are_no_text() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"a/p\xff.wav"));
        let found = output_names(&[Named { path, tracks: vec![None, Some("Tom".into())] }]);
        assert_eq!(found.unwrap(), [[OsStr::from_bytes(b"p\xff.1.wav"), OsStr::new("Tom.wav")]]);
    }

    #[test]
    fn track_names_that_clash_give_way_to_numbers() {
        for (files, expected) in [
            (&[("p.wav", &["Tr", "tr", "x"][..])][..], vec![vec!["p.1.wav", "p.2.wav", "p.3.wav"]]),
            (&[("p.wav", &["p.2", "", "x"][..])], vec![vec!["p.1.wav", "p.2.wav", "p.3.wav"]]),
            (
                &[("Kick.wav", &[][..]), ("p.wav", &["kick", "b", "c"])],
                vec![vec!["Kick.wav"], vec!["p.1.wav", "p.2.wav", "p.3.wav"]],
            ),
            (
                &[("p.wav", &["a", "b", "c"]), ("q.wav", &["d", "e", "A"])],
                vec![vec!["a.wav", "b.wav", "c.wav"], vec!["q.1.wav", "q.2.wav", "q.3.wav"]],
            ),
        ] {
            assert_eq!(names(files).unwrap(), expected);
        }
        assert!(names(&[("a/p.wav", &["a", "b", "c"]), ("b/p.wav", &["a", "b", "c"])]).is_ok());
        let error = names(&[("p.wav", &["a", "a", "c"]), ("p.2.flac", &[])]).unwrap_err();
        assert_eq!(error.to_string(), "p.2.flac: would be written to the same file as p.wav");
    }
}
