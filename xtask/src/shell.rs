//! Starts other programs, mostly cargo.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// Returns the folder with the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for programs that it runs; otherwise the value at compile time
    // is used.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_owned)
}

/// Returns a cargo command for this workspace that runs in the user's folder.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = bare_cargo(subcommand);
    // Commands of other authors have their own options.
    if !["about", "deny"].contains(&subcommand) {
        command.arg("--manifest-path").arg(root().join("Cargo.toml"));
    }
    command
}

/// Returns a cargo command for the dashboard, which is a separate workspace.
pub(crate) fn cargo_for_dashboard(subcommand: &str) -> Command {
    let mut command = bare_cargo(subcommand);
    command.arg("--manifest-path").arg(root().join("xtask/dashboard/Cargo.toml"));
    command
}

/// Returns the target folder of the dashboard, a subfolder of the workspace's target folder.
pub(crate) fn dashboard_target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root().join("target")).join("dashboard")
}

/// Returns a cargo command for the models of the engine's threads, a separate workspace with its
/// own target folder.
pub(crate) fn cargo_for_races(subcommand: &str) -> Command {
    let mut command = bare_cargo(subcommand);
    command.arg("--manifest-path").arg(root().join("engine/races/Cargo.toml"));
    if subcommand != "fmt" {
        command.arg("--target-dir").arg(races_target());
    }
    command
}

/// Returns the target folder of the models of the engine's threads.
pub(crate) fn races_target() -> PathBuf {
    dashboard_target().with_file_name("races")
}

fn bare_cargo(subcommand: &str) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    command
}

/// Returns a command that starts a program in the environment that this one was started in.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    // Removes the variables that cargo set for this program: a nested cargo would treat them as the
    // user's settings.
    for (name, _) in std::env::vars_os() {
        let is_ours = name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_"));
        if is_ours || name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command and waits for its end.
///
/// # Errors
///
/// If the command cannot be started or fails; it has printed the reason.
pub(crate) fn run(mut command: Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Replaces this program with a command, or runs it and returns its exit code.
///
/// On Unix the process is replaced: otherwise Ctrl-C would end this waiting program before the
/// command has cleaned up.
pub(crate) fn become_command(mut command: Command, what: &str) -> ExitCode {
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => return exit_code(status),
        Err(error) => error,
    };
    eprintln!("error: cannot start {what}: {error}");
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    if status.success() {
        return ExitCode::SUCCESS;
    }
    // A command that was killed, or whose code does not fit into a byte, counts as failed.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).filter(|&code| code != 0);
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
