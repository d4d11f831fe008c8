//! What surrounds the editor: the running session's counters and snapshots, never the audio itself, and the host.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use engine::{Learner, Mode, Monitor, Pace, SessionStats};

use crate::buses::MicMap;
use crate::daw::Daw;
use crate::guard::Bell;

/// One session's windows.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    pub(crate) stats: Arc<SessionStats>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) learner: Arc<Learner>,
    pub(crate) latency_samples: usize,
    pub(crate) rate_hz: f32,
    pub(crate) pace: Pace,
    pub(crate) mode: Mode,
    pub(crate) map: MicMap,
    /// Id and version of the network that it was given.
    pub(crate) model: Option<(&'static str, &'static str)>,
}

/// The session that runs now, if one does, and who runs it. Written at activation and when the host says its name, read by
/// the editor; the audio thread never comes here.
#[derive(Debug, Default)]
pub(crate) struct Live {
    session: Mutex<Option<LiveSession>>,
    daw: Mutex<Daw>,
    bell: Mutex<Option<Weak<dyn Bell>>>,
}

impl Live {
    /// A new session, or none, has taken over.
    pub(crate) fn replace(&self, session: Option<LiveSession>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }

    pub(crate) fn session(&self) -> Option<LiveSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What to ring when the host must be told something.
    pub(crate) fn hang_bell(&self, bell: Weak<dyn Bell>) {
        *self.bell.lock().unwrap_or_else(PoisonError::into_inner) = Some(bell);
    }

    /// Has the host told what changed, now and not with its next call; never on the audio thread.
    pub(crate) fn ring(&self) {
        let bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(bell) = bell.and_then(|bell| bell.upgrade()) {
            bell.ring();
        }
    }

    /// The host has said its name.
    pub(crate) fn run_by(&self, name: &str) {
        *self.daw.lock().unwrap_or_else(PoisonError::into_inner) = Daw::from_host_name(name);
    }

    pub(crate) fn daw(&self) -> Daw {
        *self.daw.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
