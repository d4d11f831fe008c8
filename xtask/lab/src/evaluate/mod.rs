//! Cleans scenes with each method and compares the results with the truth.

mod candidate;
pub mod plots;
mod results;

pub use candidate::Candidate;
pub use results::{
    Evaluation, Extremes, MethodResult, MicResult, SceneResult, Sound, overall_table, table,
};

use crate::cleaning::model;
use crate::convert::to_index;
use crate::metrics::bss::{Estimates, SourceSpaces, Truth};
use crate::metrics::{BssScore, Measured, Summary};
use crate::scenes::{Scene, folder, linear};
use anyhow::{Context, Result, bail, ensure};
use audiofile::{Destination, Existing, NewFolder, readable};
use clap::Args;
use engine::Mode;
use engine::network::Model;
use std::path::PathBuf;

/// Options of `cargo xtask evaluate`.
#[derive(Clone, Debug, Args)]
pub struct EvaluateOptions {
    /// Folder of SCENE/mic1.wav, SCENE/target1.wav, … (or .flac)
    #[arg(long, value_name = "DIR")]
    pub scenes: PathBuf,
    /// Methods to compare, separated by commas
    ///
    /// Methods of debleed:
    ///   network, network-online, network-learned, cancel, online, ratio, kamir, mira, fastmira
    /// Baselines:
    ///   optimisation            gains between mics, estimated in the time domain
    ///   optimisation-known-mix  the same with the sum of the clean sources, as published
    /// Upper bounds, computed from the truth:
    ///   ideal-wiener, ideal-ratio, ideal-mask (least error); with -bands: one gain per band
    ///   ideal-mwf: the best filter over all mics
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "network",
        verbatim_doc_comment
    )]
    pub method: Vec<Candidate>,
    /// Released model (id, or id and version) or model folder [default: newest released model]
    #[arg(long, value_name = "ID|DIR")]
    pub model: Option<String>,
    /// Mode: live (low latency) or mix (with lookahead)
    ///
    /// Only network-online, network-learned, online and ratio have both modes
    #[arg(long, default_value = "mix", value_parser = crate::cleaning::parse_mode)]
    pub mode: Mode,
    /// Seconds to leave out at the start of each scene
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    pub skip_s: f64,
    /// Add SDR, SIR and SAR of BSS Eval with filters of 512 taps (seconds per scene)
    #[arg(long)]
    pub bss: bool,
    /// Mix the sources of each scene again with gains alone, without a room
    #[arg(long)]
    pub linear: bool,
    /// JSON file for all numbers (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Folder for pictures: gain over input SDR, number of mics and RT60, and spectrograms
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Replace existing files, except the scenes
    #[arg(long)]
    pub overwrite: bool,
}

impl EvaluateOptions {
    /// Returns the destination of all numbers, after checking that no output conflicts with
    /// another, with a scene or with a file that is to be kept.
    ///
    /// # Errors
    ///
    /// Returns an error if outputs conflict or a file cannot be written.
    pub fn check_outputs(&self) -> Result<Option<Destination>> {
        let existing = Existing::overwritten(self.overwrite);
        let methods: Vec<String> = self.method.iter().map(ToString::to_string).collect();
        let mut outputs: Vec<PathBuf> =
            self.plots.iter().flat_map(|folder| plots::paths(&methods, folder)).collect();
        outputs.iter().try_for_each(|path| audiofile::check_free(path, existing))?;
        outputs.extend(self.json.clone());
        audiofile::check_differ(&outputs)?;
        let Some(path) = &self.json else { return Ok(None) };
        let in_scene = folder::list(&self.scenes)?
            .into_iter()
            .find(|scene| path.parent().is_some_and(|parent| audiofile::same_file(parent, scene)));
        if let Some(scene) = in_scene {
            bail!("--json {} is in the folder of scene {}", readable(path), readable(scene));
        }
        Ok(Some(Destination::new(path, existing)?))
    }
}

