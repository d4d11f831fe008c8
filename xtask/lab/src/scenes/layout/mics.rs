//! Positions and directions of mics.

use super::families::{NEARER_IN_A_BAND, Second, habits, is_loud, mic_direction};
use super::vector::{length, minus, missing_by, plus, times, turned, unit};
use super::{LayoutRequest, Member, Miking, PATTERNS, Place, Role, StageMic};
use crate::random::Random;
use crate::room::{PlacedMic, Point, Room};
use crate::scenes::draw_weighted;
use crate::scenes::recipe::StageConfig;
use crate::scenes::sources::Family;

/// Maximum distance of a close mic, as a share of the distance to the nearest other source. Below
/// one half, the own source is always the nearest.
const MOST_OF_THE_WAY: f64 = 0.45;
/// Minimum distance of a close mic to its source's acoustic centre, in metres.
const NEAREST_M: f64 = 0.03;

/// Draws the mics of one member.
pub(super) fn close(
    own: usize,
    members: &[Member<'_>],
    places: &[Place],
    stage: &StageConfig,
    random: &mut Random,
) -> Vec<StageMic> {
    let member = members[own];
    if member.miking == Miking::Nothing {
        return Vec::new();
    }
    let place = places[own];
    let nearest_m = places
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != own)
        .map(|(_, other)| length(minus(other.at, place.at)))
        .fold(f64::INFINITY, f64::min);
    let habits = habits(member.family);
    let in_band = members.iter().any(|other| is_loud(other.family)) && !is_loud(member.family);
    let nearer = if in_band { NEARER_IN_A_BAND } else { 1.0 };
    let away_m = habits.mic_m.draw_log(random) * stage.mic_distance.draw_log(random) * nearer;
    let limited = |away_m: f64| away_m.min(MOST_OF_THE_WAY * nearest_m).max(NEAREST_M);
    let direction = mic_direction(member.family, place.front, random);
    let mut at = |role, direction: Point, away_m: f64| {
        let away = times(unit(direction), limited(away_m));
        let (pattern, shape) = draw_pattern(stage, random);
        let miss = stage.aim_error_deg.draw(random).to_radians();
        let aim = missing_by(times(away, -1.0), miss, random);
        let placed = PlacedMic { at: plus(place.at, away), aim, pattern: shape };
        StageMic { own: Some(own), role, placed, pattern }
    };
    let mut mics = vec![at(Role::Close, direction, away_m)];
    if member.miking == Miking::Two {
        mics.push(match habits.second {
            Second::Below => at(Role::Below, [direction[0], direction[1], -direction[2]], away_m),
            Second::Further(factor) => at(Role::Second, turned(direction, 0.3), away_m * factor),
            Second::Pair => at(Role::Second, turned(direction, 0.8), away_m),
        });
    }
    mics
}

/// Draws the mics without a source: overheads of a kit first, then room mics.
pub(super) fn without_source(
    members: &[(&str, Family)],
    places: &[Place],
    room: &Room,
    request: &LayoutRequest<'_>,
    random: &mut Random,
) -> Vec<StageMic> {
    let count = request.num_room_mics;
    let mut mics = Vec::with_capacity(count);
    let drums: Vec<Point> = members
        .iter()
        .zip(places)
        .filter(|((_, family), _)| family.is_in_kit())
        .map(|(_, place)| place.at)
        .collect();
    if drums.len() > 1 && random.chance(0.7) {
        let middle = mean(&drums);
        let highest = drums.iter().map(|at| at[2]).fold(1.0, f64::max);
        let height_m = (highest + random.between(0.6, 1.1)).min(room.size_m[2] - 0.15);
        let half_m = random.between(0.3, 0.6);
        let across = times(turned(places[0].front, std::f64::consts::FRAC_PI_2), half_m);
        for side in [-1.0, 1.0].into_iter().take(count) {
            let over = plus([middle[0], middle[1], height_m], times(across, side));
            mics.push(mic(Role::Overhead, over, minus(middle, over), request.stage, random));
        }
    }
    let all: Vec<Point> = places.iter().map(|place| place.at).collect();
    let middle = mean(&all);
    let mut clear_m = random.between(0.6, 1.6);
    while mics.len() < count {
        let at = std::array::from_fn(|axis| match axis {
            2 => random.between(1.2, 3.0).min(room.size_m[2] - 0.3),
            _ => random.between(0.3, room.size_m[axis] - 0.3),
        });
        // Lowers the required clearance until a position satisfies it.
        if all.iter().all(|&source| length(minus(source, at)) > clear_m) {
            mics.push(mic(Role::Room, at, minus(middle, at), request.stage, random));
        }
        clear_m *= 0.98;
    }
    mics
}

fn mic(
    role: Role,
    at: Point,
    towards: Point,
    stage: &StageConfig,
    random: &mut Random,
) -> StageMic {
    let (pattern, shape) = draw_pattern(stage, random);
    let aim = missing_by(towards, stage.aim_error_deg.draw(random).to_radians(), random);
    StageMic { own: None, role, placed: PlacedMic { at, aim, pattern: shape }, pattern }
}

fn draw_pattern(stage: &StageConfig, random: &mut Random) -> (&'static str, crate::room::Pattern) {
    let patterns = &stage.patterns;
    let weights = [patterns.omni, patterns.cardioid, patterns.supercardioid, patterns.figure_8];
    let (name, pattern) = PATTERNS[draw_weighted(&weights, random)];
    (name, pattern.as_built())
}

fn mean(points: &[Point]) -> Point {
    let sum = points.iter().fold([0.0; 3], |sum, &at| plus(sum, at));
    times(sum, 1.0 / points.len().max(1) as f64)
}
