//! What an editor sees of a running session: levels, crosstalk and spectra, without touching the audio thread.
//!
//! The worker fills a [`Snapshot`] after every hop, but only while somebody watches. Snapshots
//! travel in circles through two lock-free queues, as the worker's packets do; when the watcher is
//! slow the worker skips, and never waits.

mod observer;
mod scale;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use crossbeam::queue::ArrayQueue;

use crate::MAX_MICS;
use crate::debleed::cancel::GuideTrouble;

pub(crate) use observer::Observer;
pub use scale::{NUM_COLUMN_BANDS, band_hz};

/// Snapshots in circulation: two thirds of a second of hops, for a watcher that stalls.
const CIRCULATING: usize = 64;
/// What spectra show of silence.
const SILENT_DB: f32 = -140.0;

/// Levels of one mic over one hop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MicLevels {
    /// Highest magnitude that came in, full scale 1, at the time of the output.
    pub input_peak: f32,
    /// Mean square of what came in.
    pub input_power: f32,
    /// Highest magnitude of what goes out, as amounts and listening leave it.
    pub output_peak: f32,
    /// Mean square of what goes out.
    pub output_power: f32,
    /// Mean square of the clean mic, whatever is listened to.
    pub clean_power: f32,
}

/// One mic's spectrum under one window, on a logarithmic frequency scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The mic.
    pub mic: usize,
    /// As it came in, in decibels of a full-scale sine, `[band]`; see [`band_hz`].
    pub before_db: [f32; NUM_COLUMN_BANDS],
    /// Cleaned, in the same units.
    pub after_db: [f32; NUM_COLUMN_BANDS],
    /// What was taken out, in the same units.
    pub removed_db: [f32; NUM_COLUMN_BANDS],
}

/// One hop of a session, as an editor shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// `[mic]`.
    pub mics: Vec<MicLevels>,
    /// Estimated crosstalk, `[target, bleeder]`: the share of the bleeder's power that the target
    /// hears; 0 where nothing is known.
    pub crosstalk: Vec<f32>,
    /// How far the crosstalk estimates have settled, 0 to 1: the share of the pairs that moved by
    /// less than half a decibel against their own mean of the last seconds.
    pub settled: f32,
    /// The first other mic that carries the same sound and counts as one group with this one, `[mic]`.
    pub twins: Vec<Option<usize>>,
    /// Why mics are cleaned by rules alone although there is a network, if that is so.
    pub trouble: Option<GuideTrouble>,
    /// The selected mic.
    pub column: Column,
}

impl Snapshot {
    fn new(num_mics: usize) -> Self {
        let silence = [SILENT_DB; NUM_COLUMN_BANDS];
        Self {
            mics: vec![MicLevels::default(); num_mics],
            crosstalk: vec![0.0; num_mics * num_mics],
            settled: 0.0,
            twins: vec![None; num_mics],
            trouble: None,
            column: Column { mic: 0, before_db: silence, after_db: silence, removed_db: silence },
        }
    }
}

/// The window into one session; from `Session::monitor`.
///
/// One watcher at a time. Closed, it costs the worker one store a hop and no memory worth
/// mentioning.
#[derive(Debug)]
pub struct Monitor {
    num_mics: usize,
    hop_s: f32,
    /// A bit for every mic that was ever heard.
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

    /// How many mics the session has.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// How long a hop is, in seconds.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn hop_s(&self) -> f32 {
        self.hop_s
    }

    /// Whether a mic has had anything but digital silence since the session was prepared.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn was_heard(&self, mic: usize) -> bool {
        // Relaxed, here and below: each is a value of its own and orders nothing.
        mic < self.num_mics && self.heard.load(Ordering::Relaxed) >> mic & 1 == 1
    }

    /// Starts or stops watching, and says whose spectrum is wanted.
    ///
    /// # Real-time
    ///
    /// Watcher's thread only: allocates when watching begins and frees when it ends.
    pub fn watch(&self, selected: Option<usize>) {
        let Some(mic) = selected else {
            // Ordered against the worker's look after it has pushed: one of the two frees it.
            self.watched.store(false, Ordering::SeqCst);
            self.empty();
            return;
        };
        self.selected.store(mic, Ordering::Relaxed);
        if !self.watched.swap(true, Ordering::Relaxed) {
            // What the worker had in hand when the last watcher left.
            while self.ready.pop().is_some() {}
            while self.free.push(Box::new(Snapshot::new(self.num_mics))).is_ok() {}
        }
    }

    /// The oldest snapshot not looked at yet; none while nobody watches.
    ///
    /// # Real-time
    ///
    /// Watcher's thread only.
    pub fn take(&self) -> Option<Box<Snapshot>> {
        // The worker may have had one in hand while the watcher left.
        self.watched.load(Ordering::Relaxed).then(|| self.ready.pop()).flatten()
    }

    /// Gives a snapshot back to be filled again.
    ///
    /// # Real-time
    ///
    /// Watcher's thread only.
    pub fn give_back(&self, snapshot: Box<Snapshot>) {
        // After the watcher left there is nobody to fill it; it is freed here.
        if self.watched.load(Ordering::Relaxed) {
            drop(self.free.push(snapshot));
        }
    }

    /// Hands a filled snapshot to the watcher, or frees it if that one has left meanwhile.
    ///
    /// # Real-time
    ///
    /// Worker only.
    fn hand_over(&self, snapshot: Box<Snapshot>) {
        // As many places as snapshots.
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
