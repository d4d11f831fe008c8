//! Test sessions: players of noise with pauses, in a room with a few reflections.

use crate::{Check, Finding, Place};

pub(crate) const RATE_HZ: u32 = 12_000;
const SAMPLES: usize = 20 * RATE_HZ as usize;
/// Length of a phrase, in which a player plays or pauses, in samples.
const PHRASE_SAMPLES: usize = 3_000;

/// Pseudo-random numbers from 0 to 1 (xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// Returns the sound of a player: phrases of noise, each with its own colour and level, and pauses.
pub(crate) fn player(seed: u64) -> Vec<f32> {
    let mut chance = Chance::new(seed);
    let mut samples = Vec::with_capacity(SAMPLES);
    let mut last = 0.0;
    while samples.len() < SAMPLES {
        let plays = chance.next() < 0.6;
        let (level, colour) = (0.05 + 0.2 * chance.next(), 0.8 * chance.next() - 0.4);
        for _ in 0..PHRASE_SAMPLES {
            let noise = if plays { (chance.next() - 0.5) * level } else { 0.0 };
            last = noise + colour * last;
            samples.push(last);
        }
    }
    samples.truncate(SAMPLES);
    samples
}

/// The path from a player to a mic, as delays in samples and gains.
#[derive(Clone, Debug)]
pub(crate) struct Echoes(Vec<(usize, f32)>);

impl Echoes {
    /// Creates a direct sound and six reflections within 20 ms after it.
    pub(crate) fn new(delay_samples: usize, gain: f32, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut echoes = vec![(delay_samples, gain)];
        for _ in 0..6 {
            let later = 10 + (chance.next() * 230.0) as usize;
            echoes.push((delay_samples + later, gain * 0.4 * (chance.next() - 0.5)));
        }
        Self(echoes)
    }

    pub(crate) fn add(&self, from: &[f32], to: &mut [f32]) {
        for &(delay, gain) in &self.0 {
            for (to, from) in to[delay..].iter_mut().zip(from) {
                *to += gain * from;
            }
        }
    }
}

/// Returns `num_mics` mics, each close to its own player; `seed` determines the distances to
/// the others.
pub(crate) fn session(num_mics: usize, seed: u64) -> Vec<Vec<f32>> {
    let players: Vec<Vec<f32>> = (0..num_mics).map(|n| player(seed * 100 + n as u64)).collect();
    let mut chance = Chance::new(seed + 7);
    (0..num_mics)
        .map(|mic| {
            let mut sound = vec![0.0; SAMPLES];
            for (number, player) in players.iter().enumerate() {
                let way = (seed * 1_000) + (mic * 20 + number) as u64;
                let echoes = if number == mic {
                    Echoes::new(5, 1.0, way)
                } else {
                    Echoes::new(30 + (chance.next() * 90.0) as usize, 0.3, way)
                };
                echoes.add(player, &mut sound);
            }
            sound
        })
        .collect()
}

/// Returns the mic delayed by `late_samples`.
pub(crate) fn later(mic: &[f32], late_samples: usize) -> Vec<f32> {
    let mut later = vec![0.0; late_samples];
    later.extend(&mic[..mic.len() - late_samples]);
    later
}

/// Returns the mic as recorded with a clock that is slower by `ppm` parts per million: sounds come
/// increasingly early.
pub(crate) fn with_clock(mic: &[f32], ppm: f64) -> Vec<f32> {
    (0..mic.len())
        .map(|n| {
            let place = n as f64 * (1.0 + ppm * 1e-6);
            let (before, part) = (place as usize, (place % 1.0) as f32);
            let at = |n: usize| mic.get(n).copied().unwrap_or(0.0);
            at(before) * (1.0 - part) + at(before + 1) * part
        })
        .collect()
}

pub(crate) fn check_placed(mics: &[Vec<f32>], places: &[Place]) -> Vec<Finding> {
    let num_samples = mics[0].len();
    let mut check = Check::new(RATE_HZ, mics.len(), num_samples as u64);
    for start in (0..num_samples).step_by(5_000) {
        let end = (start + 5_000).min(num_samples);
        check.push(&mics.iter().map(|mic| &mic[start..end]).collect::<Vec<_>>());
    }
    check.findings(places)
}

pub(crate) fn check(mics: &[Vec<f32>]) -> Vec<Finding> {
    check_placed(mics, &vec![Place::default(); mics.len()])
}
