//! Learned estimates of a session: the worker learns them, and every member keeps them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::{Controls, Estimates, GroupId, Learned, Learner, Role};

use super::settle::Board;
use crate::stream::Owner;

/// Estimates learned from a passage, with the members that they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Time at which they were learned, or chosen again, in nanoseconds of the system's clock. The
    /// latest lesson of a session counts.
    pub stamp: u64,
    /// The estimates; `None` if earlier ones were discarded.
    pub learned: Option<Arc<Learned>>,
    /// Identity of the member of each mic, `[mic]`; 0 for none. The sides of a stereo track follow
    /// each other.
    pub identities: Vec<u128>,
}

impl Lesson {
    /// Creates a lesson of this moment.
    #[must_use]
    pub fn now(learned: Option<Arc<Learned>>, identities: Vec<u128>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamp = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self { stamp, learned, identities }
    }

    /// Returns for each of the worker's mics the mic of the lesson, if there is one.
    fn sources(&self, identities: &[u128]) -> Vec<Option<usize>> {
        let side_of = |list: &[u128], mic: usize| {
            list[..mic].iter().filter(|&&identity| identity == list[mic]).count()
        };
        let source = |mic: usize| {
            let is_its = |&of: &usize| {
                identities[mic] != 0
                    && self.identities[of] == identities[mic]
                    && side_of(&self.identities, of) == side_of(identities, mic)
            };
            (0..self.identities.len()).find(is_its)
        };
        (0..identities.len()).map(source).collect()
    }
}

/// Roles and groups of all mics.
type Routing = Vec<(Role, Option<GroupId>)>;

/// The lesson of a worker.
///
/// # Real-time
///
/// Worker only: allocates.
#[derive(Debug, Default)]
pub(crate) struct School {
    lesson: Option<Arc<Lesson>>,
    /// Mics of the lesson at the worker's places, and roles and groups, when the method got it.
    taught: Option<(Vec<Option<usize>>, Routing)>,
    was_learning: bool,
}

impl School {
    /// Exchanges lessons between the method and the members of this process.
    pub(crate) fn poll(
        &mut self,
        board: &Board,
        owners: &[Owner],
        controls: &Controls,
        learner: &Learner,
        num_mics: usize,
    ) {
        let is_learning = controls.estimates == Estimates::Learning;
        let identities = identities(owners, num_mics);
        let routing =
            || controls.mics[..num_mics].iter().map(|mic| (mic.role, mic.group)).collect();
        let consoles = || board.seats().iter().filter_map(super::Seat::console);
        let found = learner.collect().filter(|_| !is_learning);
        let has_learned = found.is_some();
        if has_learned {
            self.lesson = Some(Arc::new(Lesson::now(found, identities.clone())));
        }
        let stamp = |lesson: Option<&Arc<Lesson>>| lesson.map_or(0, |lesson| lesson.stamp);
        let newest = consoles().filter_map(super::Console::lesson).max_by_key(|of| of.stamp);
        let is_new = stamp(newest.as_ref()) > stamp(self.lesson.as_ref());
        if is_new {
            self.lesson = newest;
            self.taught = None;
        }
        let was_learning = std::mem::replace(&mut self.was_learning, is_learning);
        let Some(lesson) = &self.lesson else { return };
        for console in consoles() {
            if stamp(console.lesson().as_ref()) < lesson.stamp {
                console.learn(lesson);
            }
        }
        let now = (lesson.sources(&identities), routing());
        let learned = || {
            let known = lesson.learned.as_ref()?;
            let is_known = now.0.iter().any(Option::is_some);
            is_known.then(|| Arc::new(known.arranged(&now.0, controls)))
        };
        if has_learned && !is_new {
            // The method uses it already.
        } else if is_new && (is_learning || was_learning) {
            // The passage was discarded.
            learner.call_off(learned());
        } else if is_learning || self.taught.as_ref() == Some(&now) {
            return;
        } else {
            learner.give(learned());
        }
        self.taught = Some(now);
    }
}

/// Returns the identity of the member of each mic, 0 for none.
fn identities(owners: &[Owner], num_mics: usize) -> Vec<u128> {
    let mut identities = vec![0; num_mics];
    for Owner { identity, mics, .. } in owners {
        identities[mics.clone()].fill(*identity);
    }
    identities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mics_are_found_by_the_identity_of_their_members_and_their_sides() {
        let lesson = Lesson::now(None, vec![7, 5, 5, 0, 9]);
        let sources = lesson.sources(&[5, 5, 0, 7, 8, 9, 9]);
        assert_eq!(sources, [Some(1), Some(2), None, Some(0), None, Some(4), None]);
        // A stereo track that was mono has its left side.
        assert_eq!(lesson.sources(&[5]), [Some(1)]);
    }
}
