//! `cargo xtask check`: all checks, cheapest first.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::{build, commands, shell};

/// Notice shown when a check has to build something.
const NOTICE: &str = "building; the first build takes some minutes";

/// Runs all checks and stops at the first that fails.
pub(crate) fn check() -> Result<()> {
    step("format");
    let mut format = shell::cargo("fmt");
    format.args(["--all", "--check"]);
    shell::run(format, "cargo fmt --check")?;
    let mut format = shell::cargo_for_dashboard("fmt");
    format.arg("--check");
    shell::run(format, "cargo fmt --check in xtask/dashboard")?;
    let mut format = shell::cargo_for_races("fmt");
    format.arg("--check");
    shell::run(format, "cargo fmt --check in engine/races")?;

    step("tidiness");
    commands::tidy()?;

    step("dependencies");
    deny()?;

    step("lints");
    let mut clippy = shell::cargo("clippy");
    clippy.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
    build::shown(clippy, NOTICE)?;
    let mut clippy = shell::cargo_for_dashboard("clippy");
    clippy.arg("--target-dir").arg(shell::dashboard_target());
    clippy.args(["--all-targets", "--", "-D", "warnings"]);
    build::shown(clippy, NOTICE)?;
    let mut clippy = shell::cargo_for_races("clippy");
    clippy.args(["--all-targets", "--", "-D", "warnings"]);
    build::shown(clippy, NOTICE)?;

    step("docs");
    let mut docs = shell::cargo("doc");
    docs.args(["--workspace", "--no-deps", "--document-private-items"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    build::shown(docs, NOTICE)?;

    step("tests");
    commands::test(&[])?;

    step("benches, once each");
    // By name: `--benches` would run the unit tests of other packages again.
    let mut benches = shell::cargo("test");
    benches.args(["--workspace", "--bench", "stft", "--bench", "link", "--bench", "network"]);
    shell::run(benches, "cargo test of all benches")?;

    step("instructions");
    commands::guard(false)?;
    println!("all checks passed");
    Ok(())
}

/// Checks licences, bans and sources, and advisories if their database can be fetched.
fn deny() -> Result<()> {
    if !succeeds(shell::cargo("deny").arg("--version")) {
        println!(
            "skipped: cargo-deny is not installed (cargo install --locked cargo-deny); \
             `tidy` has checked the licences"
        );
        return Ok(());
    }
    let deny = |checks: &[&str]| {
        let mut deny = shell::cargo("deny");
        deny.arg("check").args(checks).current_dir(shell::root());
        deny
    };
    shell::run(deny(&["licenses", "bans", "sources"]), "cargo deny")?;
    if succeeds(shell::cargo("deny").arg("fetch").arg("db").current_dir(shell::root())) {
        return shell::run(deny(&["advisories"]), "cargo deny check advisories");
    }
    println!("skipped: advisories, because their database cannot be fetched");
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn step(name: &str) {
    println!("== {name}");
}
