//! Numbers in shared memory that are read whole: one writer, any number of readers, no wait.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

use crate::segment::ReadU64;

/// Writes a page: `longs` is its number of changes, odd during one, and then the values.
///
/// # Real-time
///
/// Wait-free.
pub(super) fn write<const N: usize>(longs: &[AtomicU64], values: &[u64; N]) {
    let (changes, longs) = (&longs[0], &longs[1..]);
    let before = changes.load(Relaxed);
    changes.store(before.wrapping_add(1), Relaxed);
    // Pairs with the fence in `read`: a reader of a new value finds the odd number.
    fence(Release);
    for (to, &from) in longs.iter().zip(values) {
        to.store(from, Relaxed);
    }
    // Release: a thread that reads the even number reads the values.
    changes.store(before.wrapping_add(2), Release);
}

/// Returns a page's number of changes, 0 if it was never written.
pub(super) fn changes(longs: &[ReadU64]) -> u64 {
    longs[0].load()
}

/// Reads a page and its number of changes. Returns `None` while it changes.
pub(super) fn read<const N: usize>(longs: &[ReadU64]) -> Option<(u64, [u64; N])> {
    // Acquire: pairs with the last store in `write`.
    let changes = longs[0].load_acquire();
    if !changes.is_multiple_of(2) {
        return None;
    }
    let values = std::array::from_fn(|index| longs[1 + index].load());
    // Pairs with the fence in `write`.
    fence(Acquire);
    (longs[0].load() == changes).then_some((changes, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Memory, Shape};

    #[test]
    fn a_page_is_read_whole_or_not_at_all() {
        const CHANGES: u64 = if cfg!(miri) { 100 } else { 2_000_000 };
        let memory = Memory::plain(Shape { longs: 65, samples: 0 });
        let view = memory.view();
        assert_eq!(read(view.longs()), Some((0, [0; 64])));
        let thread = std::thread::spawn(move || {
            (1..=CHANGES).for_each(|change| write(memory.longs(), &[change; 64]));
            memory.longs()[0].store(2 * CHANGES + 1, Relaxed);
        });
        let mut last = 0;
        while changes(view.longs()) != 2 * CHANGES + 1 {
            let Some((changes, values)) = read::<64>(view.longs()) else { continue };
            assert_eq!(values, [changes / 2; 64]);
            assert!(changes >= last);
            last = changes;
        }
        thread.join().unwrap();
        assert_eq!(read::<64>(view.longs()), None, "a change that never ends");
    }
}
