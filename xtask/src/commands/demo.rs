//! `cargo xtask demo`: plays the demo session through the bundled plugin.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::build::Product;
use crate::{commands, shell};

/// Folder of the demo session, relative to the workspace's folder.
const SESSION: &str = "assets/demo";

/// Default folder of the results; it holds nothing else.
pub(crate) const DEMO_FOLDER: &str = "target/demo";

/// Returns the mic files of the demo session.
pub(crate) fn demo_mics() -> Result<Vec<PathBuf>> {
    mic_files(&shell::root().join(SESSION))
}

/// Writes `out/cleaned` and `out/removed`, then measures and plots the difference.
pub(crate) fn demo(out: &Path, overwrite: bool) -> Result<()> {
    let session = shell::root().join(SESSION);
    let mics = mic_files(&session)?;
    let overwrite = (overwrite || out == Path::new(DEMO_FOLDER)).then(|| "--overwrite".into());
    // All programs are built first, so that the user need not wait between playback
    // and measurement.
    commands::bundle()?;
    let (host, lab) = (Product::HOST.program()?, Product::LAB.program()?);

    println!("playing {} mics through Unspill 8 (CLAP)", mics.len());
    for (folder, listen) in [("cleaned", "Clean"), ("removed", "Removed")] {
        let mut arguments: Vec<OsString> =
            ["--format", "clap", "--class", "8", "--offline", "--param"].map(Into::into).into();
        arguments.push(format!("Listen={listen}").into());
        arguments.push("--out".into());
        arguments.push(out.join(folder).into());
        arguments.extend(mics.iter().map(OsString::from));
        arguments.extend(overwrite.clone());
        let mut host = shell::program(host.get_program());
        host.args(arguments);
        shell::run(host, "playing the demo session")?;
    }

    let arguments: [OsString; 7] = [
        "demo-report".into(),
        "--session".into(),
        session.into(),
        "--cleaned".into(),
        out.join("cleaned").into(),
        "--out".into(),
        out.into(),
    ];
    let mut lab = lab;
    lab.args(arguments).args(overwrite);
    shell::run(lab, "measuring the demo session")
}

/// Returns `mic1_kick.flac`, `mic2_snare.flac` and so on, in the order of their numbers.
fn mic_files(session: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(session)
        .with_context(|| format!("cannot read the demo session {}", session.display()))?;
    let mut mics = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(number) = path.file_name().and_then(|name| mic_number(&name.to_string_lossy()))
        {
            mics.push((number, path));
        }
    }
    ensure!(
        mics.len() >= 2,
        "{}: a session has at least 2 mics, found {}",
        session.display(),
        mics.len()
    );
    mics.sort();
    Ok(mics.into_iter().map(|(_, path)| path).collect())
}

/// Returns the number in `mic<number>_<name>.flac`.
fn mic_number(file_name: &str) -> Option<u32> {
    let rest = file_name.strip_prefix("mic")?.strip_suffix(".flac")?;
    rest.split_once('_')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mics_are_told_from_targets_and_put_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mic10_sax.flac", "mic2_snare.flac", "target2_snare.flac", "README.md"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mics = mic_files(folder.path()).unwrap();
        assert_eq!(
            mics,
            [folder.path().join("mic2_snare.flac"), folder.path().join("mic10_sax.flac")]
        );
    }

    #[test]
    fn an_empty_folder_is_no_session() {
        let folder = tempfile::tempdir().unwrap();
        assert!(mic_files(folder.path()).is_err());
        assert!(mic_files(&folder.path().join("nowhere")).is_err());
    }
}
