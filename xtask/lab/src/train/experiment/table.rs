//! Results of an experiment as Markdown.

use super::arms::Arm;
use super::training::Trained;
use crate::metrics::bootstrap::interval_of_mean;
use crate::train::TrainConfig;
use std::fmt::Write;

/// Returns a table with one row for each network and one column for each set.
pub(super) fn markdown((config, arms): (&TrainConfig, &[Arm]), results: &[Trained]) -> String {
    let sets: Vec<&str> = results
        .first()
        .map(|result| result.tests.iter().map(|test| test.set.as_str()).collect())
        .unwrap_or_default();
    let mut text = format!("| | weights | {} |\n|---|---|", sets.join(" | "));
    text += &"---|".repeat(sets.len());
    text.push('\n');
    let mut num_seeds = 0;
    for arm in arms {
        let of_arm: Vec<&Trained> = results.iter().filter(|result| result.arm == arm.id).collect();
        num_seeds = of_arm.len();
        let weights = of_arm.first().map_or(0, |result| result.num_weights);
        let cells: Vec<String> = (0..sets.len()).map(|set| cell(&of_arm, set)).collect();
        let thousands = weights as f64 / 1e3;
        let _ = writeln!(text, "| {} | {thousands:.0} k | {} |", arm.name, cells.join(" | "));
    }
    let _ = write!(
        text,
        "\nMean gain of SNR over no mask in dB, [95 % interval over scenes], and the means of the \
         {num_seeds} trainings; {} steps on {} scenes of {} s.\n",
        config.steps, config.scenes.train, config.scenes.seconds
    );
    text
}

/// Returns the mean over scenes and trainings, its interval over scenes, and each training's mean.
fn cell(results: &[&Trained], set: usize) -> String {
    let gains: Option<Vec<&Vec<f64>>> =
        results.iter().map(|result| result.tests[set].gains_db.as_ref()).collect();
    let Some(gains) = gains.filter(|gains| gains.iter().all(|gains| !gains.is_empty())) else {
        return "cannot".to_owned();
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let scenes: Vec<Vec<f64>> =
        (0..gains[0].len()).map(|scene| gains.iter().map(|gains| gains[scene]).collect()).collect();
    let each: Vec<String> = gains.iter().map(|gains| format!("{:+.2}", mean(gains))).collect();
    let all: Vec<f64> = scenes.concat();
    let interval = interval_of_mean(&scenes)
        .map_or(String::new(), |found| format!(" [{:.2}, {:.2}]", found.low, found.high));
    format!("{:+.2}{interval} ({})", mean(&all), each.join(", "))
}
