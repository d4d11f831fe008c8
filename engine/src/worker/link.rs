//! Packets of one hop, and the rings that carry them between the audio thread and the worker.

use super::sync::{
    Arc, ArrayQueue, Consumer, Ordering, Producer, PushError, RingBuffer, Thread, current, fence,
};
use crate::Controls;

/// One hop of every mic, on its way to the worker or, as removed samples, back.
///
/// The contents are allocated once and circulate. No thread frees them while audio runs.
#[derive(Debug)]
pub(crate) struct Packet {
    /// Stream position of the first sample, of the input or of the removed signal.
    pub(crate) start_sample: i64,
    /// Number of resets before this packet, so that packets from before a reset are recognised.
    pub(crate) epoch: u64,
    /// Samples, `[mic, hop]`, planar.
    pub(crate) samples: Box<[f32]>,
    /// Controls in effect at the first sample.
    pub(crate) controls: Box<Controls>,
    /// True if the audio thread waits for this packet. The worker then completes all deferred work
    /// before it.
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

/// Creates a ring for one writing and one reading thread. Both ends are wait-free.
pub(crate) fn ring<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (producer, consumer) = RingBuffer::new(capacity);
    (Sender(producer), Receiver(consumer))
}

/// Writing end of a [`ring`].
#[derive(Debug)]
pub(crate) struct Sender<T>(Producer<T>);

impl<T> Sender<T> {
    /// Appends `item`, or returns it if the ring is full.
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        self.0.push(item).map_err(|PushError::Full(item)| item)
    }
}

/// Reading end of a [`ring`].
#[derive(Debug)]
pub(crate) struct Receiver<T>(Consumer<T>);

impl<T> Receiver<T> {
    /// Removes and returns the oldest item, if there is one.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.0.pop().ok()
    }
}

/// Registration of a thread that waits for the worker, so that the worker can wake it.
///
/// Timed parks alone are sufficient, but on some systems the shortest park lasts several hops.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    waiting: Arc<ArrayQueue<Thread>>,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { waiting: Arc::new(ArrayQueue::new(1)) }
    }

    /// Registers the calling thread. Call this before the check for the awaited item, then park.
    pub(crate) fn register(&self) {
        self.waiting.force_push(current());
        // Pairs with the fence in `ring`: either the check after this sees the sent item, or the
        // sender sees the registration.
        fence(Ordering::SeqCst);
    }

    /// Wakes the registered thread. Call this after sending.
    ///
    /// Wakes one thread only. A caller that waits for a later hop registers again immediately.
    /// Waking it again in a loop would keep both threads busy with waking each other.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if let Some(thread) = self.waiting.pop() {
            thread.unpark();
        }
    }
}
