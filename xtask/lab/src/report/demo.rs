//! Report on a session with known truth: metrics before and after, and a picture.

use super::figure::BeforeAfter;
use super::playing::playing;
use super::{Table, db, signed_db};
use crate::metrics::{Measured, MicScore, Summary};
use crate::sound_file::read_mono;
use anyhow::{Context, Result, ensure};
use audiofile::{Destination, Existing, NewFolder};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Metrics of the demo session.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    /// Name and metrics of every mic.
    pub mics: Vec<NamedScore>,
    /// Summary over all mics.
    pub overall: Summary,
    /// Position of the mic in the picture, from 1.
    pub pictured_mic: usize,
    /// Path of the picture.
    pub picture: PathBuf,
}

/// Metrics of one mic, with its name.
#[derive(Debug, Serialize)]
pub struct NamedScore {
    /// Part of the file name after `micN_`.
    pub name: String,
    /// Metrics of the mic.
    #[serde(flatten)]
    pub score: MicScore,
}

struct Mic {
    name: String,
    input: Vec<f32>,
    target: Vec<f32>,
    output: Vec<f32>,
    rate_hz: u32,
}

/// Compares `<session>/micN_NAME.flac` and `<cleaned>/micN_NAME.wav` with
/// `<session>/targetN_NAME.flac`; draws `<out>/before-after.png` and writes `<out>/metrics.json`.
///
/// # Errors
///
/// Returns an error if a file is missing or does not fit the others, nothing can be written, or an
/// existing file is to be kept.
pub fn demo_report(
    session: &Path,
    cleaned: &Path,
    out: &Path,
    existing: Existing,
) -> Result<DemoReport> {
    let picture = out.join("before-after.png");
    audiofile::check_free(&picture, existing)?;
    let mut folder = NewFolder::make(out)?;
    let json = Destination::new(&out.join("metrics.json"), existing)?;
    let mics = read_session(session, cleaned)?;
    let mut scores = Vec::with_capacity(mics.len());
    for mic in &mics {
        let measured = Measured {
            reference: &mic.target,
            estimate: &mic.output,
            input: &mic.input,
            rate_hz: mic.rate_hz,
            source_is_silent: false,
        };
        scores.push(measured.score().with_context(|| format!("mic {}", mic.name))?);
    }
    let pictured = most_audible(&scores);
    draw(&mics[pictured], pictured, &scores[pictured], &picture)?;
    let report = DemoReport {
        overall: Summary::of(&scores),
        mics: mics
            .into_iter()
            .zip(scores)
            .map(|(mic, score)| NamedScore { name: mic.name, score })
            .collect(),
        pictured_mic: pictured + 1,
        picture,
    };
    json.write(super::json::bytes(&report)?)?;
    folder.keep();
    Ok(report)
}

impl DemoReport {
    /// Returns the metrics as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new(&[
            "mic (dB)",
            "SDR in",
            "SDR out",
            "SDR gain",
            "SI-SDR gain",
            "bleed in own silence",
            "target level",
        ]);
        for (index, mic) in self.mics.iter().enumerate() {
            let score = &mic.score;
            table.row([
                format!("{} {}", index + 1, mic.name),
                db(score.input_sdr_db),
                db(score.sdr_db),
                signed_db(score.sdr_gain_db),
                signed_db(score.si_sdr_gain_db),
                signed_db(score.bleed_reduction_db.map(|db| -db)),
                signed_db(score.level_change_db),
            ]);
        }
        table.line();
        let all = &self.overall;
        for (name, pick) in
            [("mean", (|s| s.mean) as fn(crate::metrics::Statistic) -> _), ("worst", |s| s.worst)]
        {
            table.row([
                name.to_owned(),
                db(pick(all.input_sdr_db)),
                db(pick(all.sdr_db)),
                signed_db(pick(all.sdr_gain_db)),
                signed_db(pick(all.si_sdr_gain_db)),
                signed_db(pick(all.bleed_reduction_db).map(|db| -db)),
                signed_db(pick(all.level_change_db)),
            ]);
        }
        table.render()
    }
}

fn read_session(session: &Path, cleaned: &Path) -> Result<Vec<Mic>> {
    let entries = std::fs::read_dir(session)
        .with_context(|| format!("could not read {}", session.display()))?;
    let mut files = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    // In the order of the mics' numbers, so that mic2 comes before mic10.
    files.sort_by_cached_key(|path| (mic_number(path), path.clone()));
    let mut mics = Vec::new();
    for path in files {
        let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some(rest) = file_name.strip_prefix("mic") else { continue };
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let (input, rate_hz) = read_mono(&path)?;
        let (target, target_rate_hz) = read_mono(&session.join(format!("target{rest}")))?;
        let output_path = cleaned.join(format!("{stem}.wav"));
        let (output, output_rate_hz) = read_mono(&output_path)?;
        ensure!(
            rate_hz == target_rate_hz && rate_hz == output_rate_hz,
            "{} and its target and output differ in sample rate",
            path.display()
        );
        let name = stem.split_once('_').map_or(stem, |(_, name)| name).to_owned();
        mics.push(Mic { name, input, target, output, rate_hz });
    }
    ensure!(!mics.is_empty(), "no mic1_….flac in {}", session.display());
    Ok(mics)
}

