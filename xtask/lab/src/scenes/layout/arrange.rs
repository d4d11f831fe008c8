//! Positions of players: bands on a stage, chamber groups in an arc, panels at a table, choirs
//! in rows.

use super::families::{habits, kit_places};
use super::vector::{length, minus, plus, times, turned, unit};
use super::{Arrangement, Place};
use crate::random::Random;
use crate::room::Point;
use crate::scenes::recipe::StageConfig;
use crate::scenes::sources::Family;
use std::f64::consts::PI;

/// Draws the places of all members around the origin. They face along y unless the arrangement
/// turns them.
///
/// Returns `None` if this draw places members too close to each other.
pub(super) fn places(
    arrangement: Arrangement,
    members: &[(&str, Family)],
    stage: &StageConfig,
    random: &mut Random,
) -> Option<Vec<Place>> {
    let apart_m = stage.apart_m.draw_log(random);
    let kit = kit_places(members, random);
    let standing: Vec<usize> = (0..members.len()).filter(|&n| !members[n].1.is_in_kit()).collect();
    let spots = match arrangement {
        Arrangement::Stage => stage_spots(&standing, members, apart_m, random),
        Arrangement::Arc => arc_spots(standing.len(), apart_m, random),
        Arrangement::Circle => circle_spots(standing.len(), apart_m, random),
        Arrangement::Rows => row_spots(standing.len(), apart_m, random),
    };
    // Drums stand behind the others, or at the origin if there are only drums.
    let drums_at = if standing.is_empty() {
        [0.0; 3]
    } else {
        let back = spots.iter().map(|(at, _)| at[1]).fold(f64::INFINITY, f64::min);
        let aside = random.normal(0.0, 0.5);
        match arrangement {
            Arrangement::Stage => [aside, -random.between(0.6, 1.2), 0.0],
            _ => [aside, back - random.between(1.6, 2.4), 0.0],
        }
    };
    let mut places: Vec<Place> = kit
        .iter()
        .map(|place| Place {
            at: plus(place.unwrap_or_default(), drums_at),
            front: [0.0, 1.0, 0.0],
        })
        .collect();
    for (&member, &(spot, front)) in standing.iter().zip(&spots) {
        let family = members[member].1;
        let wander = apart_m.min(1.0) * 0.08;
        let height_m = spot[2] + habits(family).height_m.draw(random);
        let at =
            [spot[0] + random.normal(0.0, wander), spot[1] + random.normal(0.0, wander), height_m];
        places[member] = Place { at, front: turned(front, random.normal(0.0, 0.2)) };
    }
    for place in &mut places {
        // All fronts are horizontal. `families::radiates_to` adds the elevation.
        place.front = unit(place.front);
    }
    let too_near = |a: usize, b: usize| {
        let both_drums = members[a].1.is_in_kit() && members[b].1.is_in_kit();
        let least_m = if both_drums { 0.15 } else { 0.75 * apart_m.min(1.2) };
        length(minus(places[a].at, places[b].at)) < least_m
    };
    let crowded = (0..members.len()).any(|a| (0..a).any(|b| too_near(a, b)));
    (!crowded).then_some(places)
}

/// A spot at floor or riser height, and the direction that a player there faces.
type Spot = (Point, Point);

/// Returns the spots of a band: amps beside and behind the drums, the others in front.
///
/// In a rehearsal, everybody faces the middle.
fn stage_spots(
    standing: &[usize],
    members: &[(&str, Family)],
    apart_m: f64,
    random: &mut Random,
) -> Vec<Spot> {
    let facing_each_other = random.chance(0.35);
    let mut spots: Vec<Spot> = Vec::new();
    let mut reach_m = apart_m * (1.0 + 0.45 * standing.len() as f64);
    for &member in standing {
        let amplified = matches!(members[member].1, Family::BassAmp | Family::Amp);
        let spot = loop {
            let x = random.between(-reach_m, reach_m);
            let y = if amplified { random.between(-1.4, 0.8) } else { random.between(0.9, 2.8) };
            let spot = [x, y, 0.0];
            // Keeps everybody out of the kit, half of which is about 1.2 m wide.
            let in_kit = length(minus(spot, [0.0, -0.3, 0.0])) < 1.5;
            let near = spots.iter().any(|(other, _)| length(minus(*other, spot)) < apart_m);
            if !in_kit && !near {
                break spot;
            }
            reach_m *= 1.01;
        };
        let middle = minus([0.0, 0.8, 0.0], spot);
        let front =
            if facing_each_other && length(middle) > 0.3 { middle } else { [0.0, 1.0, 0.0] };
        spots.push((spot, front));
    }
    spots
}

/// Returns an open arc. Its members face a point half a radius in front of its centre.
fn arc_spots(count: usize, apart_m: f64, random: &mut Random) -> Vec<Spot> {
    let opening = random.between(0.55, 1.0) * PI;
    let gaps = count.saturating_sub(1).max(1) as f64;
    let radius_m = (apart_m * gaps / opening).max(0.7 * apart_m).max(0.7);
    (0..count)
        .map(|n| {
            let share = if count > 1 { n as f64 / gaps - 0.5 } else { 0.0 };
            let angle = -0.5 * PI + share * opening;
            let at = [radius_m * angle.cos(), radius_m * angle.sin(), 0.0];
            let audience = times([0.0, 1.0, 0.0], 0.5 * radius_m);
            (at, minus(audience, at))
        })
        .collect()
}

/// Returns spots around a table or in a circle, facing the middle.
fn circle_spots(count: usize, apart_m: f64, random: &mut Random) -> Vec<Spot> {
    let radius_m = (apart_m * count as f64 / (2.0 * PI)).max(0.55 * apart_m).max(0.5);
    let (start, oval) = (random.between(0.0, 2.0 * PI), random.between(0.8, 1.25));
    (0..count)
        .map(|n| {
            let angle = start + 2.0 * PI * n as f64 / count as f64;
            let at = [radius_m * oval * angle.cos(), radius_m / oval * angle.sin(), 0.0];
            (at, times(at, -1.0))
        })
        .collect()
}

/// Returns rows on steps, facing the front.
fn row_spots(count: usize, apart_m: f64, random: &mut Random) -> Vec<Spot> {
    let per_row = random.pick(&[3, 4, 5]).min(count.max(1));
    let (deep_m, step_m) = (apart_m * random.between(0.9, 1.2), random.between(0.0, 0.3));
    (0..count)
        .map(|n| {
            let (row, seat) = (n / per_row, n % per_row);
            let in_row = (count - row * per_row).min(per_row) as f64;
            let x = (seat as f64 - 0.5 * (in_row - 1.0)) * apart_m;
            ([x, -(row as f64) * deep_m, row as f64 * step_m], [-0.15 * x, 1.0, 0.0])
        })
        .collect()
}
