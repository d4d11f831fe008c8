//! Sessions with known truth: what every mic heard, and what it should have heard.

pub mod demo;
mod demo_score;
pub mod grooves;
pub mod mixtures;
mod music;
mod pattern;
pub mod stage;

use crate::convert::to_f32;
use crate::sound_file::write_wav;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is written beside a scene's audio as `scene.json`.
///
/// Mics are numbered from 1, as in the file names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SceneInfo {
    /// The command and the numbers that repeat this scene.
    #[serde(default)]
    pub made_by: String,
    /// One name per mic.
    #[serde(default)]
    pub names: Vec<String>,
    /// Mics that share a source.
    #[serde(default)]
    pub groups: Vec<Vec<usize>>,
    /// SDR of every mic as recorded, in dB; `None` when its target is silent.
    #[serde(default)]
    pub input_sdr_db: Vec<Option<f64>>,
    /// Whatever else was drawn, by name.
    #[serde(default)]
    pub drawn: serde_json::Map<String, serde_json::Value>,
}

/// A scene in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Its description.
    pub info: SceneInfo,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// `[mic][sample]`, as recorded.
    pub mics: Vec<Vec<f32>>,
    /// `[mic][sample]`, the own source's image at its own mic.
    pub targets: Vec<Vec<f32>>,
}

impl Scene {
    /// Scales everything by one factor so that the loudest sample of all mics is `peak`.
    ///
    /// One factor for the whole scene keeps what the preamps did.
    pub fn scale_to_peak(&mut self, peak: f32) {
        let loudest = self.mics.iter().flatten().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        if loudest > 0.0 {
            for sample in self.mics.iter_mut().chain(&mut self.targets).flatten() {
                *sample *= peak / loudest;
            }
        }
    }

    /// Fills in the recorded SDR of every mic.
    pub fn measure_input(&mut self) {
        self.info.input_sdr_db = self
            .mics
            .iter()
            .zip(&self.targets)
            .map(|(mic, target)| {
                let power =
                    |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
                let own = power(&mut target.iter().map(|&s| f64::from(s)));
                let bleed =
                    power(&mut mic.iter().zip(target).map(|(&x, &s)| f64::from(x) - f64::from(s)));
                (own > 0.0 && bleed > 0.0)
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
    /// When `folder` exists already or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            bail!("{} exists already; scenes are never overwritten", folder.display());
        }
        let mut partial_name = folder.file_name().unwrap_or_default().to_os_string();
        partial_name.push(".partial");
        let partial = folder.with_file_name(partial_name);
        if partial.exists() {
            std::fs::remove_dir_all(&partial)
                .with_context(|| format!("could not clear {}", partial.display()))?;
        }
        std::fs::create_dir_all(&partial)
            .with_context(|| format!("could not create {}", partial.display()))?;
        for (kind, signals) in [("mic", &self.mics), ("target", &self.targets)] {
            for (index, signal) in signals.iter().enumerate() {
                write_wav(&partial.join(format!("{kind}{}.wav", index + 1)), signal, self.rate_hz)?;
            }
        }
        let text = serde_json::to_string_pretty(&self.info)? + "\n";
        std::fs::write(partial.join("scene.json"), text)
            .with_context(|| format!("could not write scene.json in {}", partial.display()))?;
        std::fs::rename(&partial, folder)
            .with_context(|| format!("could not rename {}", partial.display()))
    }
}

/// Adds `gain * source` to `sum` from sample `at` on; what sticks out is left away.
pub(crate) fn add_at(sum: &mut [f32], source: &[f32], at: usize, gain: f64) {
    for (total, &sample) in sum.iter_mut().skip(at).zip(source) {
        *total += to_f32(gain) * sample;
    }
}
