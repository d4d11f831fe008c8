//! The editor's view of the running session and of the host: counters and snapshots, without audio.

use std::sync::{Arc, Mutex, Weak};

use engine::{Learner, Mode, Monitor, Pace, SessionStats};
use link::Watcher;

use crate::buses::MicMap;
use crate::daw::Daw;
use crate::guard::HostBell;
use crate::sync::lock;

/// The counters and snapshots of one session.
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
    /// Id and version of the session's network.
    pub(crate) model: Option<(&'static str, &'static str)>,
}

/// The running session, if any, and the DAW. Written at activation and when the host reports its
/// name, read by the editor. The audio thread never uses it.
#[derive(Debug, Default)]
pub(crate) struct Live {
    session: Mutex<Option<LiveSession>>,
    daw: Mutex<Daw>,
    bell: Mutex<Option<Weak<dyn HostBell>>>,
    trouble: Mutex<Option<String>>,
    watcher: Mutex<Option<Watcher>>,
}

impl Live {
    /// Replaces the session; `None` if there is none.
    pub(crate) fn replace(&self, session: Option<LiveSession>) {
        *lock(&self.session) = session;
    }

    /// Replaces the view of the linked tracks; `None` if the instance is not linked.
    pub(crate) fn watch(&self, watcher: Option<Watcher>) {
        *lock(&self.watcher) = watcher;
    }

    /// Returns the view of the linked tracks, if the instance is linked.
    pub(crate) fn watcher(&self) -> Option<Watcher> {
        lock(&self.watcher).clone()
    }

    /// Stores the reason why there is no session.
    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }

    /// Returns the reason why there is no session, if that is an error.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(crate) fn session(&self) -> Option<LiveSession> {
        lock(&self.session).clone()
    }

    /// Stores the bell that [`Live::ring`] rings.
    pub(crate) fn hang_bell(&self, bell: Weak<dyn HostBell>) {
        *lock(&self.bell) = Some(bell);
    }

    /// Makes the guard report changes to the host now instead of at the host's next call; never on
    /// the audio thread.
    pub(crate) fn ring(&self) {
        let bell = lock(&self.bell).clone();
        if let Some(bell) = bell.and_then(|bell| bell.upgrade()) {
            bell.ring();
        }
    }

    /// Stores the DAW that the host's `name` identifies.
    pub(crate) fn run_by(&self, name: &str) {
        *lock(&self.daw) = Daw::from_host_name(name);
    }

    pub(crate) fn daw(&self) -> Daw {
        *lock(&self.daw)
    }
}
