//! `cargo xtask check`: every check there is, cheapest first.

use std::process::Stdio;

use anyhow::Result;

use crate::{build, commands, shell};

/// Said before what has to be built for a check.
const NOTICE: &str = "building: minutes the first time";

/// Stops at the first check that fails.
pub(crate) fn check() -> Result<()> {
    step("format");
    let mut format = shell::cargo("fmt");
    format.args(["--all", "--check"]);
    shell::run(format, "cargo fmt --check")?;
    let mut format = shell::cargo_for_dashboard("fmt");
    format.arg("--check");
    shell::run(format, "cargo fmt --check of the dashboard")?;

    step("tidiness");
    commands::tidy()?;

    step("lints");
    let mut clippy = shell::cargo("clippy");
    clippy.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
    build::shown(clippy, NOTICE)?;
    let mut clippy = shell::cargo_for_dashboard("clippy");
    clippy.arg("--target-dir").arg(shell::dashboard_target());
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
    let benches = |end: &str| {
        let mut benches = shell::cargo("test");
        benches.args(["--workspace", "--benches", end]);
        benches
    };
    build::shown(benches("--no-run"), NOTICE)?;
    shell::run(benches("--quiet"), "cargo test --benches")?;

    step("dependencies");
    let mut probe = shell::cargo("deny");
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        let mut deny = shell::cargo("deny");
        deny.args(["check"]).current_dir(shell::root());
        shell::run(deny, "cargo deny")?;
    } else {
        println!("not checked: cargo-deny is not installed (cargo install --locked cargo-deny)");
    }
    println!("all checks passed");
    Ok(())
}

fn step(name: &str) {
    println!("== {name}");
}
