//! Short pieces of music drawn from a seed: a harmony, and parts that follow it.

use super::pattern::Groove;
use crate::convert::to_u8;
use crate::random::Random;
use crate::soundfont::Note;

/// Function of a part in the music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Bass,
    Chords,
    Melody,
    Pad,
}

/// Key, chords and tempo of a piece.
#[derive(Clone, Debug)]
pub(crate) struct Harmony {
    /// MIDI key of the tonic, in the octave from middle C.
    tonic: u8,
    scale: &'static [u8; 7],
    /// Scale degree of each bar's chord, from 0.
    degrees: &'static [usize],
    pub(crate) tempo_bpm: f64,
    pub(crate) first_s: f64,
}

const MAJOR: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [u8; 7] = [0, 2, 3, 5, 7, 8, 10];
const DEGREES: [&[usize]; 6] =
    [&[0, 4, 5, 3], &[0, 3, 4, 0], &[5, 3, 0, 4], &[0, 5, 1, 4], &[0, 2, 3, 4], &[1, 4, 0, 0]];
/// Rhythms of one bar: (start, length) of each note in sixteenths.
const RHYTHMS: [&[(usize, usize)]; 6] = [
    &[(0, 4), (4, 4), (8, 4), (12, 4)],
    &[(0, 6), (6, 2), (8, 8)],
    &[(0, 3), (3, 3), (6, 2), (8, 3), (11, 3), (14, 2)],
    &[(0, 2), (2, 2), (4, 4), (8, 2), (10, 6)],
    &[(4, 4), (8, 2), (10, 2), (12, 4)],
    &[(0, 12)],
];

/// Rhythm of one bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm(&'static [(usize, usize)]);

impl Rhythm {
    pub(crate) fn draw(random: &mut Random) -> Self {
        Self(RHYTHMS[random.index(RHYTHMS.len())])
    }
}

/// Style of a part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// True if the part has no rests and holds every note until the next one.
    pub(crate) sustained: bool,
    /// Rhythm shared by all parts, if any.
    pub(crate) rhythm: Option<Rhythm>,
}

/// Returns the same notes, each extended to the next one, and the first from the start of the bar.
fn sustained(rhythm: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let end = |at: usize| rhythm.get(at + 1).map_or(16, |&(start, _)| start);
    let start = |at: usize| if at == 0 { 0 } else { rhythm[at].0 };
    (0..rhythm.len()).map(|at| (start(at), end(at) - start(at))).collect()
}

impl Harmony {
    pub(crate) fn draw(random: &mut Random, groove: Option<&Groove>) -> Self {
        let tempo_bpm =
            groove.map_or_else(|| random.between(66.0, 132.0), |groove| groove.tempo_bpm);
        Self {
            tonic: 60 + to_u8(random.index(12) as f64),
            scale: if random.chance(0.5) { &MAJOR } else { &MINOR },
            degrees: DEGREES[random.index(DEGREES.len())],
            tempo_bpm,
            first_s: groove.map_or(0.2, |groove| groove.first_s),
        }
    }

    /// Returns the MIDI key of a scale degree. Degrees above 6 and below 0 lie in the
    /// octaves around.
    fn key(&self, degree: i32, octave: i32) -> u8 {
        let within = usize::try_from(degree.rem_euclid(7)).unwrap_or(0);
        let key = i32::from(self.tonic)
            + i32::from(self.scale[within])
            + 12 * (degree.div_euclid(7) + octave);
        u8::try_from(key.clamp(12, 115)).unwrap_or(60)
    }

