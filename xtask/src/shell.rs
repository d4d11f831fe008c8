//! Starts other programs, mostly cargo.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// The folder with the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets it for programs it runs; what it was at compile time serves those run by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_owned)
}

/// Cargo with a subcommand, for this workspace, in the user's folder.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = bare_cargo(subcommand);
    if subcommand != "deny" {
        command.arg("--manifest-path").arg(root().join("Cargo.toml"));
    }
    command
}

/// Cargo with a subcommand for the dashboard, which is a workspace of its own.
pub(crate) fn cargo_for_dashboard(subcommand: &str) -> Command {
    let mut command = bare_cargo(subcommand);
    command.arg("--manifest-path").arg(root().join("xtask/dashboard/Cargo.toml"));
    command
}

/// Where the dashboard is built: beside everything else, and apart from it.
pub(crate) fn dashboard_target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root().join("target")).join("dashboard")
}

/// Cargo with a subcommand for the models of the engine's threads, a workspace of its own as well, built apart.
pub(crate) fn cargo_for_races(subcommand: &str) -> Command {
    let mut command = bare_cargo(subcommand);
    command.arg("--manifest-path").arg(root().join("engine/races/Cargo.toml"));
    if subcommand != "fmt" {
        command.arg("--target-dir").arg(races_target());
    }
    command
}

/// Where those are built.
pub(crate) fn races_target() -> PathBuf {
    dashboard_target().with_file_name("races")
}

fn bare_cargo(subcommand: &str) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    command
}

/// A program in the environment that this one was given.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    // What cargo sets for this program would look like the user's own settings to the next one.
    for (name, _) in std::env::vars_os() {
        let is_ours = name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_"));
        if is_ours || name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
///
/// # Errors
///
/// When it cannot be started or fails; its own output has said why.
pub(crate) fn run(mut command: Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Runs a command in this program's stead and takes over its exit code.
///
/// Where the system can, this program becomes the other one: Ctrl-C would end the one that waits before the one that tidies up.
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
    // Killed by a signal, or a code that does not fit: failed all the same.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).filter(|&code| code != 0);
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
