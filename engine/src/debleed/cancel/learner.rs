//! Where the worker leaves what it learned, and finds what it is to use: the main thread's end of it.

use super::learned::{Learned, Unusable};
use super::sync::{Arc, ArrayQueue, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// What the estimates of a session are at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LearnState {
    /// They follow the music.
    Adaptive,
    /// They follow a passage that is being learned.
    Learning,
    /// They are what was learned so far, frozen, while the passage is gone through again.
    Refining,
    /// They are what was learned, frozen.
    Learned,
    /// They should be what was learned, which cannot be used, and follow the music instead.
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
            Self::Refining => f.write_str("learned, being refined"),
            Self::Learned => f.write_str("learned"),
            Self::Unusable(why) => write!(f, "adaptive: {why}"),
        }
    }
}

/// What the main thread gave.
#[derive(Debug)]
pub(super) struct Given {
    /// The number of the gift.
    pub(super) gift: u64,
    pub(super) learned: Option<Arc<Learned>>,
    /// The passage that is being learned, if one is, is to be forgotten.
    pub(super) calls_off: bool,
}

/// Hands what was learned from the worker to the main thread and back, and says how learning goes.
///
/// Nothing here waits: each direction holds the newest value only, and figures are atomics.
#[derive(Debug)]
pub struct Learner {
    given: ArrayQueue<Given>,
    found: ArrayQueue<(u64, Arc<Learned>)>,
    /// How often something was given: what was learned before that is not wanted any more.
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

    /// Replaces what the session is to use when it plays with learned estimates; counts from the worker's next hop, and a passage
    /// that is being learned begins anew.
    ///
    /// # Real-time
    ///
    /// Main thread only: may free what was given before.
    pub fn give(&self, learned: Option<Arc<Learned>>) {
        self.push(learned, false);
    }

    /// The same, and a passage that is being learned is forgotten: nothing is learned until the controls have once asked for
    /// something else than [`crate::Estimates::Learning`], whichever arrives first.
    ///
    /// # Real-time
    ///
    /// Main thread only: may free what was given before.
    pub fn call_off(&self, learned: Option<Arc<Learned>>) {
        self.push(learned, true);
    }

    fn push(&self, learned: Option<Arc<Learned>>, calls_off: bool) {
        // Relaxed: only the main thread counts; the queue orders what the worker sees.
        let gift = self.gifts.fetch_add(1, Ordering::Relaxed) + 1;
        self.given.force_push(Given { gift, learned, calls_off });
    }

    /// The newest that the session has learned since this was last asked: every few seconds while it learns, and at the end.
    ///
    /// # Real-time
    ///
    /// Main thread only: whoever drops it last frees it.
    #[must_use]
    pub fn collect(&self) -> Option<Arc<Learned>> {
        let (gift, learned) = self.found.pop()?;
        (gift == self.gifts.load(Ordering::Relaxed)).then_some(learned)
    }

    /// How often the session has left something to collect: whoever sees it move knows that there is news.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn num_found(&self) -> u64 {
        // Acquire: whoever sees the count, or is told of it, finds what was left before it.
        self.num_found.load(Ordering::Acquire)
    }

    /// What the estimates are.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn state(&self) -> LearnState {
        // Acquire: whoever sees that learning has ended finds what it taught.
        let index = usize::from(self.state.load(Ordering::Acquire));
        LearnState::ALL.get(index).copied().unwrap_or(LearnState::Adaptive)
    }

    /// How far the filters have converged, 0 to 1, or how far a passage that is being refined has been gone
    /// through; 1 while they are frozen.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: one atomic load.
    #[must_use]
    pub fn convergence(&self) -> f32 {
        // Relaxed: a number of its own.
        f32::from_bits(self.convergence.load(Ordering::Relaxed))
    }

    /// What the main thread gave, once.
    pub(super) fn take_given(&self) -> Option<Given> {
        self.given.pop()
    }

    /// Leaves what was learned after this gift for the main thread.
    pub(super) fn publish(&self, gift: u64, learned: Arc<Learned>) {
        self.found.force_push((gift, learned));
        // Release: pairs with the Acquire in `num_found`.
        self.num_found.fetch_add(1, Ordering::Release);
    }

    pub(super) fn tell(&self, state: LearnState) {
        let index = LearnState::ALL.iter().position(|&known| known == state).unwrap_or(0);
        // Release: pairs with the Acquire in `state`.
        self.state.store(u8::try_from(index).unwrap_or(0), Ordering::Release);
    }

    pub(super) fn tell_convergence(&self, convergence: f32) {
        self.convergence.store(convergence.to_bits(), Ordering::Relaxed);
    }
}