/// Settings of the scoring.
#[derive(Clone, Debug)]
pub struct ScoreOptions {
    /// Network model, for methods that use one.
    pub model: Option<Model>,
    /// Mode of the engine's methods, which decides their lookahead.
    pub mode: Mode,
    /// Duration at the start of each scene that is not scored, in seconds.
    pub skip_s: f64,
    /// True to compute BSS Eval as well.
    pub bss: bool,
    /// True to keep the sound of each method's worst and best mic, for pictures.
    pub keeps_sounds: bool,
}

/// Evaluates every method on every scene of a folder and passes the result of each scene to `tell`.
///
/// # Errors
///
/// Returns an error if a scene cannot be read or is inconsistent, the engine fails, or a picture
/// cannot be written.
pub fn evaluate(options: &EvaluateOptions, tell: impl FnMut(&SceneResult)) -> Result<Evaluation> {
    let folders = folder::list(&options.scenes)?;
    let mut pictures = options.plots.as_deref().map(NewFolder::make).transpose()?;
    let score = ScoreOptions {
        model: model_for(&options.method, options.model.as_deref())?,
        mode: options.mode,
        skip_s: options.skip_s,
        bss: options.bss,
        keeps_sounds: options.plots.is_some(),
    };
    let scenes = (1..).zip(&folders).map(|(number, folder)| {
        let name = readable(folder.file_name().unwrap_or_default());
        let mut scene = folder::read(folder)?;
        if options.linear {
            scene = linear::remix(&scene, number).with_context(|| format!("scene {name}"))?;
        }
        Ok((name, scene))
    });
    let evaluation = evaluate_scenes(scenes, &options.method, &score, tell)?;
    if let (Some(folder), Some(pictures)) = (&options.plots, &mut pictures) {
        plots::draw(&evaluation, folder)?;
        pictures.keep();
    }
    Ok(evaluation)
}

/// Returns the model for these methods; `None` if none of them uses a network.
///
/// # Errors
///
/// Returns an error if a model is named but not used, or if the named one cannot be read.
pub fn model_for(candidates: &[Candidate], name: Option<&str>) -> Result<Option<Model>> {
    if candidates.iter().any(|candidate| candidate.needs_model()) {
        return model::find(name);
    }
    ensure!(name.is_none(), "none of the methods uses a network; remove --model");
    Ok(None)
}

/// Evaluates every method on every scene, one after the other, and passes the result of each scene
/// to `tell`. A scene is dropped before the next one is created.
///
/// # Errors
///
/// Returns an error if a scene cannot be created or the engine fails.
pub fn evaluate_scenes(
    scenes: impl IntoIterator<Item = Result<(String, Scene)>>,
    candidates: &[Candidate],
    options: &ScoreOptions,
    mut tell: impl FnMut(&SceneResult),
) -> Result<Evaluation> {
    let mut by_method: Vec<Vec<SceneResult>> = vec![Vec::new(); candidates.len()];
    let mut extremes: Vec<Option<Extremes>> = vec![None; candidates.len()];
    for scene in scenes {
        let (name, scene) = scene?;
        let judge = Judge::new(&scene, options).with_context(|| format!("scene {name}"))?;
        for (index, candidate) in candidates.iter().enumerate() {
            let context = || format!("scene {name} with {candidate}");
            let (outputs, elapsed) = candidate
                .clean(&scene, options.mode, options.model.as_ref())
                .with_context(context)?;
            let mics = judge.score(&outputs).with_context(context)?;
            let duration_s = scene.mics[0].len() as f64 / f64::from(scene.rate_hz);
            let scores: Vec<_> = mics.iter().map(|mic| mic.score).collect();
            let result = SceneResult {
                scene: name.clone(),
                method: candidate.to_string(),
                rtf: elapsed.as_secs_f64() / duration_s,
                rt60_s: scene.info.drawn.get("rt60_s").and_then(serde_json::Value::as_f64),
                num_mics: scene.mics.len(),
                summary: Summary::of(&scores),
                mics,
            };
            tell(&result);
            if options.keeps_sounds {
                keep_extremes(&mut extremes[index], &scene, &outputs, &result);
            }
            by_method[index].push(result);
        }
    }
    let methods = candidates.iter().zip(by_method);
    Ok(Evaluation {
        methods: methods.map(|(method, all)| MethodResult::of(method.to_string(), all)).collect(),
        extremes,
    })
}

