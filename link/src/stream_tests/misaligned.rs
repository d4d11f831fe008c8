//! Misaligned tracks: dry, and silent for the method.

use super::{Rig, check, mics, oracle};
use crate::track::to_i64;
use engine::Mode;

const BLOCK: usize = 512;
const NUM_SAMPLES: usize = 180 * BLOCK;
const OFF: usize = 1;

/// Plays a block of every track.
fn play(rig: &mut Rig, mics: &[Vec<f32>], start: usize) {
    for (member, mic) in mics.iter().enumerate() {
        rig.call(member, &mic[start..start + BLOCK], to_i64(start));
    }
}

#[test]
fn a_misaligned_track_is_dry_and_the_others_are_cleaned_as_if_it_were_silent() {
    let mics = mics(4, NUM_SAMPLES);
    let mut silenced = mics.clone();
    silenced[OFF].fill(0.0);
    for mode in [Mode::Live, Mode::Mix] {
        let mut expected = oracle(mode, &silenced);
        expected[OFF].clone_from(&mics[OFF]);
        let mut rig = Rig::new(mode, 4, BLOCK);
        rig.stream.set_misaligned(OFF as u128, Some(0.2));
        for start in (0..NUM_SAMPLES).step_by(BLOCK) {
            play(&mut rig, &mics, start);
        }
        check(&rig, &expected, &format!("{mode:?}"));
    }
}

#[test]
fn a_track_becomes_dry_when_it_is_found_misaligned_and_clean_when_it_is_not() {
    let mics = mics(4, NUM_SAMPLES);
    let mut rig = Rig::new(Mode::Live, 4, BLOCK);
    for (block, start) in (0..NUM_SAMPLES).step_by(BLOCK).enumerate() {
        match block {
            60 => rig.stream.set_misaligned(OFF as u128, Some(-0.2)),
            120 => rig.stream.set_misaligned(OFF as u128, None),
            _ => {}
        }
        play(&mut rig, &mics, start);
    }
    for (index, member) in rig.members.iter().enumerate() {
        let heard = &member.heard[rig.timing.latency_samples..];
        let share = |blocks: std::ops::Range<usize>| {
            let range = blocks.start * BLOCK..blocks.end * BLOCK;
            let pairs = heard[range.clone()].iter().zip(&mics[index][range]);
            pairs.filter(|(a, b)| a != b).count() as f32 / (blocks.len() * BLOCK) as f32
        };
        let shares = [share(30..60), share(62..120), share(140..170)];
        let expected = if index == OFF { shares[1] == 0.0 } else { shares[1] > 0.9 };
        assert!(shares[0] > 0.9 && expected && shares[2] > 0.9, "track {index}: {shares:?}");
        assert_eq!(member.late(), 0, "track {index}");
    }
}
