//! Readable file names, and names that denote the same file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Formats a path as one line: invalid UTF-8 becomes `\xff`, control characters `\n` or `\u{7}`.
///
/// Everything else is unchanged, including backslashes, so the result cannot be parsed back.
#[must_use]
pub fn readable(path: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in path.as_ref().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Extensions of supported files, the most common first.
pub const EXTENSIONS: [&str; 6] = ["wav", "flac", "aif", "aiff", "aifc", "caf"];

/// Returns true if the file name has the extension of a supported file, in any case.
#[must_use]
pub fn has_sound_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Returns a key that is equal for names which are the same file on a case-insensitive volume.
pub(crate) fn case_key(name: &OsStr) -> OsString {
    // Names that are not valid UTF-8 keep their bytes, so that two of them stay different.
    name.to_str().map_or_else(|| name.to_ascii_lowercase(), |text| text.to_lowercase().into())
}

/// Returns true if writing to both paths would write to one file, even if it does not exist yet.
#[must_use]
pub fn same_file(a: &Path, b: &Path) -> bool {
    if let (Ok(a), Ok(b)) = (a.canonicalize(), b.canonicalize()) {
        return a == b;
    }
    place(a).zip(place(b)).is_some_and(|(a, b)| a == b)
}

/// Returns the canonical path of the existing part, followed by case keys of the missing part.
fn place(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let (there, mut place) = path.ancestors().find_map(|a| Some((a, a.canonicalize().ok()?)))?;
    place.extend(path.strip_prefix(there).ok()?.iter().map(case_key));
    Some(place)
}

/// Returns the folder that contains the file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_everything_else_is_escaped() {
        assert_eq!(readable("Gro\u{df}e Trommel\\2.wav"), "Gro\u{df}e Trommel\\2.wav");
        assert_eq!(readable("a\nb\u{7}"), "a\\nb\\u{7}");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            assert_eq!(readable(OsStr::from_bytes(b"kick-\xff\xc3.wav")), "kick-\\xff\\xc3.wav");
        }
    }

    #[test]
    fn sounds_are_known_by_their_extensions() {
        for name in ["a.wav", "b/A.AIF", "x.aiff", "x.Aifc", "x.caf", "x.y.flac"] {
            assert!(has_sound_extension(Path::new(name)), "{name}");
        }
        for name in ["wav", "a.mp3", "a.wav.txt", ".caf", ""] {
            assert!(!has_sound_extension(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn one_file_is_known_by_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("in")).unwrap();
        std::fs::write(at("a.wav"), "x").unwrap();
        assert!(same_file(&at("a.wav"), &at("in/../a.wav")));
        assert!(same_file(&at("new.json"), &at("in/../New.json")));
        assert!(!same_file(&at("new.json"), &at("in/new.json")));
        assert!(
            same_file(&at("new/r.json"), &at("in/../new/r.json")),
            "in a folder yet to be made"
        );
        assert!(!same_file(&at("a.wav"), &at("new.json")));
        assert!(same_file(Path::new("none-of-this-name"), Path::new("./none-of-this-name")));
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let bytes = |name| folder.path().join(OsStr::from_bytes(name));
            assert!(!same_file(&bytes(b"\xff.json"), &bytes(b"\xfe.json")));
        }
    }
}
