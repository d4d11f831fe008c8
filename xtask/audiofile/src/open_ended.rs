//! Recognises samples whose stated size was never filled in.

use crate::chunks::Chunk;

/// Returns true if the size of the samples was never filled in, as after writing to a pipe or a
/// recorder's power failure. The samples then extend to the end of the file.
///
/// Programs leave zero or one of these values: `0xFFFFFFFF` (ffmpeg), `0x7FFFF000` (SoX), in AIFF
/// `0x7F000000` (SoX), `0x7FFFFFFF` and `0x80000000` (arecord). The value may be reduced by the
/// header's size or to whole samples.
pub(crate) fn is_open_ended(
    data: Chunk,
    rest_bytes: u64,
    end_bytes: u64,
    block_bytes: u64,
) -> bool {
    const HEADER_BYTES: u64 = 256;
    if data.size_bytes == 0 {
        // If the stated end of the container is after the empty chunk, other chunks follow it,
        // not samples.
        let goes_on = end_bytes > data.start_bytes && end_bytes < 0x7FFF_F000;
        return rest_bytes > 0 && !goes_on;
    }
    let just_below = |most: u64| {
        (most.saturating_sub(block_bytes + HEADER_BYTES)..=most).contains(&data.size_bytes)
    };
    rest_bytes < data.size_bytes
        && ([0xFFFF_FFFF, 0x7FFF_F000, 0x7F00_0000, 0x8000_0000].into_iter().any(just_below)
            || data.size_bytes >= u64::MAX >> 1)
}
