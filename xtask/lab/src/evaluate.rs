//! Cleans a folder of scenes with each method and compares with the truth.

use crate::cleaning::{self, Method, Setup, Signals, Unwatched};
use crate::metrics::{Measured, MicScore, Summary};
use crate::report::{Table, db, signed_db};
use crate::scenes::{Scene, folder};
use anyhow::{Context, Result, ensure};
use clap::Args;
use engine::{Controls, GroupId, Mode};
use serde::Serialize;
use std::path::PathBuf;

/// What to evaluate.
#[derive(Clone, Debug, Args)]
pub struct EvaluateOptions {
    /// Folder of SCENE/mic1.wav, SCENE/target1.wav, … (or .flac)
    #[arg(long, value_name = "DIR")]
    pub scenes: PathBuf,
    /// Methods to compare (repeatable)
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "cancel")]
    pub method: Vec<Method>,
    /// live or mix; only online and ratio have both, the other methods are what they are
    #[arg(long, default_value = "mix", value_parser = crate::cleaning::parse_mode)]
    pub mode: Mode,
    /// Scores only what comes after these seconds
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    pub skip_s: f64,
    /// File for all numbers
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// One method on one scene.
#[derive(Debug, Serialize)]
pub struct SceneResult {
    /// The scene's folder name.
    pub scene: String,
    /// The method.
    pub method: String,
    /// Processing time, learning included, over duration.
    pub rtf: f64,
    /// Over the scene's mics.
    pub summary: Summary,
    /// Every mic, in order.
    pub mics: Vec<MicScore>,
}

/// One method on all scenes.
#[derive(Debug, Serialize)]
pub struct MethodResult {
    /// The method.
    pub method: String,
    /// Mean over scenes.
    pub rtf: f64,
    /// Over all mics of all scenes.
    pub summary: Summary,
    /// Scene by scene.
    pub scenes: Vec<SceneResult>,
}

/// Evaluates every method on every scene; `tell` is called with each scene's result.
///
/// # Errors
///
/// When a scene cannot be read, does not fit together, or the engine fails.
pub fn evaluate(
    options: &EvaluateOptions,
    mut tell: impl FnMut(&SceneResult),
) -> Result<Vec<MethodResult>> {
    let folders = folder::list(&options.scenes)?;
    let mut results: Vec<MethodResult> = options
        .method
        .iter()
        .map(|method| MethodResult {
            method: method.to_string(),
            rtf: 0.0,
            summary: Summary::default(),
            scenes: Vec::new(),
        })
        .collect();
    for folder in &folders {
        let truth = folder::read(folder)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        for (method, result) in options.method.iter().zip(&mut results) {
            let mics = evaluate_scene(&truth, *method, options);
            let (mics, rtf) = mics.with_context(|| format!("scene {name} with {method}"))?;
            let scene = SceneResult {
                scene: name.clone().into_owned(),
                method: method.to_string(),
                rtf,
                summary: Summary::of(&mics),
                mics,
            };
            tell(&scene);
            result.scenes.push(scene);
        }
    }
    for result in &mut results {
        let scores: Vec<MicScore> =
            result.scenes.iter().flat_map(|scene| scene.mics.iter().copied()).collect();
        result.summary = Summary::of(&scores);
        result.rtf =
            result.scenes.iter().map(|scene| scene.rtf).sum::<f64>() / result.scenes.len() as f64;
    }
    Ok(results)
}

/// All results as one table.
#[must_use]
pub fn table(results: &[MethodResult]) -> String {
    let mut table = Table::new(&[
        "method",
        "scene",
        "mics",
        "SDR in",
        "SDR gain",
        "worst",
        "SI-SDR gain",
        "worst",
        "bleed in own silence",
        "target level",
        "RTF",
    ]);
    let mut row = |name: &str, scene: &str, summary: &Summary, rtf: f64| {
        table.row([
            name.to_owned(),
            scene.to_owned(),
            summary.num_mics.to_string(),
            db(summary.input_sdr_db.mean),
            signed_db(summary.sdr_gain_db.mean),
            signed_db(summary.sdr_gain_db.worst),
            signed_db(summary.si_sdr_gain_db.mean),
            signed_db(summary.si_sdr_gain_db.worst),
            signed_db(summary.bleed_reduction_db.mean.map(|db| -db)),
            signed_db(summary.level_change_db.mean),
            format!("{rtf:.3}"),
        ]);
    };
    for result in results {
        for scene in &result.scenes {
            row(&result.method, &scene.scene, &scene.summary, scene.rtf);
        }
    }
    for result in results {
        row(&result.method, "all", &result.summary, result.rtf);
    }
    table.render()
}

