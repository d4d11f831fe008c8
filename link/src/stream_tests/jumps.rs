//! Loops, seeks and resets: the stream follows them as a session with the same audio does.

use super::{Rig, check, mics, oracle};
use crate::track::to_i64;
use engine::Mode;
use test_signals::Noise;

/// Places that a transport plays one after the other: the first place and the length of each.
type Path = Vec<(i64, usize)>;

/// Plays `mics` along a path. Blocks end at jumps. Tracks are at most `most` samples apart.
fn play_path(rig: &mut Rig, mics: &[Vec<f32>], path: &Path, block: usize, most: usize) {
    let mut noise = Noise::new(31);
    let num_samples: usize = path.iter().map(|(_, length)| length).sum();
    assert_eq!(num_samples, mics[0].len());
    let mut positions = vec![0; mics.len()];
    while let Some(&least) = positions.iter().min().filter(|&&least| least < num_samples) {
        let member = (noise.bits() >> 8) as usize % mics.len();
        // A whole block of the host, in parts if it has a jump.
        let end = (positions[member] + block).min(num_samples);
        if end > least + most {
            continue;
        }
        let mut begin = 0;
        for &(place, length) in path {
            let from = positions[member].max(begin);
            let to = end.min(begin + length);
            if from < to && from >= begin {
                rig.call(member, &mics[member][from..to], place + to_i64(from - begin));
                positions[member] = to;
            }
            begin += length;
        }
    }
}

/// Paths with jumps, of at least `num_samples`.
fn paths(num_samples: usize) -> Vec<(&'static str, Path)> {
    let loops = |place, length: usize| -> Path {
        (0..num_samples.div_ceil(length)).map(|_| (place, length)).collect()
    };
    let seek = |from: i64, length: usize, to: i64| -> Path {
        vec![(from, length), (to, num_samples - length)]
    };
    vec![
        ("loop of 3000", loops(1000, 3000)),
        ("loop of 3000 before zero", loops(-2000, 3000)),
        ("loop of 5120", loops(512, 5120)),
        ("loop of 700", loops(77, 700)),
        ("loop of 300", loops(77, 300)),
        ("forwards", seek(0, 20_333, 500_001)),
        ("backwards", seek(500_001, 20_333, 123)),
        ("backwards by little", seek(0, 20_333, 20_233)),
        ("forwards by little", seek(0, 20_333, 20_433)),
        (
            "back and forth",
            vec![(0, 9000), (8000, 3000), (2000, 8123), (90_000, num_samples - 20_123)],
        ),
    ]
}

#[test]
fn loops_and_seeks_give_the_samples_of_one_session() {
    for (mode, num_samples, tolerance) in [(Mode::Live, 40_000, 1024), (Mode::Mix, 75_000, 15_360)]
    {
        for (name, path) in paths(num_samples) {
            let length = path.iter().map(|(_, length)| length).sum();
            let mics = mics(3, length);
            let first = path[0].0;
            let before = usize::try_from(first.rem_euclid(512)).unwrap();
            let padded: Vec<Vec<f32>> =
                mics.iter().map(|mic| [vec![0.0; before], mic.clone()].concat()).collect();
            let expected: Vec<Vec<f32>> =
                oracle(mode, &padded).iter().map(|mic| mic[before..].to_vec()).collect();
            for (block, most) in [(512, 512), (441, 441), (64, tolerance), (512, tolerance)] {
                let mut rig = Rig::new(mode, 3, 512);
                play_path(&mut rig, &mics, &path, block, most);
                check(&rig, &expected, &format!("{mode:?} {name}, blocks of {block}, {most}"));
            }
        }
    }
}

/// Returns the output of a new session that starts at a place.
fn fresh(mics: &[Vec<f32>], place: i64) -> Vec<Vec<f32>> {
    let before = usize::try_from(place.rem_euclid(512)).unwrap();
    let padded: Vec<Vec<f32>> =
        mics.iter().map(|mic| [vec![0.0; before], mic.clone()].concat()).collect();
    oracle(Mode::Live, &padded).iter().map(|mic| mic[before..].to_vec()).collect()
}

