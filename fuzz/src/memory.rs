//! An allocator that counts the memory of each thread and enforces a limit.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD_BYTES: Cell<usize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<usize> = const { Cell::new(0) };
    static LIMIT_BYTES: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The system's allocator with counts per thread, for `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

/// Resets the counts of this thread and limits its memory to `limit_bytes`.
pub(crate) fn start(limit_bytes: usize) {
    HELD_BYTES.set(0);
    PEAK_BYTES.set(0);
    LIMIT_BYTES.set(limit_bytes);
}

/// Removes the limit and returns the peak of allocated bytes since [`start`].
pub(crate) fn stop() -> usize {
    LIMIT_BYTES.set(usize::MAX);
    PEAK_BYTES.get()
}

/// Counts `bytes` as allocated and returns true, or returns false if they would exceed the limit.
fn take(bytes: usize) -> bool {
    // The count may be negative: a thread may free memory that another one allocated.
    let held = HELD_BYTES.get().wrapping_add(bytes);
    let is_negative = held > usize::MAX / 2;
    if !is_negative && held > LIMIT_BYTES.get() {
        return false;
    }
    HELD_BYTES.set(held);
    if !is_negative {
        PEAK_BYTES.set(PEAK_BYTES.get().max(held));
    }
    true
}

fn give_back(bytes: usize) {
    HELD_BYTES.set(HELD_BYTES.get().wrapping_sub(bytes));
}

// SAFETY: forwards every call to the system's allocator, or returns null, which the trait allows.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !take(new_size) {
            return std::ptr::null_mut();
        }
        give_back(layout.size());
        // SAFETY: the caller upholds the contract of the trait.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
