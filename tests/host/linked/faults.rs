//! Small versions of the faults of `cargo xtask host --faults`.

use std::path::PathBuf;

use host::linked::faults::{Extent, Fault};
use tests::isolated;

use super::processes::other;
use super::{Bundles, LIMIT};

/// Makes a fault, in the process that `isolated` has started.
fn make(fault: Fault) {
    let folder = PathBuf::from(std::env::var_os("UNSPILL_LINK_FOLDER").unwrap());
    match fault.make(&Bundles::load().clap, &folder, Extent::Small, other) {
        Ok(outcome) => println!("{}: {outcome}", fault.name()),
        Err(error) => panic!("{}: {error:#}", fault.name()),
    }
}

#[test]
fn a_process_that_is_killed_in_a_block_does_no_harm() {
    isolated("linked::faults::a_process_that_is_killed_in_a_block_does_no_harm", LIMIT, || {
        make(Fault::Kill)
    });
}

#[test]
fn old_segments_do_no_harm() {
    isolated("linked::faults::old_segments_do_no_harm", LIMIT, || make(Fault::Stale));
}

#[test]
fn hostile_bytes_do_no_harm() {
    isolated("linked::faults::hostile_bytes_do_no_harm", LIMIT, || make(Fault::Hostile));
}

#[test]
fn sixteen_tracks_do_not_grow() {
    isolated("linked::faults::sixteen_tracks_do_not_grow", LIMIT, || make(Fault::Long));
}

/// Needs a small file system, which only root can mount.
#[cfg(target_os = "linux")]
#[test]
fn a_full_folder_does_no_harm() {
    let is_root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.contains("\nUid:\t0\t0\t"));
    if is_root {
        isolated("linked::faults::a_full_folder_does_no_harm", LIMIT, || make(Fault::Full));
    }
}
