//! Relations between the mics of a scene, as the engine's routing and the network define them.

use crate::scenes::Scene;
use engine::debleed::is_bleed;
use engine::{Controls, Role};
use serde::{Deserialize, Serialize};

/// Relations between the mics of a scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relations {
    /// Number of mics.
    pub num_mics: usize,
    /// `[mic, mic]`: true if the column can bleed into the row.
    pub bleeds: Vec<bool>,
    /// `[mic, mic]`: true if the two mics share a source.
    pub one_source: Vec<bool>,
    /// `[mic]`: true if the mic is cleaned; false for room mics and for mics without any sound.
    pub is_target: Vec<bool>,
    /// `[mic]`: true if the mic's own source plays at all, so that the mic has an SNR.
    pub plays: Vec<bool>,
}

impl Relations {
    pub(super) fn of(scene: &Scene, controls: &Controls) -> Self {
        let num_mics = scene.mics.len();
        let heard = |mic: usize| scene.mics[mic].iter().any(|&sample| sample != 0.0);
        let heard: Vec<bool> = (0..num_mics).map(heard).collect();
        let of = |mic: usize| &controls.mics[mic];
        let both_heard = |i: usize, j: usize| heard[i] && heard[j];
        let one_group = |i: usize, j: usize| of(i).group.is_some() && of(i).group == of(j).group;
        let bleeds = |i: usize, j: usize| both_heard(i, j) && is_bleed(controls, i, j);
        // The rule of the network's pairs.
        let one_source = |i: usize, j: usize| {
            i != j && both_heard(i, j) && of(j).role == Role::Close && one_group(i, j)
        };
        let is_target = (0..num_mics).map(|mic| heard[mic] && of(mic).role != Role::Room).collect();
        let silent = |mic: usize| scene.info.silent_mics.contains(&(mic + 1));
        let sounds = |mic: usize| scene.targets[mic].iter().any(|&sample| sample != 0.0);
        Self {
            num_mics,
            bleeds: relation(num_mics, bleeds),
            one_source: relation(num_mics, one_source),
            is_target,
            plays: (0..num_mics).map(|mic| !silent(mic) && sounds(mic)).collect(),
        }
    }
}

fn relation(num_mics: usize, holds: impl Fn(usize, usize) -> bool) -> Vec<bool> {
    let holds = &holds;
    (0..num_mics).flat_map(|i| (0..num_mics).map(move |j| holds(i, j))).collect()
}
