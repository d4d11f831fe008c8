//! A Python interpreter with `DawDreamer`, the independent host.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{exclusively, root};

/// Packages to install, with exact versions.
const PACKAGES: [&str; 2] = ["dawdreamer==0.9.0", "numpy==2.2.6"];

/// Environment variable with the interpreter to use instead of the tests' own environment.
const INTERPRETER_VARIABLE: &str = "UNSPILL_TEST_PYTHON";

/// Returns the interpreter. The first call creates its environment under `target/`.
///
/// # Errors
///
/// If the environment cannot be created; the message names the system package that is
/// probably missing.
pub fn python() -> Result<PathBuf> {
    if let Some(interpreter) = std::env::var_os(INTERPRETER_VARIABLE) {
        return Ok(interpreter.into());
    }
    exclusively("python", || {
        let environment = root().join("target/test-python");
        let interpreter = if cfg!(target_os = "windows") {
            environment.join("Scripts/python.exe")
        } else {
            environment.join("bin/python")
        };
        // Written last: an environment without this file is incomplete.
        let stamp = environment.join("installed");
        let wanted = PACKAGES.join("\n");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(interpreter);
        }
        run(
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment),
            "making a Python environment (Debian and Ubuntu: apt-get install -y python3-venv)",
        )?;
        install(&interpreter)?;
        run(
            Command::new(&interpreter).args(["-c", "import dawdreamer"]),
            "loading DawDreamer (Debian and Ubuntu: apt-get install -y libgl1)",
        )?;
        std::fs::write(&stamp, wanted)?;
        Ok(interpreter)
    })
}

fn install(interpreter: &Path) -> Result<()> {
    let mut command = Command::new(interpreter);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(command.args(PACKAGES), "installing DawDreamer from Python's package index")
}

fn run(command: &mut Command, doing: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("{doing}: cannot start"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{doing}: {errors}");
    Ok(())
}