/// The truth of a scene, prepared for scoring outputs.
struct Judge<'a> {
    scene: &'a Scene,
    skip_samples: usize,
    /// Positions of the scored mics, from 0.
    scored: Vec<usize>,
    spaces: Option<(SourceSpaces, Vec<Option<BssScore>>)>,
}

impl<'a> Judge<'a> {
    fn new(scene: &'a Scene, options: &ScoreOptions) -> Result<Self> {
        let skip_samples = to_index(options.skip_s * f64::from(scene.rate_hz));
        ensure!(
            skip_samples < scene.mics[0].len(),
            "--skip-s {} leaves nothing to score",
            options.skip_s
        );
        let sources = candidate::sources(scene);
        let scored: Vec<usize> =
            (0..scene.mics.len()).filter(|&mic| sources[mic].is_some()).collect();
        let spaces = options
            .bss
            .then(|| -> Result<_> {
                let targets = cut(&scene.targets, skip_samples);
                let truth = Truth { targets: &targets, sources: &sources, rate_hz: scene.rate_hz };
                let spaces = SourceSpaces::new(&truth)?;
                let inputs = spaces.score(&Estimates(&cut(&scene.mics, skip_samples)))?;
                Ok((spaces, inputs))
            })
            .transpose()?;
        Ok(Self { scene, skip_samples, scored, spaces })
    }

    /// Computes the metrics of every scored mic.
    fn score(&self, outputs: &[Vec<f32>]) -> Result<Vec<MicResult>> {
        let Self { scene, skip_samples, .. } = *self;
        let judged = match &self.spaces {
            Some((spaces, _)) => Some(spaces.score(&Estimates(&cut(outputs, skip_samples)))?),
            None => None,
        };
        let mut results = Vec::with_capacity(self.scored.len());
        for &mic in &self.scored {
            let measured = Measured {
                reference: &scene.targets[mic][skip_samples..],
                estimate: &outputs[mic][skip_samples..],
                input: &scene.mics[mic][skip_samples..],
                rate_hz: scene.rate_hz,
                source_is_silent: scene.info.silent_mics.contains(&(mic + 1)),
            };
            let mut score = measured.score()?;
            if !measured.source_is_silent
                && let (Some(judged), Some((_, inputs))) = (&judged, &self.spaces)
            {
                score.bss = judged[mic];
                score.input_bss = inputs[mic];
            }
            let name = scene.info.names.get(mic).cloned().unwrap_or_default();
            results.push(MicResult { mic: mic + 1, name, score });
        }
        Ok(results)
    }
}

fn cut(signals: &[Vec<f32>], skip_samples: usize) -> Vec<&[f32]> {
    signals.iter().map(|signal| &signal[skip_samples..]).collect()
}

/// Keeps the mics of this scene that gained less or more than all before.
fn keep_extremes(
    extremes: &mut Option<Extremes>,
    scene: &Scene,
    outputs: &[Vec<f32>],
    result: &SceneResult,
) {
    for mic in &result.mics {
        let Some(gain_db) = mic.score.sdr_gain_db else { continue };
        let sound = || Sound {
            scene: result.scene.clone(),
            mic: mic.mic,
            name: mic.name.clone(),
            score: mic.score,
            input: scene.mics[mic.mic - 1].clone(),
            output: outputs[mic.mic - 1].clone(),
            target: scene.targets[mic.mic - 1].clone(),
            rate_hz: scene.rate_hz,
        };
        match extremes {
            None => *extremes = Some(Extremes { worst: sound(), best: sound() }),
            Some(Extremes { worst, best }) => {
                let gain_of = |kept: &Sound| kept.score.sdr_gain_db.unwrap_or(gain_db);
                if gain_db < gain_of(worst) {
                    *worst = sound();
                }
                if gain_db > gain_of(best) {
                    *best = sound();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
