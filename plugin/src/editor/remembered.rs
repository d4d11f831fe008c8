//! Size and scale of the window, kept with the session.

use std::sync::atomic::{AtomicU32, Ordering};

/// The smallest window, in points.
pub(super) const SMALLEST: [f32; 2] = [920.0, 560.0];
const LARGEST: [f32; 2] = [4000.0, 3000.0];
const SCALES: [f32; 2] = [0.5, 4.0];

/// What is kept; numbers are stored as their bits.
#[derive(Debug)]
pub(crate) struct Remembered {
    width: AtomicU32,
    height: AtomicU32,
    scale: AtomicU32,
}

impl Default for Remembered {
    fn default() -> Self {
        let new = |value: f32| AtomicU32::new(value.to_bits());
        Self { width: new(1180.0), height: new(760.0), scale: new(1.0) }
    }
}

fn load(from: &AtomicU32) -> f32 {
    // Relaxed, here and below: each is a value of its own.
    f32::from_bits(from.load(Ordering::Relaxed))
}

fn store(to: &AtomicU32, value: f32, [min, max]: [f32; 2]) {
    if value.is_finite() {
        to.store(value.clamp(min, max).to_bits(), Ordering::Relaxed);
    }
}

impl Remembered {
    /// Width and height in points.
    pub(super) fn size(&self) -> [f32; 2] {
        [load(&self.width), load(&self.height)]
    }

    /// Pixels per point, on top of what the system asks for.
    pub(super) fn scale(&self) -> f32 {
        load(&self.scale)
    }

    pub(super) fn set_size(&self, [width, height]: [f32; 2]) {
        store(&self.width, width, [SMALLEST[0], LARGEST[0]]);
        store(&self.height, height, [SMALLEST[1], LARGEST[1]]);
    }

    pub(super) fn set_scale(&self, scale: f32) {
        store(&self.scale, scale, SCALES);
    }

    /// As it is saved: `[width, height, scale]`.
    pub(crate) fn to_text(&self) -> String {
        let [width, height] = self.size();
        format!("[{width},{height},{}]", self.scale())
    }

    /// Takes over what was saved, as far as it makes sense.
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
}
