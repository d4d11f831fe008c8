//! The music of the demo session: four bars and a last chord, written for this project.

use crate::convert::to_u8;
use crate::random::Random;
use crate::soundfont::Note;

/// Tempo in beats per minute.
const TEMPO_BPM: f64 = 106.0;
/// Start of the first bar in seconds.
const FIRST_S: f64 = 0.12;
/// Delay of every second sixteenth, as a share of a sixteenth: a light shuffle.
const SWING: f64 = 0.14;
/// Duration of the whole piece in seconds, including the last chord's decay.
pub(super) const DURATION_S: f64 = 10.4;

/// Step and velocity of a drum stroke. Steps are sixteenths from the start: bars begin at 0, 16, 32
/// and 48, the last chord at 64.
type Hit = (usize, u8);
/// Step, length in sixteenths, MIDI key and velocity of a note.
type Tone = (usize, usize, u8, u8);

const KICK: [Hit; 17] = [
    (0, 112),
    (6, 92),
    (10, 104),
    (16, 112),
    (19, 84),
    (22, 96),
    (26, 104),
    (32, 112),
    (38, 92),
    (42, 104),
    (47, 86),
    (48, 112),
    (51, 86),
    (54, 96),
    (58, 104),
    (62, 98),
    (64, 120),
];
const SNARE: [Hit; 17] = [
    (4, 112),
    (7, 34),
    (12, 115),
    (15, 38),
    (20, 112),
    (25, 36),
    (28, 116),
    (36, 112),
    (39, 34),
    (44, 115),
    (46, 42),
    (52, 112),
    (57, 40),
    (60, 96),
    (61, 80),
    (62, 104),
    (63, 114),
];
const BASS: [Tone; 30] = [
    (0, 3, 33, 108),
    (3, 2, 33, 84),
    (6, 2, 45, 96),
    (8, 2, 40, 92),
    (10, 3, 33, 104),
    (14, 2, 31, 92),
    (16, 3, 29, 108),
    (19, 2, 29, 86),
    (22, 2, 41, 96),
    (24, 2, 36, 90),
    (26, 3, 29, 104),
    (29, 1, 33, 80),
    (30, 2, 35, 94),
    (32, 3, 36, 108),
    (35, 2, 36, 84),
    (38, 2, 43, 96),
    (40, 2, 40, 92),
    (42, 3, 36, 104),
    (46, 2, 33, 94),
    (48, 3, 31, 108),
    (51, 2, 31, 86),
    (54, 2, 43, 98),
    (56, 2, 38, 90),
    (58, 2, 31, 104),
    (60, 1, 31, 92),
    (61, 1, 31, 88),
    (62, 1, 32, 98),
    (63, 1, 32, 90),
    (64, 14, 33, 112),
    (15, 1, 28, 84),
];
const CHORDS: [[u8; 4]; 5] =
    [[57, 60, 64, 67], [53, 57, 60, 64], [55, 60, 64, 67], [55, 59, 62, 67], [57, 60, 64, 69]];
/// Step within the bar, length in sixteenths and velocity of the guitar's strokes.
const STRUM: [(usize, usize, u8); 6] =
    [(0, 3, 100), (3, 1, 78), (6, 3, 92), (10, 2, 88), (13, 1, 76), (14, 2, 90)];
const SAX: [Tone; 18] = [
    (12, 2, 64, 88),
    (14, 2, 67, 94),
    (16, 6, 69, 106),
    (22, 2, 72, 100),
    (24, 3, 69, 96),
    (27, 1, 67, 84),
    (36, 2, 67, 92),
    (38, 2, 69, 98),
    (40, 3, 72, 106),
    (43, 3, 74, 110),
    (46, 2, 76, 112),
    (48, 5, 74, 108),
    (53, 1, 72, 92),
    (54, 2, 71, 98),
    (56, 3, 67, 92),
    (61, 1, 67, 90),
    (62, 2, 71, 100),
    (64, 11, 69, 108),
];

