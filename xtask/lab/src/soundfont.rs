//! Instruments: plays notes with a SoundFont.

use crate::convert::to_index;
use anyhow::{Context, Result, anyhow, bail};
use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Path of the SoundFont in Debian and Ubuntu.
pub const DEFAULT_PATH: &str = "/usr/share/sounds/sf2/FluidR3_GM.sf2";

/// Grid of the note starts of [`Instruments::play`] in samples: 0.36 ms at 44.1 kHz.
const BLOCK_SAMPLES: usize = 16;

/// Grid of the note starts of [`Instruments::perform`] in samples: 1.5 ms at 44.1 kHz, well below
/// the timing differences between players.
const COARSE_BLOCK_SAMPLES: usize = 64;

/// Share of their power that the mean of both channels must keep for a mix. Otherwise the channels
/// are too different, and mixing would act as a comb filter.
const LEAST_MIXED_SHARE: f64 = 0.8;

/// A note of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    /// Start in seconds.
    pub at_s: f64,
    /// Hold time in seconds.
    pub hold_s: f64,
    /// MIDI key; for a drum kit, the key of the drum.
    pub key: u8,
    /// MIDI velocity, `1 ..= 127`.
    pub velocity: u8,
}

/// A preset of a SoundFont.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// General MIDI program, from 0.
    Program(u8),
    /// Drum kit by its program, 0 for the standard one.
    DrumKit(u8),
    /// Program of another bank, such as 8 for the variations of Roland's General Standard.
    Variation {
        /// MIDI bank.
        bank: u8,
        /// Program within the bank, from 0.
        program: u8,
    },
}

impl Voice {
    /// Returns bank and program in the SoundFont's numbering. Drum kits are bank 128.
    #[must_use]
    pub fn bank_and_program(self) -> (u8, u8) {
        match self {
            Self::Program(program) => (0, program),
            Self::DrumKit(program) => (128, program),
            Self::Variation { bank, program } => (bank, program),
        }
    }
}

/// A loaded SoundFont.
#[derive(Clone, Debug)]
pub struct Instruments {
    font: Arc<SoundFont>,
}

