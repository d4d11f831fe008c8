//! Size and scale of the window, saved with the session.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Smallest window, in points.
pub(crate) const SMALLEST: [f32; 2] = [920.0, 560.0];
pub(crate) const LARGEST: [f32; 2] = [4000.0, 3000.0];
/// Longest side of a window, in pixels: enough for an 8K screen. OpenGL drivers draw at most 16384
/// pixels, and Mesa's software driver crashes beyond that.
pub(crate) const LARGEST_PIXELS: u16 = 8192;
const SCALES: [f32; 2] = [0.5, 4.0];
/// Accepted range of a host's scale, in pixels per point.
const HOST_SCALES: std::ops::RangeInclusive<f64> = 0.25..=8.0;

/// Returns the scale that a host requests, if it is in the accepted range.
pub(crate) fn host_scale(asked: Option<f64>) -> Option<f64> {
    asked.filter(|scale| HOST_SCALES.contains(scale))
}

/// Returns true if a window can have this width and height in pixels.
pub(crate) fn can_be_drawn([width, height]: [f64; 2]) -> bool {
    let largest = f64::from(LARGEST_PIXELS);
    // False if one is NaN.
    width <= largest && height <= largest
}

/// The saved values; numbers are stored as their bits.
#[derive(Debug)]
pub(crate) struct Remembered {
    width: AtomicU32,
    height: AtomicU32,
    scale: AtomicU32,
    hides_steps: AtomicBool,
}

impl Default for Remembered {
    fn default() -> Self {
        let new = |value: f32| AtomicU32::new(value.to_bits());
        Self {
            width: new(1180.0),
            height: new(760.0),
            scale: new(1.0),
            hides_steps: AtomicBool::new(false),
        }
    }
}

fn load(from: &AtomicU32) -> f32 {
    // Relaxed, here and below: the values are independent.
    f32::from_bits(from.load(Ordering::Relaxed))
}

fn store(to: &AtomicU32, value: f32, [min, max]: [f32; 2]) {
    if value.is_finite() {
        to.store(value.clamp(min, max).to_bits(), Ordering::Relaxed);
    }
}

impl Remembered {
    /// Returns width and height in points.
    pub(crate) fn size(&self) -> [f32; 2] {
        [load(&self.width), load(&self.height)]
    }

    /// Returns the size, limited to [`LARGEST_PIXELS`] if the system or the host adds a scale of
    /// its own.
    pub(crate) fn size_at(&self, system_scale: Option<f64>) -> [f32; 2] {
        #[allow(clippy::cast_possible_truncation, reason = "1 to 8")]
        let system_scale = system_scale.unwrap_or(1.0).max(1.0) as f32;
        let largest = f32::from(LARGEST_PIXELS) / (self.scale() * system_scale);
        self.size().map(|side| side.min(largest))
    }

    /// Pixels per point, as a factor to the system's scale.
    pub(crate) fn scale(&self) -> f32 {
        load(&self.scale)
    }

    pub(crate) fn set_size(&self, [width, height]: [f32; 2]) {
        store(&self.width, width, [SMALLEST[0], LARGEST[0]]);
        store(&self.height, height, [SMALLEST[1], LARGEST[1]]);
    }

    pub(crate) fn set_scale(&self, scale: f32) {
        store(&self.scale, scale, SCALES);
    }

    /// Returns true if the user has hidden the first steps.
    pub(crate) fn hides_steps(&self) -> bool {
        self.hides_steps.load(Ordering::Relaxed)
    }

    /// Hides the first steps, or shows them again.
    pub(crate) fn set_hides_steps(&self, hides: bool) {
        self.hides_steps.store(hides, Ordering::Relaxed);
    }

    /// Returns the saved form: `[width, height, scale]`.
    pub(crate) fn to_text(&self) -> String {
        let [width, height] = self.size();
        format!("[{width},{height},{}]", self.scale())
    }

    /// Reads the saved form; invalid values are ignored.
    pub(crate) fn read(&self, text: &str) {
        let inside = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let numbers: Vec<f32> = inside
            .unwrap_or_default()
            .split(',')
            .filter_map(|number| number.trim().parse().ok())
            .collect();
        if let &[width, height, scale] = &numbers[..] {
            self.set_size([width, height]);
            self.set_scale(scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_scale_come_back_as_saved() {
        let saved = Remembered::default();
        saved.set_size([1400.5, 900.0]);
        saved.set_scale(1.5);
        let loaded = Remembered::default();
        loaded.read(&saved.to_text());
        assert_eq!((loaded.size(), loaded.scale()), ([1400.5, 900.0], 1.5));
    }

    #[test]
    fn nonsense_leaves_a_window_that_can_be_used() {
        for text in ["", "[]", "[1,2]", "[NaN,inf,NaN]", "[a,b,c]", "{}"] {
            let loaded = Remembered::default();
            loaded.read(text);
            assert_eq!((loaded.size(), loaded.scale()), ([1180.0, 760.0], 1.0), "{text}");
        }
        let tiny = Remembered::default();
        tiny.read("[1,-5,0]");
        assert_eq!((tiny.size(), tiny.scale()), (SMALLEST, SCALES[0]));
    }

    #[test]
    fn no_window_is_larger_than_can_be_drawn() {
        let large = Remembered::default();
        large.set_size([4000.0, 3000.0]);
        assert_eq!(large.size_at(None), [4000.0, 3000.0]);
        assert_eq!(large.size_at(Some(4.0)), [2048.0, 2048.0]);
        large.set_scale(4.0);
        assert_eq!(large.size_at(Some(0.25)), [2048.0, 2048.0]);
        assert_eq!(large.size_at(Some(2.0)), [1024.0, 1024.0]);
        assert!(can_be_drawn([8192.0, 1.0]));
        for size in [[8193.0, 1.0], [1.0, 1e300], [f64::NAN, 1.0]] {
            assert!(!can_be_drawn(size), "{size:?}");
        }
    }

    #[test]
    fn hosts_get_scales_that_make_sense() {
        assert_eq!(host_scale(Some(1.5)), Some(1.5));
        for scale in [0.0, -1.0, 9.0, f64::INFINITY, f64::NAN] {
            assert_eq!(host_scale(Some(scale)), None);
        }
        assert_eq!(host_scale(None), None);
    }
}
