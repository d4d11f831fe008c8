//! Talk without words: turns of talkers, and sounds with the rhythm and melody of speech.
//!
//! No SoundFont contains speech. Talkers are either sung vowels cut into syllables, with falling
//! phrases and consonant-like noise, or phrases of a recorded voice. They teach a network that one
//! talks while others are silent, not the sound of words.

use crate::convert::{to_f32, to_index, to_u8};
use crate::random::Random;
use crate::soundfont::Note;

/// Draws the turns of the talkers, `[talker][window]` in seconds. Turns overlap occasionally, and
/// listeners interject.
pub(crate) fn turns(
    random: &mut Random,
    num_talkers: usize,
    duration_s: f64,
) -> Vec<Vec<(f64, f64)>> {
    let mut windows = vec![Vec::new(); num_talkers];
    let mut at_s = random.between(0.0, 0.5);
    let mut talker = random.index(num_talkers);
    // Turns in large panels are shorter, so that most talkers get a turn in a scene.
    let longest_s = (1.4 * duration_s / num_talkers as f64).clamp(0.9, 4.5);
    let mut spoken_until_s = vec![0.0; num_talkers];
    while at_s < duration_s - 0.4 {
        let until_s = (at_s + random.between(0.5, longest_s)).min(duration_s);
        windows[talker].push((at_s, until_s));
        spoken_until_s[talker] = until_s;
        if num_talkers > 1 {
            let someone =
                |random: &mut Random| (talker + 1 + random.index(num_talkers - 1)) % num_talkers;
            if random.chance(0.25) {
                let said_s = random.between(at_s, until_s);
                windows[someone(random)].push((said_s, (said_s + 0.5).min(duration_s)));
            }
            let quietest = (0..num_talkers)
                .min_by(|&a, &b| spoken_until_s[a].total_cmp(&spoken_until_s[b]))
                .filter(|_| random.chance(0.75));
            talker = quietest.unwrap_or_else(|| someone(random));
        }
        // Negative if the next talker interrupts.
        at_s = until_s + random.normal(0.25, 0.35).clamp(-0.6, 1.2);
    }
    for own in &mut windows {
        own.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    windows
}

/// A syllable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Syllable {
    at_s: f64,
    hold_s: f64,
    /// Level of the consonant before the vowel; 0 for none.
    hiss: f64,
    strength: f64,
    /// First and second formant in Hz.
    formants_hz: [f64; 2],
}

/// First two formants of vowels in Hz.
///
/// # Source
///
/// G. E. Peterson, H. L. Barney, "Control methods used in a study of the vowels", Journal of the
/// Acoustical Society of America 24, 1952, table II (men), rounded.
const VOWELS_HZ: [[f64; 2]; 6] = [
    [270.0, 2_290.0],
    [530.0, 1_840.0],
    [730.0, 1_090.0],
    [570.0, 840.0],
    [300.0, 870.0],
    [490.0, 1_350.0],
];

/// Draws the syllables of a talker within the windows, and the notes that carry them.
pub(crate) fn speak(random: &mut Random, windows: &[(f64, f64)]) -> (Vec<Note>, Vec<Syllable>) {
    // Women's voices are about ten semitones above men's, and their formants about 15 % higher.
    let high = random.chance(0.5);
    let base_key = if high { random.between(54.0, 61.0) } else { random.between(43.0, 50.0) };
    let tract = if high { random.between(1.1, 1.25) } else { random.between(0.92, 1.08) };
    let pace_s = random.between(0.14, 0.22);
    let (mut notes, mut syllables) = (Vec::new(), Vec::new());
    for &(from_s, to_s) in windows {
        let mut at_s = from_s;
        while at_s < to_s - 0.15 {
            let phrase_s = random.between(0.8, 2.4).min(to_s - at_s);
            let (start_s, end_s) = (at_s, at_s + phrase_s);
            while at_s < end_s - 0.08 {
                let hold_s = (pace_s * random.between(0.6, 1.6)).min(end_s - at_s);
                let falls = 4.0 - 7.0 * (at_s - start_s) / phrase_s;
                let key = to_u8((base_key + falls + random.normal(0.0, 1.2)).clamp(36.0, 76.0));
                let strength = random.between(0.4, 1.0);
                let formants_hz = random.pick(&VOWELS_HZ).map(|hz| tract * hz);
                let hiss = if random.chance(0.6) { random.between(0.05, 0.3) } else { 0.0 };
                notes.push(Note {
                    at_s: (at_s - 0.03).max(0.0),
                    hold_s: hold_s + 0.06,
                    key,
                    velocity: 90,
                });
                syllables.push(Syllable { at_s, hold_s, hiss, strength, formants_hz });
                at_s += hold_s;
            }
            at_s += random.between(0.15, 0.6);
        }
    }
    (notes, syllables)
}