    /// Writes one part of `duration_s` around the middle of `keys`, the lowest and highest
    /// comfortable keys.
    pub(crate) fn part(
        &self,
        random: &mut Random,
        (part, style): (Part, Style),
        keys: (u8, u8),
        duration_s: f64,
    ) -> Vec<Note> {
        let step_s = 60.0 / self.tempo_bpm / 4.0;
        let rhythm = RHYTHMS[random.index(RHYTHMS.len())];
        let rest = random.between(0.05, 0.35);
        let detached = random.between(0.6, 1.0);
        let (rest, detached) = if style.sustained { (0.0, 1.0) } else { (rest, detached) };
        let octave = (0..=8).map(|o| o - 5).min_by_key(|&octave| {
            let middle = (i32::from(keys.0) + i32::from(keys.1)) / 2;
            (i32::from(self.key(2, octave)) - middle).abs()
        });
        let octave = octave.unwrap_or(0);
        let mut walk = 0_i32;
        let mut notes = Vec::new();
        for bar in 0.. {
            let bar_s = self.first_s + f64::from(bar) * 16.0 * step_s;
            if bar_s > duration_s - 1.0 {
                break;
            }
            let chord =
                i32::try_from(self.degrees[usize::try_from(bar).unwrap_or(0) % self.degrees.len()])
                    .unwrap_or(0);
            let silent_bar = part != Part::Pad && random.chance(0.12) && !style.sustained;
            let bar_rhythm: &[(usize, usize)] = match (style.rhythm, part) {
                (Some(Rhythm(shared)), _) => shared,
                (None, Part::Pad) => &[(0, 16)],
                _ if random.chance(0.25) => RHYTHMS[random.index(RHYTHMS.len())],
                _ => rhythm,
            };
            let held = style.sustained.then(|| sustained(bar_rhythm));
            for &(start, steps) in held.as_deref().unwrap_or(bar_rhythm) {
                if silent_bar || (part == Part::Melody && random.chance(rest)) {
                    continue;
                }
                let accent = if start % 8 == 0 { 12.0 } else { 0.0 };
                let degrees: Vec<i32> = match part {
                    Part::Bass => vec![chord + random.pick(&[0, 0, 0, 4, 7])],
                    Part::Chords | Part::Pad => vec![chord, chord + 2, chord + 4],
                    Part::Melody => {
                        walk = (walk + random.pick(&[-2, -1, -1, 0, 1, 1, 2, 4])).clamp(-4, 7);
                        // On strong beats, notes between chord tones move down to one.
                        let lands = start % 8 == 0 && (walk - chord).rem_euclid(7) % 2 == 1;
                        vec![if lands { walk - 1 } else { walk }]
                    }
                };
                for degree in degrees {
                    let at_s = bar_s + start as f64 * step_s + random.normal(0.0, 0.008);
                    let hold_s = steps as f64 * step_s * detached;
                    if (0.0..duration_s - 1.0).contains(&at_s) {
                        notes.push(Note {
                            at_s,
                            hold_s: hold_s.min(duration_s - 0.6 - at_s).max(0.05),
                            key: self.key(degree, octave).clamp(keys.0, keys.1),
                            velocity: to_u8((random.normal(82.0, 9.0) + accent).clamp(35.0, 127.0)),
                        });
                    }
                }
            }
        }
        notes
    }
}

impl Harmony {
    /// Returns strokes of small percussion in the tempo of the piece: (time in seconds, index of
    /// the sound, strength).
    ///
    /// The figure of one bar is drawn and repeated with small changes.
    pub(crate) fn percussion(
        &self,
        random: &mut Random,
        duration_s: f64,
    ) -> Vec<(f64, usize, f64)> {
        let step_s = 60.0 / self.tempo_bpm / 4.0;
        let density = random.between(0.15, 0.7);
        let draw_step = |random: &mut Random, step: usize| {
            let likely = if step.is_multiple_of(4) { 1.3 * density } else { density };
            random.chance(likely).then(|| (random.index(4), random.between(0.3, 0.95)))
        };
        let figure: Vec<_> = (0..16).map(|step| draw_step(random, step)).collect();
        let mut strokes = Vec::new();
        for step in 0.. {
            let at_s = self.first_s + step as f64 * step_s;
            if at_s > duration_s - 0.7 {
                break;
            }
            let drawn =
                if random.chance(0.1) { draw_step(random, step) } else { figure[step % 16] };
            if let Some((place, strength)) = drawn {
                let strength = (strength + random.normal(0.0, 0.07)).clamp(0.1, 1.0);
                strokes.push(((at_s + random.normal(0.0, 0.007)).max(0.0), place, strength));
            }
        }
        strokes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stay_in_their_range_and_repeat_by_seed() {
        for seed in 0..30 {
            let write = || {
                let mut random = Random::new(seed);
                let harmony = Harmony::draw(&mut random, None);
                [Part::Bass, Part::Chords, Part::Melody, Part::Pad]
                    .map(|part| (part, Style::default()))
                    .map(|part| harmony.part(&mut random, part, (40, 76), 12.0))
            };
            let parts = write();
            assert_eq!(parts, write());
            for notes in &parts {
                assert!(!notes.is_empty(), "seed {seed}");
                for note in notes {
                    assert!((40..=76).contains(&note.key) && note.at_s + note.hold_s < 12.0);
                }
            }
        }
    }

    #[test]
    fn degrees_climb_the_scale() {
        let harmony =
            Harmony { tonic: 60, scale: &MAJOR, degrees: &[0], tempo_bpm: 100.0, first_s: 0.0 };
        let keys: Vec<u8> = (-1..9).map(|degree| harmony.key(degree, 0)).collect();
        assert_eq!(keys, [59, 60, 62, 64, 65, 67, 69, 71, 72, 74]);
    }
}
