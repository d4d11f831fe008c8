//! The steps that can be undone, and the settings of the two sides A and B.

use crate::saved::arrangement::Arrangement;
use crate::saved::learned::Taught;

/// A parameter of the instance, by its position among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ParamIndex(pub(super) usize);

impl ParamIndex {
    /// Returns the position among the entries of the parameters.
    pub(crate) fn place(self) -> usize {
        self.0
    }
}

/// The change of a parameter within one gesture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) index: ParamIndex,
    pub(super) from: f32,
    pub(super) to: f32,
}

/// Largest number of steps that can be undone.
const MAX_STEPS: usize = 200;

/// A unit of undo.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) changes: Vec<Change>,
    /// The arrangement before and after.
    pub(super) arranged: Option<Box<[Arrangement; 2]>>,
    pub(super) passage: Option<Box<Passage>>,
}

/// One of the two settings to compare.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) values: Vec<f32>,
    pub(super) arrangement: Arrangement,
}

/// A learned passage: the estimates before it, and, once it was undone, after it.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) before: Taught,
    pub(super) after: Option<Taught>,
}

/// All steps, and the settings of A and B.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) steps: Vec<Step>,
    /// Number of steps that are done; the others can be redone.
    pub(super) done: usize,
    /// Settings of A and B. Those of the active side are out of date.
    pub(super) sides: [Option<Side>; 2],
    pub(super) side: usize,
}

impl History {
    pub(super) fn push(&mut self, step: Step) {
        self.steps.truncate(self.done);
        self.steps.push(step);
        if self.steps.len() > MAX_STEPS {
            self.steps.remove(0);
        }
        self.done = self.steps.len();
    }
}
