//! The plugin bundles under test, built once per process.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use host::{Bundle, Format};

use crate::{exclusively, root};

/// Environment variable with a folder of bundles to test instead of the workspace's own.
pub(crate) const BUNDLES_VARIABLE: &str = "UNSPILL_TEST_BUNDLES";

/// Loads the bundled plugin. The first call in a process builds or updates the bundles, so that a
/// plain `cargo test -p tests` works too.
///
/// # Errors
///
/// If the plugin cannot be built, bundled or loaded.
pub fn bundle(format: Format) -> Result<Bundle> {
    let extension = match format {
        Format::Clap => "clap",
        Format::Vst3 => "vst3",
    };
    if let Some(folder) = std::env::var_os(BUNDLES_VARIABLE) {
        return Bundle::load(&std::path::Path::new(&folder).join(format!("Unspill.{extension}")));
    }
    static MADE: OnceLock<Result<(), String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        exclusively("bundle", || {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let output = Command::new(cargo)
                .args([
                    "run",
                    "--quiet",
                    "--profile",
                    "apart",
                    "--package",
                    "xtask",
                    "--",
                    "bundle",
                ])
                .current_dir(root())
                .output()
                .context("cannot start cargo")?;
            let errors = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "cargo xtask bundle failed: {errors}");
            Ok(())
        })
        .map_err(|error| format!("{error:#}"))
    });
    made.clone().map_err(anyhow::Error::msg)?;
    Bundle::load(&root().join(format!("target/bundled/Unspill.{extension}")))
}
