//! Drum grooves as lists of strokes, drawn from a seed and independent of the instruments.

use crate::random::Random;

/// A piece of a drum kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Piece {
    Kick,
    SecondKick,
    Snare,
    ClosedHat,
    OpenHat,
    Ride,
    RideBell,
    Crash,
    China,
    /// Tom from 0, the smallest, to 3, the largest.
    Tom(usize),
}

/// A single hit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) at_s: f64,
    pub(crate) piece: Piece,
    /// Strength, `0.0 ..= 1.0`.
    pub(crate) strength: f64,
}

/// A drawn groove.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Groove {
    /// Strokes in order of time.
    pub(crate) strokes: Vec<Stroke>,
    pub(crate) tempo_bpm: f64,
    /// Start of the first bar in seconds.
    pub(crate) first_s: f64,
}

/// Figure that every bar repeats; steps are sixteenths, 0 to 15.
struct Style {
    kick: &'static [usize],
    snare: &'static [usize],
    /// Number of steps between two strokes of the hat or ride.
    pulse: usize,
    tempo_bpm: (f64, f64),
    /// Delay of every second sixteenth, as a share of a sixteenth.
    swing: f64,
}

const STYLES: [Style; 6] = [
    Style { kick: &[0, 8], snare: &[4, 12], pulse: 2, tempo_bpm: (96.0, 138.0), swing: 0.0 },
    Style { kick: &[0, 7, 10], snare: &[4, 12], pulse: 2, tempo_bpm: (84.0, 116.0), swing: 0.0 },
    Style { kick: &[0, 3, 6, 10], snare: &[4, 12], pulse: 1, tempo_bpm: (78.0, 100.0), swing: 0.2 },
    Style {
        kick: &[0, 4, 8, 12],
        snare: &[4, 12],
        pulse: 4,
        tempo_bpm: (108.0, 132.0),
        swing: 0.0,
    },
    Style { kick: &[0, 2, 8, 10], snare: &[8], pulse: 2, tempo_bpm: (120.0, 150.0), swing: 0.0 },
    Style { kick: &[0, 5, 11], snare: &[4, 12], pulse: 2, tempo_bpm: (70.0, 92.0), swing: 0.33 },
];

/// Draws a groove of `duration_s`, with variations from bar to bar, fills and accents.
///
/// The last second has no new strokes, to leave time for decays.
pub(crate) fn draw(random: &mut Random, duration_s: f64) -> Groove {
    let style = &STYLES[random.index(STYLES.len())];
    let tempo_bpm = random.between(style.tempo_bpm.0, style.tempo_bpm.1);
    let step_s = 60.0 / tempo_bpm / 4.0;
    let first_s = random.between(0.05, 0.4);
    let second_half_on_ride = random.chance(0.7);
    let second_kick = random.chance(0.35);
    let mut strokes = Vec::new();
    let mut bar = 0_usize;
    loop {
        let bar_s = first_s + (bar * 16) as f64 * step_s;
        if bar_s > duration_s - 1.0 {
            break;
        }
        let fill_from =
            if bar % 2 == 1 && random.chance(0.9) { random.pick(&[8, 12, 12, 14]) } else { 16 };
        let ride = second_half_on_ride && bar >= 2;
        for step in 0..16 {
            let late = if step % 2 == 1 { style.swing * step_s } else { 0.0 };
            let mut add = |random: &mut Random, piece: Piece, strength: f64| {
                let behind = if piece == Piece::SecondKick { step_s } else { late };
                let at_s = bar_s + step as f64 * step_s + behind + random.normal(0.0, 0.006);
                if (0.0..duration_s - 1.0).contains(&at_s) {
                    let strength = (strength + random.normal(0.0, 0.06)).clamp(0.05, 1.0);
                    strokes.push(Stroke { at_s, piece, strength });
                }
            };
            if step == 0 && (bar.is_multiple_of(4) || random.chance(0.2)) {
                let piece = if random.chance(0.15) { Piece::China } else { Piece::Crash };
                add(random, piece, 0.85);
            }
            if style.kick.contains(&step) && !random.chance(0.1) || random.chance(0.05) {
                add(random, Piece::Kick, if step == 0 { 0.9 } else { 0.75 });
                if second_kick && random.chance(0.4) {
                    add(random, Piece::SecondKick, 0.65);
                }
            }
            if step >= fill_from {
                if random.chance(0.85) {
                    let place = (step - fill_from) * 4 / (16 - fill_from);
                    add(random, Piece::Tom(place.min(3)), 0.75);
                } else {
                    add(random, Piece::Snare, 0.7);
                }
                continue;
            }
            if style.snare.contains(&step) {
                add(random, Piece::Snare, 0.88);
            } else if random.chance(0.07) {
                add(random, Piece::Snare, 0.2);
            }
            if step % style.pulse == 0 {
                let accent = if step % 4 == 0 { 0.8 } else { 0.6 };
                let piece = match (ride, step) {
                    (true, 0 | 8) if random.chance(0.3) => Piece::RideBell,
                    (true, _) => Piece::Ride,
                    (false, 14) if random.chance(0.4) => Piece::OpenHat,
                    (false, _) => Piece::ClosedHat,
                };
                add(random, piece, accent);
            }
        }
        bar += 1;
    }
    strokes.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    Groove { strokes, tempo_bpm, first_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groove_repeats_by_seed_and_keeps_time() {
        for seed in 0..20 {
            let Groove { strokes, tempo_bpm, .. } = draw(&mut Random::new(seed), 12.0);
            assert_eq!(draw(&mut Random::new(seed), 12.0).strokes, strokes);
            assert!((70.0..150.0).contains(&tempo_bpm));
            assert!(strokes.len() > 30, "seed {seed}: {} strokes", strokes.len());
            for pair in strokes.windows(2) {
                assert!(pair[0].at_s <= pair[1].at_s);
            }
            assert!(strokes.iter().all(|stroke| (0.0..11.0).contains(&stroke.at_s)));
            for needed in [Piece::Kick, Piece::Snare] {
                assert!(strokes.iter().any(|stroke| stroke.piece == needed), "seed {seed}");
            }
        }
    }
}
