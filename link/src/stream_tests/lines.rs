//! Tracks without places, and tracks on different lines.

use super::{Rig, mics, oracle};
use crate::stamp::{Line, Place};
use crate::track::to_i64;
use engine::Mode;

/// Plays all tracks with blocks of a length; `place` states the place of a track's sample.
fn play(
    rig: &mut Rig,
    mics: &[Vec<f32>],
    block: usize,
    place: impl Fn(usize, i64) -> Option<Place>,
) {
    for start in (0..mics[0].len()).step_by(block) {
        let end = (start + block).min(mics[0].len());
        for (member, mic) in mics.iter().enumerate() {
            rig.call_at(member, &mic[start..end], place(member, to_i64(start)));
        }
    }
}

fn on(line: Line, sample: i64) -> Option<Place> {
    Some(Place { line, sample })
}

#[track_caller]
fn assert_dry(rig: &Rig, member: usize, mic: &[f32]) {
    let latency = rig.timing.latency_samples;
    let heard = &rig.members[member].heard;
    assert!(heard[..latency].iter().all(|&sample| sample == 0.0));
    assert!(heard[latency..].iter().zip(mic).all(|(a, b)| a == b), "track {member} is dry in time");
    assert_eq!(rig.members[member].late(), 0, "track {member}");
}

#[track_caller]
fn assert_clean(rig: &Rig, member: usize, expected: &[f32]) {
    let heard = &rig.members[member].heard[rig.timing.latency_samples..];
    let first = heard.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!((first, rig.members[member].late()), (None, 0), "track {member}");
}

#[test]
fn tracks_without_places_are_dry_in_time() {
    let mics = mics(3, 40_000);
    for block in [64, 441, 512] {
        let mut rig = Rig::new(Mode::Live, 3, 512);
        play(&mut rig, &mics, block, |_, _| None);
        for (member, mic) in mics.iter().enumerate() {
            assert_dry(&rig, member, mic);
        }
    }
}

#[test]
fn a_track_without_places_is_dry_and_the_others_do_not_hear_it() {
    let mics = mics(4, 40_000);
    for odd in 0..4 {
        let mut alone = mics.clone();
        alone[odd].fill(0.0);
        let expected = oracle(Mode::Live, &alone);
        for block in [64, 441, 512] {
            let mut rig = Rig::new(Mode::Live, 4, 512);
            play(&mut rig, &mics, block, |member, at| {
                (member != odd).then_some(Place { line: Line::Timeline, sample: at })
            });
            assert_dry(&rig, odd, &mics[odd]);
            for member in (0..4).filter(|&member| member != odd) {
                assert_clean(&rig, member, &expected[member]);
            }
        }
    }
}

/// The stream follows one line at a time. Tracks on the other one are dry.
#[test]
fn tracks_on_another_line_than_the_leader_are_dry_in_time() {
    let mics = mics(4, 60_000);
    for steady in [vec![1], vec![2, 3], vec![0, 1, 2]] {
        let is_with_leader = |member| steady.contains(&member) == steady.contains(&0);
        let mut alone = mics.clone();
        for member in (0..4).filter(|&member| !is_with_leader(member)) {
            alone[member].fill(0.0);
        }
        let expected = oracle(Mode::Live, &alone);
        for block in [64, 441, 512] {
            let mut rig = Rig::new(Mode::Live, 4, 512);
            play(&mut rig, &mics, block, |member, at| {
                if steady.contains(&member) {
                    on(Line::Steady, at + 7_777)
                } else {
                    on(Line::Timeline, at)
                }
            });
            for member in 0..4 {
                if is_with_leader(member) {
                    if !steady.contains(&0) {
                        assert_clean(&rig, member, &expected[member]);
                    }
                } else {
                    assert_dry(&rig, member, &mics[member]);
                }
            }
        }
    }
}

/// The first track that plays leads, until the others are found to be elsewhere.
#[test]
fn the_stream_follows_the_larger_part_of_the_tracks() {
    let mics = mics(4, 60_000);
    for (line, ahead) in [(Line::Steady, 0), (Line::Timeline, 2_880_000)] {
        for block in [64, 441, 512] {
            let mut rig = Rig::new(Mode::Live, 4, 512);
            play(&mut rig, &mics, block, |member, at| match member {
                0 => on(line, at + ahead),
                _ => on(Line::Timeline, at),
            });
            for (member, mic) in mics.iter().enumerate() {
                let track = &rig.members[member];
                let heard = &track.heard[rig.timing.latency_samples..];
                let changed = (20_000..heard.len()).filter(|&n| heard[n] != mic[n]).count();
                let label = format!("{line:?}, blocks of {block}, track {member}: {changed}");
                assert_eq!(track.late(), 0, "{label}");
                assert_eq!(changed > 18_000, member != 0, "{label}");
                assert!(member != 0 || changed == 0, "{label}");
            }
        }
    }
}

/// A host that starts its transport stamps blocks with one line, then the other.
#[test]
fn all_tracks_may_change_the_line_together() {
    let mics = mics(3, 60_000);
    let expected = oracle(Mode::Live, &mics);
    let mut rig = Rig::new(Mode::Live, 3, 500);
    play(&mut rig, &mics, 500, |_, at| match at {
        ..20_000 => on(Line::Steady, at),
        20_000..40_000 => on(Line::Timeline, at - 20_000),
        _ => on(Line::Steady, at),
    });
    for (member, expected) in expected.iter().enumerate() {
        assert_clean(&rig, member, expected);
    }
}
