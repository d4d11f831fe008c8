//! Members in two processes: this program starts itself again in another role.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod common;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use common::{NUM_TRACKS, Watchdog, folder, join, mics, oracle, stamp};
use engine::Mode;
use link::Member;
use link::segment::Folder;

/// Names of the variables that give a started process its role, folder and number of samples.
const ROLE: &str = "UNSPILL_TEST_ROLE";
const FOLDER: &str = "UNSPILL_TEST_FOLDER";
const LENGTH: &str = "UNSPILL_TEST_LENGTH";

/// Start of the lines that a started process writes for this one; the test harness writes others.
const MARK: &str = "@";
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
            let mut tracks = tracks(&folder, &mics, SECOND..NUM_TRACKS);
            say("ready");
            for start in (0..mics[0].len()).step_by(BLOCK) {
                wait();
                tracks.iter_mut().for_each(|track| track.call(start, true));
                say("played");
            }
            wait();
            let expected = oracle(Mode::Live, &mics);
            for track in &tracks {
                track.check(&expected);
            }
            say("same");
        }
        _ => panic!("unknown role {role}"),
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // A line of its own: the harness may have written the start of one.
    writeln!(out, "\n{MARK}{text}").unwrap();
    out.flush().unwrap();
}

/// Waits until the starting process writes a line, or closes the pipe.
fn wait() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
}

/// A started process, which is killed on drop.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(role: &str, folder: &Folder, num_samples: usize) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "role_of_a_started_process", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(FOLDER, folder.path())
            .env(LENGTH, num_samples.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Waits until the process says this.
    fn expect(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "ended before \"{text}\"");
            if let Some(said) = line.trim_end().strip_prefix(MARK) {
                assert_eq!(said, text);
                return;
            }
        }
    }

    fn go_on(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A member with its track.
struct Track {
    index: usize,
    member: Member,
    mic: Vec<f32>,
    heard: Vec<f32>,
}

impl Track {
    fn call(&mut self, start: usize, is_offline: bool) {
        let mut block = self.mic[start..(start + BLOCK).min(self.mic.len())].to_vec();
        self.member.process(&mut [&mut block], &stamp(start, is_offline)).unwrap();
        self.heard.extend_from_slice(&block);
    }

    #[track_caller]
    fn check(&self, expected: &[Vec<f32>]) {
        let heard = &self.heard[self.member.latency_samples()..];
        assert!(heard.len() > 20_000);
        let first =
            heard.iter().zip(&expected[self.index]).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!((first, self.member.late_samples()), (None, 0), "track {}", self.index);
    }
}

fn tracks(folder: &Folder, mics: &[Vec<f32>], indices: std::ops::Range<usize>) -> Vec<Track> {
    let track = |index: usize| Track {
        index,
        member: join(folder, Mode::Live, BLOCK),
        mic: mics[index].clone(),
        heard: Vec::new(),
    };
    indices.map(track).collect()
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
    let mut tracks = tracks(&folder, &mics, 0..SECOND);
    let mut other = Process::start("lockstep", &folder, mics[0].len());
    other.expect("ready");
    meet(&tracks[0], NUM_TRACKS);
    for start in (0..mics[0].len()).step_by(BLOCK) {
        // The tracks of both processes take turns in being first.
        let is_first = (start / BLOCK).is_multiple_of(2);
        if is_first {
            other.go_on();
            other.expect("played");
        }
        tracks.iter_mut().for_each(|track| track.call(start, true));
        if !is_first {
            other.go_on();
            other.expect("played");
        }
    }
    other.go_on();
    other.expect("same");
    for track in &tracks {
        track.check(&expected);
    }
}

/// Kills `UNSPILL_TEST_KILLS` processes, 40 if that is not set: each takes two rests of the
/// folder's watch, to be found and to be found dead.
#[test]
fn a_process_that_is_killed_in_a_block_leaves_the_other_one_running() {
    let _watchdog = Watchdog::start(Duration::from_secs(600));
    let mics = mics(48_000);
    let (_temp, folder) = folder();
    let mut tracks = tracks(&folder, &mics, 0..SECOND);
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut most_late = 0;
    let num_kills = common::number_of("UNSPILL_TEST_KILLS", 40);
    for kill in 0..num_kills {
        let mut other = Process::start("lockstep", &folder, mics[0].len());
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
                other.child.kill().unwrap();
                other.child.wait().unwrap();
            }
            for track in &mut tracks {
                track.call(start, true);
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
    assert_eq!(link::abandoned_workers(), 0);
}
