//! Mics recorded with another clock: the delays of their paths grow or shrink steadily.

use crate::paths::{Paths, Peak, Way};
use crate::votes::{Rules, Vote, decide};

/// Largest distance of a peak from its line, in seconds.
const LINE_S: f64 = 1e-4;
/// Largest drift between the clocks of two recorders.
const MOST_DRIFT: f64 = 500e-6;
/// Least drift over the whole session, in seconds.
const LEAST_SHIFT_S: f64 = 1.5e-4;
/// Least ratio of the score of the best line with drift to that of the best line without.
const LEAST_GAIN: f32 = 1.35;
const LEAST_PEAKS: usize = 4;
/// Least share of the active excerpts with a peak on the line.
const LEAST_PART: f64 = 0.6;
/// Largest height that counts, so that no single excerpt decides.
const MOST_HEIGHT: f32 = 30.0;

/// Mics whose clock differs from that of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherClock {
    /// Mic indices.
    pub mics: Vec<usize>,
    /// Drift against the other mics in parts per million: positive if they fall behind, negative if
    /// they run ahead.
    pub drift_ppm: f64,
}

/// Returns the mics with another clock; those with the same drift are in one entry.
pub(crate) fn find(paths: &Paths) -> Vec<OtherClock> {
    let span_s = paths.span_s();
    let rules = Rules {
        least: LEAST_SHIFT_S / span_s,
        tolerance: LEAST_SHIFT_S / span_s,
        tolerance_part: 0.2,
        least_votes: 2,
        least_agreement: 0.6,
    };
    let vote = |way: &Way| {
        let value = drift(way, &paths.middles_s)?;
        Some(Vote { from: way.from, to: way.to, value })
    };
    let votes = paths.ways.iter().filter_map(vote).collect();
    let mut found: Vec<OtherClock> = Vec::new();
    for (mic, drift) in decide(paths.num_mics, votes, &rules) {
        let tolerance = rules.tolerance.max(rules.tolerance_part * drift.abs());
        let is_same = |known: &&mut OtherClock| (known.drift_ppm * 1e-6 - drift).abs() <= tolerance;
        let known = found.iter_mut().find(is_same);
        match known {
            Some(known) => known.mics.push(mic),
            None => found.push(OtherClock { mics: vec![mic], drift_ppm: drift * 1e6 }),
        }
    }
    found
}

/// A line through peaks.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    lag_s: f64,
    /// Slope in seconds per second.
    drift: f64,
    score: f32,
    num_peaks: usize,
}

/// Returns the drift of a way: zero if it certainly has none, `None` if the peaks are inconclusive.
fn drift(way: &Way, middles_s: &[f64]) -> Option<f64> {
    let num_active = way.peaks.iter().filter(|peaks| !peaks.is_empty()).count();
    let middle_s = middles_s.iter().sum::<f64>() / middles_s.len() as f64;
    let times_s: Vec<f64> = middles_s.iter().map(|time_s| time_s - middle_s).collect();
    let (mut level, mut sloped) = (Line::default(), Line::default());
    for (first, peaks) in way.peaks.iter().enumerate() {
        for peak in peaks {
            let line = scored(way, &times_s, peak.lag_s, 0.0);
            if line.score > level.score {
                level = line;
            }
            for (second, others) in way.peaks.iter().enumerate().skip(first + 1) {
                for other in others {
                    let drift = (other.lag_s - peak.lag_s) / (times_s[second] - times_s[first]);
                    if drift.abs() > MOST_DRIFT {
                        continue;
                    }
                    let lag_s = peak.lag_s - drift * times_s[first];
                    let line = scored(way, &times_s, lag_s, drift);
                    if line.score > sloped.score {
                        sloped = line;
                    }
                }
            }
        }
    }
    let is_enough = |line: &Line| {
        line.num_peaks >= LEAST_PEAKS && line.num_peaks as f64 >= LEAST_PART * num_active as f64
    };
    let span_s = times_s.last().zip(times_s.first()).map_or(0.0, |(last, first)| last - first);
    let drift = fitted(way, &times_s, sloped);
    if is_enough(&sloped)
        && sloped.score > LEAST_GAIN * level.score
        && drift.abs() * span_s > LEAST_SHIFT_S
    {
        return Some(drift);
    }
    is_enough(&level).then_some(0.0)
}

/// Returns the highest peak of an excerpt that lies on a line at this lag.
fn on_line(peaks: &[Peak], lag_s: f64) -> Option<&Peak> {
    peaks
        .iter()
        .filter(|peak| (peak.lag_s - lag_s).abs() < LINE_S)
        .max_by(|a, b| a.height.total_cmp(&b.height))
}

fn scored(way: &Way, times_s: &[f64], lag_s: f64, drift: f64) -> Line {
    let (mut score, mut num_peaks) = (0.0, 0);
    for (peaks, time_s) in way.peaks.iter().zip(times_s) {
        if let Some(peak) = on_line(peaks, lag_s + drift * time_s) {
            score += peak.height.min(MOST_HEIGHT);
            num_peaks += 1;
        }
    }
    Line { lag_s, drift, score, num_peaks }
}

/// Returns the least-squares slope of the peaks on a line.
fn fitted(way: &Way, times_s: &[f64], line: Line) -> f64 {
    let points: Vec<(f64, f64)> = way
        .peaks
        .iter()
        .zip(times_s)
        .filter_map(|(peaks, &time_s)| {
            Some((time_s, on_line(peaks, line.lag_s + line.drift * time_s)?.lag_s))
        })
        .collect();
    let num = points.len().max(1) as f64;
    let (time, lag) = points.iter().fold((0.0, 0.0), |(t, l), point| (t + point.0, l + point.1));
    let (time, lag) = (time / num, lag / num);
    let (mut above, mut below) = (0.0, 0.0);
    for (time_s, lag_s) in points {
        above += (time_s - time) * (lag_s - lag);
        below += (time_s - time).powi(2);
    }
    if below > 0.0 { above / below } else { 0.0 }
}
