//! Geometry for layouts; z points upwards.

use crate::random::Random;
use crate::room::Point;

pub(super) fn plus(a: Point, b: Point) -> Point {
    std::array::from_fn(|axis| a[axis] + b[axis])
}

pub(super) fn minus(a: Point, b: Point) -> Point {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

pub(super) fn times(a: Point, factor: f64) -> Point {
    a.map(|value| value * factor)
}

pub(super) fn length(a: Point) -> f64 {
    a.iter().map(|value| value * value).sum::<f64>().sqrt()
}

pub(super) fn unit(a: Point) -> Point {
    times(a, 1.0 / length(a).max(1e-12))
}

/// Rotates `a` to the left by `angle_rad`, as seen from above.
pub(super) fn turned(a: Point, angle_rad: f64) -> Point {
    let (sine, cosine) = angle_rad.sin_cos();
    [cosine * a[0] - sine * a[1], sine * a[0] + cosine * a[1], a[2]]
}

/// Returns a direction that deviates from `direction` by `angle_rad` to a random side.
pub(super) fn missing_by(direction: Point, angle_rad: f64, random: &mut Random) -> Point {
    let ahead = unit(direction);
    let helper = if ahead[2].abs() < 0.9 { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] };
    let side = unit(cross(ahead, helper));
    let other_side = cross(ahead, side);
    let around = random.between(0.0, std::f64::consts::TAU);
    let sideways = plus(times(side, around.cos()), times(other_side, around.sin()));
    plus(times(ahead, angle_rad.cos()), times(sideways, angle_rad.sin()))
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Returns the distance of `at` to the segment from `ends[0]` to `ends[1]` on the floor plan.
pub(super) fn distance_to_segment(ends: [[f64; 2]; 2], at: [f64; 2]) -> f64 {
    let along = [ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]];
    let to = [at[0] - ends[0][0], at[1] - ends[0][1]];
    let share = (along[0] * to[0] + along[1] * to[1]) / (along[0].powi(2) + along[1].powi(2));
    let share = share.clamp(0.0, 1.0);
    (to[0] - share * along[0]).hypot(to[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_is_missed_by_the_angle_asked_for() {
        let mut random = Random::new(1);
        for direction in [[0.0, 0.0, 1.0], [3.0, -1.0, 0.2]] {
            let missed = missing_by(direction, 0.4, &mut random);
            let cosine: f64 = missed.iter().zip(unit(direction)).map(|(a, b)| a * b).sum::<f64>()
                / length(missed);
            assert!((cosine.acos() - 0.4).abs() < 1e-9);
        }
    }

    #[test]
    fn turning_left_leads_from_x_to_y_and_segments_end() {
        let left = turned([1.0, 0.0, 2.0], std::f64::consts::FRAC_PI_2);
        assert!(length(minus(left, [0.0, 1.0, 2.0])) < 1e-12);
        let further = turned(left, std::f64::consts::FRAC_PI_2);
        assert!(length(minus(further, [-1.0, 0.0, 2.0])) < 1e-12);
        let ends = [[0.0, 0.0], [2.0, 0.0]];
        assert!((distance_to_segment(ends, [1.0, 0.5]) - 0.5).abs() < 1e-12);
        assert!((distance_to_segment(ends, [5.0, 4.0]) - 5.0).abs() < 1e-12);
    }
}
