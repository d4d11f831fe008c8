//! `cargo xtask bundle`: builds the plugin and makes its bundles.

use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::bundler::{Product, System};
use crate::shell;

/// The package that holds the plugin, and its section in `bundler.toml`.
const PACKAGE: &str = "plugin";

/// Builds the plugin in release makes `target/bundled/<name>.vst3` and `.clap`, and returns both.
pub(crate) fn bundle() -> Result<Vec<PathBuf>> {
    let system = System::this()?;
    let name = display_name()?;
    let library = build()?;
    // Always inside the workspace, wherever cargo keeps what it builds: docs and commands say so.
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

/// The name that `bundler.toml` gives the plugin.
fn display_name() -> Result<String> {
    let path = shell::root().join("bundler.toml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table =
        text.parse().with_context(|| format!("cannot understand {}", path.display()))?;
    let name = table.get(PACKAGE).and_then(|package| package.get("name"));
    let name = name.and_then(toml::Value::as_str);
    name.map(str::to_owned)
        .with_context(|| format!("{} gives no name for {PACKAGE}", path.display()))
}

/// Builds the plugin's library and returns where it is.
fn build() -> Result<PathBuf> {
    let mut build = shell::cargo("build");
    build.args(["--release", "--package", PACKAGE, "--lib"]);
    build.arg("--message-format=json-render-diagnostics");
    if !std::io::stderr().is_terminal() {
        build.arg("--quiet");
    }
    let output = build.stderr(Stdio::inherit()).output().context("cannot start cargo build")?;
    if !output.status.success() {
        bail!("the plugin does not build ({})", output.status);
    }
    library_in(&String::from_utf8_lossy(&output.stdout))
        .context("cargo built the plugin without a shared library")
}

/// The shared library among the artifacts that cargo reports, one JSON message per line.
fn library_in(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let artifacts = messages.filter(|message| {
        message["reason"] == "compiler-artifact" && message["target"]["name"] == PACKAGE
    });
    let files: Vec<PathBuf> = artifacts
        .flat_map(|artifact| artifact["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .collect();
    let extension = std::env::consts::DLL_EXTENSION;
    files.into_iter().find(|file| file.extension().is_some_and(|other| other == extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_among_cargos_messages() {
        let file = format!("/t/libplugin.{}", std::env::consts::DLL_EXTENSION);
        let messages = format!(
            "not json\n{{\"reason\":\"compiler-artifact\",\"target\":{{\"name\":\"engine\"}},\
             \"filenames\":[\"/t/x.{}\"]}}\n{{\"reason\":\"compiler-artifact\",\"target\":\
             {{\"name\":\"plugin\"}},\"filenames\":[\"/t/libplugin.rlib\",\"{file}\"]}}",
            std::env::consts::DLL_EXTENSION
        );
        assert_eq!(library_in(&messages), Some(PathBuf::from(file)));
        assert_eq!(library_in("{}"), None);
    }

    #[test]
    fn the_display_name_comes_from_bundler_toml() {
        assert_eq!(display_name().unwrap(), "Unspill");
    }
}
