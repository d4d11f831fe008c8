//! Plays recorded notes, strokes and phrases.

use super::notes::{NoteFolder, Recorded, fade_out};
use super::presets::Role;
use super::resample::resample_one;
use crate::convert::{db_to_lin, to_index};
use crate::random::Random;
use crate::scenes::add_at;
use crate::soundfont::Note;
use std::collections::{BTreeMap, BTreeSet};

/// Maximum transposition of a recorded note in semitones.
const MOST_SHIFT: f64 = 3.0;
/// Level difference in dB between the softest and the loudest note of a player.
const DYNAMIC_RANGE_DB: f64 = 20.0;

/// A sound under construction, with the material it is made of.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) sound: Vec<f32>,
    pub(crate) rate_hz: u32,
    pub(crate) made_of: BTreeSet<String>,
}

impl Canvas {
    pub(crate) fn new(num_samples: usize, rate_hz: u32) -> Self {
        Self { sound: vec![0.0; num_samples], rate_hz, made_of: BTreeSet::new() }
    }

    /// Returns the number of recorded samples per sample of the canvas, for a transposition by
    /// `shift` semitones.
    fn step(&self, recorded: &Recorded, shift: f64) -> f64 {
        (shift / 12.0).exp2() * f64::from(recorded.rate_hz) / f64::from(self.rate_hz)
    }

    /// Adds a recorded sound at `at_s`, transposed by `shift` semitones, and releases it after the
    /// hold time.
    fn put(&mut self, recorded: &Recorded, at_s: f64, shift: f64, hold: Hold, gain: f64) {
        let at = to_index(at_s * f64::from(self.rate_hz));
        if at >= self.sound.len() {
            return;
        }
        let step = self.step(recorded, shift);
        let (held, release) = (
            to_index(hold.hold_s * f64::from(self.rate_hz)),
            to_index(hold.release_s * f64::from(self.rate_hz)),
        );
        let wanted = (held + release).min(self.sound.len() - at + release);
        let needed = to_index(wanted as f64 * step) + 64;
        let heard = &recorded.sound[..needed.min(recorded.sound.len())];
        let mut sound = resample_one(heard, step);
        sound.truncate(wanted);
        fade_out(&mut sound, release.max(8));
        add_at(&mut self.sound, &sound, at, gain);
        self.made_of.insert(recorded.label.clone());
    }
}

#[derive(Clone, Copy)]
struct Hold {
    hold_s: f64,
    release_s: f64,
}

/// Returns the extra hold time after the written end and the release time of a role, in seconds.
fn ring(role: Role) -> (f64, f64) {
    match role {
        Role::Acoustic | Role::ElectricGuitar | Role::Mallet => (0.25, 0.25),
        Role::Piano | Role::Keys => (0.05, 0.2),
        Role::Bass | Role::Upright => (0.03, 0.1),
        _ => (0.02, 0.08),
    }
}

