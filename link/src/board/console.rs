//! Interface between a worker and the settings of a member of its process.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use engine::Estimates;

use super::label::Label;
use super::lesson::Lesson;
use super::request::Request;
use super::sheet::{Entry, Sheet};

/// The settings of one member, as its worker sees them.
///
/// A console belongs to one member at a time: an instance that joins again drops its old member
/// first, or else it is asked to give up its identity.
///
/// # Real-time
///
/// The first [`Self::write`] is called by the thread that joins, before the worker knows the
/// member. All other calls come from the worker thread. They must be quick, and may lock but not
/// wait. A thread that drops a [`Member`](crate::Member) must not hold a lock that its console
/// takes.
pub trait Console: Debug + Send + Sync {
    /// Fills an empty `sheet` with identity, claim, version, shared and own settings; the late
    /// samples are filled in later. Called when the member joins, before its first sample is
    /// used, then about every 30 ms, and before each hop that a host renders. The settings should
    /// come in the same order each time.
    fn write(&self, sheet: &mut Sheet);

    /// Returns name and colour of the member's track. Called as often as [`Self::write`].
    fn label(&self) -> Label {
        Label::default()
    }

    /// Takes the shared settings that another member has changed, and their version, which may be
    /// that of the present ones. The next [`Self::write`] follows at once.
    fn adopt(&self, version: u64, shared: &[Entry]);

    /// Takes the version of the shared settings of the last [`Self::write`]: they were changed
    /// here.
    fn renumber(&self, version: u64);

    /// Receives a wish for a change of this member's own settings, from the window of any member
    /// of the session.
    fn request(&self, request: &Request);

    /// Tells that another living member has had the identity `taken` for longer: this one needs
    /// another. Called again until it has one.
    fn yield_identity(&self, taken: u128);

    /// Returns the learned estimates that this member keeps, if any. Called at every poll.
    fn lesson(&self) -> Option<Arc<Lesson>> {
        None
    }

    /// Receives learned estimates to keep: the worker has learned them, or another member of this
    /// process has newer ones.
    fn learn(&self, _lesson: &Arc<Lesson>) {}

    /// Returns the source of the estimates, one of the shared settings. The first member of a
    /// process and session decides.
    fn estimates(&self) -> Estimates;

    /// Returns the identity that [`Self::write`] states.
    fn identity(&self) -> u128 {
        0
    }

    /// Returns true if the instance belongs to `session`, 0 for A, and the sound of its members is
    /// kept there: one of the shared settings. Asked also while the instance is not linked. The
    /// first member of a process and session decides whether sound is recorded at all.
    fn keeps(&self, _session: u8) -> bool {
        false
    }

    /// Returns the folder of the files in which sound is kept, too, so that it outlasts the
    /// program: one of the shared settings. The first member of a process and session decides.
    fn kept_folder(&self) -> Option<PathBuf> {
        None
    }
}

/// A console of a member without settings and identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoConsole;

impl Console for NoConsole {
    fn write(&self, _sheet: &mut Sheet) {}

    fn adopt(&self, _version: u64, _shared: &[Entry]) {}

    fn renumber(&self, _version: u64) {}

    fn request(&self, _request: &Request) {}

    fn yield_identity(&self, _taken: u128) {}

    fn estimates(&self) -> Estimates {
        Estimates::default()
    }
}
