//! An allocator that knows how much its thread holds, and gives out no more than it may.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD_BYTES: Cell<usize> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<usize> = const { Cell::new(0) };
    static LIMIT_BYTES: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The system's allocator, counted by thread; for `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

/// Counts from nothing, and refuses what would make more than `limit_bytes`.
pub(crate) fn start(limit_bytes: usize) {
    HELD_BYTES.set(0);
    PEAK_BYTES.set(0);
    LIMIT_BYTES.set(limit_bytes);
}

/// Ends the limit and returns the most bytes that were held at once since [`start`].
pub(crate) fn stop() -> usize {
    LIMIT_BYTES.set(usize::MAX);
    PEAK_BYTES.get()
}

/// Whether so many more bytes may be held; if so, they are.
fn take(bytes: usize) -> bool {
    // What one thread takes another may give back, and the other way round.
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

// SAFETY: hands everything on to the system's allocator, or returns null, which is allowed.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !take(new_size) {
            return std::ptr::null_mut();
        }
        give_back(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
