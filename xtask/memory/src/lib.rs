//! Counts and limits the memory of each thread, for tests. No product code depends on it.
//!
//! A program that uses this package gets its allocator, the system's with counts per thread.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts of one thread during a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Calls that allocate, free, or change a size.
    pub calls: u64,
    /// Sum of all allocated bytes, with those that were freed again.
    pub allocated_bytes: usize,
    /// Largest number of bytes held at once. Memory from before the measurement does not count.
    pub peak_bytes: usize,
    held_bytes: usize,
    limit_bytes: usize,
}

impl Counts {
    const fn with_limit(limit_bytes: usize) -> Self {
        Self { calls: 0, allocated_bytes: 0, peak_bytes: 0, held_bytes: 0, limit_bytes }
    }

    /// Counts `bytes` as allocated and returns true, or returns false if they would exceed the
    /// limit.
    fn take(&mut self, bytes: usize) -> bool {
        // The count may be negative: a thread may free memory from before the measurement or from
        // another thread.
        let held = self.held_bytes.wrapping_add(bytes);
        let is_negative = held > usize::MAX / 2;
        if !is_negative && held > self.limit_bytes {
            return false;
        }
        self.held_bytes = held;
        if !is_negative {
            self.peak_bytes = self.peak_bytes.max(held);
        }
        self.allocated_bytes = self.allocated_bytes.wrapping_add(bytes);
        true
    }

    fn give_back(&mut self, bytes: usize) {
        self.held_bytes = self.held_bytes.wrapping_sub(bytes);
    }
}

thread_local! {
    // Constant-initialised and without a destructor: an access never allocates and never fails.
    static COUNTS: Cell<Counts> = const { Cell::new(Counts::with_limit(usize::MAX)) };
}

/// Counts one call of the allocator.
fn count(call: impl FnOnce(&mut Counts) -> bool) -> bool {
    let mut counts = COUNTS.get();
    counts.calls += 1;
    let is_allowed = call(&mut counts);
    COUNTS.set(counts);
    is_allowed
}

/// Returns the counts of this thread during `work`. Measurements cannot be nested.
pub fn measure(work: impl FnOnce()) -> Counts {
    measure_within(usize::MAX, work).1
}

/// Returns the result of `work`, and the counts as [`measure`] does. Allocations fail if the thread
/// would hold more than `limit_bytes`.
pub fn measure_within<T>(limit_bytes: usize, work: impl FnOnce() -> T) -> (T, Counts) {
    COUNTS.set(Counts::with_limit(limit_bytes));
    let result = work();
    (result, COUNTS.replace(Counts::with_limit(usize::MAX)))
}

/// The system's allocator with counts per thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: forwards every call to the system's allocator, or returns null, which the trait allows.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !count(|counts| counts.take(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !count(|counts| counts.take(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(|counts| {
            counts.give_back(layout.size());
            true
        });
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let is_allowed = count(|counts| {
            let is_allowed = counts.take(new_size);
            if is_allowed {
                counts.give_back(layout.size());
            }
            is_allowed
        });
        if !is_allowed {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn allocating_freeing_and_growing_are_counted() {
        let mut kept = None;
        assert_eq!(measure(|| kept = Some(black_box(Box::new(1)))).calls, 1);
        assert_eq!(measure(|| drop(kept.take())).calls, 1);
        let mut grown = Vec::with_capacity(1);
        assert_eq!(measure(|| grown.extend(black_box([1_u8; 100]))).calls, 1);
        assert_eq!(measure(|| drop(black_box(vec![0.0_f32; 10]))).calls, 2);
        assert_eq!(measure(|| assert_eq!(black_box([7_u8; 10]), [7; 10])).calls, 0);
    }

    #[test]
    fn bytes_are_counted_in_total_and_at_once() {
        let before = black_box(vec![0_u8; 1000]);
        let counts = measure(|| {
            drop(before);
            for num_bytes in [2500, 3000, 1500] {
                drop(black_box(vec![0_u8; num_bytes]));
            }
        });
        assert_eq!((counts.allocated_bytes, counts.peak_bytes), (7000, 2000));
    }

    #[test]
    fn only_allocations_beyond_the_limit_fail() {
        let reserved = |num_bytes: usize| Vec::<u8>::new().try_reserve_exact(num_bytes).is_ok();
        measure_within(100, || assert!(reserved(100) && !reserved(101)));
        measure(|| assert!(reserved(101)));
    }
}