impl Instruments {
    /// Loads a SoundFont.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is missing or is not a SoundFont. For a missing file the error
    /// names the package that contains it.
    pub fn load(path: &Path) -> Result<Self> {
        if !path.exists() {
            bail!(
                "no SoundFont at {}: install the package fluid-soundfont-gm, or \
                 use --soundfont FILE",
                path.display()
            );
        }
        let context = || format!("could not load the SoundFont {}", path.display());
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path).with_context(context)?);
        let font = SoundFont::new(&mut reader)
            .map_err(|error| anyhow!("{error}"))
            .with_context(context)?;
        Ok(Self { font: Arc::new(font) })
    }

    /// Returns the SoundFont required by tests. Without it they fail with an error that names
    /// its package.
    #[cfg(test)]
    pub(crate) fn installed() -> Self {
        Self::load(Path::new(DEFAULT_PATH)).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// True if the SoundFont has this preset.
    #[must_use]
    pub fn has(&self, voice: Voice) -> bool {
        self.preset(voice).is_some()
    }

    /// Returns the start positions, in the SoundFont's sample data, of the sounds that a voice
    /// plays with these keys.
    #[must_use]
    pub fn samples_of(&self, voice: Voice, keys: (u8, u8)) -> BTreeSet<i32> {
        let mut starts = BTreeSet::new();
        let Some(preset) = self.preset(voice) else { return starts };
        let velocities = [1, 20, 40, 60, 80, 100, 127];
        for key in keys.0..=keys.1 {
            for velocity in velocities {
                let sounds =
                    |region: &&rustysynth::PresetRegion| region.contains(i32::from(key), velocity);
                for region in preset.get_regions().iter().filter(sounds) {
                    let instrument = &self.font.get_instruments()[region.get_instrument_id()];
                    starts.extend(
                        instrument
                            .get_regions()
                            .iter()
                            .filter(|region| region.contains(i32::from(key), velocity))
                            .map(rustysynth::InstrumentRegion::get_sample_start),
                    );
                }
            }
        }
        starts
    }

    fn preset(&self, voice: Voice) -> Option<&rustysynth::Preset> {
        let (bank, program) = voice.bank_and_program();
        self.font.get_presets().iter().find(|preset| {
            (preset.get_bank_number(), preset.get_patch_number())
                == (i32::from(bank), i32::from(program))
        })
    }

    /// Plays a part into one channel of `length` samples, dry: without reverberation and chorus.
    ///
    /// # Errors
    ///
    /// Returns an error if the synthesiser does not support `rate_hz`.
    pub fn play(
        &self,
        voice: Voice,
        notes: &[Note],
        length: usize,
        rate_hz: u32,
    ) -> Result<Vec<f32>> {
        let [left, right] = self.render(voice, notes, [length, BLOCK_SAMPLES], rate_hz)?;
        Ok(left.iter().zip(&right).map(|(l, r)| 0.5 * (l + r)).collect())
    }

    /// Plays a part like [`Self::play`], but faster and without comb filtering: if the two channels
    /// differ too much for a mix, the louder one is used.
    ///
    /// # Errors
    ///
    /// Returns an error if the synthesiser does not support `rate_hz`.
    pub fn perform(
        &self,
        voice: Voice,
        notes: &[Note],
        num_samples: usize,
        rate_hz: u32,
    ) -> Result<Vec<f32>> {
        let [left, right] =
            self.render(voice, notes, [num_samples, COARSE_BLOCK_SAMPLES], rate_hz)?;
        Ok(to_mono(left, &right))
    }

    /// Renders both channels. `shape` is the number of samples and the number rendered at a time.
    fn render(
        &self,
        voice: Voice,
        notes: &[Note],
        shape: [usize; 2],
        rate_hz: u32,
    ) -> Result<[Vec<f32>; 2]> {
        let [num_samples, block_samples] = shape;
        let mut settings = SynthesizerSettings::new(i32::try_from(rate_hz)?);
        settings.block_size = block_samples;
        settings.maximum_polyphony = 128;
        settings.enable_reverb_and_chorus = false;
        let mut synth = Synthesizer::new(&self.font, &settings)
            .map_err(|error| anyhow!("the synthesiser: {error}"))?;
        let channel = match voice {
            Voice::Program(_) | Voice::Variation { .. } => 0,
            Voice::DrumKit(_) => 9,
        };
        let (bank, program) = voice.bank_and_program();
        if let Voice::Variation { .. } = voice {
            synth.process_midi_message(channel, 0xB0, 0, i32::from(bank));
        }
        synth.process_midi_message(channel, 0xC0, i32::from(program), 0);
        let block_of = |time_s: f64| to_index(time_s * f64::from(rate_hz)) / block_samples;
        // (block, velocity or 0 for the end, key). Within one block, ends precede starts.
        let mut events: Vec<(usize, i32, i32)> = Vec::with_capacity(2 * notes.len());
        for note in notes {
            let (start, end) = (block_of(note.at_s), block_of(note.at_s + note.hold_s));
            events.push((start, i32::from(note.velocity.clamp(1, 127)), i32::from(note.key)));
            events.push((end.max(start + 1), 0, i32::from(note.key)));
        }
        events.sort_unstable();
        let mut events = events.into_iter().peekable();
        let mut channels = [vec![0.0; num_samples], vec![0.0; num_samples]];
        let [left, right] = &mut channels;
        let (mut spare_left, mut spare_right) =
            (vec![0.0; block_samples], vec![0.0; block_samples]);
        let blocks = left.chunks_mut(block_samples).zip(right.chunks_mut(block_samples));
        for (block, (left, right)) in blocks.enumerate() {
            while let Some((_, velocity, key)) = events.next_if(|event| event.0 <= block) {
                if velocity > 0 {
                    synth.note_on(channel, key, velocity);
                } else {
                    synth.note_off(channel, key);
                }
            }
            synth.render(&mut spare_left, &mut spare_right);
            let length = left.len();
            left.copy_from_slice(&spare_left[..length]);
            right.copy_from_slice(&spare_right[..length]);
        }
        Ok(channels)
    }
}

