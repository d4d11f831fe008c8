//! Screens between players: diffraction around their edges, per band.

use super::{BAND_CENTRES_HZ, Gobo, NUM_BANDS, Point, SPEED_OF_SOUND, distance};

/// Maximum attenuation of one screen in dB. Sound through the panel, and around it on paths that
/// are not modelled, limits it (the limit for a single screen in ISO 9613-2:1996, section 7.4).
const MOST_DB: f64 = 20.0;

/// A mirrored screen.
struct Standing {
    ends_m: [[f64; 2]; 2],
    top_m: f64,
    /// 1 if it stands upright, -1 if its mirror room is upside down.
    up: f64,
}

/// Returns the amplitude per band that passes all screens on the straight line from a mic to an
/// image of the source, or `None` if no screen is near the line.
///
/// `image_cell` is the offset of the image's mirror room. Every mirror room on the line has its own
/// mirrored screens, so a reflection is attenuated by the screens on its real path: the floor
/// reflection passes around the same screen as the direct sound, the ceiling reflection passes
/// above it.
pub(super) fn passage(
    gobos: &[Gobo],
    size_m: Point,
    (mic, image): (Point, Point),
    image_cell: [i32; 3],
) -> Option<[f64; NUM_BANDS]> {
    let mut passed: Option<[f64; NUM_BANDS]> = None;
    let span = image_cell.map(|cell| cell.min(0)..=cell.max(0));
    for gobo in gobos {
        for x in span[0].clone() {
            for y in span[1].clone() {
                for z in span[2].clone() {
                    let Some(gains) = mirrored(gobo, size_m, [x, y, z]).gains(mic, image, |at| {
                        (0..3).all(|axis| {
                            let from_m = f64::from([x, y, z][axis]) * size_m[axis];
                            (from_m..=from_m + size_m[axis]).contains(&at[axis])
                        })
                    }) else {
                        continue;
                    };
                    let all = passed.get_or_insert([1.0; NUM_BANDS]);
                    all.iter_mut().zip(gains).for_each(|(all, gain)| *all *= gain);
                }
            }
        }
    }
    passed
}

fn mirrored(gobo: &Gobo, size_m: Point, cell: [i32; 3]) -> Standing {
    let map = |axis: usize, at: f64| {
        let inside = if cell[axis] % 2 == 0 { at } else { size_m[axis] - at };
        f64::from(cell[axis]) * size_m[axis] + inside
    };
    Standing {
        ends_m: gobo.ends_m.map(|[x, y]| [map(0, x), map(1, y)]),
        top_m: map(2, gobo.height_m),
        up: if cell[2] % 2 == 0 { 1.0 } else { -1.0 },
    }
}

impl Standing {
    /// Returns the amplitude that passes on the line from `a` to `b`.
    ///
    /// Returns `None` if both points are on one side of the screen, if the line crosses the
    /// screen's plane outside the room, or if it is so far from the screen that nothing is lost.
    fn gains(
        &self,
        a: Point,
        b: Point,
        is_in_room: impl Fn(Point) -> bool,
    ) -> Option<[f64; NUM_BANDS]> {
        let [start, end] = self.ends_m;
        let width = (end[0] - start[0]).hypot(end[1] - start[1]);
        let along = [(end[0] - start[0]) / width, (end[1] - start[1]) / width];
        // Coordinates along the screen and off its plane.
        let place = |p: Point| {
            let from = [p[0] - start[0], p[1] - start[1]];
            (from[0] * along[0] + from[1] * along[1], from[1] * along[0] - from[0] * along[1])
        };
        let ((along_a, off_a), (along_b, off_b)) = (place(a), place(b));
        if off_a * off_b >= 0.0 {
            return None;
        }
        let share = off_a / (off_a - off_b);
        let crossing: Point = std::array::from_fn(|axis| a[axis] + share * (b[axis] - a[axis]));
        if !is_in_room(crossing) {
            return None;
        }
        let straight = distance(a, b);
        let around_end = |end: [f64; 2]| {
            let plan = (a[0] - end[0]).hypot(a[1] - end[1]) + (b[0] - end[0]).hypot(b[1] - end[1]);
            plan.hypot(a[2] - b[2]) - straight
        };
        let over = (off_a.hypot(a[2] - self.top_m) + off_b.hypot(b[2] - self.top_m))
            .hypot(along_a - along_b)
            - straight;
        let along_crossing = along_a + share * (along_b - along_a);
        // Detours are negative for edges that the line passes on the free side.
        let detours_m = [
            around_end(start).copysign(along_crossing),
            around_end(end).copysign(width - along_crossing),
            over.copysign(self.up * (self.top_m - crossing[2])),
        ];
        let powers = BAND_CENTRES_HZ.map(|at_hz| {
            let sum: f64 = detours_m.iter().map(|&detour_m| bent_power(detour_m, at_hz)).sum();
            sum.clamp(10.0_f64.powf(-MOST_DB / 10.0), 1.0)
        });
        powers.iter().any(|&power| power < 1.0).then(|| powers.map(f64::sqrt))
    }
}

