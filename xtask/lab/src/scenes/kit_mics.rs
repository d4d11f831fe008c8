//! Mics of the recorded kits: the pieces that they are set up for, and which of them are used.

use crate::random::Random;
use anyhow::{Result, ensure};

/// The kit's mics in the order of its files: name, and folders of the pieces that the mic is set
/// up for.
pub(super) const MICS: [(&str, &[&str]); 13] = [
    ("KdrumL", KICKS),
    ("KdrumR", KICKS),
    ("Snare_top", SNARES),
    ("Snare_bottom", SNARES),
    ("Hihat", &["HihatClosed", "HihatOpen"]),
    ("Tom1", &["Tom1"]),
    ("Tom2", &["Tom2"]),
    ("Tom3", &["Tom3"]),
    ("Tom4", &["Tom4"]),
    ("RideL", RIDES),
    ("RideR", RIDES),
    ("OHL", &[]),
    ("OHR", &[]),
];
const KICKS: &[&str] = &["KdrumL", "KdrumR"];
const SNARES: &[&str] = &["Snare", "SnareRest"];
const RIDES: &[&str] = &["RideL", "RideLBell", "RideR", "RideRBell"];
/// Number of the mics that are close mics; overheads follow them.
pub(super) const NUM_CLOSE_MICS: usize = 11;

/// Draws close mics as people set them up. Small sets start with a kick, a snare and a hi-hat mic.
pub(super) fn draw_close_mics(num_mics: Option<usize>, random: &mut Random) -> Result<Vec<usize>> {
    let num_mics = num_mics.unwrap_or(NUM_CLOSE_MICS);
    ensure!(
        (1..=NUM_CLOSE_MICS).contains(&num_mics),
        "the kit has 1 to {NUM_CLOSE_MICS} close mics, {num_mics} requested"
    );
    let mut first = vec![random.pick(&[0, 0, 1]), 2, 4];
    let mut rest: Vec<usize> = (0..NUM_CLOSE_MICS).filter(|mic| !first.contains(mic)).collect();
    random.shuffle(&mut first);
    random.shuffle(&mut rest);
    // Occasionally one of the three is missing.
    if random.chance(0.2) {
        std::mem::swap(&mut rest[0], &mut first[2]);
    }
    let mut kept: Vec<usize> = first.into_iter().chain(rest).take(num_mics).collect();
    kept.sort_unstable();
    Ok(kept)
}

/// Returns the groups of mics at the same drum, numbered from 1 in the order of `kept`.
pub(super) fn groups_of(kept: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (slot, &mic) in kept.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| MICS[kept[group[0] - 1]].1 == MICS[mic].1;
        match groups.iter_mut().find(same) {
            Some(group) if !MICS[mic].1.is_empty() => group.push(slot + 1),
            _ => groups.push(vec![slot + 1]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}
