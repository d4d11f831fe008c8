//! Linked members in one process, with their worker, against one session that has all mics.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::sync::Barrier;

use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use link::segment::Folder;
use link::{Line, MAX_LINKED_MICS, Member, MemberConfig, MicSettings, Place, Stamp};
use test_signals::Noise;

const NUM_TRACKS: usize = 5;

/// Mics of sources that bleed into each other, `[mic][sample]`.
fn mics(num_samples: usize) -> Vec<Vec<f32>> {
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

fn rate() -> SampleRate {
    SampleRate::new(48_000.0).unwrap()
}

/// Returns the output of a session with the network and all mics, without its latency.
fn oracle(mode: Mode, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let config = SessionConfig {
        rate: rate(),
        num_mics: MAX_LINKED_MICS,
        mode,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    let method =
        SessionMethod::Own { model: Some(&models::released().unwrap().model), learned: None };
    let mut session = Session::prepare(&config, &Controls::default(), method).unwrap();
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
fn folder() -> (tempfile::TempDir, Folder) {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::at(&temp.path().join("link")).unwrap();
    (temp, folder)
}

fn join(folder: &Folder, mode: Mode, max_block_samples: usize) -> Member {
    let config = MemberConfig {
        rate: rate(),
        mode,
        num_mics: 1,
        max_block_samples,
        session: 0,
        identity: 0,
        model: Some(&models::released().unwrap().model),
    };
    Member::join(&config, &Controls::default(), folder).unwrap()
}

fn stamp(sample: usize, is_offline: bool) -> Stamp {
    let sample = i64::try_from(sample).unwrap();
    let place = Some(Place { line: Line::Timeline, sample });
    Stamp { place, is_offline, settings: MicSettings::default() }
}

/// A member with its track.
struct Track {
    member: Member,
    mic: Vec<f32>,
    heard: Vec<f32>,
}

impl Track {
    fn call(&mut self, start: usize, end: usize, is_offline: bool) {
        let mut block = self.mic[start..end].to_vec();
        self.member.process(&mut [&mut block], &stamp(start, is_offline)).unwrap();
        self.heard.extend_from_slice(&block);
    }
}

fn tracks(folder: &Folder, mode: Mode, max_block: usize, mics: &[Vec<f32>]) -> Vec<Track> {
    let track = |mic: &Vec<f32>| Track {
        member: join(folder, mode, max_block),
        mic: mic.clone(),
        heard: Vec::new(),
    };
    mics.iter().map(track).collect()
}

#[track_caller]
fn check(tracks: &[Track], expected: &[Vec<f32>], label: &str) {
    for (index, (track, expected)) in tracks.iter().zip(expected).enumerate() {
        let latency = track.member.latency_samples();
        let heard = &track.heard[latency..];
        assert!(heard.len() > 20_000, "{label}: {}", heard.len());
        let first = heard.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(first, None, "{label}, track {index}");
        assert_eq!(track.member.late_samples(), 0, "{label}, track {index}");
        let changed =
            heard.iter().zip(&track.mic).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        assert!(changed > heard.len() / 2, "{label}, track {index}: {changed} samples cleaned");
    }
}

#[test]
fn a_serial_render_in_any_order_gives_the_samples_of_one_session() {
    let mics = mics(72_000);
    let expected = oracle(Mode::Live, &mics);
    let mut noise = Noise::new(9);
    for block in [128, 1024, 4096] {
        let (_temp, folder) = folder();
        let mut tracks = tracks(&folder, Mode::Live, block, &mics);
        for start in (0..mics[0].len()).step_by(block) {
            let end = (start + block).min(mics[0].len());
            let mut order: Vec<usize> = (0..NUM_TRACKS).collect();
            order.sort_by_key(|_| noise.bits() >> 8);
            for index in order {
                tracks[index].call(start, end, true);
            }
        }
        check(&tracks, &expected, &format!("blocks of {block}"));
    }
}

#[test]
fn a_parallel_render_gives_the_samples_of_one_session() {
    for (mode, num_samples) in [(Mode::Live, 72_000), (Mode::Mix, 96_000)] {
        let mics = mics(num_samples);
        let expected = oracle(mode, &mics);
        let (_temp, folder) = folder();
        let mut tracks = tracks(&folder, mode, 480, &mics);
        let barrier = Barrier::new(NUM_TRACKS);
        std::thread::scope(|scope| {
            for track in &mut tracks {
                let barrier = &barrier;
                scope.spawn(move || {
                    for start in (0..num_samples).step_by(480) {
                        track.call(start, (start + 480).min(num_samples), true);
                        barrier.wait();
                    }
                });
            }
        });
        check(&tracks, &expected, &format!("{mode:?}"));
    }
}

/// In real time nothing waits: this host gives the worker time after each block.
#[test]
fn playback_gives_the_samples_of_one_session() {
    let mics = mics(48_000);
    let expected = oracle(Mode::Live, &mics);
    let (_temp, folder) = folder();
    let mut tracks = tracks(&folder, Mode::Live, 512, &mics);
    let stats = tracks[0].member.stats();
    for start in (0..mics[0].len()).step_by(512) {
        let end = (start + 512).min(mics[0].len());
        for track in &mut tracks {
            track.call(start, end, false);
        }
        let whole_hops = (end / 512) as u64;
        while stats.hops() < whole_hops {
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
    }
    check(&tracks, &expected, "playback");
}

#[test]
fn nothing_is_left_when_the_last_member_leaves() {
    let (_temp, folder) = folder();
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    let first = join(&folder, Mode::Live, 512);
    let second = join(&folder, Mode::Live, 512);
    assert_eq!(count(), 2);
    drop(first);
    assert_eq!(count(), 1);
    drop(second);
    assert_eq!(count(), 0);
    assert_eq!(link::abandoned_workers(), 0);
}
