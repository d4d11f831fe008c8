//! The running session as the editor may see it: counters and snapshots, never the audio itself.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{Learner, Monitor, Pace, SessionStats};

use crate::buses::MicMap;

/// One session's windows.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    pub(crate) stats: Arc<SessionStats>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) learner: Arc<Learner>,
    pub(crate) latency_samples: usize,
    pub(crate) rate_hz: f32,
    pub(crate) pace: Pace,
    pub(crate) map: MicMap,
}

/// The session that runs now, if one does. Written at activation, read by the editor; the audio
/// thread never comes here.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<Option<LiveSession>>);

impl Live {
    /// A new session, or none, has taken over.
    pub(crate) fn replace(&self, session: Option<LiveSession>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }

    pub(crate) fn session(&self) -> Option<LiveSession> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