/// Returns the power diffracted around an edge with this detour, relative to the power without a
/// screen. A negative detour belongs to a path that passes the edge freely.
///
/// # Source
///
/// U. J. Kurze, G. S. Anderson, "Sound attenuation by barriers", Applied Acoustics 4, 1971: their
/// formula for the chart of Z. Maekawa, "Noise reduction by screens", Applied Acoustics 1, 1968,
/// over the Fresnel number `N = 2 detour / wavelength`.
fn bent_power(detour_m: f64, at_hz: f64) -> f64 {
    let fresnel = 2.0 * detour_m * at_hz / SPEED_OF_SOUND;
    let root = (std::f64::consts::TAU * fresnel.abs()).sqrt();
    let spread = if root < 1e-6 {
        1.0
    } else if fresnel > 0.0 {
        root / root.tanh()
    } else if root < std::f64::consts::FRAC_PI_2 {
        root / root.tan()
    } else {
        return 1.0;
    };
    (10.0_f64.powf(-0.5) / (spread * spread)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_M: Point = [10.0, 8.0, 4.0];

    fn db(gains: Option<[f64; NUM_BANDS]>, band: usize) -> f64 {
        gains.map_or(0.0, |gains| 20.0 * gains[band].log10())
    }

    #[test]
    fn edges_bend_as_the_chart_says() {
        // Fresnel number and attenuation in dB, read off the curve: 5 at grazing, 13 for N = 1, 23
        // for N = 10 (and 20 log10 sqrt(2 pi N) + 5 from there), none well in the light.
        for (fresnel, expected_db, reading_db) in
            [(0.0, 5.0, 0.01), (1.0, 13.1, 0.2), (10.0, 23.0, 0.1), (-0.3, 0.0, 0.01)]
        {
            let detour_m = fresnel * SPEED_OF_SOUND / 2_000.0;
            let found_db = -10.0 * bent_power(detour_m, 1_000.0).log10();
            assert!((found_db - expected_db).abs() < reading_db, "{fresnel}: {found_db}");
        }
        // There is no jump between light and shadow.
        let levels: Vec<f64> = (-200..200)
            .map(|step| 10.0 * bent_power(f64::from(step) * 1e-3, 1_000.0).log10())
            .collect();
        assert!(
            levels.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.25 && pair[1] <= pair[0])
        );
    }

    #[test]
    fn a_wide_screen_is_the_detour_over_its_top() {
        let gobo = Gobo { ends_m: [[5.0, 0.0], [5.0, 8.0]], height_m: 1.5 };
        let (a, b) = ([4.0, 4.0, 1.0], [6.0, 4.0, 1.0]);
        // By hand: 2 sqrt(1 + 0.25) - 2 = 0.23607 m; 1 kHz: N = 1.3757, sqrt(2 pi N) = 2.940.
        // The ends are 4 m away: detour 6.246 m, -25 dB each at 1 kHz, which adds 0.42 dB.
        let found_db = db(passage(&[gobo], SIZE_M, (a, b), [0; 3]), 3);
        let top = 10.0_f64.powf(-0.5) / (2.940_f64 / 2.940_f64.tanh()).powi(2);
        let end_n = 2.0 * (2.0 * 17.0_f64.sqrt() - 2.0) * 1_000.0 / SPEED_OF_SOUND;
        let end = 10.0_f64.powf(-0.5) / (std::f64::consts::TAU * end_n);
        assert!((found_db - 10.0 * (top + 2.0 * end).log10()).abs() < 0.01, "{found_db}");
        // The attenuation grows towards the treble, up to the panel's limit.
        let bands: Vec<f64> =
            (0..NUM_BANDS).map(|band| db(passage(&[gobo], SIZE_M, (a, b), [0; 3]), band)).collect();
        assert!(bands.windows(2).all(|pair| pair[1] <= pair[0]), "{bands:?}");
        assert!((bands[7] + MOST_DB).abs() < 1e-9);
    }

    #[test]
    fn paths_that_miss_the_screen_lose_nothing() {
        let gobo = Gobo { ends_m: [[5.0, 3.0], [5.0, 5.0]], height_m: 1.5 };
        let a = [4.0, 4.0, 1.0];
        assert!(passage(&[gobo], SIZE_M, (a, [4.9, 4.0, 1.0]), [0; 3]).is_none(), "this side");
        assert!(passage(&[gobo], SIZE_M, ([4.0, 7.0, 1.0], [6.0, 7.0, 1.0]), [0; 3]).is_none());
        assert!(passage(&[gobo], SIZE_M, ([4.0, 4.0, 3.0], [6.0, 4.0, 3.0]), [0; 3]).is_none());
        assert!(passage(&[gobo], SIZE_M, (a, [6.0, 4.0, 1.0]), [0; 3]).is_some());
    }

    #[test]
    fn the_floor_reflection_meets_the_screen_and_the_ceiling_reflection_does_not() {
        let gobo = Gobo { ends_m: [[5.0, 2.0], [5.0, 6.0]], height_m: 1.5 };
        let mic = [4.0, 4.0, 1.0];
        let floor = passage(&[gobo], SIZE_M, (mic, [6.0, 4.0, -1.0]), [0, 0, -1]);
        let ceiling = passage(&[gobo], SIZE_M, (mic, [6.0, 4.0, 7.0]), [0, 0, 1]);
        let direct = passage(&[gobo], SIZE_M, (mic, [6.0, 4.0, 1.0]), [0; 3]);
        assert!(db(floor, 3) < db(direct, 3), "the way over the top is longer from the floor");
        assert!(ceiling.is_none());
        // Behind the wall at x = 0: the mirrored screen stands at -5 m, between mic and image.
        let wall = passage(&[gobo], SIZE_M, (mic, [-6.0, 4.0, 1.0]), [-1, 0, 0]);
        assert!(db(wall, 3) < -5.0);
    }
}
