//! Saved data of an instance beside its parameters, in the fields of a saved state.

pub(crate) mod arrangement;
mod format;
pub(crate) mod learned;
pub(crate) mod window;

pub(crate) use format::arrangement_of;
#[cfg(test)]
pub(crate) use format::{format_of, model_of};

use arrangement::Arranged;
use learned::Kept;
use window::Remembered;

/// The data of one instance that is saved with its parameters.
#[derive(Debug)]
pub(crate) struct Saved {
    /// Size and scale of the editor's window.
    pub(crate) window: Remembered,
    /// Names, order and links of the mics.
    pub(crate) arranged: Arranged,
    /// Learned estimates and the session's model.
    pub(crate) kept: Kept,
}

impl Saved {
    /// Creates the defaults for `num_strips` mics.
    pub(crate) fn new(num_strips: usize) -> Self {
        Self {
            window: Remembered::default(),
            arranged: Arranged::new(num_strips),
            kept: Kept::default(),
        }
    }

    /// Returns a number that changes whenever there is something new to save; real-time safe.
    pub(crate) fn changes(&self) -> u64 {
        // Both numbers only grow.
        self.kept.news().wrapping_add(self.arranged.changes())
    }
}
