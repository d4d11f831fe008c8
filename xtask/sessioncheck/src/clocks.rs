//! Mics that were recorded by another clock: their ways get longer or shorter all the time.

use crate::paths::{Paths, Peak, Way};
use crate::votes::{Rules, Vote, decide};

/// Peaks of one line lie this close to it.
const LINE_S: f64 = 1e-4;
/// No two clocks of recorders differ more.
const MOST_DRIFT: f64 = 500e-6;
/// Over the whole session the drift is at least this.
const LEAST_SHIFT_S: f64 = 1.5e-4;
/// A line that drifts explains so much more than one that does not.
const LEAST_GAIN: f32 = 1.35;
const LEAST_PEAKS: usize = 4;
/// The part of the excerpts that lie on the line.
const LEAST_PART: f64 = 0.6;
/// No single excerpt decides.
const MOST_HEIGHT: f32 = 30.0;

/// Mics whose clock differs from the others'.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherClock {
    /// Which ones.
    pub mics: Vec<usize>,
    /// By how much they fall behind the others, in millionths; negative where they run ahead.
    pub drift_ppm: f64,
}

/// The mics of another clock, those of one drift together.
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
    /// Seconds a second.
    drift: f64,
    score: f32,
    num_peaks: usize,
}

/// The drift of a way; zero where it surely has none, and `None` where it says nothing.
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

/// The peak of an excerpt that lies on a line.
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

/// The slope through the peaks of a line by least squares.
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