/// Returns the number in the name of a mic's file.
fn mic_number(path: &Path) -> Option<u64> {
    let rest = path.file_name()?.to_str()?.strip_prefix("mic")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

/// Returns the mic with the most audible difference: much bleed before, much less after.
fn most_audible(scores: &[MicScore]) -> usize {
    let audible = |score: &MicScore| {
        score.bleed_reduction_db.unwrap_or(0.0).min(30.0) - score.input_sdr_db.unwrap_or(100.0)
    };
    let best = scores.iter().enumerate().max_by(|a, b| audible(a.1).total_cmp(&audible(b.1)));
    best.map_or(0, |(index, _)| index)
}

fn draw(mic: &Mic, index: usize, score: &MicScore, path: &Path) -> Result<()> {
    let title = format!("The {} mic of the demo session, before and after Unspill", mic.name);
    let reduction = score.bleed_reduction_db.map_or_else(String::new, |db| {
        format!("; the others are {db:.0} dB quieter while it pauses")
    });
    let subtitle = format!(
        "mic {} ({}), SDR {} dB before and {} dB after{reduction}; green line: the {} plays",
        index + 1,
        mic.name,
        db(score.input_sdr_db),
        db(score.sdr_db),
        mic.name
    );
    let picture = BeforeAfter {
        title: &title,
        subtitle: &subtitle,
        before: &mic.input,
        after: &mic.output,
        playing_s: &playing(&mic.target, mic.rate_hz),
        rate_hz: mic.rate_hz,
    };
    picture.draw(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound_file::write_wav;

    #[test]
    fn a_report_is_written_and_tells_missing_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let tone = |at_hz: f64, until: i32| -> Vec<f32> {
            let step = std::f64::consts::TAU * at_hz / 8_000.0;
            let sample = |n| if n < until { 0.3 * (step * f64::from(n)).sin() as f32 } else { 0.0 };
            (0..8_000).map(sample).collect()
        };
        std::fs::create_dir_all(at("cleaned")).unwrap();
        let mix = |a: &[f32], b: &[f32], gain: f32| -> Vec<f32> {
            a.iter().zip(b).map(|(a, b)| a + gain * b).collect()
        };
        for (name, own, other, gain) in [
            ("1_low", tone(300.0, 4_000), tone(1_000.0, 8_000), 0.1),
            ("2_high", tone(1_000.0, 4_000), tone(300.0, 8_000), 0.5),
        ] {
            write_wav(&at(&format!("target{name}.wav")), &own, 8_000).unwrap();
            write_wav(&at(&format!("mic{name}.wav")), &mix(&own, &other, gain), 8_000).unwrap();
            let after = mix(&own, &other, gain / 10.0);
            write_wav(&at(&format!("cleaned/mic{name}.wav")), &after, 8_000).unwrap();
        }
        let report =
            demo_report(folder.path(), &at("cleaned"), &at("out"), Existing::Keep).unwrap();
        assert_eq!(report.pictured_mic, 2, "the one with more bleed");
        assert!((report.overall.sdr_gain_db.worst.unwrap() - 20.0).abs() < 0.01);
        assert!(at("out/before-after.png").exists() && at("out/metrics.json").exists());
        let table = report.table();
        assert!(table.contains("2 high") && table.contains("+20.0"), "{table}");
        // Mics are in the order of their numbers.
        for (from, to) in [("mic1_low", "mic10_low"), ("target1_low", "target10_low")] {
            std::fs::rename(at(&format!("{from}.wav")), at(&format!("{to}.wav"))).unwrap();
        }
        std::fs::rename(at("cleaned/mic1_low.wav"), at("cleaned/mic10_low.wav")).unwrap();
        let mics = read_session(folder.path(), &at("cleaned")).unwrap();
        assert_eq!(mics.iter().map(|mic| &mic.name).collect::<Vec<_>>(), ["high", "low"]);
        std::fs::remove_file(at("cleaned/mic2_high.wav")).unwrap();
        let line = format!(
            "{:#}",
            demo_report(folder.path(), &at("cleaned"), &at("out"), Existing::Replace).unwrap_err()
        );
        assert!(line.contains("mic2_high.wav"), "{line}");
    }
}