/// Which mics share a source, as the engine wants to know it.
fn controls(scene: &Scene) -> Controls {
    let mut controls = Controls::default();
    for (id, group) in (0_u8..).zip(&scene.info.groups) {
        for &position in group {
            controls.mics[position - 1].group = Some(GroupId(id));
        }
    }
    controls
}

/// Every mic's metrics, and the RTF.
fn evaluate_scene(
    truth: &Scene,
    method: Method,
    options: &EvaluateOptions,
) -> Result<(Vec<MicScore>, f64)> {
    let setup = Setup { method, mode: options.mode, controls: controls(truth) };
    let mut outputs = vec![Vec::with_capacity(truth.mics[0].len()); truth.mics.len()];
    let mut source = Signals::new(&truth.mics, truth.rate_hz);
    let outcome = cleaning::clean(&mut source, &setup, &mut Unwatched, |_, clean| {
        for (output, block) in outputs.iter_mut().zip(clean) {
            output.extend_from_slice(block);
        }
        Ok(())
    })?;
    let rate = f64::from(truth.rate_hz);
    let skip = crate::convert::to_index(options.skip_s * rate);
    let length = truth.mics[0].len();
    ensure!(skip < length, "--skip-s {} leaves nothing to score", options.skip_s);
    let mut mics = Vec::with_capacity(outputs.len());
    for (mic, output) in outputs.iter().enumerate() {
        let measured = Measured {
            reference: &truth.targets[mic][skip..],
            estimate: &output[skip..],
            input: &truth.mics[mic][skip..],
            rate_hz: truth.rate_hz,
        };
        mics.push(measured.score()?);
    }
    Ok((mics, outcome.elapsed.as_secs_f64() / (length as f64 / rate)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound_file::write_wav;
    use std::path::Path;

    fn write_scene(folder: &Path, num_samples: usize) {
        std::fs::create_dir_all(folder).unwrap();
        for mic in 1..=2 {
            let own: Vec<f32> = (0..num_samples)
                .map(|n| {
                    (n as f32 * 0.05 * mic as f32).sin() * if n % 4_000 < 2_000 { 0.5 } else { 0.0 }
                })
                .collect();
            let heard: Vec<f32> = own.iter().map(|s| s + 0.01).collect();
            write_wav(&folder.join(format!("mic{mic}.wav")), &heard, 16_000).unwrap();
            write_wav(&folder.join(format!("target{mic}.wav")), &own, 16_000).unwrap();
        }
    }

    fn options(scenes: &Path, skip_s: f64) -> EvaluateOptions {
        EvaluateOptions {
            scenes: scenes.to_owned(),
            method: vec!["ratio".parse().unwrap()],
            mode: Mode::Live,
            skip_s,
            json: None,
        }
    }

    #[test]
    fn scenes_are_scored_one_by_one_and_together() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["m10", "m2", "m1"] {
            write_scene(&folder.path().join(name), 8_000);
        }
        let mut told = Vec::new();
        let results =
            evaluate(&options(folder.path(), 0.1), |scene| told.push(scene.scene.clone())).unwrap();
        assert_eq!(told, ["m1", "m2", "m10"]);
        assert_eq!(results[0].summary.num_mics, 6);
        assert!(results[0].summary.sdr_gain_db.mean.is_some());
        assert_eq!(table(&results).lines().count(), 2 + 3 + 1);
    }

    #[test]
    fn skipping_everything_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write_scene(&folder.path().join("s1"), 8_000);
        let line = format!("{:#}", evaluate(&options(folder.path(), 0.5), |_| ()).unwrap_err());
        assert!(line.contains("scene s1") && line.contains("leaves nothing to score"), "{line}");
    }
}
