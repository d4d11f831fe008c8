//! Mics, members and the oracle of tests with a worker.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it cannot go on")]

pub(crate) mod panel;
pub(crate) mod process;
pub(crate) mod whole;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use engine::{Controls, Mode, SampleRate, SessionMethod};
use link::segment::Folder;
use link::{Console, Line, Member, MemberConfig, MicSettings, NoConsole, Place, Stamp};

pub(crate) const NUM_TRACKS: usize = 5;

/// Ends the program with an error if it is not dropped in time.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    pub(crate) fn start(limit: Duration) -> Self {
        let (alive, ended) = channel();
        std::thread::spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                println!("no end after {limit:?}");
                std::process::exit(101);
            }
        });
        Self { _alive: alive }
    }
}

/// Returns the number that a variable of the environment states, or `default`.
pub(crate) fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Returns the mics of all tracks, `[mic][sample]`.
pub(crate) fn mics(num_samples: usize) -> Vec<Vec<f32>> {
    whole::mics(NUM_TRACKS, num_samples)
}

pub(crate) fn rate() -> SampleRate {
    SampleRate::new(whole::RATE_HZ).unwrap()
}

/// Returns the output of a session without network that has all mics, without its latency.
pub(crate) fn oracle(mode: Mode, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    whole::oracle(mode, SessionMethod::default(), mics)
}

/// Returns a folder for the members of one test, which ends with the first value.
pub(crate) fn folder() -> (tempfile::TempDir, Folder) {
    let shared = Path::new("/dev/shm");
    let temp =
        if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
    let folder = Folder::at(&temp.path().join("link")).unwrap();
    (temp, folder)
}

/// Returns the configuration of a member without network.
pub(crate) fn config(mode: Mode, max_block_samples: usize) -> MemberConfig<'static> {
    MemberConfig { rate: rate(), mode, num_mics: 1, max_block_samples, session: 0, model: None }
}

pub(crate) fn join_as(folder: &Folder, config: &MemberConfig<'_>) -> Member {
    join_with(folder, config, Arc::new(NoConsole))
}

pub(crate) fn join_with(
    folder: &Folder,
    config: &MemberConfig<'_>,
    console: Arc<dyn Console>,
) -> Member {
    Member::join(config, &Controls::default(), folder, console).unwrap()
}

pub(crate) fn join(folder: &Folder, mode: Mode, max_block_samples: usize) -> Member {
    join_as(folder, &config(mode, max_block_samples))
}

pub(crate) fn stamp(sample: usize, is_offline: bool) -> Stamp {
    let sample = i64::try_from(sample).unwrap();
    let place = Some(Place { line: Line::Timeline, sample });
    Stamp { place, is_offline, settings: MicSettings::default() }
}

/// A member with its track.
pub(crate) struct Track {
    pub(crate) member: Member,
    pub(crate) mic: Vec<f32>,
    pub(crate) heard: Vec<f32>,
}

impl Track {
    pub(crate) fn new(member: Member, mic: &[f32]) -> Self {
        Self { member, mic: mic.to_vec(), heard: Vec::new() }
    }

    /// Plays the track's samples from `start` on, up to its end.
    pub(crate) fn call(&mut self, start: usize, num_samples: usize, is_offline: bool) {
        let end = (start + num_samples).min(self.mic.len());
        let mut block = self.mic[start..end].to_vec();
        self.member.process(&mut [&mut block], &stamp(start, is_offline)).unwrap();
        self.heard.extend_from_slice(&block);
    }

    /// Compares the output with the oracle's, bit for bit.
    #[track_caller]
    pub(crate) fn check(&self, expected: &[f32], label: &str) {
        let heard = &self.heard[self.member.latency_samples()..];
        assert!(heard.len() > 20_000, "{label}: {}", heard.len());
        let first = heard.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!((first, self.member.late_samples()), (None, 0), "{label}");
    }
}
