//! `cargo xtask train`: the lab's training, with the dashboard on a terminal.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build::{self, Product};
use crate::{commands, shell};

/// Runs the training: on a terminal with the dashboard, in a pipe with plain lines.
pub(crate) fn train(arguments: &[OsString]) -> ExitCode {
    let is_terminal = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    if !is_terminal || !is_training(arguments) {
        return commands::lab("train", arguments);
    }
    match dashboard(arguments) {
        Ok(command) => shell::become_command(command, "the dashboard"),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True when training without `--help` or `--progress`.
fn is_training(arguments: &[OsString]) -> bool {
    let is_other = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument == "--help" || argument == "-h" || argument.starts_with("--progress")
    };
    !arguments.is_empty() && !arguments.iter().any(is_other)
}

/// Builds the dashboard and the lab and returns the command that runs the training in
/// the dashboard.
fn dashboard(arguments: &[OsString]) -> Result<Command> {
    let mut training = Product::LAB.program()?;
    let target = shell::dashboard_target();
    let mut dashboard = shell::cargo_for_dashboard("build");
    dashboard.arg("--release").arg("--target-dir").arg(&target);
    build::shown(dashboard, "building the dashboard; the first build takes some minutes")?;
    training.args(["train", "--progress", "json"]).args(arguments);
    let program = format!("release/dashboard{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target.join(program));
    command.arg(training.get_program()).args(training.get_args());
    for (name, value) in training.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_a_chosen_form_of_progress_need_no_dashboard() {
        let is_training = |words: &str| {
            super::is_training(&words.split_whitespace().map(OsString::from).collect::<Vec<_>>())
        };
        assert!(is_training("default --out x"));
        for words in ["", "--help", "default -h", "default --progress text", "a --progress=json"] {
            assert!(!is_training(words), "{words}");
        }
    }

    #[test]
    fn the_dashboard_is_not_built_where_the_workspace_is() {
        let command = shell::cargo_for_dashboard("build");
        let manifests = command.get_args().filter(|a| a.to_string_lossy().ends_with("Cargo.toml"));
        assert_eq!(manifests.count(), 1);
        assert!(shell::dashboard_target().ends_with("dashboard"));
    }
}
