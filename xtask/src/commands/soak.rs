//! `cargo xtask soak`: simulates hours of a host with random but realistic actions.

use anyhow::{Result, ensure};

use crate::{build, shell};

/// Runs `models/tests/soak.rs` for `hours` of simulated time, built like the plugin; it prints a
/// table meanwhile.
pub(crate) fn soak(hours: f64, mics: usize, seed: u64) -> Result<()> {
    ensure!(hours > 0.0 && hours.is_finite(), "--hours must be greater than 0");
    ensure!((1..=32).contains(&mics), "--mics must be 1 to 32");
    let test = |ends: &[&str]| {
        let mut test = shell::cargo("test");
        test.args(["--release", "--package", "models", "--test", "soak"]).args(ends);
        test
    };
    build::shown(test(&["--no-run"]), "building the host; the first build takes some minutes")?;
    let mut run = test(&["--quiet", "--", "--nocapture"]);
    run.env("UNSPILL_SOAK_HOURS", hours.to_string());
    run.env("UNSPILL_SOAK_MICS", mics.to_string());
    run.env("UNSPILL_SOAK_SEED", seed.to_string());
    shell::run(run, "soak")
}
