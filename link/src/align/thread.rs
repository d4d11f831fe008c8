//! The thread that compares the tracks, and the stream's end of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use engine::join_worker;
use thread_priority::{ThreadPriority, set_current_thread_priority};

use super::Offset;
use super::feed::{Block, Feed, Heard};
use super::judge::Judge;
use crate::stamp::Place;

/// Blocks that wait for the thread. A host that renders faster than that loses further ones.
const QUEUE_BLOCKS: usize = 2;

/// Findings of the thread.
#[derive(Debug, Default)]
struct Found {
    offsets: Mutex<Vec<Offset>>,
    /// True if `offsets` has changed.
    is_new: AtomicBool,
    stop: AtomicBool,
}

/// Hands a stream's samples to the thread, which begins as soon as two tracks play and ends with
/// this value. Dropped blocks, a failed thread and one that cannot be started leave every verdict
/// as it is.
#[derive(Debug)]
pub(crate) struct Watcher {
    feed: Feed,
    rate_hz: f32,
    /// Place after the last hop.
    end: Option<Place>,
    found: Arc<Found>,
    thread: Option<(SyncSender<Block>, JoinHandle<()>)>,
    is_refused: bool,
}

impl Watcher {
    pub(crate) fn new(rate_hz: f32) -> Self {
        Self {
            feed: Feed::new(rate_hz),
            rate_hz,
            end: None,
            found: Arc::default(),
            thread: None,
            is_refused: false,
        }
    }

    /// Adds a hop that ends at the place `end`. Never waits.
    pub(crate) fn push(&mut self, hop: usize, end: Option<Place>, tracks: &[Heard<'_>]) {
        let length = i64::try_from(hop).unwrap_or(i64::MAX);
        let follows = self.end.is_some_and(|before| Some(before.plus(length)) == end);
        self.end = end;
        let num_playing = tracks.iter().filter(|track| track.is_whole).count();
        if !follows || num_playing < 2 {
            // The first hop after a jump may be one in part.
            self.feed.jump();
            return;
        }
        let block = self.feed.push(hop, tracks);
        let thread = self.running();
        if let (Some(block), Some((queue, _))) = (block, thread) {
            // A block that finds no room is missing, and its number tells.
            let _ = queue.try_send(block);
        }
    }

    /// Returns all misaligned tracks if that has changed since the last call.
    pub(crate) fn news(&self) -> Option<Vec<Offset>> {
        // Acquire: pairs with the Release of the thread.
        let is_new = self.found.is_new.swap(false, Ordering::Acquire);
        is_new.then(|| lock(&self.found.offsets).clone())
    }

    fn running(&mut self) -> Option<&(SyncSender<Block>, JoinHandle<()>)> {
        if self.thread.is_none() && !self.is_refused {
            let (queue, blocks) = sync_channel(QUEUE_BLOCKS);
            let (found, rate_hz) = (Arc::clone(&self.found), self.rate_hz);
            let thread = std::thread::Builder::new()
                .name("unspill-align".into())
                .spawn(move || run(&blocks, &found, rate_hz));
            self.thread = thread.ok().map(|thread| (queue, thread));
            self.is_refused = self.thread.is_none();
        }
        self.thread.as_ref()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some((queue, thread)) = self.thread.take() {
            // Relaxed: a late read costs one comparison.
            self.found.stop.store(true, Ordering::Relaxed);
            drop(queue);
            join_worker(thread);
        }
    }
}

fn run(blocks: &Receiver<Block>, found: &Found, rate_hz: f32) {
    // Without it the thread disturbs more, and works.
    let _ = set_current_thread_priority(ThreadPriority::Min);
    // After a panic the queue has no receiver, and the last verdicts stay.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let mut judge = Judge::new(rate_hz);
        while let Ok(block) = blocks.recv() {
            // Relaxed: orders nothing.
            if found.stop.load(Ordering::Relaxed) {
                break;
            }
            if let Some(offsets) = judge.push(block) {
                *lock(&found.offsets) = offsets;
                // Release: a thread that reads the mark finds the offsets.
                found.is_new.store(true, Ordering::Release);
            }
        }
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // No value is left half-changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
