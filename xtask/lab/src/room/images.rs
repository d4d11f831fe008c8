//! The image method: every mirror image of the source adds a delayed, attenuated impulse.

use super::bands::{add_direct, combine, direct_ring_samples};
use super::impulse::{HALF_TAPS, add_between, add_exact, add_nearest};
use super::setup::{Setup, dot};
use super::tail;
use super::{NUM_BANDS, Point, SPEED_OF_SOUND, distance};
use crate::convert::to_index;

/// Relative difference below which bands have one level and need no filter.
const FLAT: f64 = 1e-9;

/// Maximum number of reflections of the paths that screens attenuate. Later sound arrives from
/// all directions.
const GOBO_REFLECTIONS: usize = 2;

impl Setup<'_> {
    /// Returns the response; `seed` draws the tail.
    pub(super) fn response(&self, seed: u64) -> Vec<f32> {
        let direct_m = distance(self.source, self.mic);
        let direct_s = direct_m / SPEED_OF_SOUND;
        let direct = Image {
            from_mic: std::array::from_fn(|axis| self.source[axis] - self.mic[axis]),
            metres: direct_m,
            cell: [0; 3],
        };
        let direct_levels = self.levels(&direct);
        let flat = FLAT * direct_levels[0].abs();
        let filtered = direct_levels.iter().any(|level| (level - direct_levels[0]).abs() > flat);
        let ring = if filtered { direct_ring_samples(self.rate_hz) } else { 0 };
        let direct_end = to_index(direct_s * self.rate_hz) + ring;
        let last_end = self.last_s.map_or(0, |last_s| to_index(last_s * self.rate_hz));
        let mut response = vec![0.0_f32; direct_end.max(last_end) + 2 * HALF_TAPS + 1];
        if let Some(last_s) = self.last_s {
            let mut train = vec![[0.0; NUM_BANDS]; last_end + 2 * HALF_TAPS + 1];
            self.add_images(last_s, &mut train);
            if let Some(crossfade) = self.crossfade {
                tail::add(self, crossfade, seed, &mut train);
            }
            combine(&train, self.rate_hz, self.high_pass_hz, &mut response);
        }
        let at_samples = direct_s * self.rate_hz;
        if filtered {
            add_direct(&mut response, at_samples, &direct_levels, self.rate_hz);
        } else {
            add_exact(&mut response, at_samples, direct_levels[0]);
        }
        response
    }

    /// Adds all images except the source itself.
    fn add_images(&self, last_s: f64, train: &mut [[f32; NUM_BANDS]]) {
        let direct_s = distance(self.source, self.mic) / SPEED_OF_SOUND;
        let end_s = self.crossfade.map_or(last_s, |crossfade| last_s.min(crossfade.to_s));
        let walls = self.wall_powers(end_s);
        for_each_image(self, end_s * SPEED_OF_SOUND, |image| {
            let reflections = image.reflections();
            if reflections == 0 {
                return;
            }
            let at_s = image.metres / SPEED_OF_SOUND;
            let fade = self.crossfade.map_or(1.0, |crossfade| crossfade.gains(at_s).0);
            let mut levels = self.levels(&image);
            for (level, wall) in levels.iter_mut().zip(&walls[reflections.min(walls.len() - 1)]) {
                *level *= fade * wall;
            }
            let at_samples = image.metres / SPEED_OF_SOUND * self.rate_hz;
            if self.crossfade.is_some() || at_s < direct_s + self.fractional_s {
                add_between(train, at_samples, &levels);
            } else {
                add_nearest(train, at_samples, &levels);
            }
        });
    }

    /// Returns the amplitude of an image per band, without its wall reflections.
    pub(super) fn levels(&self, image: &Image) -> [f64; NUM_BANDS] {
        let cosine = dot(image.from_mic, self.mic_aim) / image.metres;
        let level = self.pattern.gain(cosine) / image.metres;
        let mut levels = [level; NUM_BANDS];
        if !self.pattern.is_flat() {
            levels =
                std::array::from_fn(|band| self.pattern.band_gain(band, cosine) / image.metres);
        }
        if self.lobes.iter().any(|lobe| lobe.rear < 1.0) {
            // Direction from the source towards the mic, mirrored like the image.
            let left: Point = std::array::from_fn(|axis| {
                if image.cell[axis] % 2 == 0 { -image.from_mic[axis] } else { image.from_mic[axis] }
            });
            let cosine = dot(left, self.source_aim) / image.metres;
            levels
                .iter_mut()
                .zip(&self.lobes)
                .for_each(|(level, lobe)| *level *= lobe.gain(cosine));
        }
        if self.air_per_m[NUM_BANDS - 1] > 0.0 {
            for (level, air) in levels.iter_mut().zip(&self.air_per_m) {
                *level *= (-air * image.metres).exp();
            }
        }
        if !self.gobos.is_empty() && image.reflections() <= GOBO_REFLECTIONS {
            let at: Point = std::array::from_fn(|axis| self.mic[axis] + image.from_mic[axis]);
            if let Some(passed) =
                super::gobo::passage(self.gobos, self.size_m, (self.mic, at), image.cell)
            {
                levels.iter_mut().zip(passed).for_each(|(level, gain)| *level *= gain);
            }
        }
        levels
    }

    /// Returns the remaining amplitude, `[reflections][band]`.
    fn wall_powers(&self, last_s: f64) -> Vec<[f64; NUM_BANDS]> {
        let shortest = self.size_m.iter().fold(f64::INFINITY, |least, &size| least.min(size));
        let most = to_index(3.0 * last_s * SPEED_OF_SOUND / shortest) + 10;
        let mut gains = vec![[1.0; NUM_BANDS]];
        for count in 0..most {
            let previous = gains[count];
            gains.push(std::array::from_fn(|band| previous[band] * self.wall_gain[band]));
        }
        gains
    }
}

