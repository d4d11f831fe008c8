//! Exchange of learned estimates between the worker and the main thread, with the state
//! of learning.

use super::sync::{Arc, ArrayQueue, AtomicU8, AtomicU32, AtomicU64, Ordering};
use super::{Learned, Unusable};

/// State of a session's estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LearnState {
    /// The estimates adapt to the music.
    Adaptive,
    /// The estimates adapt to a passage that is being learned.
    Learning,
    /// The estimates are frozen as learned so far, while the passage is refined.
    Refining,
    /// The estimates are learned and frozen.
    Learned,
    /// The requested learned estimates cannot be used; the estimates adapt to the music instead.
    Unusable(Unusable),
}

impl LearnState {
    pub(super) const ALL: [Self; 10] = [
        Self::Adaptive,
        Self::Learning,
        Self::Refining,
        Self::Learned,
        Self::Unusable(Unusable::Nothing),
        Self::Unusable(Unusable::NumMics),
        Self::Unusable(Unusable::Rate),
        Self::Unusable(Unusable::Mode),
        Self::Unusable(Unusable::Routing),
        Self::Unusable(Unusable::Layout),
    ];
}

impl std::fmt::Display for LearnState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Adaptive => f.write_str("adaptive"),
            Self::Learning => f.write_str("learning"),
            Self::Refining => f.write_str("learned, refining"),
            Self::Learned => f.write_str("learned"),
            Self::Unusable(why) => write!(f, "adaptive: {why}"),
        }
    }
}

/// A value from the main thread.
#[derive(Debug)]
pub(crate) struct Given {
    /// Sequence number.
    pub(crate) gift: u64,
    pub(crate) learned: Option<Arc<Learned>>,
    /// True to drop the passage that is being learned, if there is one.
    pub(crate) calls_off: bool,
}

/// Exchanges learned estimates between the worker and the main thread and reports the state
/// of learning. The worker has a `Publisher`.
///
/// Nothing here blocks: each direction holds the newest value only, and figures are atomics.
#[derive(Debug)]
pub struct Learner {
    given: ArrayQueue<Given>,
    found: ArrayQueue<(u64, Arc<Learned>)>,
    /// Number of values given; estimates learned before the last one are outdated.
    gifts: AtomicU64,
    num_found: AtomicU64,
    state: AtomicU8,
    convergence: AtomicU32,
}

impl Learner {
    pub(crate) fn new() -> Self {
        Self {
            given: ArrayQueue::new(1),
            found: ArrayQueue::new(1),
            gifts: AtomicU64::new(0),
            num_found: AtomicU64::new(0),
            state: AtomicU8::new(0),
            convergence: AtomicU32::new(0),
        }
    }

    /// Replaces the learned estimates of the session from the worker's next hop on. A passage that
    /// is being learned starts again.
    ///
    /// # Real-time
    ///
    /// Main thread only: may free the value given before.
    pub fn give(&self, learned: Option<Arc<Learned>>) {
        self.push(learned, false);
    }

    /// Replaces the learned estimates and drops a passage that is being learned. Nothing is learned
    /// until the controls have requested something other than [`crate::Estimates::Learning`]. This
    /// holds in whatever order the call and the controls arrive.
    ///
    /// # Real-time
    ///
    /// Main thread only: may free the value given before.
    pub fn call_off(&self, learned: Option<Arc<Learned>>) {
        self.push(learned, true);
    }

    fn push(&self, learned: Option<Arc<Learned>>, calls_off: bool) {
        // Relaxed: only the main thread counts; the queue orders the worker's accesses.
        let gift = self.gifts.fetch_add(1, Ordering::Relaxed) + 1;
        self.given.force_push(Given { gift, learned, calls_off });
    }

    /// Returns the newest estimates published since the last call, if any. The session publishes
    /// every few seconds while it learns, and at the end.
    ///
    /// # Real-time
    ///
    /// Main thread only: dropping the last reference frees the memory.
    #[must_use]
    pub fn collect(&self) -> Option<Arc<Learned>> {
        let (gift, learned) = self.found.pop()?;
        (gift == self.gifts.load(Ordering::Relaxed)).then_some(learned)
    }

    /// Returns how often the session has published estimates; a change means that there are
    /// new ones.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn num_found(&self) -> u64 {
        // Acquire: a thread that has this count, directly or from another, finds the values
        // before it.
        self.num_found.load(Ordering::Acquire)
    }

    /// Returns the state of the estimates.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn state(&self) -> LearnState {
        // Acquire: a thread that reads the end of learning finds the learned estimates.
        let index = usize::from(self.state.load(Ordering::Acquire));
        LearnState::ALL.get(index).copied().unwrap_or(LearnState::Adaptive)
    }

    /// Returns the convergence of the filters, 0 to 1, or the progress of refining a passage; 1
    /// while the estimates are frozen.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn convergence(&self) -> f32 {
        // Relaxed: the value is independent of all others.
        f32::from_bits(self.convergence.load(Ordering::Relaxed))
    }
}

/// The worker's side of a [`Learner`].
#[derive(Debug)]
pub(crate) struct Publisher(Arc<Learner>);

impl Publisher {
    pub(crate) fn new(learner: Arc<Learner>) -> Self {
        Self(learner)
    }

    /// Returns the main thread's side.
    pub(crate) fn learner(&self) -> &Arc<Learner> {
        &self.0
    }

    /// Takes the newest value from the main thread, once.
    pub(crate) fn take_given(&self) -> Option<Given> {
        self.0.given.pop()
    }

    /// Publishes estimates learned after value `gift` to the main thread.
    pub(crate) fn publish(&self, gift: u64, learned: Arc<Learned>) {
        self.0.found.force_push((gift, learned));
        // Release: pairs with the Acquire in `num_found`.
        self.0.num_found.fetch_add(1, Ordering::Release);
    }

    /// Sets the state of the estimates.
    pub(crate) fn set_state(&self, state: LearnState) {
        let index = LearnState::ALL.iter().position(|&known| known == state).unwrap_or(0);
        // Release: pairs with the Acquire in `state`.
        self.0.state.store(u8::try_from(index).unwrap_or(0), Ordering::Release);
    }

    /// Sets the convergence, 0 to 1.
    pub(crate) fn set_convergence(&self, convergence: f32) {
        self.0.convergence.store(convergence.to_bits(), Ordering::Relaxed);
    }
}
