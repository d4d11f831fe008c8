//! Scenes with known targets: recorded mics and their bleed-free counterparts.

pub mod console;
pub mod demo;
mod demo_score;
pub mod folder;
pub mod grooves;
mod kit_mics;
pub mod layout;
pub mod linear;
mod music;
mod pattern;
pub mod recipe;
pub mod simulate;
pub mod sources;
pub mod split;
pub mod stage;

use crate::convert::to_f32;
use crate::flac;
use crate::random::Random;
use crate::sound_file::write_wav;
use anyhow::{Context, Result, bail};
use engine::{Controls, GroupId, Role};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Description of a scene, written beside its audio as `scene.json`.
///
/// Mics are numbered from 1, as in the file names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SceneInfo {
    /// Command and numbers that reproduce this scene.
    #[serde(default)]
    pub made_by: String,
    /// One name per mic.
    #[serde(default)]
    pub names: Vec<String>,
    /// Groups of mics that share a source.
    #[serde(default)]
    pub groups: Vec<Vec<usize>>,
    /// Mics without a source of their own, to be left unchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub room_mics: Vec<usize>,
    /// Mics whose source is silent throughout. Their targets contain at most the mic's own noise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_mics: Vec<usize>,
    /// SDR of every recorded mic in dB; `None` if its source is silent or it has no bleed.
    #[serde(default)]
    pub input_sdr_db: Vec<Option<f64>>,
    /// All other draws, by name.
    #[serde(default)]
    pub drawn: serde_json::Map<String, serde_json::Value>,
}

/// A scene in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Description of the scene.
    pub info: SceneInfo,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// `[mic, sample]`, the recorded mics.
    pub mics: Vec<Vec<f32>>,
    /// `[mic, sample]`, the image of each mic's own source at this mic.
    pub targets: Vec<Vec<f32>>,
}

impl SceneInfo {
    /// Returns the controls that an engineer would use to clean the scene: its groups and its room
    /// mics.
    pub(crate) fn controls(&self) -> Controls {
        let mut controls = Controls::default();
        for (id, group) in (0_u8..).zip(&self.groups) {
            for &position in group {
                controls.mics[position - 1].group = Some(GroupId(id));
            }
        }
        for &position in &self.room_mics {
            controls.mics[position - 1].role = Role::Room;
        }
        controls
    }
}

impl Scene {
    /// Scales all signals by one factor so that the loudest sample of all mics is `peak`.
    ///
    /// One factor for the whole scene preserves the level differences between mics.
    pub fn scale_to_peak(&mut self, peak: f32) {
        let loudest = self.mics.iter().flatten().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        if loudest > 0.0 {
            for sample in self.mics.iter_mut().chain(&mut self.targets).flatten() {
                *sample *= peak / loudest;
            }
        }
    }

    /// Measures the SDR of every recorded mic and stores it in the description.
    pub fn measure_input(&mut self) {
        let silent = &self.info.silent_mics;
        self.info.input_sdr_db = (1..)
            .zip(self.mics.iter().zip(&self.targets))
            .map(|(number, (mic, target))| {
                let power =
                    |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
                let own = power(&mut target.iter().map(|&s| f64::from(s)));
                let bleed =
                    power(&mut mic.iter().zip(target).map(|(&x, &s)| f64::from(x) - f64::from(s)));
                (own > 0.0 && bleed > 0.0 && !silent.contains(&number))
                    .then(|| (100.0 * (own / bleed).log10()).round() / 10.0 + 0.0)
            })
            .collect();
    }

    /// Writes `mic1.wav`, `target1.wav`, … and `scene.json` into the new folder `folder`.
    ///
    /// The folder appears complete or not at all.
    ///
    /// # Errors
    ///
    /// Returns an error if `folder` exists or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.write_as(folder, Format::Wav)
    }

    /// Writes the scene like [`write`](Self::write), in the given format.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and if the audio does not fit the format.
    pub fn write_as(&self, folder: &Path, format: Format) -> Result<()> {
        if folder.exists() {
            bail!("{} already exists; scenes are never overwritten", folder.display());
        }
        let mut partial_name = folder.file_name().unwrap_or_default().to_os_string();
        partial_name.push(".partial");
        let partial = folder.with_file_name(partial_name);
        if partial.exists() {
            std::fs::remove_dir_all(&partial)
                .with_context(|| format!("could not clear {}", partial.display()))?;
        }
        self.write_into(&partial, format)
            .and_then(|()| {
                std::fs::rename(&partial, folder)
                    .with_context(|| format!("could not rename {}", partial.display()))
            })
            .inspect_err(|_| drop(std::fs::remove_dir_all(&partial)))
    }

    fn write_into(&self, folder: &Path, format: Format) -> Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("could not create {}", folder.display()))?;
        for (kind, signals) in [("mic", &self.mics), ("target", &self.targets)] {
            for (number, signal) in (1..).zip(signals) {
                let path = folder.join(format!("{kind}{number}.{}", format.extension()));
                match format {
                    Format::Wav => write_wav(&path, signal, self.rate_hz)?,
                    Format::Flac => flac::write_24(&path, signal, self.rate_hz)?,
                }
            }
        }
        let text = serde_json::to_string_pretty(&self.info)? + "\n";
        std::fs::write(folder.join("scene.json"), text)
            .with_context(|| format!("could not write scene.json in {}", folder.display()))
    }
}

