//! Pictures of an evaluation: gain against properties of the scenes, and spectrograms of extremes.

use super::results::{Evaluation, MethodResult, SceneResult, Sound};
use crate::report::{Chart, Panels, Series, db, playing, signed_db};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const GAIN_BY_INPUT: &str = "gain-by-input.png";
const GAIN_BY_MICS: &str = "gain-by-mics.png";
const GAIN_BY_RT60: &str = "gain-by-rt60.png";

/// Returns the paths of all pictures that [`draw`] may create in `folder` for these methods.
#[must_use]
pub fn paths(methods: &[String], folder: &Path) -> Vec<PathBuf> {
    let mut paths =
        [GAIN_BY_INPUT, GAIN_BY_MICS, GAIN_BY_RT60].map(|name| folder.join(name)).to_vec();
    for method in methods {
        paths.extend(["worst", "best"].map(|which| extreme(folder, method, which)));
    }
    paths
}

fn extreme(folder: &Path, method: &str, which: &str) -> PathBuf {
    folder.join(format!("{method}-{which}.png"))
}

/// Draws all pictures into a folder and returns their paths.
///
/// The pictures are `gain-by-input.png`, `gain-by-mics.png`, `gain-by-rt60.png` (if scenes contain
/// their RT60), and `METHOD-worst.png` and `METHOD-best.png` for each method whose sounds were
/// kept. Existing pictures of these names are replaced; [`paths`] lists the names for callers that
/// keep existing files.
///
/// # Errors
///
/// Returns an error if a picture cannot be written.
pub fn draw(evaluation: &Evaluation, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let methods = &evaluation.methods;
    let num_scenes = methods.first().map_or(0, |method| method.scenes.len());
    let mut chart = |name: &str, chart: Chart<'_>| -> Result<()> {
        if chart.series.iter().any(|series| !series.points.is_empty()) {
            paths.push(folder.join(name));
            chart.draw(&folder.join(name))?;
        }
        Ok(())
    };
    let scenes = format!("{num_scenes} {}", if num_scenes == 1 { "scene" } else { "scenes" });
    let series = series(methods, |method| (by_input(method), Vec::new()));
    chart(
        GAIN_BY_INPUT,
        Chart {
            title: "Gain against how much bleeds in",
            subtitle: &format!("one mark per mic, {scenes}; below 0 a mic was made worse"),
            x_label: "SDR of the mic as recorded (dB)",
            y_label: "SDR gain (dB)",
            series: &series,
            counts: false,
        },
    )?;
    let series = self::series(methods, |method| {
        let points = by_scene(method, |scene| Some(scene.num_mics as f64));
        let line = means(&points);
        (points, line)
    });
    chart(
        GAIN_BY_MICS,
        Chart {
            title: "Gain against the number of mics",
            subtitle: &format!("one mark per scene, {scenes}; lines join the means"),
            x_label: "mics in the scene",
            y_label: "mean SDR gain (dB)",
            series: &series,
            counts: true,
        },
    )?;
    let series = self::series(methods, |method| {
        let points = by_scene(method, |scene| scene.rt60_s);
        let line = trend(&points);
        (points, line)
    });
    chart(
        GAIN_BY_RT60,
        Chart {
            title: "Gain against reverberation",
            subtitle: &format!("one mark per scene, {scenes}; lines are least-squares trends"),
            x_label: "RT60 of the room (s)",
            y_label: "mean SDR gain (dB)",
            series: &series,
            counts: false,
        },
    )?;
    for (method, extremes) in methods.iter().zip(&evaluation.extremes) {
        let Some(extremes) = extremes else { continue };
        for (which, sound) in [("worst", &extremes.worst), ("best", &extremes.best)] {
            let path = extreme(folder, &method.method, which);
            draw_sound(&method.method, which, sound, &path)?;
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Returns points and a line for every method.
fn series(
    methods: &[MethodResult],
    of: impl Fn(&MethodResult) -> (Vec<(f64, f64)>, Vec<(f64, f64)>),
) -> Vec<Series> {
    methods
        .iter()
        .map(|method| {
            let (points, line) = of(method);
            Series { name: method.method.clone(), points, line }
        })
        .collect()
}

/// Returns (input SDR, gain) of every mic, in dB.
fn by_input(method: &MethodResult) -> Vec<(f64, f64)> {
    let mics = method.scenes.iter().flat_map(|scene| &scene.mics);
    mics.filter_map(|mic| mic.score.input_sdr_db.zip(mic.score.sdr_gain_db)).collect()
}

/// Returns (property of the scene, mean gain) of every scene.
fn by_scene(method: &MethodResult, like: impl Fn(&SceneResult) -> Option<f64>) -> Vec<(f64, f64)> {
    let scenes = method.scenes.iter();
    scenes.filter_map(|scene| like(scene).zip(scene.summary.sdr_gain_db.mean)).collect()
}

/// Returns the mean of the points of each x, in order; empty if there is only one x.
fn means(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut groups: BTreeMap<u64, (f64, f64, f64)> = BTreeMap::new();
    for &(x, y) in points {
        // The bit patterns of positive numbers sort like the numbers.
        let group = groups.entry(x.to_bits()).or_insert((x, 0.0, 0.0));
        group.1 += y;
        group.2 += 1.0;
    }
    if groups.len() < 2 {
        return Vec::new();
    }
    groups.into_values().map(|(x, sum, count)| (x, sum / count)).collect()
}

/// Returns the least-squares line from the first to the last x; empty for fewer than three points
/// or if all x are equal.
fn trend(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|point| (point.0 - mean_x).powi(2)).sum();
    if points.len() < 3 || spread < 1e-12 {
        return Vec::new();
    }
    let common: f64 = points.iter().map(|point| (point.0 - mean_x) * (point.1 - mean_y)).sum();
    let ends = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
        (point.0.min(low), point.0.max(high))
    });
    [ends.0, ends.1].map(|x| (x, mean_y + common / spread * (x - mean_x))).to_vec()
}

fn draw_sound(method: &str, which: &str, sound: &Sound, path: &Path) -> Result<()> {
    let name = if sound.name.is_empty() { String::new() } else { format!(" ({})", sound.name) };
    let title = format!("{method}: the {which} mic, {} of scene {}{name}", sound.mic, sound.scene);
    let subtitle = format!(
        "SDR {} dB before, {} dB after ({} dB); green line: the own source plays",
        db(sound.score.input_sdr_db),
        db(sound.score.sdr_db),
        signed_db(sound.score.sdr_gain_db)
    );
    let panels = Panels {
        title: &title,
        subtitle: &subtitle,
        sounds: [
            ("Before", &sound.input),
            ("After", &sound.output),
            ("Target: what after should be", &sound.target),
        ],
        playing_s: &playing(&sound.target, sound.rate_hz),
        rate_hz: sound.rate_hz,
    };
    panels.draw(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_means_and_trends() {
        let points = [(4.0, 1.0), (2.0, 5.0), (4.0, 3.0)];
        assert_eq!(means(&points), [(2.0, 5.0), (4.0, 2.0)]);
        assert!(means(&points[..1]).is_empty());
        // Points (0, 1), (1, 2), (2, 6): mean 3 at x = 1, slope 2.5.
        let line = trend(&[(1.0, 2.0), (0.0, 1.0), (2.0, 6.0)]);
        assert_eq!(line, [(0.0, 0.5), (2.0, 5.5)]);
        assert!(trend(&points[..2]).is_empty());
        assert!(trend(&[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)]).is_empty());
    }
}
