//! `cargo xtask races`: tests the data shared between threads in every order, and under Miri.

use std::process::Stdio;

use anyhow::Result;

use crate::shell;

/// Runs the models of `engine/races` with up to `preemptions` forced thread switches, and its tests
/// with real threads under Miri if that is installed.
pub(crate) fn races(preemptions: usize) -> Result<()> {
    println!("== models");
    let mut models = shell::cargo_for_races("test");
    models.arg("modelled::").env("UNSPILL_PREEMPTIONS", preemptions.to_string());
    shell::run(models, "cargo test in engine/races")?;

    println!("== Miri");
    let mut probe = shell::program("cargo");
    probe.args(["+nightly", "miri", "--version"]).env_remove("RUSTUP_TOOLCHAIN");
    probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        println!("skipped: no Miri (rustup toolchain install nightly --component miri,rust-src)");
        return Ok(());
    }
    let mut miri = shell::program("cargo");
    miri.args(["+nightly", "miri", "test", "--manifest-path"]);
    miri.arg(shell::root().join("engine/races/Cargo.toml"));
    miri.arg("--target-dir").arg(shell::races_target().join("miri")).arg("real::");
    // Miri needs its own toolchain; the tests use the system's clock and sleep.
    miri.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    miri.env("MIRIFLAGS", "-Zmiri-disable-isolation");
    shell::run(miri, "Miri")
}
