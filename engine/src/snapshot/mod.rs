//! Levels, crosstalk and spectra of a running session for an editor, without work on the
//! audio thread.
//!
//! The worker fills a [`Snapshot`] after every hop while a watcher is present. Snapshots circulate
//! through two lock-free queues, like the worker's packets. If the watcher is slow, the worker
//! skips snapshots and never waits.

mod observer;
mod scale;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use crossbeam::queue::ArrayQueue;

use crate::MAX_MICS;
use crate::debleed::GuideTrouble;

pub(crate) use observer::Observer;
pub use scale::{NUM_COLUMN_BANDS, band_hz};

/// Snapshots in circulation: two thirds of a second of hops, for a watcher that stalls.
const CIRCULATING: usize = 64;
/// Level of silence in spectra, in decibels.
const SILENT_DB: f32 = -140.0;

/// Levels of one mic over one hop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MicLevels {
    /// Largest magnitude of the input, full scale 1, at the time of the output.
    pub input_peak: f32,
    /// Mean square of the input.
    pub input_power: f32,
    /// Largest magnitude of the output, after amounts and listening.
    pub output_peak: f32,
    /// Mean square of the output.
    pub output_power: f32,
    /// Mean square of the clean mic, independent of listening.
    pub clean_power: f32,
}

/// Spectrum of one mic under one window, on a logarithmic frequency scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// True if the spectra are of this hop: those of the selected mic in every hop, those of the
    /// others in every second one.
    pub is_new: bool,
    /// Spectrum of the input in decibels of a full-scale sine, `[band]`; see [`band_hz`].
    pub before_db: [f32; NUM_COLUMN_BANDS],
    /// Spectrum of the clean mic, in the same units.
    pub after_db: [f32; NUM_COLUMN_BANDS],
    /// Spectrum of the removed signal, in the same units.
    pub removed_db: [f32; NUM_COLUMN_BANDS],
}

/// One hop of a session, for display in an editor.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Levels, `[mic]`.
    pub mics: Vec<MicLevels>,
    /// Estimated crosstalk, `[target, bleeder]`: fraction of the bleeder's power that reaches the
    /// target. 0 if unknown.
    pub crosstalk: Vec<f32>,
    /// Convergence of the crosstalk estimates, 0 to 1: fraction of the pairs that differ by less
    /// than half a decibel from their own mean over the last seconds.
    pub settled: f32,
    /// First other mic that carries the same sound and counts as one group with this one, `[mic]`.
    pub twins: Vec<Option<usize>>,
    /// Reason why the network is not used and mics are cleaned by rules alone. `None` if there
    /// is none.
    pub trouble: Option<GuideTrouble>,
    /// Spectra, `[mic]`.
    pub columns: Vec<Column>,
}

impl Snapshot {
    fn new(num_mics: usize) -> Self {
        let silence = [SILENT_DB; NUM_COLUMN_BANDS];
        let column =
            Column { is_new: false, before_db: silence, after_db: silence, removed_db: silence };
        Self {
            mics: vec![MicLevels::default(); num_mics],
            crosstalk: vec![0.0; num_mics * num_mics],
            settled: 0.0,
            twins: vec![None; num_mics],
            trouble: None,
            columns: vec![column; num_mics],
        }
    }
}

/// Access to the snapshots of one session; from `Session::monitor`.
///
/// One watcher at a time. Without a watcher it costs the worker two atomic operations per hop and
/// almost no memory.
#[derive(Debug)]
pub struct Monitor {
    num_mics: usize,
    hop_s: f32,
    /// Bit mask of the mics that have had a signal.
    heard: AtomicU64,
    watched: AtomicBool,
    selected: AtomicUsize,
    ready: ArrayQueue<Box<Snapshot>>,
    free: ArrayQueue<Box<Snapshot>>,
}

impl Monitor {
    pub(crate) fn new(num_mics: usize, hop_s: f32) -> Self {
        const { assert!(MAX_MICS <= 64, "a bit for every mic") };
        Self {
            num_mics,
            hop_s,
            heard: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            selected: AtomicUsize::new(0),
            ready: ArrayQueue::new(CIRCULATING),
            free: ArrayQueue::new(CIRCULATING),
        }
    }

    /// Returns the number of mics of the session.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// Returns the duration of a hop in seconds.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn hop_s(&self) -> f32 {
        self.hop_s
    }

    /// Returns true if a mic has had more than digital silence since the session was prepared.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn was_heard(&self, mic: usize) -> bool {
        // Relaxed, here and below: each value is independent and orders nothing.
        mic < self.num_mics && self.heard.load(Ordering::Relaxed) >> mic & 1 == 1
    }

    /// Starts or stops watching, and selects the mic whose spectrum is measured in every hop.
    ///
    /// # Real-time
    ///
    /// Watcher's thread only: allocates when watching starts and frees when it stops.
    pub fn watch(&self, selected: Option<usize>) {
        let Some(mic) = selected else {
            // SeqCst: ordered against the worker's load of `watched` after its push, so one of the
            // two frees the snapshot.
            self.watched.store(false, Ordering::SeqCst);
            self.empty();
            return;
        };
        self.selected.store(mic, Ordering::Relaxed);
        if !self.watched.swap(true, Ordering::Relaxed) {
            // Frees snapshots that the worker held when the last watcher left.
            while self.ready.pop().is_some() {}
            while self.free.push(Box::new(Snapshot::new(self.num_mics))).is_ok() {}
        }
    }

    /// Returns the oldest unread snapshot, or `None` if there is none or watching has stopped.
    ///
    /// # Real-time
    ///
    /// Watcher's thread only.
    pub fn take(&self) -> Option<Box<Snapshot>> {
        // The worker may have pushed a snapshot after the watcher left.
        self.watched.load(Ordering::Relaxed).then(|| self.ready.pop()).flatten()
    }

    /// Returns a snapshot to the worker for reuse.
    ///
    /// # Real-time
    ///
    /// Watcher's thread only.
    pub fn give_back(&self, snapshot: Box<Snapshot>) {
        // Without a watcher the worker fills no more snapshots, so this one is freed.
        if self.watched.load(Ordering::Relaxed) {
            drop(self.free.push(snapshot));
        }
    }

    /// Passes a filled snapshot to the watcher, or frees it if the watcher has left.
    ///
    /// # Real-time
    ///
    /// Worker only.
    fn hand_over(&self, snapshot: Box<Snapshot>) {
        // The queue has room for every snapshot, so the push does not fail.
        drop(self.ready.push(snapshot));
        fence(Ordering::SeqCst);
        if !self.watched.load(Ordering::SeqCst) {
            self.empty();
        }
    }

    fn empty(&self) {
        while self.ready.pop().is_some() || self.free.pop().is_some() {}
    }
}
