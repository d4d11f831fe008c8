//! The part of the window that several panels use.

use super::edits::Edits;
use super::handles::Handles;
use super::rows::Rows;
use super::scene::Scene;

/// A panel's access to the session, the parameters and the state that panels share.
#[derive(Debug)]
pub(super) struct Access<'a> {
    pub(super) scene: &'a Scene,
    pub(super) edits: &'a mut Edits,
    pub(super) handles: &'a mut Handles,
    pub(super) rows: &'a mut Rows,
}