/// Shapes sung vowels into syllables: vowel colours, gaps, consonants.
pub(crate) fn articulate(
    sound: &mut [f32],
    syllables: &[Syllable],
    rate_hz: u32,
    random: &mut Random,
) {
    let rate = f64::from(rate_hz);
    let source = super::levels::loud_part(sound, rate_hz);
    let mut spoken = vec![0.0_f32; sound.len()];
    for syllable in syllables {
        let start = to_index(syllable.at_s * rate);
        let length = to_index(syllable.hold_s * rate);
        let Some(sung) = sound.get(start..(start + length).min(sound.len())) else { continue };
        let mut formants =
            syllable.formants_hz.map(|hz| Resonator::new(hz, 0.12 * hz + 40.0, rate));
        let (rise, fall) = (0.03 * rate, (0.4 * length as f64).min(0.09 * rate).max(1.0));
        for (age, (&x, out)) in sung.iter().zip(&mut spoken[start..]).enumerate() {
            let up = (age as f64 / rise).min(1.0);
            let down = ((length - age) as f64 / fall).min(1.0);
            let envelope = to_f32(syllable.strength * (up * down).powi(2));
            let coloured: f32 = formants.iter_mut().map(|formant| formant.process(x)).sum();
            *out += envelope * (0.3 * x + coloured);
        }
        if syllable.hiss > 0.0 && source > 0.0 {
            let burst = to_index(random.between(0.02, 0.07) * rate);
            let from = start.saturating_sub(burst / 2);
            let mut color =
                Resonator::new(random.between(2_500.0, 6_000.0).min(0.4 * rate), 2_500.0, rate);
            for (age, out) in spoken[from..].iter_mut().take(burst).enumerate() {
                let window = (std::f64::consts::PI * age as f64 / burst as f64).sin();
                let noise = to_f32(random.normal(0.0, source * syllable.hiss * window));
                *out += color.process(noise);
            }
        }
    }
    sound.copy_from_slice(&spoken);
}

/// A resonator with gain 1 at its centre frequency.
struct Resonator {
    gain: f32,
    feedback: [f32; 2],
    state: [f32; 4],
}

impl Resonator {
    fn new(freq_hz: f64, width_hz: f64, rate_hz: f64) -> Self {
        let radius = (-std::f64::consts::PI * width_hz / rate_hz).exp();
        let angle = std::f64::consts::TAU * freq_hz / rate_hz;
        let feedback = [to_f32(2.0 * radius * angle.cos()), to_f32(-radius * radius)];
        // Zeros at 0 and at the Nyquist frequency: a gain of (1 - r²)/2 gives 1 at the resonance.
        Self { gain: to_f32(0.5 * (1.0 - radius * radius)), feedback, state: [0.0; 4] }
    }

    fn process(&mut self, x: f32) -> f32 {
        let [x1, x2, y1, y2] = self.state;
        let y = self.gain * (x - x2) + self.feedback[0] * y1 + self.feedback[1] * y2;
        self.state = [x, x1, y, y1];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_talks_at_a_time_most_of_the_time() {
        let mut random = Random::new(4);
        let (mut alone, mut together, mut any) = (0, 0, 0);
        for _ in 0..40 {
            let windows = turns(&mut random, 4, 12.0);
            for step in 0..120 {
                let at_s = f64::from(step) * 0.1;
                let talking =
                    windows.iter().filter(|own| super::super::feel::plays_at(own, at_s)).count();
                any += usize::from(talking > 0);
                alone += usize::from(talking == 1);
                together += usize::from(talking > 1);
            }
        }
        assert!(alone > 2 * together && together > 0 && any < 40 * 120, "{alone} {together} {any}");
    }

    #[test]
    fn syllables_stay_in_their_turn_and_have_gaps() {
        let mut random = Random::new(5);
        let (notes, syllables) = speak(&mut random, &[(1.0, 4.0)]);
        assert!(notes.len() == syllables.len() && notes.len() > 6);
        for syllable in &syllables {
            assert!(syllable.at_s >= 1.0 && syllable.at_s + syllable.hold_s <= 4.0 + 1e-9);
        }
        let mut sound = vec![0.1; 5 * 8_000];
        for (n, x) in sound.iter_mut().enumerate() {
            *x *= if n % 80 < 40 { 1.0 } else { -1.0 };
        }
        articulate(&mut sound, &syllables, 8_000, &mut random);
        assert!(sound[..7_000].iter().chain(&sound[33_000..]).all(|&x| x == 0.0));
        assert!(sound[8_000..32_000].iter().any(|&x| x.abs() > 0.01));
    }

    #[test]
    fn resonators_have_gain_one_in_their_middle() {
        let mut resonator = Resonator::new(1_000.0, 100.0, 44_100.0);
        let tone =
            |n: u32| to_f32((std::f64::consts::TAU * 1_000.0 * f64::from(n) / 44_100.0).sin());
        let top = (0..20_000).map(|n| resonator.process(tone(n))).skip(10_000).fold(0.0, f32::max);
        assert!((top - 1.0).abs() < 0.02, "{top}");
    }
}
