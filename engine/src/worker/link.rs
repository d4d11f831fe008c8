//! Packets of one hop, and the rings that carry them between the audio thread and the worker.

use super::sync::{Arc, ArrayQueue, AtomicUsize, Ordering, Thread, current, fence};
use crate::Controls;

/// One hop of every mic on its way to the worker or, as removed samples, back.
///
/// Their contents are allocated once and travel in circles; nobody frees any while audio runs.
#[derive(Debug)]
pub(crate) struct Packet {
    /// Position in the input stream of the first sample: what came in, or what was removed.
    pub(crate) start_sample: i64,
    /// Counts resets, so that what was under way before one is recognised after it.
    pub(crate) epoch: u64,
    /// `[mic, hop]`, planar.
    pub(crate) samples: Box<[f32]>,
    /// The controls in effect at the first sample.
    pub(crate) controls: Box<Controls>,
    /// Whether the audio thread waits for this packet, so that everything that can wait is done before it.
    pub(crate) is_awaited: bool,
}

impl Packet {
    pub(crate) fn new(num_mics: usize, hop_samples: usize) -> Self {
        Self {
            is_awaited: false,
            start_sample: 0,
            epoch: 0,
            samples: vec![0.0; num_mics * hop_samples].into(),
            controls: Box::default(),
        }
    }
}

/// Makes a ring that one thread writes and one thread reads, both without ever waiting.
///
/// Crossbeam's queue is lock-free: a reader that meets a half-finished write spins until the
/// writer, perhaps suspended, goes on. Here the writer publishes a count after each finished
/// write and the reader looks at the count first, so it never meets one. The other way round, the
/// writer never meets a half-finished read as long as fewer things travel than the ring holds.
pub(crate) fn ring<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Ring { queue: ArrayQueue::new(capacity), written: AtomicUsize::new(0) });
    (Sender { ring: Arc::clone(&shared) }, Receiver { ring: shared, read: 0 })
}

#[derive(Debug)]
struct Ring<T> {
    queue: ArrayQueue<T>,
    written: AtomicUsize,
}

/// The writing end of a [`ring`].
#[derive(Debug)]
pub(crate) struct Sender<T> {
    ring: Arc<Ring<T>>,
}

impl<T> Sender<T> {
    /// Puts `item` in, or gives it back when the ring is full.
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        self.ring.queue.push(item)?;
        // Release: whoever sees the count also sees the finished write before it.
        self.ring.written.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

/// The reading end of a [`ring`].
#[derive(Debug)]
pub(crate) struct Receiver<T> {
    ring: Arc<Ring<T>>,
    read: usize,
}

impl<T> Receiver<T> {
    /// Takes the oldest item out, if there is one.
    pub(crate) fn pop(&mut self) -> Option<T> {
        // Acquire: pairs with the Release in `push`.
        if self.ring.written.load(Ordering::Acquire) == self.read {
            return None;
        }
        let item = self.ring.queue.pop();
        debug_assert!(item.is_some(), "a counted item is there");
        self.read = self.read.wrapping_add(usize::from(item.is_some()));
        item
    }
}

/// Where a caller that may wait leaves its name, and the worker wakes it.
///
/// A nap alone would do, but on some systems the shortest is as long as several hops.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    waiting: Arc<ArrayQueue<Thread>>,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { waiting: Arc::new(ArrayQueue::new(1)) }
    }

    /// Asks to be woken; to be called before looking for what to wait for, then park.
    pub(crate) fn ask(&self) {
        self.waiting.force_push(current());
        // Pairs with the fence in `ring`: either the look after this sees what was sent, or the
        // sender sees who asked.
        fence(Ordering::SeqCst);
    }

    /// Wakes whoever asked; to be called after sending.
    ///
    /// Once: a caller that waits for a later hop asks again right away, and waking that one as well, until none asks, would
    /// keep both threads busy with waking each other.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if let Some(thread) = self.waiting.pop() {
            thread.unpark();
        }
    }
}
