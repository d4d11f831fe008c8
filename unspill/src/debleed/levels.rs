//! Levels of a mic before and after cleaning, accumulated block by block.

/// Windows per second in which quiet parts are found: 50 ms hold about one note of fast music.
const WINDOWS_PER_S: u32 = 20;

/// Share of the windows with sound that counts as the quiet parts.
const QUIET_SHARE: f64 = 0.25;

/// Energy of a window with sound, relative to the loudest window: -70 dB.
const SOUND: f64 = 1e-7;

/// Accumulated energies of one mic.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    input: f64,
    output: f64,
    removed: f64,
    num_samples: u64,
    window_samples: usize,
    /// Samples in the last window.
    filled_samples: usize,
    /// Energies of input and output by window.
    windows: Vec<[f32; 2]>,
}

impl Levels {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self {
            input: 0.0,
            output: 0.0,
            removed: 0.0,
            num_samples: 0,
            window_samples: (rate_hz / WINDOWS_PER_S).max(1) as usize,
            filled_samples: 0,
            windows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, dry: &[f32], clean: &[f32]) {
        for (&d, &c) in dry.iter().zip(clean) {
            if self.filled_samples == 0 {
                self.windows.push([0.0; 2]);
            }
            if let Some([input, output]) = self.windows.last_mut() {
                *input += d * d;
                *output += c * c;
            }
            self.filled_samples = (self.filled_samples + 1) % self.window_samples;
            let (d, c) = (f64::from(d), f64::from(c));
            self.input += d * d;
            self.output += c * c;
            self.removed += (d - c).powi(2);
        }
        self.num_samples += dry.len() as u64;
    }

    pub(super) fn input_db(&self) -> Option<f64> {
        self.level_db(self.input)
    }

    pub(super) fn output_db(&self) -> Option<f64> {
        self.level_db(self.output)
    }

    pub(super) fn removed_db(&self) -> Option<f64> {
        self.level_db(self.removed)
    }

    /// Returns the change of the level in the quiet parts of the mic: the quarter of its windows
    /// with the least sound, except digital silence. Only the input chooses them.
    ///
    /// Most of the sound there is bleed if the mic's own source rests at times. Own sound that
    /// stays makes the change smaller, so it understates the change of the bleed.
    pub(super) fn quiet_change_db(&self) -> Option<f64> {
        let loudest = self.windows.iter().map(|[input, _]| f64::from(*input)).fold(0.0, f64::max);
        let has_sound = |window: &&[f32; 2]| f64::from(window[0]) > SOUND * loudest;
        let mut sounding: Vec<&[f32; 2]> = self.windows.iter().filter(has_sound).collect();
        sounding.sort_by(|a, b| a[0].total_cmp(&b[0]));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let num_quiet = (sounding.len() as f64 * QUIET_SHARE).ceil() as usize;
        let energy = |side: usize| -> f64 {
            sounding[..num_quiet].iter().map(|window| f64::from(window[side])).sum()
        };
        let (input, output) = (energy(0), energy(1));
        (input > 0.0 && output > 0.0).then(|| 10.0 * (output / input).log10())
    }

    fn level_db(&self, energy: f64) -> Option<f64> {
        (energy > 0.0).then(|| 10.0 * (energy / self.num_samples as f64).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_all_blocks_together() {
        let mut levels = Levels::new(48_000);
        levels.add(&[1.0, -1.0], &[0.1, -0.1]);
        levels.add(&[1.0], &[0.1]);
        assert!(levels.input_db().unwrap().abs() < 1e-9);
        assert!((levels.output_db().unwrap() + 20.0).abs() < 1e-6);
        assert!((levels.removed_db().unwrap() - 20.0 * 0.9_f64.log10()).abs() < 1e-6);
        assert_eq!(Levels::new(48_000).input_db(), None);
    }

    #[test]
    fn quiet_parts_are_chosen_by_the_input_and_without_digital_silence() {
        let mut levels = Levels::new(1_000);
        // Windows of 50 samples: digital silence, loud sound that stays, and bleed that falls by
        // 20 dB in one of four windows with sound, in blocks that cut through the windows.
        let dry = [[0.0; 100], [0.5; 100], [0.5; 100]].concat();
        let dry =
            [dry, [[0.5; 50], [0.02; 50]].concat(), [[0.5; 50], [0.02; 50]].concat()].concat();
        let clean: Vec<f32> = dry.iter().map(|&x| if x < 0.1 { 0.1 * x } else { x }).collect();
        for (dry, clean) in dry.chunks(37).zip(clean.chunks(37)) {
            levels.add(dry, clean);
        }
        assert!((levels.quiet_change_db().unwrap() + 20.0).abs() < 1e-3, "{levels:?}");
        // A source that never rests has no quiet parts: its own sound stays.
        let mut steady = Levels::new(1_000);
        steady.add(&[0.5; 500], &[0.5; 500]);
        assert_eq!(steady.quiet_change_db(), Some(0.0));
        assert_eq!(Levels::new(1_000).quiet_change_db(), None);
    }
}
