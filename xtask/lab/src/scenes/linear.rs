//! Instantaneous mixes: every mic receives every source without delay, with one gain and no room.
//!
//! No recording is like this. Part of the literature evaluates on such mixes only, and some of its
//! methods work on nothing else. They therefore have their own column in results, beside rooms and
//! real kits.

use super::{Scene, SceneInfo, add_at};
use crate::convert::to_f32;
use crate::random::Random;
use anyhow::{Result, ensure};

/// Mixes `sources`, `[source][sample]`, with `crosstalk[mic][source]`: `X = Lambda S`.
///
/// Mic `i` belongs to source `i`. Its target is source `i` scaled by `crosstalk[i][i]`.
///
/// # Errors
///
/// Returns an error if there is no source, if the sources differ in length, or if `crosstalk` is
/// not one gain per mic and source.
pub fn linear_mix(sources: &[Vec<f32>], crosstalk: &[Vec<f64>], rate_hz: u32) -> Result<Scene> {
    let length = sources.first().map_or(0, Vec::len);
    ensure!(length > 0, "no source to mix");
    ensure!(sources.iter().all(|source| source.len() == length), "sources differ in length");
    ensure!(
        crosstalk.len() == sources.len()
            && crosstalk.iter().all(|gains| gains.len() == sources.len()),
        "crosstalk must be one gain per mic and source"
    );
    let mut mics = Vec::with_capacity(sources.len());
    let mut targets = Vec::with_capacity(sources.len());
    for (own, gains) in crosstalk.iter().enumerate() {
        let mut target = vec![0.0; length];
        add_at(&mut target, &sources[own], 0, gains[own]);
        let mut mic = target.clone();
        for (source, &gain) in sources
            .iter()
            .zip(gains)
            .enumerate()
            .filter_map(|(index, pair)| (index != own).then_some(pair))
        {
            add_at(&mut mic, source, 0, gain);
        }
        mics.push(mic);
        targets.push(target);
    }
    let mut scene = Scene { info: SceneInfo::default(), rate_hz, mics, targets };
    scene.measure_input();
    scene.info.drawn.insert("crosstalk".to_owned(), serde_json::to_value(crosstalk)?);
    Ok(scene)
}

/// Returns gains of 1 from each source to its own mic and of `gain` to all others.
#[must_use]
pub fn equal_crosstalk(num_mics: usize, gain: f64) -> Vec<Vec<f64>> {
    let row = |mic| (0..num_mics).map(|source| if source == mic { 1.0 } else { gain }).collect();
    (0..num_mics).map(row).collect()
}

/// Range of the off-diagonal gains in the literature, drawn uniformly.
///
/// # Source
///
/// R. Rajesh, P. Rajan, "Neural networks for interference reduction in multi-track recordings",
/// WASPAA 2023, and the authors' program: the linear mixes made from MUSDB18-HQ. The own gain is
/// drawn there as well, from 0.6 to 1; here it is 1, which only changes levels.
pub const USUAL_CROSSTALK: (f64, f64) = (0.05, 0.31);

/// Returns gains of 1 from each source to its own mic and drawn gains to all others.
#[must_use]
pub fn draw_crosstalk(random: &mut Random, num_mics: usize, range: (f64, f64)) -> Vec<Vec<f64>> {
    let mut crosstalk = equal_crosstalk(num_mics, 0.0);
    for (mic, gains) in crosstalk.iter_mut().enumerate() {
        for (source, gain) in gains.iter_mut().enumerate() {
            if source != mic {
                *gain = random.between(range.0, range.1);
            }
        }
    }
    crosstalk
}

