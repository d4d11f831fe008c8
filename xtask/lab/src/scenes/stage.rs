//! Players in a simulated room with a close mic each: renders dry sounds to mics and targets.

use super::sources::levels::loud_part;
use super::{Scene, SceneInfo};
use crate::convert::{db_to_lin, to_f32};
use crate::convolution::Convolver;
use crate::room::{PlacedMic, PlacedSource, Point, Room};
use anyhow::{Context, Result, ensure};

/// A source and its close mic.
#[derive(Clone, Debug)]
pub struct Player {
    /// Name of the mic.
    pub name: String,
    /// Position of the source.
    pub at: Point,
    /// Its close mic.
    pub mic: PlacedMic,
    /// Gain of the mic's preamp in dB.
    pub preamp_db: f64,
    /// Dry sound at 1 m.
    pub dry: Vec<f32>,
}

/// Records every mic with the sound of all players.
///
/// A target is the sound of the mic's own player at this mic, including the room. The preamp gain
/// applies to mic and target alike.
///
/// # Errors
///
/// Returns an error if there are no players, if the dry sounds differ in length, or if a place is
/// outside the room.
pub fn record(room: &Room, players: &[Player], rate_hz: u32) -> Result<Scene> {
    let length = players.first().map_or(0, |player| player.dry.len());
    ensure!(length > 0, "no source plays");
    ensure!(players.iter().all(|player| player.dry.len() == length), "dry sounds differ in length");
    let mut responses = Vec::with_capacity(players.len() * players.len());
    for listener in players {
        for source in players {
            let response = room
                .response(&PlacedSource::omni(source.at), &listener.mic, f64::from(rate_hz), 0)
                .with_context(|| format!("from {} to the mic of {}", source.name, listener.name))?;
            responses.push(response);
        }
    }
    let longest = responses.iter().map(Vec::len).max().unwrap_or(0);
    let convolver = Convolver::new(length, longest);
    let sounds: Vec<_> =
        players.iter().map(|player| convolver.transform(&player.dry)).collect::<Result<_>>()?;
    let mut mics = Vec::with_capacity(players.len());
    let mut targets = Vec::with_capacity(players.len());
    for (index, listener) in players.iter().enumerate() {
        let gain = to_f32(db_to_lin(listener.preamp_db));
        let mut bleed = convolver.silence();
        let mut own = convolver.silence();
        for (source, sound) in sounds.iter().enumerate() {
            let sum = if source == index { &mut own } else { &mut bleed };
            convolver.add(sum, sound, &responses[index * players.len() + source], gain)?;
        }
        let target = convolver.finish(own)?;
        let bleed = convolver.finish(bleed)?;
        mics.push(target.iter().zip(&bleed).map(|(own, other)| own + other).collect());
        targets.push(target);
    }
    let info = SceneInfo {
        names: players.iter().map(|player| player.name.clone()).collect(),
        ..SceneInfo::default()
    };
    Ok(Scene { info, rate_hz, mics, targets })
}

/// Scales a dry sound so that its [loud parts](loud_part) have the level `level_db`. Silence stays
/// silent.
pub(crate) fn set_level(sound: &mut [f32], rate_hz: u32, level_db: f64) {
    let loud = loud_part(sound, rate_hz);
    if loud > 0.0 {
        let gain = to_f32(db_to_lin(level_db) / loud);
        sound.iter_mut().for_each(|sample| *sample *= gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{Pattern, SPEED_OF_SOUND};

    fn player(x: f64, dry: Vec<f32>) -> Player {
        let mic = PlacedMic { at: [x, 2.0, 1.5], aim: [0.0, 1.0, 0.0], pattern: Pattern::OMNI };
        Player { name: format!("at {x}"), at: [x, 2.5, 1.5], mic, preamp_db: 0.0, dry }
    }

    /// Measured with this test: 2e-7.
    const ROUNDING: f32 = 1e-6;

    #[test]
    fn mics_hear_everybody_and_targets_only_their_own_player() {
        let room = Room::new([8.0, 5.0, 3.0], 0.0);
        let mut click = vec![0.0; 4_000];
        click[0] = 1.0;
        let mut far = player(2.0, vec![0.0; 4_000]);
        far.preamp_db = 20.0;
        let near = player(3.0, click);
        let scene = record(&room, &[near, far], 44_100).unwrap();
        assert_eq!(scene.mics[0], scene.targets[0], "nobody else plays");
        assert!(scene.targets[1].iter().all(|sample| sample.abs() < ROUNDING));
        let sum = |signal: &[f32]| signal.iter().sum::<f32>();
        assert!((sum(&scene.mics[0]) - 2.0).abs() < 2e-3, "half a metre away");
        let crossing = (1.0_f32 + 0.25).sqrt();
        assert!((sum(&scene.mics[1]) - 10.0 / crossing).abs() < 1e-2, "20 dB preamp");
        let loudest =
            (0..4_000).max_by(|&a, &b| scene.mics[1][a].total_cmp(&scene.mics[1][b])).unwrap();
        let travel = f64::from(crossing) / SPEED_OF_SOUND * 44_100.0;
        assert!((loudest as f64 - Room::MARGIN_SAMPLES as f64 - travel).abs() < 0.6);
    }

    #[test]
    fn mic_minus_target_is_what_the_others_would_give_alone() {
        let room = Room::new([6.0, 5.0, 3.0], 0.2);
        let noise = |seed| {
            let mut random = crate::random::Random::new(seed);
            (0..6_000).map(|_| random.normal(0.0, 0.1) as f32).collect::<Vec<f32>>()
        };
        let both = record(&room, &[player(2.0, noise(1)), player(4.0, noise(2))], 16_000).unwrap();
        let alone =
            record(&room, &[player(2.0, vec![0.0; 6_000]), player(4.0, noise(2))], 16_000).unwrap();
        for ((&mic, &target), &bleed) in
            both.mics[0].iter().zip(&both.targets[0]).zip(&alone.mics[0])
        {
            assert!((mic - target - bleed).abs() < ROUNDING);
        }
    }

    #[test]
    fn levels_are_those_of_the_loud_parts() {
        let mut sound = vec![0.0; 8_000];
        sound[..800].fill(0.3);
        set_level(&mut sound, 8_000, -20.0);
        assert!((sound[100] - 0.1).abs() < 1e-6);
        let mut silence = vec![0.0; 100];
        set_level(&mut silence, 8_000, -20.0);
        assert_eq!(silence, [0.0; 100]);
    }
}
