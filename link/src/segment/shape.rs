//! Size of a segment, and the place of each part in the file.

use std::mem::size_of;

/// Largest size of a file that is mapped, in bytes: 64 MiB hold 5 minutes of audio at 48 kHz.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// Longs at the start of the file that are reserved for this module: one cache line.
pub(super) const RESERVED_LONGS: usize = 8;

/// Size of a cache line in bytes, where the reserved longs end and where the samples start.
const LINE_BYTES: usize = 64;

/// Number of values in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of 64-bit values, which come first.
    pub longs: usize,
    /// Number of 32-bit values, which follow from the next cache line on.
    pub samples: usize,
}

impl Shape {
    /// Returns the place of each part in a file of this shape; `None` above [`MAX_BYTES`].
    pub(super) fn layout(self) -> Option<Layout> {
        let all_longs = RESERVED_LONGS.checked_add(self.longs)?;
        let long_bytes = all_longs.checked_mul(size_of::<u64>())?;
        let samples_offset = long_bytes.checked_next_multiple_of(LINE_BYTES)?;
        let sample_bytes = self.samples.checked_mul(size_of::<u32>())?;
        let bytes = samples_offset.checked_add(sample_bytes)?;
        (bytes <= MAX_BYTES).then_some(Layout {
            all_longs,
            samples_offset,
            num_samples: self.samples,
            bytes,
        })
    }
}

/// Place of each part in the file of a segment.
///
/// # Invariants
///
/// - The longs end at or before `samples_offset`, and the samples end at `bytes`.
/// - `samples_offset` is a multiple of a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Number of longs at the start of the file, including the reserved ones.
    pub(super) all_longs: usize,
    /// Byte of the file where the samples start.
    pub(super) samples_offset: usize,
    /// Number of samples.
    pub(super) num_samples: usize,
    /// Length of the file in bytes.
    pub(super) bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_start_at_the_first_cache_line_after_the_longs() {
        for (longs, samples, samples_offset, bytes) in
            [(0, 0, 64, 64), (1, 0, 128, 128), (8, 3, 128, 140), (9, 1, 192, 196)]
        {
            let layout = Shape { longs, samples }.layout().unwrap();
            assert_eq!(layout.all_longs, longs + 8);
            assert_eq!((layout.samples_offset, layout.bytes), (samples_offset, bytes), "{longs}");
        }
    }

    #[test]
    fn a_shape_above_the_limit_has_no_layout() {
        let largest = Shape { longs: 0, samples: (MAX_BYTES - 64) / 4 };
        assert_eq!(largest.layout().unwrap().bytes, MAX_BYTES);
        for shape in [
            Shape { samples: largest.samples + 1, ..largest },
            Shape { longs: usize::MAX, samples: 0 },
            Shape { longs: usize::MAX / 8, samples: 0 },
            Shape { longs: 0, samples: usize::MAX },
            Shape { longs: 0, samples: usize::MAX / 4 },
        ] {
            assert_eq!(shape.layout(), None, "{shape:?}");
        }
    }
}
