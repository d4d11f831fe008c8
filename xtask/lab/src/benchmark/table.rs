//! Tables of the benchmark for the terminal and the documentation.

use super::{Part, PartResult};
use crate::evaluate::{Candidate, MethodResult, overall_table};
use crate::report::{db, signed_db};

/// Returns every part with all its metrics as lines of text.
#[must_use]
pub fn text(results: &[PartResult]) -> String {
    let mut text = String::new();
    for result in results {
        text.push_str(&format!("{}\n{}\n", heading(result), overall_table(&result.methods)));
    }
    text
}

/// Returns a Markdown table with one row per method, those that need the truth first. The columns
/// are the mean SDR gain with its 95 % interval, the worst mic and the RTF for every part, then for
/// the simulated ensembles the bleed in the own source's silence, the worst clean mic and the
/// target level.
#[must_use]
pub fn markdown(results: &[PartResult]) -> String {
    let mut text = String::from("| method |");
    for result in results {
        text.push_str(&format!(" {}: gain (95 %), worst mic, RTF |", result.part.title()));
    }
    text.push_str(" ensembles: bleed in own silence, worst clean mic, target level |\n|---|");
    text.push_str(&"---|".repeat(results.len() + 1));
    text.push('\n');
    let input: Vec<String> = results
        .iter()
        .map(|result| {
            let input = result.methods.first().and_then(|m| m.summary.input_sdr_db.mean);
            let mics = result.methods.first().map_or(0, |m| m.summary.num_mics);
            format!("{} dB in, {} scenes, {mics} mics", db(input), result.num_scenes)
        })
        .collect();
    text.push_str(&format!("| *as recorded* | {} | |\n", input.join(" | ")));
    for name in ordered(results) {
        text.push_str(&format!("| {name} |"));
        for result in results {
            match result.methods.iter().find(|method| method.method == name) {
                Some(method) => text.push_str(&format!(" {} |", cell(method))),
                None => text.push_str(" |"),
            }
        }
        let ensembles = results.iter().find(|result| result.part == Part::Ensembles);
        let method = ensembles.and_then(|r| r.methods.iter().find(|m| m.method == name));
        match method {
            Some(method) => text.push_str(&format!(
                " {}, {}, {} |\n",
                signed_db(method.summary.bleed_reduction_db.mean.map(|db| -db)),
                db(method.summary.clean_sdr_db.worst),
                signed_db(method.summary.level_change_db.mean)
            )),
            None => text.push_str(" |\n"),
        }
    }
    text
}

fn heading(result: &PartResult) -> String {
    let all = result.part.num_scenes();
    let note = if result.num_scenes < all {
        format!("the first {} of {all} scenes: no benchmark", result.num_scenes)
    } else {
        format!("{all} scenes")
    };
    format!("{} ({note})", result.part.title())
}

fn cell(method: &MethodResult) -> String {
    let gain = &method.summary.sdr_gain_db;
    let interval = method.intervals.sdr_gain_db.map_or_else(String::new, |ends| {
        format!(" ({} to {})", signed_db(Some(ends.low)), signed_db(Some(ends.high)))
    });
    format!("**{}**{interval}, {}, {:.2}", signed_db(gain.mean), signed_db(gain.worst), method.rtf)
}

/// Returns the names of the methods, those that need the truth first.
fn ordered(results: &[PartResult]) -> Vec<String> {
    let names: Vec<String> = results
        .first()
        .map(|result| result.methods.iter().map(|method| method.method.clone()).collect())
        .unwrap_or_default();
    let knows = |name: &str| name.parse::<Candidate>().is_ok_and(Candidate::needs_truth);
    let (first, rest): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| knows(name));
    first.into_iter().chain(rest).collect()
}
