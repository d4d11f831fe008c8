//! Archives whose bytes depend on the files alone: fixed order, times, owners and permissions.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const EXECUTABLE: u32 = 0o755;
const PLAIN: u32 = 0o644;

/// A file of an archive.
struct Entry {
    /// Path in the archive, with `/`.
    name: String,
    path: PathBuf,
    mode: u32,
}

/// Writes all files of `folder` to `archive`, below the folder's own name. The name of the archive
/// decides the format: `.tar.gz` or `.zip`.
///
/// `time_s` is the time of all files in a `.tar.gz`, in seconds since 1970. A `.zip` has the
/// earliest time that the format knows.
///
/// # Errors
///
/// If a file cannot be read or written.
pub(super) fn write(folder: &Path, archive: &Path, time_s: u64) -> Result<()> {
    let top = folder.file_name().and_then(|name| name.to_str()).context("a folder has no name")?;
    let entries = entries(folder, top)?;
    let file =
        File::create(archive).with_context(|| format!("cannot write {}", archive.display()))?;
    let file = BufWriter::new(file);
    let written =
        if is_zip(archive) { write_zip(&entries, file) } else { write_tar(&entries, file, time_s) };
    written.with_context(|| format!("cannot write {}", archive.display()))
}

fn is_zip(archive: &Path) -> bool {
    archive.extension().is_some_and(|extension| extension == "zip")
}

/// Returns all files of a folder in the order of their names in the archive.
fn entries(folder: &Path, top: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut folders = vec![(folder.to_owned(), top.to_owned())];
    while let Some((folder, prefix)) = folders.pop() {
        for found in
            folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = found?.path();
            let name =
                path.file_name().and_then(|name| name.to_str()).context("a name is no text")?;
            let name = format!("{prefix}/{name}");
            if path.is_dir() {
                folders.push((path, name));
            } else {
                let mode = if is_executable(&path)? { EXECUTABLE } else { PLAIN };
                entries.push(Entry { name, path, mode });
            }
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o100 != 0)
}

/// Windows knows programs by their names and ignores permissions in archives.
#[cfg(not(unix))]
fn is_executable(_path: &Path) -> Result<bool> {
    Ok(false)
}

fn write_tar(entries: &[Entry], file: impl Write, time_s: u64) -> Result<()> {
    let compressed = GzBuilder::new().mtime(0).write(file, Compression::best());
    let mut tar = tar::Builder::new(compressed);
    for entry in entries {
        let content = fs::read(&entry.path)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(time_s);
        tar.append_data(&mut header, &entry.name, content.as_slice())?;
    }
    tar.into_inner()?.finish()?.flush()?;
    Ok(())
}

fn write_zip(entries: &[Entry], file: impl Write) -> Result<()> {
    let mut zip = ZipWriter::new_stream(file);
    for entry in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(entry.mode);
        zip.start_file(&entry.name, options)?;
        zip.write_all(&fs::read(&entry.path)?)?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

/// Unpacks an archive into `folder`.
///
/// # Errors
///
/// If the archive cannot be read or a file cannot be written.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let file = File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let unpacked = if is_zip(archive) {
        ZipArchive::new(file).and_then(|mut zip| zip.extract(folder)).map_err(Into::into)
    } else {
        tar::Archive::new(GzDecoder::new(file)).unpack(folder).map_err(anyhow::Error::from)
    };
    unpacked.with_context(|| format!("cannot unpack {}", archive.display()))
}

/// Returns the file with the checksum of an archive, in the same folder.
fn sum_file(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

fn sum_line(archive: &Path) -> Result<String> {
    let bytes = fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let name = archive.file_name().and_then(|name| name.to_str()).context("a name is no text")?;
    let mut line = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(line, "{byte:02x}")?;
    }
    // The format of `sha256sum --check`.
    Ok(format!("{line}  {name}\n"))
}

/// Writes the SHA-256 of an archive beside it and returns the path of that file.
///
/// # Errors
///
/// If a file cannot be read or written.
pub(super) fn write_sum(archive: &Path) -> Result<PathBuf> {
    let file = sum_file(archive);
    fs::write(&file, sum_line(archive)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Checks an archive against the SHA-256 beside it.
///
/// # Errors
///
/// If they differ or a file cannot be read.
pub(super) fn check_sum(archive: &Path) -> Result<()> {
    let file = sum_file(archive);
    let Ok(line) = fs::read_to_string(&file) else { bail!("cannot read {}", file.display()) };
    ensure!(line == sum_line(archive)?, "{}: not the checksum of the archive", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME_S: u64 = 1_700_000_000;

    /// Creates the same files in two orders, at different times.
    fn folder(names: [&str; 3]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        fs::create_dir_all(top.join("b")).unwrap();
        for name in names {
            let path = top.join(name);
            fs::write(&path, name.repeat(1_000)).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(name.len() as u64);
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(if names[0] == "run" { time } else { std::time::SystemTime::now() })
                .unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::Permissions::from_mode(if names[0] == "run" { 0o700 } else { 0o775 });
            fs::set_permissions(top.join("run"), mode).unwrap();
        }
        (folder, top)
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        for name in ["x.tar.gz", "x.zip"] {
            let bytes = |names, time_s| {
                let (folder, top) = folder(names);
                let archive = folder.path().join(name);
                write(&top, &archive, time_s).unwrap();
                fs::read(archive).unwrap()
            };
            let first = bytes(["run", "b/2", "b/10"], TIME_S);
            assert_eq!(first, bytes(["b/10", "run", "b/2"], TIME_S), "{name}");
            assert_ne!(first, bytes(["run", "b/2", "b/11"], TIME_S), "{name}");
        }
    }

    #[test]
    fn archives_are_unpacked_with_times_and_permissions() {
        for name in ["x.tar.gz", "x.zip"] {
            let (folder, top) = folder(["run", "b/2", "b/10"]);
            let archive = folder.path().join(name);
            write(&top, &archive, TIME_S).unwrap();
            let out = folder.path().join("out");
            unpack(&archive, &out).unwrap();
            assert_eq!(fs::read(out.join("top/b/2")).unwrap(), "b/2".repeat(1_000).into_bytes());
            #[cfg(unix)]
            assert_eq!(
                [
                    is_executable(&out.join("top/run")).unwrap(),
                    is_executable(&out.join("top/b/2")).unwrap()
                ],
                [true, false],
                "{name}"
            );
            if name == "x.tar.gz" {
                let modified = fs::metadata(out.join("top/b/10")).unwrap().modified().unwrap();
                let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
                assert_eq!(since.as_secs(), TIME_S);
            }
        }
    }

    #[test]
    fn a_changed_archive_does_not_match_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("x.zip");
        fs::write(&archive, "abc").unwrap();
        let sum = write_sum(&archive).unwrap();
        // The test vector of FIPS 180-2.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  x.zip\n";
        assert_eq!(fs::read_to_string(sum).unwrap(), expected);
        check_sum(&archive).unwrap();
        fs::write(&archive, "abd").unwrap();
        let line = check_sum(&archive).unwrap_err().to_string();
        assert!(line.ends_with("x.zip.sha256: not the checksum of the archive"), "{line}");
    }
}
