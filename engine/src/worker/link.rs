//! Packets of one hop, and the rings that carry them between the audio thread and the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::thread::Thread;

use crossbeam::queue::ArrayQueue;

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
        self.waiting.force_push(std::thread::current());
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn items_come_out_once_and_in_order_across_threads() {
        const COUNT: usize = 20_000;
        let (mut sender, mut receiver) = ring(8);
        let writer = std::thread::spawn(move || {
            for number in 0..COUNT {
                let mut item = number;
                while let Err(back) = sender.push(item) {
                    item = back;
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < COUNT {
            match receiver.pop() {
                Some(number) => {
                    assert_eq!(number, expected);
                    expected += 1;
                }
                None => std::thread::yield_now(),
            }
        }
        writer.join().unwrap();
        assert!(receiver.pop().is_none());
    }

    #[test]
    fn who_asks_again_at_once_is_woken_once_by_each_ring() {
        const RINGS: usize = 200;
        let bell = Bell::new();
        let ringing = bell.clone();
        let is_over = AtomicBool::new(false);
        let woken = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut woken = 0;
                // Ends as well where waking never does.
                while !is_over.load(Ordering::Relaxed) && woken < 10 * RINGS {
                    bell.ask();
                    std::thread::park_timeout(std::time::Duration::from_secs(1));
                    woken += 1;
                }
                woken
            });
            for _ in 0..RINGS {
                ringing.ring();
                // Parked, this thread is woken by nobody.
                std::thread::park_timeout(std::time::Duration::from_micros(200));
            }
            is_over.store(true, Ordering::Relaxed);
            waiter.join().unwrap()
        });
        // Naps that end by themselves count as well, of which there is time for a few.
        assert!(woken < 2 * RINGS, "{woken}");
    }

    #[test]
    fn whoever_asked_is_woken() {
        const ROUNDS: usize = 2000;
        let (mut sender, mut receiver) = ring(1);
        let bell = Bell::new();
        let ringing = bell.clone();
        let (mut ask_for_more, mut asked) = ring(1);
        let writer = std::thread::spawn(move || {
            for number in 0..ROUNDS {
                while asked.pop().is_none() {
                    std::hint::spin_loop();
                }
                assert!(sender.push(number).is_ok());
                ringing.ring();
            }
        });
        let since = std::time::Instant::now();
        for number in 0..ROUNDS {
            assert!(ask_for_more.push(()).is_ok());
            let received = loop {
                bell.ask();
                if let Some(received) = receiver.pop() {
                    break received;
                }
                // Far longer than the test may take: only the bell ends it in time.
                std::thread::park_timeout(std::time::Duration::from_secs(60));
            };
            assert_eq!(received, number);
        }
        writer.join().unwrap();
        assert!(since.elapsed().as_secs() < 50, "a call was slept through");
    }

    #[test]
    fn a_full_ring_gives_the_item_back() {
        let (mut sender, mut receiver) = ring(2);
        assert!(sender.push(1).is_ok() && sender.push(2).is_ok());
        assert_eq!(sender.push(3), Err(3));
        assert_eq!(receiver.pop(), Some(1));
        assert!(sender.push(3).is_ok());
        assert_eq!((receiver.pop(), receiver.pop(), receiver.pop()), (Some(2), Some(3), None));
    }
}