/// Mixes two channels into one if they are alike; otherwise returns the louder one.
pub(crate) fn to_mono(left: Vec<f32>, right: &[f32]) -> Vec<f32> {
    let power = |sound: &[f32]| sound.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let (power_left, power_right) = (power(&left), power(right));
    let mixed: Vec<f32> = left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)).collect();
    if power(&mixed) >= LEAST_MIXED_SHARE * 0.5 * (power_left + power_right) {
        mixed
    } else if power_left >= power_right {
        left
    } else {
        right.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_soundfont_names_its_package() {
        let error = Instruments::load(Path::new("/nonexistent/font.sf2")).unwrap_err();
        let line = format!("{error:#}");
        assert!(line.contains("fluid-soundfont-gm") && !line.contains('\n'), "{line}");
    }

    #[test]
    fn a_file_that_is_no_soundfont_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"RIFF but not really").unwrap();
        let line = format!("{:#}", Instruments::load(file.path()).unwrap_err());
        assert!(line.contains("could not load the SoundFont"), "{line}");
    }

    #[test]
    fn notes_sound_from_their_start_with_their_pitch() {
        let instruments = Instruments::installed();
        let note = Note { at_s: 0.5, hold_s: 1.0, key: 69, velocity: 100 };
        let flute = instruments.play(Voice::Program(73), &[note], 88_200, 44_100).unwrap();
        assert!(flute[..22_000].iter().all(|&sample| sample == 0.0));
        assert_eq!(flute, instruments.play(Voice::Program(73), &[note], 88_200, 44_100).unwrap());
        // The energy of a flute's A4 is at 440 Hz, not a semitone off.
        let power_at = |at_hz: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, &sample) in flute[30_000..60_000].iter().enumerate() {
                let angle = std::f64::consts::TAU * at_hz * n as f64 / 44_100.0;
                re += f64::from(sample) * angle.cos();
                im += f64::from(sample) * angle.sin();
            }
            re * re + im * im
        };
        let strongest = (-12..=12_i32).max_by(|&a, &b| {
            power_at(440.0 + f64::from(a)).total_cmp(&power_at(440.0 + f64::from(b)))
        });
        assert!(strongest.unwrap().abs() <= 4, "{strongest:?} Hz off");
        let soft = instruments.play(
            Voice::DrumKit(0),
            &[Note { velocity: 30, key: 38, ..note }],
            88_200,
            44_100,
        );
        let loud = instruments.play(Voice::DrumKit(0), &[Note { key: 38, ..note }], 88_200, 44_100);
        let energy = |sound: Result<Vec<f32>>| sound.unwrap().iter().map(|x| x * x).sum::<f32>();
        assert!(energy(soft) < 0.5 * energy(loud));
    }

    #[test]
    fn channels_that_are_alike_are_mixed_and_others_never() {
        let tone = |step: f32| (0..1_000).map(|n| (n as f32 * step).sin()).collect::<Vec<f32>>();
        let (left, half) = (tone(0.3), tone(0.3).iter().map(|x| 0.9 * x).collect::<Vec<f32>>());
        let mixed = to_mono(left.clone(), &half);
        assert!((mixed[5] - 0.95 * left[5]).abs() < 1e-6);
        let inverted: Vec<f32> = left.iter().map(|x| -0.5 * x).collect();
        assert_eq!(to_mono(left.clone(), &inverted), left);
        let louder: Vec<f32> = tone(0.7).iter().map(|x| 2.0 * x).collect();
        assert_eq!(to_mono(left, &louder), louder);
    }

    #[test]
    fn variations_are_other_presets_than_their_program() {
        let instruments = Instruments::installed();
        let note = Note { at_s: 0.0, hold_s: 0.5, key: 60, velocity: 100 };
        let play = |voice| instruments.perform(voice, &[note], 16_000, 32_000).unwrap();
        let ukulele = Voice::Variation { bank: 8, program: 24 };
        assert!(instruments.has(ukulele));
        assert!(!instruments.has(Voice::Variation { bank: 77, program: 24 }));
        assert_ne!(play(ukulele), play(Voice::Program(24)));
    }
}
