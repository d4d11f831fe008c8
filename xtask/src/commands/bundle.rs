//! `cargo xtask bundle`: builds the plugin and makes its bundles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::bundler::{Product, System};
use crate::{build, shell};

/// Section of the plugin in `bundler.toml`.
const PACKAGE: &str = "plugin";

/// Builds the plugin in release, makes `target/bundled/<name>.vst3` and `.clap`, and returns both.
pub(crate) fn bundle() -> Result<Vec<PathBuf>> {
    let library = build::Product::PLUGIN.binary(None)?;
    // Always in the workspace, even if cargo builds elsewhere: docs and commands rely on this path.
    bundle_library(&library, &shell::root().join("target/bundled"))
}

/// Makes the bundles of a built library in `folder` and returns them: VST3, then CLAP.
pub(crate) fn bundle_library(library: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let system = System::this()?;
    let name = display_name()?;
    let product = Product { name: &name, version: env!("CARGO_PKG_VERSION"), library };
    let bundles = product.bundle(system, std::env::consts::ARCH, folder)?;
    if system == System::MacOs {
        for bundle in &bundles {
            sign(bundle)?;
        }
    }
    Ok(bundles)
}

/// Signs a bundle or program for macOS, without a certificate.
pub(crate) fn sign(path: &Path) -> Result<()> {
    let mut sign = Command::new("codesign");
    sign.args(["--force", "--sign", "-"]).arg(path);
    shell::run(sign, "codesign")
}

/// Returns the binary in a bundle, or the bundle itself if it is a single file.
pub(crate) fn library_in(bundle: &Path) -> PathBuf {
    let inside = |folder: PathBuf| {
        let mut entries: Vec<PathBuf> =
            folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        entries
    };
    let folders = inside(bundle.join("Contents")).into_iter().filter(|path| path.is_dir());
    let binary = folders.flat_map(inside).find(|path| path.is_file());
    binary.unwrap_or_else(|| bundle.to_owned())
}

/// Returns the plugin's display name from `bundler.toml`.
fn display_name() -> Result<String> {
    let path = shell::root().join("bundler.toml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table =
        text.parse().with_context(|| format!("cannot parse {}", path.display()))?;
    let name = table.get(PACKAGE).and_then(|package| package.get("name"));
    let name = name.and_then(toml::Value::as_str);
    name.map(str::to_owned).with_context(|| format!("{}: no name for {PACKAGE}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_name_comes_from_bundler_toml() {
        assert_eq!(display_name().unwrap(), "Unspill");
    }

    #[test]
    fn the_binary_is_found_in_both_kinds_of_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library");
        fs::write(&library, "code").unwrap();
        let product = Product { name: "Unspill", version: "1.0.0", library: &library };
        for system in [System::Linux, System::MacOs, System::Windows] {
            let folder = folder.path().join(format!("{system:?}"));
            for bundle in product.bundle(system, "x86_64", &folder).unwrap() {
                let binary = library_in(&bundle);
                assert_eq!(fs::read(&binary).unwrap(), b"code", "{}", binary.display());
            }
        }
    }
}
