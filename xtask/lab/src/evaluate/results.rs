//! Results of an evaluation and their tables.

use crate::metrics::{Interval, Intervals, MicScore, Summary};
use crate::report::{Table, db, signed_db};
use serde::Serialize;

/// Result of one mic of a scene.
#[derive(Clone, Debug, Serialize)]
pub struct MicResult {
    /// Position of the mic in the scene, from 1.
    pub mic: usize,
    /// Name of the mic; empty if the scene has none.
    pub name: String,
    /// Metrics of the mic.
    #[serde(flatten)]
    pub score: MicScore,
}

/// Result of one method on one scene.
#[derive(Clone, Debug, Serialize)]
pub struct SceneResult {
    /// Name of the scene.
    pub scene: String,
    /// Name of the method.
    pub method: String,
    /// Processing time on one core, learning included, divided by the duration.
    pub rtf: f64,
    /// Reverberation time RT60 of the scene's room in seconds, if the scene contains it.
    pub rt60_s: Option<f64>,
    /// Number of mics in the scene, room mics included.
    pub num_mics: usize,
    /// Summary over the mics of the scene that have a source of their own.
    pub summary: Summary,
    /// Results of these mics, in order.
    pub mics: Vec<MicResult>,
}

/// Result of one method on all scenes.
#[derive(Clone, Debug, Serialize)]
pub struct MethodResult {
    /// Name of the method.
    pub method: String,
    /// Mean RTF over scenes.
    pub rtf: f64,
    /// Summary over all mics of all scenes.
    pub summary: Summary,
    /// 95 % bootstrap intervals of the means, resampled by scene.
    pub intervals: Intervals,
    /// Results of the scenes.
    pub scenes: Vec<SceneResult>,
}

impl SceneResult {
    /// Returns the scores of the mics.
    #[must_use]
    pub fn scores(&self) -> Vec<MicScore> {
        self.mics.iter().map(|mic| mic.score).collect()
    }
}

impl MethodResult {
    /// Summarises the results of scenes.
    #[must_use]
    pub fn of(method: String, scenes: Vec<SceneResult>) -> Self {
        let scores: Vec<Vec<MicScore>> = scenes.iter().map(SceneResult::scores).collect();
        let rtf = scenes.iter().map(|scene| scene.rtf).sum::<f64>() / scenes.len().max(1) as f64;
        Self {
            method,
            rtf,
            summary: Summary::of(&scores.concat()),
            intervals: Intervals::of(&scores),
            scenes,
        }
    }
}

/// Results of an evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Results of the methods, in the requested order.
    pub methods: Vec<MethodResult>,
    /// Worst and best mic of each method, if sounds are kept and any mic has a gain.
    pub extremes: Vec<Option<Extremes>>,
}

/// The mics with the least and the most SDR gain.
#[derive(Clone, Debug)]
pub struct Extremes {
    /// Mic with the least gain.
    pub worst: Sound,
    /// Mic with the most gain.
    pub best: Sound,
}

/// Sounds and score of one mic.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Name of the scene.
    pub scene: String,
    /// Position of the mic in the scene, from 1.
    pub mic: usize,
    /// Name of the mic; may be empty.
    pub name: String,
    /// Metrics of the mic.
    pub score: MicScore,
    /// The mic as recorded.
    pub input: Vec<f32>,
    /// The mic as cleaned.
    pub output: Vec<f32>,
    /// The own source's image at the mic.
    pub target: Vec<f32>,
    /// Sample rate of all three, in Hz.
    pub rate_hz: u32,
}

const SCENE_HEADS: [&str; 12] = [
    "method",
    "scene",
    "mics",
    "SDR in",
    "SDR gain",
    "median",
    "worst",
    "SI-SDR gain",
    "bleed in own silence",
    "musical noise",
    "target level",
    "RTF",
];
const BSS_HEADS: [&str; 4] = ["SIR in", "SIR", "SAR", "SDR, filters allowed"];