fn step_s(step: usize) -> f64 {
    let late = if step % 2 == 1 { SWING } else { 0.0 };
    FIRST_S + (step as f64 + late) * 60.0 / TEMPO_BPM / 4.0
}

/// Returns a note as a player plays it, slightly off the grid and off the written velocity.
fn humanised(random: &mut Random, (step, length, key, velocity): Tone, feel_s: f64) -> Note {
    let at_s = step_s(step) + feel_s + random.normal(0.0, 0.004);
    Note {
        at_s: at_s.max(0.0),
        hold_s: (step_s(step + length) - step_s(step)) * 0.92,
        key,
        velocity: to_u8((f64::from(velocity) + random.normal(0.0, 4.0)).clamp(1.0, 127.0)),
    }
}

/// Returns a drum's notes; `feel_s` is its delay behind the beat in seconds.
fn drum(random: &mut Random, hits: &[Hit], key: u8, feel_s: f64) -> Vec<Note> {
    hits.iter()
        .map(|&(step, velocity)| humanised(random, (step, 1, key, velocity), feel_s))
        .collect()
}

pub(super) fn kick(random: &mut Random) -> Vec<Note> {
    drum(random, &KICK, 36, 0.0)
}

pub(super) fn snare(random: &mut Random) -> Vec<Note> {
    drum(random, &SNARE, 38, 0.004)
}

/// Returns eighths with accents on the beat, a few sixteenths, and an open hat at the end of bars 2
/// and 4.
pub(super) fn hat(random: &mut Random) -> Vec<Note> {
    let mut notes = Vec::new();
    for step in 0..64 {
        let (key, velocity) = match step {
            30 | 58 => (46, 100),
            59..64 => continue,
            _ if step % 4 == 0 => (42, 104),
            _ if step % 2 == 0 => (42, 78),
            11 | 27 | 43 | 45 => (42, 52),
            _ => continue,
        };
        notes.push(humanised(random, (step, 1, key, velocity), 0.0));
    }
    notes.push(humanised(random, (64, 1, 46, 112), 0.0));
    notes
}

pub(super) fn bass(random: &mut Random) -> Vec<Note> {
    BASS.iter().map(|&tone| humanised(random, tone, 0.005)).collect()
}

/// Returns strummed chords, whose strings start a few milliseconds apart.
pub(super) fn guitar(random: &mut Random) -> Vec<Note> {
    let bars =
        (0..4).flat_map(|bar| STRUM.map(|(step, length, v)| (16 * bar + step, length, v, bar)));
    let mut notes = Vec::new();
    for (step, length, velocity, chord) in bars.chain([(64, 12, 104, 4)]) {
        let down = step % 4 != 3;
        for (string, &key) in CHORDS[chord].iter().enumerate() {
            let order = if down { string } else { 3 - string };
            let mut note = humanised(random, (step, length, key, velocity), 0.002);
            note.at_s += order as f64 * 0.009;
            notes.push(note);
        }
    }
    notes
}

pub(super) fn sax(random: &mut Random) -> Vec<Note> {
    SAX.iter().map(|&tone| humanised(random, tone, 0.008)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_ends_before_the_piece_does() {
        let mut random = Random::new(1);
        let mut part = |write: fn(&mut Random) -> Vec<Note>| write(&mut random);
        for notes in [part(kick), part(snare), part(hat), part(bass), part(guitar), part(sax)] {
            let last = notes.iter().map(|note| note.at_s).fold(0.0, f64::max);
            assert!(last > 8.5 && last < DURATION_S - 1.0, "{last}");
        }
    }

    #[test]
    fn the_seed_moves_notes_by_milliseconds_only() {
        let (first, second) = (bass(&mut Random::new(1)), bass(&mut Random::new(2)));
        assert_ne!(first, second);
        assert_eq!(first, bass(&mut Random::new(1)));
        for (a, b) in first.iter().zip(&second) {
            assert!((a.at_s - b.at_s).abs() < 0.04 && a.key == b.key);
        }
    }
}