/// A mirror image of the source.
pub(super) struct Image {
    pub(super) from_mic: Point,
    pub(super) metres: f64,
    /// Offset of its mirror room per axis; 0 is the room itself, odd ones are mirrored.
    pub(super) cell: [i32; 3],
}

impl Image {
    /// Returns the number of reflections: one per border between mirror rooms.
    pub(super) fn reflections(&self) -> usize {
        self.cell.iter().map(|cell| cell.unsigned_abs() as usize).sum()
    }
}

/// Calls `visit` for every image of the source within `reach_m` of the mic.
pub(super) fn for_each_image(setup: &Setup<'_>, reach_m: f64, mut visit: impl FnMut(Image)) {
    // One list per axis of offsets from the mic, with their mirror rooms.
    let axes: [Vec<(f64, i32)>; 3] = std::array::from_fn(|axis| {
        let (size, source, mic) = (setup.size_m[axis], setup.source[axis], setup.mic[axis]);
        let mut offsets = Vec::new();
        let mut pair: i32 = 0;
        while 2.0 * size * f64::from(pair) <= reach_m + 2.0 * size {
            let signed = if pair == 0 { &[0][..] } else { &[-pair, pair][..] };
            for &pairs in signed {
                let shift = 2.0 * size * f64::from(pairs);
                offsets.push((shift + source - mic, 2 * pairs));
                offsets.push((shift - source - mic, 2 * pairs - 1));
            }
            pair += 1;
        }
        offsets.retain(|(offset, _)| offset.abs() <= reach_m);
        // Sorted by offset, so that later sums have a fixed order.
        offsets.sort_by(|a, b| a.0.total_cmp(&b.0));
        offsets
    });
    for &(x, cell_x) in &axes[0] {
        for &(y, cell_y) in &axes[1] {
            let flat = x * x + y * y;
            if flat > reach_m * reach_m {
                continue;
            }
            for &(z, cell_z) in &axes[2] {
                let metres = (flat + z * z).sqrt();
                if metres <= reach_m {
                    visit(Image { from_mic: [x, y, z], metres, cell: [cell_x, cell_y, cell_z] });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pattern, PlacedMic, PlacedSource, Room};
    use super::*;

    #[test]
    fn images_and_their_walls_are_those_drawn_by_hand() {
        let room = Room::new([4.0, 100.0, 100.0], 1.0);
        let source = PlacedSource::omni([1.0, 50.0, 50.0]);
        let mic = PlacedMic { at: [3.0, 50.0, 50.0], aim: [1.0, 0.0, 0.0], pattern: Pattern::OMNI };
        let mut found = Vec::new();
        for_each_image(&Setup::new(&room, &source, &mic, 44_100.0), 11.0, |image| {
            found.push((image.from_mic[0], image.reflections(), image.cell[0]));
        });
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Source at 1 m between walls at 0 and 4 m, mic at 3 m; images at -7, -1, 7, 9 … m.
        let by_hand = [(-10.0, 2, -2), (-4.0, 1, -1), (-2.0, 0, 0), (4.0, 1, 1), (6.0, 2, 2)];
        assert_eq!(found, by_hand);
    }
}
