//! Decay time of a shoebox room, predicted from its walls or measured from a response.

use super::{Point, Room, SPEED_OF_SOUND};
use std::cell::Cell;

/// Number of directions per axis for averaging the decay. Doubling it changes the result by under
/// 0.1 %.
const DIRECTION_STEPS: usize = 24;

/// Maximum share of the energy that a wall reflects, for long decay times: bare concrete.
const MOST_KEPT: f64 = 0.995;

/// Returns the share of the energy that a wall reflects if the room decays by 60 dB in `rt60_s`,
/// given air that absorbs `air_per_m` (amplitude, nepers per metre). Returns 0 if `rt60_s` is 0.
///
/// Eyring's formula assumes that sound of every direction meets walls equally often. In a shoebox
/// of mirrors, sound along the long axis meets them less often and decays more slowly. The exact
/// number of reflections per second in direction `u` is `c (|u_x|/L_x + |u_y|/L_y + |u_z|/L_z)`.
/// This function therefore solves for the decay averaged over all directions. It scales with the
/// logarithm of the walls' reflectance, which reduces the solution to a division.
///
/// Air absorbs equally from all directions, so its decay rate is subtracted first. If air alone
/// decays faster than requested, walls absorb as little as possible.
pub(super) fn wall_energy_kept(room: &Room, rt60_s: f64, air_per_m: f64) -> f64 {
    if rt60_s <= 0.0 {
        return 0.0;
    }
    let air_share = rt60_s * 2.0 * air_per_m * SPEED_OF_SOUND / (6.0 * 10.0_f64.ln());
    let kept = (-unit_loss_rt60_s(room.size_m) * (1.0 - air_share).max(0.0) / rt60_s).exp();
    if air_per_m > 0.0 { kept.min(MOST_KEPT) } else { kept }
}

thread_local! {
    /// Size and result of the last room solved. All responses of a scene have the same room.
    static LAST_UNIT_LOSS: Cell<(Point, f64)> = const { Cell::new(([0.0; 3], 0.0)) };
}

/// Returns the RT60 of the room for walls that reflect `1/e` of the energy, fitted from -5 to
/// -35 dB.
fn unit_loss_rt60_s(size_m: Point) -> f64 {
    let (last_m, last_s) = LAST_UNIT_LOSS.get();
    if last_m.map(f64::to_bits) == size_m.map(f64::to_bits) {
        return last_s;
    }
    let solved_s = solve_unit_loss_rt60_s(size_m);
    LAST_UNIT_LOSS.set((size_m, solved_s));
    solved_s
}

