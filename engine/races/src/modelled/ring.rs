//! The ring buffer of rtrb with loom's atomics: the same steps in the same memory orderings.
#![allow(unsafe_code, reason = "loom watches over every access")]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

/// See `rtrb::RingBuffer` 0.4. Positions go from 0 to twice the capacity, which tells a full
/// buffer from an empty one.
#[derive(Debug)]
pub(super) struct RingBuffer<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    slots: Box<[UnsafeCell<Option<T>>]>,
}

// SAFETY: slots from head to tail belong to the consumer, the others to the producer; loom checks
// that.
unsafe impl<T: Send> Sync for RingBuffer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for RingBuffer<T> {}

impl<T> RingBuffer<T> {
    #[allow(clippy::new_ret_no_self, reason = "as in rtrb")]
    pub(super) fn new(capacity: usize) -> (Producer<T>, Consumer<T>) {
        let buffer = Arc::new(Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: (0..capacity).map(|_| UnsafeCell::new(None)).collect(),
        });
        let producer = Producer { buffer: Arc::clone(&buffer), cached_head: 0, tail: 0 };
        (producer, Consumer { buffer, head: 0, cached_tail: 0 })
    }

    fn slot(&self, position: usize) -> &UnsafeCell<Option<T>> {
        &self.slots[position % self.slots.len()]
    }

    fn next(&self, position: usize) -> usize {
        (position + 1) % (2 * self.slots.len())
    }

    fn is_full(&self, head: usize, tail: usize) -> bool {
        (tail + 2 * self.slots.len() - head) % (2 * self.slots.len()) == self.slots.len()
    }
}

/// Error of a full ring buffer.
#[derive(Debug)]
pub(super) enum PushError<T> {
    /// The value that had no room.
    Full(T),
}

/// Error of an empty ring buffer.
#[derive(Debug)]
pub(super) struct PopError;

/// Writing end.
#[derive(Debug)]
pub(super) struct Producer<T> {
    buffer: Arc<RingBuffer<T>>,
    cached_head: usize,
    tail: usize,
}

impl<T> Producer<T> {
    pub(super) fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        if self.buffer.is_full(self.cached_head, self.tail) {
            self.cached_head = self.buffer.head.load(Ordering::Acquire);
            if self.buffer.is_full(self.cached_head, self.tail) {
                return Err(PushError::Full(value));
            }
        }
        // SAFETY: the slot is empty, and only this thread fills slots.
        self.buffer.slot(self.tail).with_mut(|place| unsafe { *place = Some(value) });
        self.tail = self.buffer.next(self.tail);
        self.buffer.tail.store(self.tail, Ordering::Release);
        Ok(())
    }
}

/// Reading end.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    buffer: Arc<RingBuffer<T>>,
    head: usize,
    cached_tail: usize,
}

impl<T> Consumer<T> {
    pub(super) fn pop(&mut self) -> Result<T, PopError> {
        if self.head == self.cached_tail {
            self.cached_tail = self.buffer.tail.load(Ordering::Acquire);
            if self.head == self.cached_tail {
                return Err(PopError);
            }
        }
        // SAFETY: the slot is filled, and only this thread empties slots.
        let value = self.buffer.slot(self.head).with_mut(|place| unsafe { (*place).take() });
        self.head = self.buffer.next(self.head);
        self.buffer.head.store(self.head, Ordering::Release);
        value.ok_or(PopError)
    }
}
