//! Crossbeam's `ArrayQueue` with loom's atomics: the same steps in the same memory orderings.
#![allow(unsafe_code, reason = "loom watches over every access")]

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread::yield_now;

/// Slot, and the lap in which it may be written or read.
#[derive(Debug)]
struct Slot<T> {
    stamp: AtomicUsize,
    value: UnsafeCell<Option<T>>,
}

/// See `crossbeam::queue::ArrayQueue` 0.3. Head, tail and stamps consist of a lap and an index.
#[derive(Debug)]
pub(super) struct ArrayQueue<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    slots: Box<[Slot<T>]>,
    one_lap: usize,
}

// SAFETY: only the thread that moved head or tail past a slot accesses it, and loom checks that.
unsafe impl<T: Send> Sync for ArrayQueue<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for ArrayQueue<T> {}

impl<T> ArrayQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let slot = |stamp| Slot { stamp: AtomicUsize::new(stamp), value: UnsafeCell::new(None) };
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: (0..capacity).map(slot).collect(),
            one_lap: (capacity + 1).next_power_of_two(),
        }
    }

    fn index(&self, position: usize) -> usize {
        position & (self.one_lap - 1)
    }

    fn next(&self, position: usize) -> usize {
        if self.index(position) + 1 < self.slots.len() {
            position + 1
        } else {
            (position & !(self.one_lap - 1)).wrapping_add(self.one_lap)
        }
    }

    /// Pushes `value`; replaces and returns the oldest value if the queue is full.
    pub(super) fn force_push(&self, value: T) -> Option<T> {
        let mut tail = self.tail.load(Ordering::Relaxed);
        loop {
            let slot = &self.slots[self.index(tail)];
            let stamp = slot.stamp.load(Ordering::Acquire);
            let (next, relaxed) = (self.next(tail), Ordering::Relaxed);
            if tail == stamp {
                match self.tail.compare_exchange_weak(tail, next, Ordering::SeqCst, relaxed) {
                    Ok(_) => {
                        // SAFETY: only this thread accesses this slot in this lap.
                        slot.value.with_mut(|place| unsafe { *place = Some(value) });
                        slot.stamp.store(tail + 1, Ordering::Release);
                        return None;
                    }
                    Err(actual) => tail = actual,
                }
            } else if stamp.wrapping_add(self.one_lap) == tail + 1 {
                fence(Ordering::SeqCst);
                let head = tail.wrapping_sub(self.one_lap);
                let new_head = next.wrapping_sub(self.one_lap);
                let moved =
                    self.head.compare_exchange_weak(head, new_head, Ordering::SeqCst, relaxed);
                if moved.is_ok() {
                    self.tail.store(next, Ordering::SeqCst);
                    // SAFETY: only this thread has moved head and tail past this slot.
                    let old = slot.value.with_mut(|place| unsafe { (*place).replace(value) });
                    slot.stamp.store(tail + 1, Ordering::Release);
                    assert!(old.is_some(), "a full queue has something in every slot");
                    return old;
                }
                yield_now();
                tail = self.tail.load(Ordering::Relaxed);
            } else {
                yield_now();
                tail = self.tail.load(Ordering::Relaxed);
            }
        }
    }

    pub(super) fn pop(&self) -> Option<T> {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            let slot = &self.slots[self.index(head)];
            let stamp = slot.stamp.load(Ordering::Acquire);
            if head + 1 == stamp {
                let (next, relaxed) = (self.next(head), Ordering::Relaxed);
                match self.head.compare_exchange_weak(head, next, Ordering::SeqCst, relaxed) {
                    Ok(_) => {
                        // SAFETY: only this thread accesses this slot in this lap.
                        let value = slot.value.with_mut(|place| unsafe { (*place).take() });
                        slot.stamp.store(head.wrapping_add(self.one_lap), Ordering::Release);
                        return value;
                    }
                    Err(actual) => head = actual,
                }
            } else if stamp == head {
                fence(Ordering::SeqCst);
                if self.tail.load(Ordering::Relaxed) == head {
                    return None;
                }
                yield_now();
                head = self.head.load(Ordering::Relaxed);
            } else {
                yield_now();
                head = self.head.load(Ordering::Relaxed);
            }
        }
    }
}