impl NoteFolder {
    /// Plays notes, each with the recording nearest in pitch and strength.
    pub(crate) fn play(&self, canvas: &mut Canvas, notes: &[Note], random: &mut Random) {
        let (rings_s, release_s) = ring(self.role);
        let (lowest, highest) = self.range();
        for note in notes {
            let strength = f64::from(note.velocity) / 127.0;
            let mut key = f64::from(note.key);
            // Transposes distant notes by octaves into the recorded range.
            while key > highest + MOST_SHIFT {
                key -= 12.0;
            }
            while key < lowest - MOST_SHIFT {
                key += 12.0;
            }
            let cost = |recorded: &Recorded, jitter: f64| {
                (key - recorded.key).abs() + 3.0 * (recorded.rank - strength).abs() + jitter
            };
            let chosen = self
                .sounds
                .iter()
                .map(|recorded| (cost(recorded, random.unit()), recorded))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, recorded)) = chosen else { continue };
            let shift = (key - recorded.key).clamp(-MOST_SHIFT, MOST_SHIFT);
            let hold = Hold { hold_s: note.hold_s + rings_s, release_s };
            let gain = db_to_lin(DYNAMIC_RANGE_DB * (strength - 1.0)) / recorded.loud;
            canvas.put(recorded, note.at_s, shift, hold, gain);
        }
    }

    /// Plays strokes: (time in seconds, index of the kind, strength).
    pub(crate) fn strike(
        &self,
        canvas: &mut Canvas,
        strokes: &[(f64, usize, f64)],
        random: &mut Random,
    ) {
        let kinds: BTreeSet<&str> =
            self.sounds.iter().map(|recorded| recorded.kind.as_str()).collect();
        let mut kinds: Vec<&str> = kinds.into_iter().collect();
        random.shuffle(&mut kinds);
        kinds.truncate(4);
        let shift = random.between(-1.5, 1.5);
        let mut moved: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        for &(at_s, place, strength) in strokes {
            let kind = kinds[place % kinds.len()];
            let nearest = self
                .sounds
                .iter()
                .enumerate()
                .filter(|(_, recorded)| recorded.kind == kind)
                .map(|(index, recorded)| {
                    ((recorded.rank - strength).abs() + 0.3 * random.unit(), index)
                })
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, index)) = nearest else { continue };
            let recorded = &self.sounds[index];
            let sound = moved.entry(index).or_insert_with(|| {
                let step = canvas.step(recorded, shift);
                let mut sound = resample_one(&recorded.sound, step);
                fade_out(&mut sound, to_index(0.05 * f64::from(canvas.rate_hz)));
                sound
            });
            let gain = db_to_lin(DYNAMIC_RANGE_DB * (strength - 1.0)) / recorded.loud;
            let at = to_index(at_s * f64::from(canvas.rate_hz));
            add_at(&mut canvas.sound, sound, at, gain);
            canvas.made_of.insert(recorded.label.clone());
        }
    }

    /// Sings or speaks phrases one after another within the windows, with pauses between them.
    pub(crate) fn speak(&self, canvas: &mut Canvas, windows: &[(f64, f64)], random: &mut Random) {
        let shift = random.between(-2.5, 2.5);
        for &(from_s, to_s) in windows {
            let mut at_s = from_s + random.between(0.0, 0.2);
            while at_s < to_s - 0.3 {
                let recorded = &self.sounds[random.index(self.sounds.len())];
                let whole_s = recorded.sound.len() as f64 / f64::from(recorded.rate_hz);
                let hold_s = (whole_s / (shift / 12.0).exp2()).min(to_s - at_s);
                let hold = Hold { hold_s, release_s: 0.06 };
                let gain = db_to_lin(random.normal(0.0, 1.5)) / recorded.loud;
                canvas.put(recorded, at_s, shift, hold, gain);
                at_s += hold_s + random.between(0.15, 0.9);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::to_f32;

    fn folder() -> NoteFolder {
        let recorded = |key: f64| {
            let freq = 440.0 * ((key - 69.0) / 12.0).exp2() / 22_050.0;
            let wave = |n: usize| (std::f64::consts::TAU * freq * n as f64).sin();
            let sound = (0..22_050).map(|n| to_f32(wave(n))).collect();
            let label = format!("notes test/{key}");
            Recorded {
                label,
                sound,
                rate_hz: 22_050,
                key,
                loud: 0.7,
                rank: 0.5,
                kind: String::new(),
            }
        };
        NoteFolder { role: Role::HighString, sounds: vec![recorded(60.0), recorded(66.0)] }
    }

    #[test]
    fn notes_sound_at_their_pitch_and_end() {
        let mut canvas = Canvas::new(44_100, 44_100);
        let note = Note { at_s: 0.1, hold_s: 0.4, key: 62, velocity: 100 };
        folder().play(&mut canvas, &[note], &mut Random::new(1));
        assert_eq!(canvas.made_of.iter().collect::<Vec<_>>(), ["notes test/60"]);
        assert!(canvas.sound[..4_410].iter().all(|&x| x == 0.0));
        assert!(canvas.sound[27_000..].iter().all(|&x| x == 0.0));
        let heard = super::super::pitch::heard_key(&canvas.sound[4_410..], 44_100).unwrap();
        assert!((heard - 62.0).abs() < 0.1, "{heard}");
    }

    #[test]
    fn far_notes_are_played_an_octave_away_and_no_farther_moved() {
        let mut canvas = Canvas::new(44_100, 44_100);
        let note = Note { at_s: 0.0, hold_s: 0.8, key: 86, velocity: 100 };
        folder().play(&mut canvas, &[note], &mut Random::new(1));
        let heard = super::super::pitch::heard_key(&canvas.sound, 44_100).unwrap();
        assert!((heard - 62.0).abs() < 0.1, "{heard}");
    }
}