/// How the audio of a scene is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// 32-bit float WAV: exact
    Wav,
    /// 24-bit FLAC: smaller
    Flac,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
        }
    }
}

/// Draws a position with probability proportional to its weight; returns 0 if all weights are 0.
pub(crate) fn draw_weighted(weights: &[f64], random: &mut Random) -> usize {
    let mut left = random.unit() * weights.iter().sum::<f64>();
    for (position, &weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return position;
        }
    }
    // Rounding may leave a remainder: return the last position of positive weight.
    weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
}

/// Adds `gain * source` to `sum` from sample `at` on; samples beyond the end of `sum` are dropped.
pub(crate) fn add_at(sum: &mut [f32], source: &[f32], at: usize, gain: f64) {
    for (total, &sample) in sum.iter_mut().skip(at).zip(source) {
        *total += to_f32(gain) * sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        let targets = vec![vec![0.4, 0.0, -0.4, 0.0], vec![0.0; 4]];
        let mics = vec![vec![0.4, 0.04, -0.4, 0.04], vec![0.1, 0.2, 0.0, 0.0]];
        let info =
            SceneInfo { names: vec!["a".to_owned(), "b".to_owned()], ..SceneInfo::default() };
        Scene { info, rate_hz: 8_000, mics, targets }
    }

    #[test]
    fn the_recorded_sdr_is_that_computed_by_hand() {
        let mut scene = scene();
        scene.measure_input();
        // Power 0.32 over 0.0032; the silent target has no SDR.
        assert_eq!(scene.info.input_sdr_db, [Some(20.0), None]);
    }

    #[test]
    fn weights_say_how_often_something_is_drawn() {
        let mut random = Random::new(1);
        let mut found = [0; 4];
        for _ in 0..4_000 {
            found[draw_weighted(&[1.0, 0.0, 3.0, 0.0], &mut random)] += 1;
        }
        assert_eq!((found[1], found[3]), (0, 0));
        assert!((900..1_100).contains(&found[0]), "{found:?}");
        assert_eq!(draw_weighted(&[0.0, 0.0], &mut random), 0);
    }

    #[test]
    fn a_silent_source_has_no_sdr_even_when_its_mic_hisses() {
        let mut scene = scene();
        scene.targets[1] = vec![1e-4; 4];
        scene.measure_input();
        assert!(scene.info.input_sdr_db[1].is_some());
        scene.info.silent_mics = vec![2];
        scene.measure_input();
        assert_eq!(scene.info.input_sdr_db, [Some(20.0), None]);
    }

    #[test]
    fn one_factor_scales_mics_and_targets_alike() {
        let mut scaled = scene();
        scaled.scale_to_peak(0.8);
        for (after, before) in scaled.mics.iter().zip(scene().mics) {
            assert!(after.iter().zip(&before).all(|(a, b)| (a - 2.0 * b).abs() < 1e-6));
        }
        assert!((scaled.targets[0][2] + 0.8).abs() < 1e-6);
    }

    #[test]
    fn a_scene_is_written_whole_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("s1");
        // Files of an interrupted run must not end up in the scene.
        std::fs::create_dir(folder.path().join("s1.partial")).unwrap();
        std::fs::write(folder.path().join("s1.partial/mic9.wav"), "old").unwrap();
        scene().write(&at).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["mic1.wav", "mic2.wav", "scene.json", "target1.wav", "target2.wav"]);
        let (mic, rate_hz) = crate::sound_file::read_mono(&at.join("mic2.wav")).unwrap();
        assert_eq!((mic, rate_hz), (scene().mics[1].clone(), 8_000));
        let text = std::fs::read_to_string(at.join("scene.json")).unwrap();
        assert_eq!(serde_json::from_str::<SceneInfo>(&text).unwrap(), scene().info);
        let lossless = folder.path().join("s2");
        scene().write_as(&lossless, Format::Flac).unwrap_err();
        assert!(!folder.path().join("s2.partial").exists(), "too short for FLAC: nothing stays");
        let line = scene().write(&at).unwrap_err().to_string();
        assert!(line.contains("already exists"), "{line}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
