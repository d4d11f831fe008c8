//! Many members for a long time: nothing grows.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it cannot go on")]
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Watchdog, folder, join, number_of, stamp};
use engine::Mode;
use link::MAX_LINKED_MICS;

const BLOCK: usize = 512;
/// Growth of resident memory that is no growth, in bytes: what an allocator may do.
const SPREAD_BYTES: u64 = 2 << 20;

/// Resident memory in bytes, threads of this process, and files in the members' folder.
fn state(folder: &link::segment::Folder) -> (u64, usize, usize) {
    let pages: u64 = {
        let text = fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    };
    let count = |path| fs::read_dir(path).unwrap().count();
    (pages * 4096, count("/proc/self/task".as_ref()), count(folder.path()))
}

/// Duration in seconds: `UNSPILL_TEST_SOAK_S`, 20 if it is not set.
#[test]
fn sixteen_members_that_render_for_long_do_not_grow() {
    let seconds = number_of("UNSPILL_TEST_SOAK_S", 20);
    let _watchdog = Watchdog::start(Duration::from_secs(4 * seconds + 60));
    let (_temp, folder) = folder();
    let mut members: Vec<_> =
        (0..MAX_LINKED_MICS).map(|_| join(&folder, Mode::Live, BLOCK)).collect();
    let mut block = [0.0; BLOCK];
    let began = Instant::now();
    let (mut at_start, mut calls, mut place) = (None, 0_u64, 0);
    while began.elapsed() < Duration::from_secs(seconds) {
        for (mic, member) in members.iter_mut().enumerate() {
            for (n, sample) in block.iter_mut().enumerate() {
                *sample = 0.1 * ((n * (mic + 3)) as f32 * 0.01).sin();
            }
            member.process(&mut [&mut block], &stamp(place, true)).unwrap();
            calls += 1;
        }
        // A loop of 4 s, so that runs begin too.
        place = (place + BLOCK) % 192_000;
        if at_start.is_none() && began.elapsed() > Duration::from_secs(3) {
            at_start = Some(state(&folder));
        }
    }
    let (bytes, threads, files) = at_start.unwrap();
    let end = state(&folder);
    println!("{calls} calls; after 3 s: {bytes} bytes, {threads} threads, {files} files; {end:?}");
    assert!(end.0 < bytes + SPREAD_BYTES, "from {bytes} to {} bytes", end.0);
    assert_eq!((end.1, end.2), (threads, files));
    assert_eq!(files, MAX_LINKED_MICS);
    let late: Vec<u64> = members.iter().map(link::Member::late_samples).collect();
    assert_eq!(late, [0; MAX_LINKED_MICS]);
}
