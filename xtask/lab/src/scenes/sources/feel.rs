//! The way a part is played: pauses, dynamics, articulation, late entries.

use crate::convert::to_u8;
use crate::random::Random;
use crate::soundfont::Note;

/// Share of a scene in which a part plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The whole scene, with usual pauses.
    Usual,
    /// The whole scene, without a rest.
    Always,
    /// A moment only.
    Rare,
    /// Never.
    Silent,
}

impl Presence {
    pub(crate) fn draw(random: &mut Random, silent_chance: f64, rare_chance: f64) -> Self {
        let place = random.unit();
        if place < silent_chance {
            Self::Silent
        } else if place < silent_chance + rare_chance {
            Self::Rare
        } else {
            Self::Usual
        }
    }

    /// Draws the times in which this part plays, in seconds, for a scene of `duration_s`.
    pub(crate) fn windows(self, random: &mut Random, duration_s: f64) -> Vec<(f64, f64)> {
        match self {
            Self::Silent => Vec::new(),
            Self::Always => vec![(0.0, duration_s)],
            Self::Rare => {
                let length_s = random.between(0.1, 0.25) * duration_s;
                let from_s = random.between(0.0, 0.8) * duration_s;
                vec![(from_s, from_s + length_s.max(1.0))]
            }
            Self::Usual => {
                let mut windows = Vec::new();
                let late = random.chance(0.12);
                let mut from_s = if late { random.between(0.1, 0.4) * duration_s } else { 0.0 };
                for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2]) {
                    let pause_at_s = random.between(from_s, duration_s);
                    windows.push((from_s, pause_at_s));
                    from_s = pause_at_s + random.between(0.08, 0.25) * duration_s;
                }
                windows.push((from_s, duration_s));
                windows
            }
        }
    }
}

pub(crate) fn plays_at(windows: &[(f64, f64)], at_s: f64) -> bool {
    windows.iter().any(|&(from_s, to_s)| (from_s..to_s).contains(&at_s))
}

/// A player's way of shaping the notes of a passage.
#[derive(Clone, Debug)]
pub(crate) struct Feel {
    /// Held part of a note, as a share of its written length.
    articulation: f64,
    /// Share of the notes left out.
    rest: f64,
    /// Constant delay of the player in seconds; negative if early.
    habit_s: f64,
    /// Standard deviation of the timing in seconds.
    unsteady_s: f64,
    /// Velocity offsets over time, ordered by time: (seconds, velocity steps).
    swells: Vec<(f64, f64)>,
}

impl Feel {
    pub(crate) fn draw(random: &mut Random, duration_s: f64) -> Self {
        let articulation = match random.index(4) {
            0 => random.between(0.25, 0.5),
            1 => random.between(0.5, 0.9),
            _ => random.between(0.9, 1.1),
        };
        let base = random.normal(0.0, 12.0);
        let swells = (0..=4)
            .map(|place| (f64::from(place) / 4.0 * duration_s, base + random.normal(0.0, 9.0)))
            .collect();
        Self {
            articulation,
            rest: random.between(0.0, 0.15),
            habit_s: random.normal(0.0, 0.006),
            unsteady_s: random.between(0.003, 0.012),
            swells,
        }
    }

    /// Makes the player play every note, near its written length.
    pub(crate) fn keep_every_note(&mut self) {
        self.rest = 0.0;
        self.articulation = self.articulation.clamp(0.7, 1.05);
    }

    /// Makes the player leave out no note and hold notes until the next ones, or beyond, as with
    /// reverberation and a pedal.
    pub(crate) fn sustain(&mut self, random: &mut Random) {
        self.rest = 0.0;
        self.articulation = random.between(0.95, 1.4);
    }

    /// Shapes the notes within the windows and drops the others.
    pub(crate) fn shape(
        &self,
        random: &mut Random,
        notes: Vec<Note>,
        windows: &[(f64, f64)],
    ) -> Vec<Note> {
        notes
            .into_iter()
            .filter_map(|note| {
                let skipped = random.chance(self.rest);
                let at_s = note.at_s + self.habit_s + random.normal(0.0, self.unsteady_s);
                if skipped || !plays_at(windows, note.at_s) {
                    return None;
                }
                let velocity = f64::from(note.velocity) + self.swell_at(note.at_s);
                Some(Note {
                    at_s: at_s.max(0.0),
                    hold_s: (note.hold_s * self.articulation).max(0.05),
                    velocity: to_u8(velocity.clamp(20.0, 127.0)),
                    ..note
                })
            })
            .collect()
    }

    fn swell_at(&self, at_s: f64) -> f64 {
        let after = self.swells.iter().position(|&(time_s, _)| time_s > at_s);
        match after {
            Some(after) if after > 0 => {
                let ((from_s, from), (to_s, to)) = (self.swells[after - 1], self.swells[after]);
                from + (to - from) * (at_s - from_s) / (to_s - from_s)
            }
            _ => self.swells.last().map_or(0.0, |&(_, steps)| steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shaped_notes_stay_in_their_windows_and_swell() {
        let steady = Feel {
            articulation: 0.5,
            rest: 0.0,
            habit_s: 0.0,
            unsteady_s: 0.0,
            swells: vec![(0.0, -20.0), (10.0, 20.0)],
        };
        let note = |at_s: f64| Note { at_s, hold_s: 1.0, key: 60, velocity: 80 };
        let notes: Vec<Note> = (0..10).map(|n| note(f64::from(n))).collect();
        let shaped = steady.shape(&mut Random::new(1), notes, &[(0.0, 2.0), (5.0, 9.0)]);
        let times: Vec<f64> = shaped.iter().map(|note| note.at_s).collect();
        assert_eq!(times, [0.0, 1.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(shaped[2].velocity, 80);
        assert_eq!(shaped[0].velocity, 60);
        assert!(shaped.iter().all(|note| note.hold_s == 0.5));
    }

    #[test]
    fn the_silent_play_never_and_the_rare_seldom() {
        let mut random = Random::new(2);
        assert!(Presence::Silent.windows(&mut random, 10.0).is_empty());
        for _ in 0..100 {
            let rare = Presence::Rare.windows(&mut random, 10.0);
            assert!(rare.len() == 1 && rare[0].1 - rare[0].0 <= 2.5 && rare[0].0 <= 8.0);
            let usual = Presence::Usual.windows(&mut random, 10.0);
            assert!(usual.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