fn solve_unit_loss_rt60_s(size_m: Point) -> f64 {
    let mut rates = Vec::with_capacity(DIRECTION_STEPS * DIRECTION_STEPS);
    for polar in 0..DIRECTION_STEPS {
        let up = (polar as f64 + 0.5) / DIRECTION_STEPS as f64;
        let level = (1.0 - up * up).sqrt();
        for turn in 0..DIRECTION_STEPS {
            let angle = (turn as f64 + 0.5) / DIRECTION_STEPS as f64 * std::f64::consts::FRAC_PI_2;
            let [x, y, z] = size_m;
            let per_metre = level * angle.cos() / x + level * angle.sin() / y + up / z;
            rates.push(SPEED_OF_SOUND * per_metre);
        }
    }
    let remaining = |t: f64| rates.iter().map(|rate| (-rate * t).exp() / rate).sum::<f64>();
    let start = remaining(0.0);
    let time_of = |level_db: f64| {
        let (mut low, mut high) = (0.0, 60.0 / rates[0].min(SPEED_OF_SOUND / size_m[0]));
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if 10.0 * (remaining(middle) / start).log10() > level_db {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    };
    2.0 * (time_of(-35.0) - time_of(-5.0))
}

/// Returns the RT60 by Eyring's formula for walls that absorb the share `absorbed` of the energy.
///
/// # Source
///
/// C. F. Eyring, "Reverberation time in 'dead' rooms", J. Acoust. Soc. Am. 1, 1930.
#[must_use]
pub fn eyring_rt60_s(room: &Room, absorbed: f64) -> f64 {
    24.0 * 10.0_f64.ln() / SPEED_OF_SOUND * room.volume()
        / (-room.surface() * (1.0 - absorbed).ln())
}

/// Returns the RT60 of a response, or `None` if the response does not decay by 35 dB.
///
/// Fits a straight line to the energy decay curve (Schroeder's backward integral) from -5 to -35 dB
/// and extrapolates it to 60 dB.
#[must_use]
pub fn measured_rt60_s(response: &[f32], rate_hz: f64) -> Option<f64> {
    let mut remaining = 0.0;
    let mut curve: Vec<f64> = response
        .iter()
        .rev()
        .map(|&h| {
            remaining += f64::from(h).powi(2);
            remaining
        })
        .collect();
    curve.reverse();
    let whole = *curve.first().filter(|&&energy| energy > 0.0)?;
    let points: Vec<(f64, f64)> = curve
        .iter()
        .enumerate()
        .map(|(n, energy)| (n as f64 / rate_hz, 10.0 * (energy / whole).log10()))
        .skip_while(|(_, level_db)| *level_db > -5.0)
        .take_while(|(_, level_db)| *level_db > -35.0)
        .collect();
    let (last_s, last_db) = *points.last()?;
    if last_db > -34.0 || points.len() < 10 {
        return None;
    }
    let count = points.len() as f64;
    let mean_s = points.iter().map(|p| p.0).sum::<f64>() / count;
    let mean_db = points.iter().map(|p| p.1).sum::<f64>() / count;
    let slope = points.iter().map(|p| (p.0 - mean_s) * (p.1 - mean_db)).sum::<f64>()
        / points.iter().map(|p| (p.0 - mean_s).powi(2)).sum::<f64>();
    debug_assert!(last_s > 0.0);
    Some(-60.0 / slope)
}

#[cfg(test)]
mod tests {
    use super::super::{Pattern, PlacedMic, PlacedSource};
    use super::*;

    #[test]
    fn an_exponential_decay_is_measured_exactly() {
        let rate_hz = 8_000.0;
        let response: Vec<f32> =
            (0..8_000).map(|n| 10.0_f64.powf(-3.0 * f64::from(n) / rate_hz / 0.5) as f32).collect();
        let measured = measured_rt60_s(&response, rate_hz).unwrap();
        assert!((measured - 0.5).abs() < 1e-3, "{measured}");
        assert_eq!(measured_rt60_s(&[0.0; 100], rate_hz), None);
        assert_eq!(measured_rt60_s(&[1.0; 100], rate_hz), None);
    }

    #[test]
    fn eyring_gives_the_textbook_value() {
        // V = 120 m3, S = 148 m2, 20 % absorbed: 0.161 * 120 / (148 * 0.2231) = 0.585 s.
        let room = Room::new([6.0, 5.0, 4.0], 0.0);
        assert!((eyring_rt60_s(&room, 0.2) - 0.585).abs() < 0.002);
    }

    #[test]
    fn nearly_cubic_rooms_decay_as_eyring_says_and_long_ones_slower() {
        for (size_m, least, most) in [([5.0, 5.0, 5.0], 1.0, 1.1), ([12.0, 4.0, 3.0], 1.3, 2.0)] {
            let room = Room::new(size_m, 0.0);
            let ratio =
                unit_loss_rt60_s(room.size_m) / eyring_rt60_s(&room, 1.0 - (-1.0_f64).exp());
            assert!((least..most).contains(&ratio), "{size_m:?}: {ratio}");
        }
    }

    /// Measured with this test: the mid band is within 4.1 % of the request.
    const RT60_ERROR: f64 = 0.08;
    /// Measured with this test: 7.3 % above Eyring, in agreement with the unit test of cubes above.
    const EYRING_ERROR: f64 = 0.15;

    #[test]
    fn rooms_decay_in_the_time_asked_for() {
        for (size_m, rt60_s) in
            [([5.5, 4.5, 3.0], 0.35), ([7.0, 6.0, 3.5], 0.2), ([10.0, 7.0, 4.0], 0.8)]
        {
            let room = Room::new(size_m, rt60_s);
            let at = [size_m[0] * 0.7, size_m[1] * 0.63, size_m[2] * 0.42];
            let source = [size_m[0] * 0.23, size_m[1] * 0.3, size_m[2] * 0.55];
            let mic = PlacedMic { at, aim: [1.0, 0.0, 0.0], pattern: Pattern::OMNI };
            let response = room.response(&PlacedSource::omni(source), &mic, 16_000.0, 0).unwrap();
            let band = band_passed(&response, 16_000.0);
            let measured = measured_rt60_s(&band, 16_000.0).unwrap();
            assert!(
                (measured / rt60_s - 1.0).abs() < RT60_ERROR,
                "{size_m:?}: {measured} for {rt60_s}"
            );
        }
    }

    #[test]
    fn a_cubic_room_decays_as_eyring_says_for_its_walls() {
        let room = Room::new([5.0, 5.2, 4.8], 0.5);
        let eyring_s = eyring_rt60_s(&room, 1.0 - wall_energy_kept(&room, room.rt60_s, 0.0));
        let mic = PlacedMic { at: [3.6, 3.1, 2.0], aim: [1.0, 0.0, 0.0], pattern: Pattern::OMNI };
        let response =
            room.response(&PlacedSource::omni([1.2, 1.9, 2.9]), &mic, 16_000.0, 0).unwrap();
        let measured = measured_rt60_s(&band_passed(&response, 16_000.0), 16_000.0).unwrap();
        assert!((measured / eyring_s - 1.0).abs() < EYRING_ERROR, "{measured} for {eyring_s}");
    }

    /// Returns the band from 350 Hz to 1400 Hz, in which the room decays as requested.
    fn band_passed(response: &[f32], rate_hz: f64) -> Vec<f32> {
        let filter = |cut_hz: f64, input: &[f32]| -> Vec<f32> {
            let keep = (-std::f64::consts::TAU * cut_hz / rate_hz).exp();
            let mut state = 0.0;
            input
                .iter()
                .map(|&x| {
                    state = keep * state + (1.0 - keep) * f64::from(x);
                    state as f32
                })
                .collect()
        };
        let mut band = filter(1_400.0, &filter(1_400.0, response));
        for _ in 0..4 {
            let below = filter(350.0, &band);
            band.iter_mut().zip(&below).for_each(|(sample, low)| *sample -= low);
        }
        band
    }
}
