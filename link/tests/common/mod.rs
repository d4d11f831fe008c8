//! Mics, members and the oracle of tests with a worker.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it cannot go on")]

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use link::segment::Folder;
use link::{Line, MAX_LINKED_MICS, Member, MemberConfig, MicSettings, Place, Stamp};
use test_signals::Noise;

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

/// Mics of sources that bleed into each other, `[mic][sample]`.
pub(crate) fn mics(num_samples: usize) -> Vec<Vec<f32>> {
    let sources: Vec<Vec<f32>> = (0..NUM_TRACKS)
        .map(|mic| {
            let mut noise = Noise::new(u32::try_from(mic).unwrap() + 5);
            let is_on = |n: usize| !(n / (4000 + 900 * mic)).is_multiple_of(3);
            (0..num_samples).map(|n| if is_on(n) { 0.3 * noise.draw() } else { 0.0 }).collect()
        })
        .collect();
    let mixed = |mic: usize, n: usize| -> f32 {
        let bleed = |source: usize| {
            let delay = 40 + 13 * source + 7 * mic;
            0.15 * n.checked_sub(delay).map_or(0.0, |at| sources[source][at])
        };
        sources[mic][n] + (0..NUM_TRACKS).filter(|&source| source != mic).map(bleed).sum::<f32>()
    };
    (0..NUM_TRACKS).map(|mic| (0..num_samples).map(|n| mixed(mic, n)).collect()).collect()
}

pub(crate) fn rate() -> SampleRate {
    SampleRate::new(48_000.0).unwrap()
}

/// Returns the output of a session without network that has all mics, without its latency.
pub(crate) fn oracle(mode: Mode, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let config = SessionConfig {
        rate: rate(),
        num_mics: MAX_LINKED_MICS,
        mode,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    let mut session =
        Session::prepare(&config, &Controls::default(), SessionMethod::default()).unwrap();
    let latency = session.latency_samples();
    let num_samples = mics[0].len();
    let mut all = vec![vec![0.0; num_samples + latency]; MAX_LINKED_MICS];
    for (to, from) in all.iter_mut().zip(mics) {
        to[..num_samples].copy_from_slice(from);
    }
    let mut slices: Vec<&mut [f32]> = all.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
    all[..mics.len()].iter().map(|mic| mic[latency..].to_vec()).collect()
}

/// Returns a folder for the members of one test, which ends with the first value.
pub(crate) fn folder() -> (tempfile::TempDir, Folder) {
    let shared = Path::new("/dev/shm");
    let temp =
        if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
    let folder = Folder::at(&temp.path().join("link")).unwrap();
    (temp, folder)
}

pub(crate) fn join(folder: &Folder, mode: Mode, max_block_samples: usize) -> Member {
    let config = MemberConfig {
        rate: rate(),
        mode,
        num_mics: 1,
        max_block_samples,
        session: 0,
        identity: 0,
        model: None,
    };
    Member::join(&config, &Controls::default(), folder).unwrap()
}

pub(crate) fn stamp(sample: usize, is_offline: bool) -> Stamp {
    let sample = i64::try_from(sample).unwrap();
    let place = Some(Place { line: Line::Timeline, sample });
    Stamp { place, is_offline, settings: MicSettings::default() }
}
