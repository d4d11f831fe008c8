//! The reserved longs at the start of every segment.

use std::path::Path;

use super::error::LinkError;
use super::map::ReadU64;
use super::name::FORMAT;
use super::shape::{RESERVED_LONGS, Shape};

/// First long of every segment: "unspill" and a byte that no text contains.
const MAGIC: u64 = u64::from_be_bytes(*b"unspill\xff");

/// State of a segment whose owner was dropped.
pub(super) const LEFT: u64 = 1;

/// Index of each reserved long; the rest of them is zero.
#[derive(Clone, Copy)]
pub(super) enum Reserved {
    Magic = 0,
    Format = 1,
    Longs = 2,
    Samples = 3,
    State = 4,
}

/// Returns the first bytes of a new segment.
pub(super) fn bytes(shape: Shape) -> Vec<u8> {
    let mut longs = [0; RESERVED_LONGS];
    longs[Reserved::Magic as usize] = MAGIC;
    longs[Reserved::Format as usize] = u64::from(FORMAT);
    longs[Reserved::Longs as usize] = shape.longs as u64;
    longs[Reserved::Samples as usize] = shape.samples as u64;
    longs.iter().flat_map(|long| long.to_ne_bytes()).collect()
}

/// Checks the reserved longs of a complete segment.
pub(super) fn check(reserved: &[ReadU64], shape: Shape, path: &Path) -> Result<(), LinkError> {
    let long = |index: Reserved| reserved[index as usize].load();
    let path = || path.to_owned();
    if long(Reserved::Magic) != MAGIC {
        return Err(LinkError::IsNoSegment { path: path() });
    }
    let (actual, expected) = (long(Reserved::Format), u64::from(FORMAT));
    if actual != expected {
        return Err(LinkError::OtherFormat { path: path(), actual, expected });
    }
    let (longs, samples) = (long(Reserved::Longs), long(Reserved::Samples));
    if (longs, samples) != (shape.longs as u64, shape.samples as u64) {
        return Err(LinkError::OtherShape { path: path(), longs, samples, expected: shape });
    }
    Ok(())
}
