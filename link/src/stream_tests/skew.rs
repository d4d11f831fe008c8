//! Tracks that run ahead of each other, with blocks of different lengths.

use super::{NUM_MICS, Rig, check, mics, oracle};
use crate::track::to_i64;
use engine::Mode;
use test_signals::Noise;

/// Plays all tracks from place `start` to the end, with blocks of the lengths that `block` draws.
/// No track is ahead of another by more than `most` samples.
fn play_skewed(
    rig: &mut Rig,
    mics: &[Vec<f32>],
    start: i64,
    most: usize,
    mut block: impl FnMut(usize, &mut Noise) -> usize,
) -> usize {
    let mut noise = Noise::new(77);
    let num_samples = mics[0].len();
    let mut positions = vec![0; mics.len()];
    let mut widest = 0;
    let mut member = 0;
    while let Some(&least) = positions.iter().min().filter(|&&least| least < num_samples) {
        // Tracks take turns in advancing, often as far as they may.
        if noise.unit() < 0.1 || positions[member] >= num_samples.min(least + most) {
            member = (noise.bits() >> 8) as usize % mics.len();
        }
        let position = positions[member];
        let end = (position + block(member, &mut noise)).min(num_samples).min(least + most);
        if end > position {
            rig.call(member, &mics[member][position..end], start + to_i64(position));
            positions[member] = end;
            widest = widest.max(end - least);
        }
    }
    widest
}

#[test]
fn tracks_ahead_of_others_within_the_tolerance_give_the_samples_of_one_session() {
    for (mode, num_samples, tolerance) in [(Mode::Live, 60_000, 1024), (Mode::Mix, 100_000, 15_360)]
    {
        let mics = mics(4, num_samples);
        let expected = oracle(mode, &mics);
        for block in [64, 441, 512] {
            let mut rig = Rig::new(mode, 4, 512);
            assert_eq!(rig.timing.tolerance_samples, tolerance);
            let widest = play_skewed(&mut rig, &mics, 0, tolerance, |_, _| block);
            assert!(widest > tolerance - block, "{widest}");
            check(&rig, &expected, &format!("{mode:?} {block}"));
        }
    }
}

/// One sample more than the tolerance is too much, so the test above reaches its limit.
#[test]
fn a_track_ahead_by_more_than_the_tolerance_is_late() {
    let mics = mics(2, 30_000);
    let mut rig = Rig::new(Mode::Live, 2, 512);
    play_skewed(&mut rig, &mics, 0, 1024 + 512, |_, _| 512);
    let late: u64 = rig.members.iter().map(super::Member::late).sum();
    assert!(late > 0);
}

#[test]
fn blocks_of_different_lengths_per_track_give_the_samples_of_one_session() {
    let lengths = [64, 441, 1024, 8192];
    let mics = mics(4, 100_000);
    let expected = oracle(Mode::Mix, &mics);
    let mut rig = Rig::new(Mode::Mix, 4, 8192);
    let tolerance = rig.timing.tolerance_samples;
    play_skewed(&mut rig, &mics, 0, tolerance, |member, _| lengths[member]);
    check(&rig, &expected, "lengths");
}

#[test]
fn blocks_of_random_lengths_and_single_samples_give_the_samples_of_one_session() {
    let mics = mics(3, 50_000);
    let expected = oracle(Mode::Live, &mics);
    let mut rig = Rig::new(Mode::Live, 3, 512);
    let mut calls = 0;
    play_skewed(&mut rig, &mics, 0, 1024, |_, noise| {
        calls += 1;
        if calls < 6000 { 1 } else { 1 + (noise.bits() >> 8) as usize % 512 }
    });
    check(&rig, &expected, "random");
}

#[test]
fn a_start_off_the_grid_of_hops_gives_the_samples_of_one_session() {
    let mics = mics(3, 40_000);
    for start in [1_i64, 300, 511, 48_123, -1, -700, -100_000] {
        let before = usize::try_from(start.rem_euclid(512)).unwrap();
        let padded: Vec<Vec<f32>> =
            mics.iter().map(|mic| [vec![0.0; before], mic.clone()].concat()).collect();
        let expected: Vec<Vec<f32>> =
            oracle(Mode::Live, &padded).iter().map(|mic| mic[before..].to_vec()).collect();
        for block in [441, 512] {
            let mut rig = Rig::new(Mode::Live, 3, 512);
            play_skewed(&mut rig, &mics, start, 1024, |_, _| block);
            check(&rig, &expected, &format!("{start} {block}"));
        }
    }
}

#[test]
fn all_mics_of_a_session_are_used() {
    let mics = mics(NUM_MICS, 30_000);
    let expected = oracle(Mode::Live, &mics);
    let mut rig = Rig::new(Mode::Live, NUM_MICS, 512);
    assert_eq!(rig.stream.mics_for(0, 1), None);
    play_skewed(&mut rig, &mics, 0, 1024, |_, _| 512);
    check(&rig, &expected, "all mics");
}