/// Plays, resets all members at a seek, and plays on. `skew` is how far each track is before the
/// reset, and `order` that of resets and calls.
fn reset_at_a_seek(
    from: &[Vec<f32>],
    to: i64,
    skew: [usize; 3],
    order: [usize; 3],
) -> (Rig, [u64; 3]) {
    let (block, half) = (441, 14_000);
    let mut rig = Rig::new(Mode::Live, 3, 512);
    for start in (0..half).step_by(block) {
        for member in 0..3 {
            // The last blocks are missing where a track is behind.
            if start + skew[member] < half {
                rig.call(member, &from[member][start..start + block], to_i64(start));
            }
        }
    }
    for member in order {
        rig.members[member].outlet.reset();
        rig.members[member].heard.clear();
    }
    let late = [0, 1, 2].map(|member: usize| rig.members[member].late());
    for start in (0..15_000).step_by(block) {
        for member in order {
            let block = &from[member][20_000 + start..20_000 + start + block];
            rig.call(member, block, to + to_i64(start));
        }
    }
    (rig, late)
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn after_a_reset_of_all_members_the_samples_are_those_of_a_new_session() {
    let from = mics(3, 60_000);
    let new: Vec<Vec<f32>> = from.iter().map(|mic| mic[20_000..].to_vec()).collect();
    // Also back by less than a hop, and on without a jump.
    for to in [0, 100_000, 77, 14_112, 14_012, 13_700, 14_200] {
        let expected = fresh(&new, to);
        for skew in [[0, 0, 0], [441, 0, 0], [0, 441, 0], [0, 0, 441], [441, 441, 0]] {
            for order in ORDERS {
                let (rig, late) = reset_at_a_seek(&from, to, skew, order);
                let label = format!("to {to}, {skew:?} behind, {order:?}");
                for (index, (member, expected)) in rig.members.iter().zip(&expected).enumerate() {
                    let heard = &member.heard[rig.timing.latency_samples..];
                    let first = heard.iter().zip(expected).position(|(a, b)| a != b);
                    assert_eq!(first, None, "{label}, track {index}");
                    assert_eq!(member.late(), late[index], "{label}, track {index}");
                }
            }
        }
    }
}

/// The reset member is dry until its latency is over. A reset of the leader is one of the stream:
/// what it adapted to is gone for all members, and samples on their way are dry.
#[test]
fn a_reset_of_one_member_makes_no_sample_late() {
    let mics = mics(3, 40_000);
    let expected = oracle(Mode::Live, &mics);
    for reset in 0..3 {
        let mut rig = Rig::new(Mode::Live, 3, 512);
        for start in (0..40_000).step_by(500) {
            if start == 20_000 {
                rig.members[reset].outlet.reset();
            }
            for (member, mic) in mics.iter().enumerate() {
                rig.call(member, &mic[start..start + 500], to_i64(start));
            }
        }
        for (index, member) in rig.members.iter().enumerate() {
            let heard = &member.heard[rig.timing.latency_samples..];
            let first = heard.iter().zip(&expected[index]).position(|(a, b)| a != b);
            let first = first.unwrap_or(heard.len());
            let label = format!("reset {reset}, track {index}");
            assert_eq!(member.late(), 0, "{label}");
            // 20,000 is no multiple of the hop: the stream begins anew at 19,968.
            let whole = match (index == reset, reset) {
                (true, _) => 20_000 - rig.timing.latency_samples,
                (false, 0) => 19_968 - 512,
                (false, _) => heard.len(),
            };
            assert_eq!(first, whole, "{label}");
            let cleaned = (30_000..heard.len()).filter(|&n| heard[n] != mics[index][n]).count();
            assert!(cleaned > (heard.len() - 30_000) / 2, "{label}: {cleaned}");
        }
    }
}
