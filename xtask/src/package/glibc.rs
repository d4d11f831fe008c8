//! Finds the oldest glibc that a program or library for Linux runs with.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::FileHeader;

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

/// Oldest glibc that packages promise to run with: that of Debian 12.
pub(crate) const FLOOR: Version = Version { major: 2, minor: 36 };

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Parses the version of a symbol, such as `GLIBC_2.34`; returns `None` for those of other
/// libraries.
fn parsed(name: &[u8]) -> Option<Version> {
    let digits = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    // Older symbols have three numbers, as in `GLIBC_2.2.5`.
    let mut numbers = digits.split('.').map(str::parse);
    Some(Version { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
}

/// Returns the newest glibc that the file asks for, with a symbol that needs it if one does.
///
/// # Errors
///
/// If the file cannot be read or is no 64-bit ELF file.
fn needed(path: &Path) -> Result<Option<(Version, Option<String>)>> {
    let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    newest(&data).with_context(|| format!("{}: not a usable ELF file", path.display()))
}

fn newest(data: &[u8]) -> object::Result<Option<(Version, Option<String>)>> {
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let Some((mut files, link)) = sections.gnu_verneed(endian, data)? else { return Ok(None) };
    let strings = sections.strings(endian, data, link)?;
    let mut newest = None;
    while let Some((_, mut versions)) = files.next()? {
        while let Some(version) = versions.next()? {
            newest = newest.max(parsed(version.name(endian, strings)?));
        }
    }
    let Some(newest) = newest else { return Ok(None) };
    let symbols = sections.symbols(endian, data, object::elf::SHT_DYNSYM)?;
    let Some(versions) = sections.versions(endian, data)? else { return Ok(Some((newest, None))) };
    for (index, symbol) in symbols.enumerate() {
        let version = versions.version(versions.version_index(endian, index).index())?;
        if version.is_some_and(|version| parsed(version.name()) == Some(newest)) {
            let name = symbols.symbol_name(endian, symbol)?;
            return Ok(Some((newest, Some(String::from_utf8_lossy(name).into_owned()))));
        }
    }
    Ok(Some((newest, None)))
}

/// Returns the newest glibc that any of the files asks for.
///
/// # Errors
///
/// If a file cannot be read, or asks for a newer glibc than `floor`.
pub(crate) fn check(files: &[&Path], floor: Version) -> Result<Option<Version>> {
    let mut newest = None;
    for file in files {
        let Some((version, symbol)) = needed(file)? else { continue };
        if version > floor {
            let symbol = symbol.map(|symbol| format!(" for {symbol}")).unwrap_or_default();
            bail!(
                "{} needs glibc {version}{symbol}, but packages promise to run with {floor}: build \
                 on an older system",
                file.display()
            );
        }
        newest = newest.max(Some(version));
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parsed(b"GLIBC_2.4") < parsed(b"GLIBC_2.34"));
        assert_eq!(parsed(b"GLIBC_2.2.5"), Some(Version { major: 2, minor: 2 }));
        for other in ["GCC_3.0", "GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR", "GLIBCXX_3.4.30", ""] {
            assert_eq!(parsed(other.as_bytes()), None, "{other}");
        }
    }

    /// Copies this test and replaces the names of its newest version by those of a future one.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_newer_symbol_is_refused_in_one_line() {
        let own = std::env::current_exe().unwrap();
        let (version, symbol) = needed(&own).unwrap().unwrap();
        assert!(symbol.is_some(), "{version}");
        let floor = Version { major: 2, minor: 98 };
        assert_eq!(check(&[&own], floor).unwrap(), Some(version));

        let mut bytes = fs::read(&own).unwrap();
        let old = format!("GLIBC_{version}\0");
        assert_eq!(old.len(), "GLIBC_2.99\0".len(), "a version of two digits");
        let places: Vec<usize> = (0..bytes.len() - old.len())
            .filter(|&at| bytes[at..].starts_with(old.as_bytes()))
            .collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + old.len()].copy_from_slice(b"GLIBC_2.99\0");
        }
        let folder = tempfile::tempdir().unwrap();
        let newer = folder.path().join("newer.so");
        fs::write(&newer, bytes).unwrap();
        let line = format!("{:#}", check(&[&own, &newer], floor).unwrap_err());
        assert!(line.contains("newer.so needs glibc 2.99 for ") && !line.contains('\n'), "{line}");
        assert!(line.contains("promise to run with 2.98"), "{line}");
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.so");
        fs::write(&text, "no library").unwrap();
        let line = format!("{:#}", check(&[&text], FLOOR).unwrap_err());
        assert!(line.contains("text.so: not a usable ELF file"), "{line}");
    }
}
