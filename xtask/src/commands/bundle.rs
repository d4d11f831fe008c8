//! `cargo xtask bundle`: builds the plugin and makes its bundles.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::bundler::{Product, System};
use crate::{build, shell};

/// Section of the plugin in `bundler.toml`.
const PACKAGE: &str = "plugin";

/// Builds the plugin in release, makes `target/bundled/<name>.vst3` and `.clap`, and returns both.
pub(crate) fn bundle() -> Result<Vec<PathBuf>> {
    let system = System::this()?;
    let name = display_name()?;
    let library = build()?;
    // Always in the workspace, even if cargo builds elsewhere: docs and commands rely on this path.
    let folder = shell::root().join("target/bundled");
    let product = Product { name: &name, version: env!("CARGO_PKG_VERSION"), library: &library };
    let bundles = product.bundle(system, std::env::consts::ARCH, &folder)?;
    if system == System::MacOs {
        for bundle in &bundles {
            let mut sign = Command::new("codesign");
            sign.args(["--force", "--sign", "-"]).arg(bundle);
            shell::run(sign, "codesign")?;
        }
    }
    Ok(bundles)
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

/// Builds the plugin's library and returns its path.
fn build() -> Result<PathBuf> {
    let files = build::Product::PLUGIN.build()?;
    let extension = std::env::consts::DLL_EXTENSION;
    let library = files.into_iter().find(|file| file.extension().is_some_and(|e| e == extension));
    library.context("cargo built no shared library of the plugin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_name_comes_from_bundler_toml() {
        assert_eq!(display_name().unwrap(), "Unspill");
    }
}
