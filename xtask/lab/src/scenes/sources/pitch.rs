//! Pitch of a recorded note, from its file name and from its sound.

use crate::convert::{to_f32, to_index};

/// Approximate sample rate of the pitch detection in Hz.
const RATE_HZ: f64 = 22_050.0;
/// Length of the compared stretches in samples at that rate.
const WINDOW_SAMPLES: usize = 2_560;
/// Longest detectable period in samples, 25 Hz.
const LONGEST_PERIOD: usize = 880;
/// Shortest detectable period in samples, 2.8 kHz.
const SHORTEST_PERIOD: usize = 8;
/// Largest difference of a pitched sound at its best period; sounds above it have no clear pitch.
const MOST_DIFFERENCE: f64 = 0.25;
/// Largest difference of a clear period; the shortest clear period is used.
const CLEAR: f64 = 0.12;

/// Returns the MIDI key written in a file name, such as `a2`, `Eb4`, `A#1`, `A0vH`.
///
/// Parses the first part between separators that is a pitch, with middle C as `c4`.
pub(crate) fn named_key(stem: &str) -> Option<f64> {
    stem.split(['_', '-', ' ']).find_map(|token| {
        let token = token.to_ascii_lowercase();
        let token = token.strip_suffix("vh").or_else(|| token.strip_suffix("vl")).unwrap_or(&token);
        let mut letters = token.chars();
        let letter = letters.next()?;
        let within = [('c', 0), ('d', 2), ('e', 4), ('f', 5), ('g', 7), ('a', 9), ('b', 11)]
            .iter()
            .find(|(known, _)| *known == letter)?
            .1;
        let rest = letters.as_str();
        let (accidental, octave) = match rest.chars().next()? {
            '#' => (1, &rest[1..]),
            'b' => (-1, &rest[1..]),
            _ => (0, rest),
        };
        let octave = octave.chars().next().filter(|_| octave.len() == 1)?.to_digit(10)?;
        Some(f64::from(12 * (to_i32(octave) + 1) + within + accidental))
    })
}

fn to_i32(octave: u32) -> i32 {
    i32::try_from(octave).unwrap_or(0)
}

/// Returns the MIDI key, with its fraction, of a sound with one pitch, or `None` if there is no
/// clear one.
///
/// Reliable up to about key 88. The periods of higher notes are only a few samples long, and two
/// periods may be detected as one.
///
/// # Source
///
/// A. de Cheveigné, H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
/// Journal of the Acoustical Society of America 111, 2002, equations 6-8: the difference between
/// the sound and the sound one period later, divided by its mean over shorter periods.
pub(crate) fn heard_key(sound: &[f32], rate_hz: u32) -> Option<f64> {
    let group = to_index(f64::from(rate_hz) / RATE_HZ).max(1);
    let rate_hz = f64::from(rate_hz) / group as f64;
    let slow: Vec<f32> = sound
        .chunks_exact(group)
        .map(|chunk| chunk.iter().sum::<f32>() / to_f32(group as f64))
        .collect();
    let needed = WINDOW_SAMPLES + LONGEST_PERIOD;
    let settled = to_index(0.06 * rate_hz);
    let from = settled.min(slow.len().checked_sub(needed)?);
    let heard = &slow[from..from + needed];
    let mut sum = 0.0;
    let mut differences = vec![1.0; LONGEST_PERIOD];
    for period in 1..LONGEST_PERIOD {
        let difference =
            squared_difference(&heard[..WINDOW_SAMPLES], &heard[period..period + WINDOW_SAMPLES]);
        sum += f64::from(difference);
        differences[period] =
            if sum > 0.0 { f64::from(difference) * period as f64 / sum } else { 1.0 };
    }
    let range = SHORTEST_PERIOD..LONGEST_PERIOD - 1;
    let is_dip = |&period: &usize| {
        differences[period] < differences[period - 1]
            && differences[period] <= differences[period + 1]
    };
    let clear = range.clone().filter(is_dip).find(|&period| differences[period] < CLEAR);
    let best = clear.or_else(|| {
        range
            .filter(is_dip)
            .min_by(|&a, &b| differences[a].total_cmp(&differences[b]))
            .filter(|&period| differences[period] < MOST_DIFFERENCE)
    })?;
    let [before, at, after] =
        [-1, 0, 1].map(|step: isize| differences[best.saturating_add_signed(step)]);
    let bend = before - 2.0 * at + after;
    let shift = if bend > 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
    let freq_hz = rate_hz / (best as f64 + shift);
    Some(69.0 + 12.0 * (freq_hz / 440.0).log2())
}

