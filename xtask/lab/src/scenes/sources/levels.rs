//! Levels of sources at 1 m, relative to each other.

use super::Family;
use super::presets::Role;
use crate::convert::{db_to_lin, to_f32};
use crate::random::Random;

/// Sound pressure level of a sample of 1, in dB re 20 µPa. It is close to the loudest drums at 1 m,
/// so dry sounds seldom exceed full scale by much.
pub const FULL_SCALE_DB_SPL: f64 = 120.0;

/// Standard deviation in dB of the level between players of a kind.
const SPREAD_DB: f64 = 3.0;

/// Window length of the level measurement in seconds.
const WINDOW_S: f64 = 0.05;

/// Returns the typical level of a source's loud parts at 1 m, in dB re 20 µPa: the mean power of
/// the 50 ms windows within 20 dB of the loudest.
///
/// | source | dB | from |
/// |---|---|---|
/// | trumpet, trombone, horn, tuba | 91-92 | power at forte 101-104 dB |
/// | flute, oboe, clarinet, bassoon, saxophone | 82-84 | power at forte 91-93 dB, saxophones more |
/// | violin, viola | 78 | power at forte 87-89 dB |
/// | cello, double bass | 80 | power at forte 90-92 dB |
/// | singer | 84 | judgement: between strings and brass |
/// | talker | 65 | raised conversation: between "normal" 62 dB and "raised" 68 dB |
/// | piano, vibraphone, marimba | 83 | judgement |
/// | guitar, other plucked strings | 71 | judgement: a nylon guitar is 7 dB softer than a violin |
/// | guitar and keyboard amplifiers | 94 | judgement: small amplifiers in a rehearsal room |
/// | bass amplifier | 93 | judgement |
/// | kick 98, snare 100, toms 98, hi-hat 87, crash 97, ride 89 | | judgement for a rock drummer |
/// | percussion by hand | 86 | judgement |
///
/// # Source
///
/// Sound powers: after J. Meyer, "Acoustics and the Performance of Music", Springer, 5th ed. 2009,
/// chapter 3, as commonly quoted and rounded; they are a guide, not a quotable table. The pressure
/// level follows by subtracting 11 dB, 10 log10(4 π), for a point source in free field. Talkers:
/// ANSI S3.5-1997, rounded. Order of snare, trumpet and flute, each with far more power than the
/// next: F. A. Everest, K. C. Pohlmann, "Master Handbook of Acoustics", table 5-1 (peaks of 12, 0.3
/// and 0.06 W).
pub(crate) fn typical_db_spl(family: Family, role: Role) -> f64 {
    match (family, role) {
        (Family::Kick | Family::Tom, _) => 98.0,
        (Family::Snare, _) => 100.0,
        (Family::HiHat, _) => 87.0,
        (Family::Cymbal, _) => 93.0,
        (Family::Percussion, _) => 86.0,
        (Family::BassAmp, _) => 93.0,
        (Family::Amp, _) => 94.0,
        (Family::Plucked, _) => 71.0,
        (Family::Piano, _) => 83.0,
        (Family::HighString, _) => 78.0,
        (Family::LowString, _) => 80.0,
        (Family::Woodwind, _) => 83.0,
        (Family::Brass, Role::LowBrass) => 92.0,
        (Family::Brass, _) => 91.0,
        (Family::Voice, _) => 84.0,
    }
}

/// Level of a talker relative to a singer, in dB.
pub(crate) const TALKER_DB: f64 = -19.0;
/// Level of crashes above the mean cymbal, and of rides below it, in dB.
pub(crate) const CRASH_DB: f64 = 4.0;

/// Scales a dry sound to a level in dB re 20 µPa, drawn around `level_db_spl`. Silence
/// stays silent.
pub(crate) fn set_level(sound: &mut [f32], rate_hz: u32, level_db_spl: f64, random: &mut Random) {
    let drawn_db = level_db_spl + random.normal(0.0, SPREAD_DB).clamp(-7.0, 7.0);
    let loud = loud_part(sound, rate_hz);
    if loud > 0.0 {
        let gain = to_f32(db_to_lin(drawn_db - FULL_SCALE_DB_SPL) / loud);
        sound.iter_mut().for_each(|sample| *sample *= gain);
    }
}

/// Returns the RMS of the loud parts: the 50 ms windows within 20 dB of the loudest.
pub(crate) fn loud_part(sound: &[f32], rate_hz: u32) -> f64 {
    let window = crate::convert::to_index(WINDOW_S * f64::from(rate_hz)).max(1);
    let powers: Vec<f64> = sound
        .chunks(window)
        .map(|chunk| chunk.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / window as f64)
        .collect();
    let loudest = powers.iter().fold(0.0_f64, |top, &power| top.max(power));
    let loud: Vec<f64> = powers.into_iter().filter(|&power| power > 0.01 * loudest).collect();
    if loud.is_empty() { 0.0 } else { (loud.iter().sum::<f64>() / loud.len() as f64).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_loud_parts_with_the_stated_spread() {
        let mut sum_db = 0.0;
        let mut squares = 0.0;
        let draws = 400;
        for seed in 0..draws {
            let mut sound = vec![0.0; 8_000];
            sound[..800].fill(0.3);
            set_level(&mut sound, 8_000, 100.0, &mut Random::new(seed));
            let level_db = 20.0 * f64::from(sound[100]).log10() + FULL_SCALE_DB_SPL;
            sum_db += level_db;
            squares += (level_db - 100.0).powi(2);
        }
        assert!((sum_db / draws as f64 - 100.0).abs() < 0.5);
        assert!(((squares / draws as f64).sqrt() - SPREAD_DB).abs() < 0.4);
        let mut silence = vec![0.0; 100];
        set_level(&mut silence, 8_000, 100.0, &mut Random::new(1));
        assert_eq!(silence, [0.0; 100]);
    }
}