/// Remixes the own sources of a scene instantaneously, with drawn gains.
///
/// The sources are the scene's targets, all scaled to one RMS level because the preamp gains are
/// arbitrary. Mics whose source does not play are left out. Of several mics that share a source
/// only the first remains, so that no source is mixed with itself.
///
/// # Errors
///
/// Returns an error if fewer than two mics remain.
pub fn remix(scene: &Scene, seed: u64) -> Result<Scene> {
    let info = &scene.info;
    let stays = |mic: usize| {
        let position = mic + 1;
        let shares = info
            .groups
            .iter()
            .any(|group| group.contains(&position) && group.iter().any(|&other| other < position));
        let plays = !info.room_mics.contains(&position) && !info.silent_mics.contains(&position);
        !shares && plays && rms(&scene.targets[mic]) > 0.0
    };
    let kept: Vec<usize> = (0..scene.mics.len()).filter(|&mic| stays(mic)).collect();
    ensure!(kept.len() > 1, "fewer than two mics with a source of their own");
    let level = |target: &[f32]| -> Vec<f32> {
        let gain = to_f32(COMMON_RMS / rms(target));
        target.iter().map(|sample| gain * sample).collect()
    };
    let sources: Vec<Vec<f32>> = kept.iter().map(|&mic| level(&scene.targets[mic])).collect();
    let crosstalk = draw_crosstalk(&mut Random::new(seed), kept.len(), USUAL_CROSSTALK);
    let mut mixed = linear_mix(&sources, &crosstalk, scene.rate_hz)?;
    mixed.info.made_by = format!("{}, mixed linearly with seed {seed}", info.made_by);
    mixed.info.names = kept.iter().filter_map(|&mic| info.names.get(mic).cloned()).collect();
    Ok(mixed)
}

/// RMS level of the sources of a remix, re full scale.
const COMMON_RMS: f64 = 0.05;

fn rms(signal: &[f32]) -> f64 {
    let power: f64 = signal.iter().map(|&x| f64::from(x).powi(2)).sum();
    (power / signal.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured with these tests: 3e-8, from single precision.
    const ROUNDING: f32 = 1e-7;

    #[test]
    fn mics_are_sums_of_sources_and_targets_the_own_one() {
        let sources = [vec![0.5, 0.0, -0.5], vec![0.0, 0.2, 0.4]];
        let scene = linear_mix(&sources, &[vec![1.0, 0.5], vec![0.1, 2.0]], 8_000).unwrap();
        let expected = [[0.5, 0.1, -0.3], [0.05, 0.4, 0.75]];
        for (mic, expected) in scene.mics.iter().zip(expected) {
            assert!(mic.iter().zip(expected).all(|(a, b)| (a - b).abs() < ROUNDING), "{mic:?}");
        }
        assert_eq!(scene.targets, [vec![0.5, 0.0, -0.5], vec![0.0, 0.4, 0.8]]);
        // Power 0.5 over 0.05.
        assert_eq!(scene.info.input_sdr_db[0], Some(10.0));
        assert!(linear_mix(&sources, &[vec![1.0, 0.5]], 8_000).is_err());
    }

    #[test]
    fn gains_are_drawn_between_their_limits() {
        let gains = draw_crosstalk(&mut Random::new(1), 5, USUAL_CROSSTALK);
        for (mic, row) in gains.iter().enumerate() {
            for (source, &gain) in row.iter().enumerate() {
                let (low, high) = if mic == source { (1.0, 1.0) } else { USUAL_CROSSTALK };
                assert!((low..=high).contains(&gain));
            }
        }
        assert_ne!(gains[0][1], gains[1][0]);
    }

    #[test]
    fn a_scene_is_remixed_without_its_room_mics_and_with_one_mic_per_source() {
        let signals: Vec<Vec<f32>> = (1_u8..=5).map(|mic| vec![f32::from(mic); 4]).collect();
        let info = SceneInfo {
            names: ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(),
            groups: vec![vec![2, 3]],
            room_mics: vec![5],
            ..SceneInfo::default()
        };
        let scene = Scene { info, rate_hz: 8_000, mics: signals.clone(), targets: signals };
        let mixed = remix(&scene, 4).unwrap();
        assert_eq!(mixed.info.names, ["a", "b", "d"]);
        // Mics of levels 1, 2 and 4 all get one level.
        let level = COMMON_RMS as f32;
        for target in &mixed.targets {
            assert!(target.iter().all(|sample| (sample - level).abs() < ROUNDING));
        }
        let heard = mixed.mics[0][0] / level;
        assert!(heard > 1.0 + 2.0 * 0.05 && heard < 1.0 + 2.0 * 0.31, "{heard}");
    }
}
