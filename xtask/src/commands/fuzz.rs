//! `cargo xtask fuzz`: fuzzes the readers for a chosen time.

use anyhow::{Result, ensure};

use crate::{build, shell};

/// The fuzz targets: names of tests in `fuzz/tests/fuzz`.
pub(crate) const TARGETS: [&str; 9] = [
    "audio",
    "card",
    "learned",
    "playing_learned",
    "recipe",
    "state",
    "track_state",
    "training",
    "weights",
];

/// Fuzzes one target, or all in sequence, each for `minutes`.
pub(crate) fn fuzz(target: Option<&str>, minutes: f64) -> Result<()> {
    ensure!(minutes > 0.0 && minutes.is_finite(), "--minutes must be greater than 0");
    let tests = |ends: &[&str]| {
        let mut tests = shell::cargo("test");
        tests.args(["--workspace", "--test", "fuzz"]).args(ends);
        tests
    };
    build::shown(tests(&["--no-run"]), "building the fuzzer; the first build takes some minutes")?;
    let seconds = format!("{:.0}", (60.0 * minutes).ceil());
    for name in TARGETS.into_iter().filter(|name| target.is_none_or(|target| target == *name)) {
        let full_name = format!("{}::{name}", module_of(name));
        let mut run = tests(&["--quiet", "--", "--exact", "--nocapture", &full_name]);
        run.env("UNSPILL_FUZZ_SECONDS", &seconds);
        shell::run(run, &format!("fuzzing {name}"))?;
    }
    Ok(())
}

/// Returns the file of `fuzz/tests/fuzz` that contains the target.
fn module_of(target: &str) -> &str {
    match target {
        "card" | "weights" => "model",
        "playing_learned" => "learned",
        "recipe" | "training" => "configs",
        "track_state" => "state",
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_a_test_and_every_test_a_target() {
        let mut found = 0;
        for entry in std::fs::read_dir(shell::root().join("fuzz/tests/fuzz")).unwrap() {
            let file = entry.unwrap().path();
            let source = std::fs::read_to_string(&file).unwrap();
            found += source.matches("#[test]\n").count();
            for name in TARGETS.iter().filter(|name| file.file_stem().unwrap() == module_of(name)) {
                assert!(source.contains(&format!("#[test]\nfn {name}()")), "{name}");
            }
        }
        assert_eq!(found, TARGETS.len());
    }
}
