//! Mics that were moved during the session: their paths before and after differ completely.

use std::ops::Range;

use crate::paths::{Paths, Way};

/// Least number of excerpts that can be compared.
const LEAST_EXCERPTS: usize = 5;
/// Least height of a way's highest peak in both parts.
const LEAST_HEIGHT: f32 = 12.0;
/// Least likeness of the even to the odd excerpts of the whole session; below it a way is too
/// unsteady to judge.
const LEAST_LIKENESS: f32 = 0.3;
/// Largest likeness of the parts before and after a move, relative to that likeness.
const MOST_LEFT: f32 = 0.35;
/// Least number of ways needed to judge a mic.
const LEAST_WAYS: usize = 2;

/// Mics that moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Mic indices.
    pub mics: Vec<usize>,
    /// Time of the move in seconds, accurate to the distance of two excerpts.
    pub at_s: f64,
}

/// Returns the mics that moved, if any. Mics with another clock are excluded: their paths change
/// all the time.
pub(crate) fn find(paths: &Paths, has_other_clock: impl Fn(usize) -> bool) -> Option<Moved> {
    let num = paths.middles_s.len();
    if num < LEAST_EXCERPTS {
        return None;
    }
    let ways: Vec<&Way> = paths
        .ways
        .iter()
        .filter(|way| !has_other_clock(way.from) && !has_other_clock(way.to))
        .collect();
    let edge = (num / 4).max(2);
    let mut best: Option<(f32, Moved)> = None;
    for split in edge..=num - edge {
        let kept: Vec<(&Way, f32)> =
            ways.iter().filter_map(|way| Some((*way, kept(way, split)?))).collect();
        let moved: Vec<(usize, f32)> = (0..paths.num_mics)
            .filter_map(|mic| Some((mic, changed(&kept, mic, paths.num_mics)?)))
            .collect();
        let total: f32 = moved.iter().map(|(_, kept)| kept).sum();
        let mean = total / moved.len() as f32;
        if !moved.is_empty() && best.as_ref().is_none_or(|(least, _)| mean < *least) {
            let at_s = f64::midpoint(paths.middles_s[split - 1], paths.middles_s[split]);
            best =
                Some((mean, Moved { mics: moved.into_iter().map(|(mic, _)| mic).collect(), at_s }));
        }
    }
    best.map(|(_, moved)| moved)
}

/// Returns the median relative likeness of the ways of a mic that moved, or `None` for one that
/// did not.
///
/// The ways from a mic also change if it dominates other bins than before. The ways to it do not.
fn changed(kept: &[(&Way, f32)], mic: usize, num_mics: usize) -> Option<f32> {
    let median = |wanted: &dyn Fn(&Way) -> bool, least: usize| {
        let mut own: Vec<f32> =
            kept.iter().filter(|(way, _)| wanted(way)).map(|(_, kept)| *kept).collect();
        own.sort_by(f32::total_cmp);
        (own.len() >= least).then(|| own[own.len() / 2])
    };
    let to = median(&|way| way.to == mic, LEAST_WAYS.min(num_mics - 1))?;
    let all = median(&|way| way.to == mic || way.from == mic, LEAST_WAYS)?;
    (to < MOST_LEFT && all < MOST_LEFT).then_some(all)
}

/// Returns the likeness of a way before and after an excerpt, relative to its likeness to itself;
/// `None` if the way is too faint.
fn kept(way: &Way, split: usize) -> Option<f32> {
    let num = way.shapes.len();
    let (before, after) = (part(way, 0..split, 1), part(way, split..num, 1));
    if before.height() < LEAST_HEIGHT || after.height() < LEAST_HEIGHT {
        return None;
    }
    let itself = likeness(&part(way, 0..num, 2), &part(way, 1..num, 2));
    (itself > LEAST_LIKENESS).then(|| likeness(&before, &after) / itself)
}

/// The shape of a way over several excerpts, in standard deviations for random phases.
struct Part(Vec<f32>);

impl Part {
    fn height(&self) -> f32 {
        self.0.iter().fold(0.0, |top, x| top.max(x.abs()))
    }

    /// Energy beyond that of random phases.
    fn energy(&self) -> f32 {
        (self.0.iter().map(|x| x * x).sum::<f32>() - self.0.len() as f32).max(1.0)
    }
}

fn part(way: &Way, excerpts: Range<usize>, step: usize) -> Part {
    let mut sum = vec![0.0_f32; way.shapes.first().map_or(0, Vec::len)];
    let mut num_bins = 0;
    for excerpt in excerpts.step_by(step) {
        for (sum, x) in sum.iter_mut().zip(&way.shapes[excerpt]) {
            *sum += x;
        }
        num_bins += way.num_bins[excerpt];
    }
    let deviation = crate::paths::deviation(num_bins);
    sum.iter_mut().for_each(|x| *x /= deviation);
    Part(sum)
}

fn likeness(a: &Part, b: &Part) -> f32 {
    let product: f32 = a.0.iter().zip(&b.0).map(|(a, b)| a * b).sum();
    product / (a.energy() * b.energy()).sqrt()
}
