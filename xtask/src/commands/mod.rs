//! The commands that do more than start one program, one file each.

mod bundle;
mod check;
mod demo;
mod fuzz;
mod guard;
mod races;
mod soak;
mod tag;
mod train;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::build::{self, Product};
use crate::{shell, system};

pub(crate) use bundle::{bundle, bundle_library, library_in, sign};
pub(crate) use check::check;
pub(crate) use demo::{DEMO_FOLDER, demo, demo_mics};
pub(crate) use fuzz::{TARGETS, fuzz};
pub(crate) use guard::guard;
pub(crate) use races::races;
pub(crate) use soak::soak;
pub(crate) use tag::check_tag;
pub(crate) use train::train;

/// Runs all tests, or those selected by the arguments.
pub(crate) fn test(arguments: &[OsString]) -> Result<()> {
    system::ensure_for_tests()?;
    bundle()?;
    let mut tests = shell::cargo("test");
    let picks_packages = arguments.iter().any(|argument| {
        let argument = argument.to_string_lossy();
        argument.starts_with("-p") || argument.starts_with("--package")
    });
    if !picks_packages {
        tests.arg("--workspace");
    }
    tests.args(arguments);
    shell::run(tests, "cargo test")?;
    if arguments.is_empty() {
        test_apart()?;
    }
    Ok(())
}

/// Runs the tests that are built separately, because their dependencies would change the builds of
/// the others.
fn test_apart() -> Result<()> {
    let mut backends = shell::cargo("test");
    backends.args(["--profile", "apart", "--package", "lab", "--features", "ndarray,wgpu"]);
    backends.args(["--lib", "--test", "backends", "backends"]);
    shell::run(backends, "cargo test of the backends")?;
    shell::run(shell::cargo_for_races("test"), "cargo test in engine/races")?;
    let mut dashboard = shell::cargo_for_dashboard("test");
    dashboard.arg("--target-dir").arg(shell::dashboard_target());
    shell::run(dashboard, "cargo test in xtask/dashboard")
}

/// Runs the tests that check the repository itself.
pub(crate) fn tidy() -> Result<()> {
    let tests = |ends: &[&str]| {
        let mut tests = shell::cargo("test");
        // With the features of the whole workspace, which avoids a build for these tests alone.
        tests.args(["--workspace", "--test", "tidy"]).args(ends);
        tests
    };
    build::shown(tests(&["--no-run"]), "building the checks; the first build takes a minute")?;
    shell::run(tests(&["--quiet"]), "cargo test --workspace --test tidy")
}

/// Makes the plugin bundle and plays files through it.
pub(crate) fn host(arguments: &[OsString]) -> ExitCode {
    let asks_for_help = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    let names_plugin = arguments.iter().any(|argument| {
        argument == "--plugin" || argument.to_string_lossy().starts_with("--plugin=")
    });
    if !asks_for_help
        && !names_plugin
        && let Err(error) = bundle()
    {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    start(Product::HOST, arguments, "the host")
}

/// Starts a command of the lab.
pub(crate) fn lab(command: &str, arguments: &[OsString]) -> ExitCode {
    let mut all = vec![OsString::from(command)];
    all.extend_from_slice(arguments);
    start(Product::LAB, &all, "the lab")
}

/// Builds a program and replaces this process with it.
fn start(product: Product, arguments: &[OsString], what: &str) -> ExitCode {
    match product.program() {
        Ok(mut command) => {
            command.args(arguments);
            shell::become_command(command, what)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
