//! Saved data of an instance beside its parameters, in the fields of a saved state.

pub(crate) mod arrangement;
mod format;
pub(crate) mod learned;
pub(crate) mod linked;
pub(crate) mod window;

pub(crate) use format::arrangement_of;
#[cfg(test)]
pub(crate) use format::{format_of, model_of};

use arrangement::Arranged;
use learned::Kept;
use linked::Linked;
use window::Remembered;

use crate::classes::{ClassDesc, Topology};

/// The data of one instance that is saved with its parameters.
#[derive(Debug)]
pub(crate) struct Saved {
    /// Size and scale of the editor's window.
    pub(crate) window: Remembered,
    /// Names, order and links of the mics.
    pub(crate) arranged: Arranged,
    /// Learned estimates and the session's model.
    pub(crate) kept: Kept,
    /// Data of a linked instance; other classes have none.
    pub(crate) linked: Option<Linked>,
}

impl Saved {
    /// Creates the defaults of a class.
    pub(crate) fn new(class: &ClassDesc) -> Self {
        let is_linked = class.topology == Topology::Linked;
        Self {
            window: Remembered::default(),
            arranged: Arranged::new(class.num_strips),
            kept: if is_linked { Kept::linked() } else { Kept::default() },
            linked: is_linked.then(Linked::default),
        }
    }

    /// Returns a number that changes whenever there is something new to save; real-time safe.
    pub(crate) fn changes(&self) -> u64 {
        // The numbers only grow.
        let linked = self.linked.as_ref().map_or(0, Linked::changes);
        self.kept.news().wrapping_add(self.arranged.changes()).wrapping_add(linked)
    }
}
