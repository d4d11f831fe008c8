//! A window's view of a session, and its requests to other members.

use std::sync::{Arc, Mutex, Weak};

use engine::{Learner, Monitor, SessionStats};

use crate::board::{Entry, Request, RequestWriter};
use crate::lock::lock;
use crate::roster::MemberInfo;
use crate::track::MemberId;

/// The members of a session as of a moment ago.
pub(crate) type Roster = Arc<Mutex<Vec<MemberInfo>>>;

/// Counters and snapshots of a worker, for windows.
#[derive(Clone, Debug)]
pub(crate) struct Handles {
    pub(crate) stats: Arc<SessionStats>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) learner: Arc<Learner>,
}

/// A view of a session from one member, for its window.
///
/// It keeps no worker alive. After the member has gone, the list of members is empty and requests
/// go nowhere.
///
/// # Real-time
///
/// Main thread only: allocates and locks.
#[derive(Clone, Debug)]
pub struct Watcher {
    id: MemberId,
    roster: Roster,
    kept_trouble: Arc<Mutex<Option<String>>>,
    handles: Handles,
    /// Ends with the member.
    requests: Weak<Mutex<RequestWriter>>,
}

impl Watcher {
    pub(crate) fn new(
        id: MemberId,
        roster: Roster,
        kept_trouble: Arc<Mutex<Option<String>>>,
        handles: Handles,
        requests: &Arc<Mutex<RequestWriter>>,
    ) -> Self {
        Self { id, roster, kept_trouble, handles, requests: Arc::downgrade(requests) }
    }

    /// Returns the number of the member among all that are linked now.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.id
    }

    /// Returns all members of the session as of a tenth of a second ago: first those that the
    /// worker uses, then the others, each in the order in which the worker found them.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates and locks.
    #[must_use]
    pub fn roster(&self) -> Vec<MemberInfo> {
        if self.requests.strong_count() == 0 { Vec::new() } else { lock(&self.roster).clone() }
    }

    /// Returns the error, in words, because of which sound is no longer kept in files; see
    /// [`Console::kept_folder`](crate::Console::kept_folder).
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates and locks.
    #[must_use]
    pub fn kept_trouble(&self) -> Option<String> {
        lock(&self.kept_trouble).clone()
    }

    /// Returns the counters of the worker.
    #[must_use]
    pub fn stats(&self) -> Arc<SessionStats> {
        Arc::clone(&self.handles.stats)
    }

    /// Returns the monitor of the worker.
    #[must_use]
    pub fn monitor(&self) -> Arc<Monitor> {
        Arc::clone(&self.handles.monitor)
    }

    /// Returns the state of the worker's learning.
    #[must_use]
    pub fn learner(&self) -> Arc<Learner> {
        Arc::clone(&self.handles.learner)
    }

    /// Asks for a change of the own settings of the member `target`, which may be this one. The
    /// change shows in that member's sheet later, or never if the member has gone. Of more than
    /// 1000 requests in 30 ms, the oldest are lost. A text beyond 64 bytes is cut at the end of a
    /// character.
    ///
    /// # Real-time
    ///
    /// Main thread only: locks.
    pub fn request(&self, target: u128, entry: Entry, text: &str) {
        if let Some(requests) = self.requests.upgrade() {
            lock(&requests).write(&Request { target, entry, text: text.to_owned() });
        }
    }
}
