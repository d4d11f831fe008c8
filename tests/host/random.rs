//! Calls in random order, as in `cargo xtask host --random`: a short run for every check.

use host::Format;
use host::random::{Numbers, describe, run};
use tests::bundle;

/// Number of calls, which take a few seconds; the seeds differ from the command's default.
const NUM_CALLS: u64 = 4_000;

fn survives(format: Format, seed: u64) {
    let bundle = bundle(format).unwrap();
    let mut last = 0;
    let result = run(&bundle, seed, &Numbers::from(0..NUM_CALLS), None, |number| {
        last = number;
        Ok(())
    });
    assert!(result.is_ok(), "{:#}\nat {}", result.unwrap_err(), describe(seed, last));
}

#[test]
fn clap_survives_calls_in_any_order() {
    survives(Format::Clap, 101);
}

#[test]
fn vst3_survives_calls_in_any_order() {
    survives(Format::Vst3, 102);
}