/// Returns a table of every scene, then a table of every method over all scenes. All values are in
/// dB except for musical noise. BSS Eval's columns are present if it was computed.
#[must_use]
pub fn table(results: &[MethodResult]) -> String {
    let has_bss = results.iter().any(|result| result.summary.bss_sdr_db.mean.is_some());
    let bss_heads: &[&str] = if has_bss { &BSS_HEADS } else { &[] };
    let bss_cells = |summary: &Summary| {
        let cells = [
            db(summary.input_bss_sir_db.mean),
            db(summary.bss_sir_db.mean),
            db(summary.bss_sar_db.mean),
            db(summary.bss_sdr_db.mean),
        ];
        cells.into_iter().take(bss_heads.len())
    };
    let mut scenes = Table::new(&[&SCENE_HEADS[..], bss_heads].concat());
    for scene in results.iter().flat_map(|result| &result.scenes) {
        let summary = &scene.summary;
        let cells = [
            scene.method.clone(),
            scene.scene.clone(),
            summary.num_mics.to_string(),
            db(summary.input_sdr_db.mean),
            signed_db(summary.sdr_gain_db.mean),
            signed_db(summary.sdr_gain_db.median),
            signed_db(summary.sdr_gain_db.worst),
            signed_db(summary.si_sdr_gain_db.mean),
            signed_db(summary.bleed_reduction_db.mean.map(|db| -db)),
            signed(summary.log_kurtosis_ratio.mean),
            signed_db(summary.level_change_db.mean),
            format!("{:.3}", scene.rtf),
        ];
        scenes.row(cells.into_iter().chain(bss_cells(summary)));
    }
    format!("{}\n{}", scenes.render(), overall_table(results))
}

/// Returns a table of every method over all scenes, in dB except for musical noise.
#[must_use]
pub fn overall_table(results: &[MethodResult]) -> String {
    let has_bss = results.iter().any(|result| result.summary.bss_sdr_db.mean.is_some());
    let bss_heads: &[&str] = if has_bss { &BSS_HEADS } else { &[] };
    let heads = [
        "all scenes",
        "mics",
        "SDR in",
        "SDR gain",
        "95 %",
        "median",
        "worst",
        "SI-SDR gain",
        "worst",
        "bleed in own silence",
        "musical noise",
        "worst",
        "clean mics, worst",
        "target level",
        "RTF",
    ];
    let mut table = Table::new(&[&heads[..], bss_heads].concat());
    for result in results {
        let summary = &result.summary;
        let cells = [
            result.method.clone(),
            summary.num_mics.to_string(),
            db(summary.input_sdr_db.mean),
            signed_db(summary.sdr_gain_db.mean),
            interval(result.intervals.sdr_gain_db),
            signed_db(summary.sdr_gain_db.median),
            signed_db(summary.sdr_gain_db.worst),
            signed_db(summary.si_sdr_gain_db.mean),
            signed_db(summary.si_sdr_gain_db.worst),
            signed_db(summary.bleed_reduction_db.mean.map(|db| -db)),
            signed(summary.log_kurtosis_ratio.mean),
            signed(summary.log_kurtosis_ratio.worst),
            db(summary.clean_sdr_db.worst),
            signed_db(summary.level_change_db.mean),
            format!("{:.3}", result.rtf),
        ];
        let bss_cells = [
            db(summary.input_bss_sir_db.mean),
            db(summary.bss_sir_db.mean),
            db(summary.bss_sar_db.mean),
            db(summary.bss_sdr_db.mean),
        ];
        table.row(cells.into_iter().chain(bss_cells.into_iter().take(bss_heads.len())));
    }
    table.render()
}

/// Formats a logarithm with two decimals and its sign, or a dash.
fn signed(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.2}"))
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "-".to_owned(),
        |ends| format!("{} to {}", signed_db(Some(ends.low)), signed_db(Some(ends.high))),
    )
}
