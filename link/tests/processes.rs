//! Members in two processes: this program starts itself again in another role.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod common;

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::process::{FOLDER, Process, ROLE, say, wait};
use common::{NUM_TRACKS, Track, Watchdog, folder, join, mics, oracle};
use engine::Mode;
use link::segment::Folder;

/// Name of the variable that gives a started process its number of samples.
const LENGTH: &str = "UNSPILL_TEST_LENGTH";

const BLOCK: usize = 480;
/// First track of the started process.
const SECOND: usize = 3;

/// The part of the started processes; without a role there is nothing to do.
#[test]
fn role_of_a_started_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let folder = Folder::at(Path::new(&env::var(FOLDER).unwrap())).unwrap();
    let mics = mics(env::var(LENGTH).unwrap().parse().unwrap());
    match role.as_str() {
        "lockstep" => {
            let mut tracks = tracks(&folder, &mics[SECOND..]);
            say("ready");
            for start in (0..mics[0].len()).step_by(BLOCK) {
                wait();
                tracks.iter_mut().for_each(|track| track.call(start, BLOCK, true));
                say("played");
            }
            wait();
            let expected = oracle(Mode::Live, &mics);
            for (track, expected) in tracks.iter().zip(&expected[SECOND..]) {
                track.check(expected, "second process");
            }
            say("same");
        }
        _ => panic!("unknown role {role}"),
    }
}

/// Starts this program as the lockstep's second process.
fn start(folder: &Folder, num_samples: usize) -> Process {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(LENGTH, num_samples.to_string());
    Process::start_with(command, "lockstep", folder)
}

fn tracks(folder: &Folder, mics: &[Vec<f32>]) -> Vec<Track> {
    mics.iter().map(|mic| Track::new(join(folder, Mode::Live, BLOCK), mic)).collect()
}

/// Waits until all members of both processes hear each other.
fn meet(track: &Track, num_members: usize) {
    let began = Instant::now();
    while track.member.roster().len() < num_members {
        assert!(began.elapsed() < Duration::from_secs(30), "the members have not met");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn two_processes_give_the_samples_of_one_session() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let mics = mics(48_000);
    let expected = oracle(Mode::Live, &mics);
    let (_temp, folder) = folder();
    let mut tracks = tracks(&folder, &mics[..SECOND]);
    let mut other = start(&folder, mics[0].len());
    other.expect("ready");
    meet(&tracks[0], NUM_TRACKS);
    for start in (0..mics[0].len()).step_by(BLOCK) {
        // The tracks of both processes take turns in being first.
        let is_first = (start / BLOCK).is_multiple_of(2);
        if is_first {
            other.go_on();
            other.expect("played");
        }
        tracks.iter_mut().for_each(|track| track.call(start, BLOCK, true));
        if !is_first {
            other.go_on();
            other.expect("played");
        }
    }
    other.go_on();
    other.expect("same");
    for (track, expected) in tracks.iter().zip(&expected) {
        track.check(expected, "first process");
    }
}

/// Kills `UNSPILL_TEST_KILLS` processes, 40 if that is not set: each takes two rests of the
/// folder's watch, to be found and to be found dead.
#[test]
fn a_process_that_is_killed_in_a_block_leaves_the_other_one_running() {
    let _watchdog = Watchdog::start(Duration::from_secs(600));
    let mics = mics(48_000);
    let (_temp, folder) = folder();
    let mut tracks = tracks(&folder, &mics[..SECOND]);
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut most_late = 0;
    let num_kills = common::number_of("UNSPILL_TEST_KILLS", 40);
    for kill in 0..num_kills {
        let mut other = start(&folder, mics[0].len());
        other.expect("ready");
        let late: Vec<u64> = tracks.iter().map(|track| track.member.late_samples()).collect();
        meet(&tracks[0], NUM_TRACKS);
        for start in (0..12 * BLOCK).step_by(BLOCK) {
            if start <= 5 * BLOCK {
                other.go_on();
            }
            if start < 5 * BLOCK {
                other.expect("played");
            } else if start == 5 * BLOCK {
                // At another point of the block each time.
                std::thread::park_timeout(Duration::from_micros(37 * kill % 1500));
                other.kill();
            }
            for track in &mut tracks {
                track.call(start, BLOCK, true);
                track.heard.clear();
            }
        }
        for (track, before) in tracks.iter().zip(late) {
            most_late = most_late.max(track.member.late_samples() - before);
        }
        let began = Instant::now();
        while count() > SECOND || tracks[0].member.roster().len() > SECOND {
            assert!(began.elapsed() < Duration::from_secs(10), "kill {kill}: {} files", count());
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    println!("at most {most_late} late samples of a track at a kill");
    assert_eq!(most_late, 0);
    assert_eq!(engine::abandoned_workers(), 0);
}