/// Computes eight sums in parallel, for vectorisation.
fn squared_difference(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    for (x, y) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += (x[lane] - y[lane]).powi(2);
        }
    }
    sums.iter().sum()
}

/// Returns the offset in semitones from the names of an instrument's files to their sounds,
/// by majority.
///
/// Libraries name middle C `c3`, `c4` or `c5`, and some use the written pitch of
/// transposing instruments.
pub(crate) fn naming_offset(named_and_heard: &[(f64, f64)]) -> f64 {
    let mut offsets: Vec<f64> =
        named_and_heard.iter().map(|(named, heard)| (heard - named).round()).collect();
    offsets.sort_by(f64::total_cmp);
    let mut best = (0, 0.0);
    for chunk in offsets.chunk_by(|a, b| (a - b).abs() < 0.5) {
        if chunk.len() > best.0 {
            best = (chunk.len(), chunk[0]);
        }
    }
    if 2 * best.0 >= offsets.len() && best.0 >= 2 { best.1 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_of_many_styles_are_understood() {
        for (name, key) in [
            ("a2_vl1_rr1_1", 45.0),
            ("Violin_arco_ff_sulA_A4_stereo", 69.0),
            ("Violin_arco_ff_sulE_Eb7_stereo", 99.0),
            ("arco_a2_f_down", 45.0),
            ("A#1", 34.0),
            ("A0vH", 21.0),
            ("twang_ab4_f_rr1", 68.0),
            ("bb0_s_vl4_rr1_cnd", 22.0),
            ("c4", 60.0),
        ] {
            assert_eq!(named_key(name), Some(key), "{name}");
        }
        for name in [
            "sop_f_01",
            "cajon_sl4_vl3_rr1_cnd",
            "vocadito_1",
            "bobobo_bass_vl1_rr1",
            "Guitar-20190618",
        ] {
            assert_eq!(named_key(name), None, "{name}");
        }
    }

    #[test]
    fn the_pitch_of_sounds_is_heard_and_noise_has_none() {
        let mut random = crate::random::Random::new(1);
        for key in [28.0, 40.3, 57.0, 69.0, 80.0, 86.0] {
            let freq = 440.0 * ((key - 69.0) / 12.0_f64).exp2() / 44_100.0;
            let sound: Vec<f32> = (0..20_000)
                .map(|n| {
                    let partial =
                        |k: f64| (std::f64::consts::TAU * k * freq * f64::from(n)).sin() / k;
                    to_f32(0.1 * (0.3 * partial(1.0) + partial(2.0) + partial(3.0)))
                })
                .collect();
            let heard = heard_key(&sound, 44_100).unwrap();
            assert!((heard - key).abs() < 0.2, "{key}: {heard}");
        }
        let noise: Vec<f32> = (0..20_000).map(|_| to_f32(random.normal(0.0, 0.1))).collect();
        assert_eq!(heard_key(&noise, 44_100), None);
        assert_eq!(heard_key(&noise[..1_000], 44_100), None);
    }

    #[test]
    fn one_octave_convention_is_found_in_spite_of_mistakes() {
        let pairs = [(45.0, 57.1), (50.0, 61.9), (52.0, 64.0), (60.0, 84.0)];
        assert_eq!(naming_offset(&pairs), 12.0);
        assert_eq!(naming_offset(&[(60.0, 61.0), (62.0, 80.0), (64.0, 40.0)]), 0.0);
    }
}
