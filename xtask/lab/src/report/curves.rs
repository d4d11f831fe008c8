//! Charts of a training.

use super::chart::{Chart, Series};
use anyhow::Result;
use std::path::Path;

/// Draws the SNR of the masked mics over the steps; points are `(step, dB)`.
///
/// # Errors
///
/// Returns an error if `path` cannot be written.
pub fn draw(
    name: &str,
    training: &[(f64, f64)],
    validation: &[(f64, f64)],
    path: &Path,
) -> Result<()> {
    let of = |name: &str, line: &[(f64, f64)], points: &[(f64, f64)]| Series {
        name: name.to_owned(),
        points: points.to_vec(),
        line: line.to_vec(),
    };
    let series = [of("training", training, &[]), of("validation", validation, validation)];
    let chart = Chart {
        title: "SNR of the masked mics while training",
        subtitle: name,
        x_label: "steps of all rounds; each round begins with new recordings",
        y_label: "SNR (dB)",
        series: &series,
        counts: false,
    };
    chart.draw(path)
}

/// Draws the ideal gains of masks over the predicted ones; points are `(predicted, ideal)`, 0 to 1.
///
/// # Errors
///
/// Returns an error if `path` cannot be written.
pub fn draw_calibration(name: &str, gains: &[(f64, f64)], path: &Path) -> Result<()> {
    let found = Series { name: "found".to_owned(), points: gains.to_vec(), line: gains.to_vec() };
    let right =
        Series { name: "right".to_owned(), points: Vec::new(), line: vec![(0.0, 0.0), (1.0, 1.0)] };
    let chart = Chart {
        title: "Gains of the validation's masks",
        subtitle: name,
        x_label: "predicted gain",
        y_label: "gain with the least error",
        series: &[found, right],
        counts: false,
    };
    chart.draw(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_drawn_even_of_the_first_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.png");
        draw("a", &[], &[(0.0, 3.0)], &path).unwrap();
        let short = std::fs::read(&path).unwrap();
        draw("a", &[(20.0, 4.0), (40.0, 6.0)], &[(0.0, 3.0), (40.0, 5.0)], &path).unwrap();
        let long = std::fs::read(&path).unwrap();
        assert!(short.starts_with(b"\x89PNG") && long.starts_with(b"\x89PNG") && short != long);
    }
}
