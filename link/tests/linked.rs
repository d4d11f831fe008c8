//! Linked members in one process, with their worker, against one session that has all mics.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod common;

use std::sync::Barrier;
use std::time::Duration;

use common::{NUM_TRACKS, Track, Watchdog, config, folder, join_as, mics};
use engine::{Mode, SessionMethod};
use link::segment::Folder;
use link::{Member, MemberConfig};
use test_signals::Noise;

/// Returns the output of a session with the network and all mics, without its latency.
fn oracle(mode: Mode, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let model = Some(&models::released().unwrap().model);
    common::whole::oracle(mode, SessionMethod::Own { model, learned: None }, mics)
}

/// Adds a member with the network.
fn join(folder: &Folder, mode: Mode, max_block_samples: usize) -> Member {
    let model = Some(&models::released().unwrap().model);
    join_as(folder, &MemberConfig { model, ..config(mode, max_block_samples) })
}

fn tracks(folder: &Folder, mode: Mode, max_block: usize, mics: &[Vec<f32>]) -> Vec<Track> {
    mics.iter().map(|mic| Track::new(join(folder, mode, max_block), mic)).collect()
}

#[track_caller]
fn check(tracks: &[Track], expected: &[Vec<f32>], label: &str) {
    for (index, (track, expected)) in tracks.iter().zip(expected).enumerate() {
        let label = format!("{label}, track {index}");
        track.check(expected, &label);
        assert_cleaned(track, &label);
    }
}

#[track_caller]
fn assert_cleaned(track: &Track, label: &str) {
    let heard = &track.heard[track.member.latency_samples()..];
    let changed = heard.iter().zip(&track.mic).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    assert!(changed > heard.len() / 2, "{label}: {changed} samples cleaned");
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
            let mut order: Vec<usize> = (0..NUM_TRACKS).collect();
            order.sort_by_key(|_| noise.bits() >> 8);
            for index in order {
                tracks[index].call(start, block, true);
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
                        track.call(start, 480, true);
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
            track.call(start, 512, false);
        }
        let whole_hops = (end / 512) as u64;
        while stats.hops() < whole_hops {
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
    }
    check(&tracks, &expected, "playback");
}

/// Members that stay silent, as those of frozen tracks, are not waited for when a host renders.
#[test]
fn silent_members_hold_up_no_render() {
    let mics = mics(48_000);
    let (_temp, folder) = folder();
    let mut silent = tracks(&folder, Mode::Live, 512, &mics);
    for start in (0..48_000).step_by(512) {
        silent.iter_mut().for_each(|track| track.call(start, 512, true));
    }
    let mut tracks = tracks(&folder, Mode::Live, 512, &mics);
    let _watchdog = Watchdog::start(Duration::from_secs(60));
    for start in (0..48_000).step_by(512) {
        tracks.iter_mut().for_each(|track| track.call(start, 512, true));
    }
    for (index, track) in tracks.iter().enumerate() {
        assert_eq!(track.member.late_samples(), 0, "track {index}");
        assert_cleaned(track, &format!("track {index}"));
    }
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
    assert_eq!(engine::abandoned_workers(), 0);
}

/// A host resets all members before it renders again. The blocks of the first latency come faster
/// than the worker looks.
#[test]
fn a_second_render_after_resets_gives_the_same_samples() {
    let mics = mics(94 * 512);
    let (_temp, folder) = folder();
    let mut tracks = tracks(&folder, Mode::Live, 512, &mics);
    let mut render = || -> Vec<Vec<f32>> {
        for track in &mut tracks {
            track.member.reset();
            track.heard.clear();
        }
        for start in (0..94 * 512).step_by(512) {
            tracks.iter_mut().for_each(|track| track.call(start, 512, true));
        }
        tracks.iter().map(|track| track.heard.clone()).collect()
    };
    let first = render();
    for (index, (first, second)) in first.iter().zip(&render()).enumerate() {
        let differs = first.iter().zip(second).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(differs, None, "track {index}");
    }
}

/// A host that renders one track after the other, in chunks within the time that tracks may lie
/// apart.
#[test]
fn a_render_in_chunks_of_one_track_gives_the_samples_of_one_session() {
    const CHUNK: usize = 8192;
    let mics = mics(98_304);
    let expected = oracle(Mode::Mix, &mics);
    let (_temp, folder) = folder();
    let mut tracks = tracks(&folder, Mode::Mix, 512, &mics);
    for chunk in (0..mics[0].len()).step_by(CHUNK) {
        for track in &mut tracks {
            for start in (chunk..chunk + CHUNK).step_by(512) {
                track.call(start, 512, true);
            }
        }
    }
    check(&tracks, &expected, "chunks");
}
