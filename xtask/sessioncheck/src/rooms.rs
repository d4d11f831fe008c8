//! Mics that pick up everything: all other sources reach them later, and none reaches them first.

use crate::Place;
use crate::paths::{Paths, Way};

const LEAST_HEIGHT: f32 = 9.0;
/// Least lag in seconds; smaller ones do not distinguish two places.
const LEAST_LAG_S: f64 = 2e-4;
/// Least share of other mics whose sound arrives later, and largest share that this mic precedes.
const LEAST_HEARD: f64 = 0.8;
const MOST_LED: f64 = 0.125;
/// Largest share of dominated bins, relative to an equal share.
const MOST_SHARE: f64 = 0.8;
/// Least number of other mics; with one other mic the case is undecidable.
const LEAST_OTHERS: usize = 2;

/// Returns the mics that pick up everything, without known room mics, grouped mics and those for
/// which `is_out_of_time` is true.
pub(crate) fn find(
    paths: &Paths,
    places: &[Place],
    is_out_of_time: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let all_bins = paths.dominated.iter().sum::<usize>().max(1) as f64;
    (0..paths.num_mics)
        .filter(|&mic| {
            if places[mic].is_room || places[mic].group.is_some() || is_out_of_time(mic) {
                return false;
            }
            let ways_from = paths.ways.iter().filter(|way| way.from == mic);
            let ways_to = paths.ways.iter().filter(|way| way.to == mic);
            let num_others = ways_to.clone().count();
            let led = ways_from.filter(|way| is_later(way)).count();
            let heard = ways_to.filter(|way| is_later(way)).count();
            let share = paths.dominated[mic] as f64 * paths.num_mics as f64 / all_bins;
            num_others >= LEAST_OTHERS
                && led as f64 <= MOST_LED * num_others as f64
                && heard as f64 >= LEAST_HEARD * num_others as f64
                && share < MOST_SHARE
        })
        .collect()
}

/// Returns true if the other mic certainly receives the sound later.
fn is_later(way: &Way) -> bool {
    way.near.height > LEAST_HEIGHT && way.near.lag_s > LEAST_LAG_S
}
