//! Undo and redo of parameter changes, arrangements and passages, and the two sides A and B.

use super::Edits;
use super::history::{ParamIndex, Passage, Side, Step};
use crate::saved::arrangement::Arrangement;

impl Edits {
    /// Sets parameters and the arrangement of the mics in one step.
    pub(crate) fn set_and_arrange(&mut self, values: &[(ParamIndex, f32)], to: Arrangement) {
        self.finish();
        self.apply(&self.moved(values));
        let changes = self.end_gesture();
        let from = self.params.saved.arranged.now().clone();
        let arranged = (from != to).then(|| {
            self.rearrange(to.clone());
            Box::new([from, to])
        });
        if !changes.is_empty() || arranged.is_some() {
            self.history.push(Step { changes, arranged, passage: None });
        }
    }

    /// Changes names, order or links of the mics.
    pub(crate) fn arrange(&mut self, change: impl FnOnce(&mut Arrangement)) {
        let mut to = self.params.saved.arranged.now().clone();
        change(&mut to);
        self.set_and_arrange(&[], to);
    }

    fn rearrange(&self, to: Arrangement) {
        if let Some(tracks) = &self.tracks {
            tracks.send_arrangement(&self.params.saved.arranged.now(), &to);
        }
        self.params.saved.arranged.change(to);
    }

    pub(crate) fn is_learning(&self) -> bool {
        self.value(self.index(&self.params.learn)) > 0.5
    }

    /// Starts to learn a passage and selects Learned. Undo discards the passage and restores the
    /// earlier estimates.
    pub(crate) fn begin_passage(&mut self) {
        self.finish();
        let before = self.own.saved.kept.taught(false);
        self.own.saved.kept.begin();
        let learn = self.index(&self.params.learn);
        let estimates = self.index(&self.params.estimates);
        self.apply(&self.moved(&[(learn, 1.0), (estimates, 1.0)]));
        let mut changes = self.end_gesture();
        // Undo and redo never begin a passage.
        changes.retain(|change| change.index != learn);
        let passage = Some(Box::new(Passage { before, after: None }));
        self.history.push(Step { changes, passage, ..Step::default() });
    }

    /// Ends the passage. This is not a step, because a passage cannot continue after its end.
    pub(crate) fn end_passage(&mut self) {
        self.finish();
        self.apply(&[(self.index(&self.params.learn), 0.0)]);
        self.end_gesture();
    }

    pub(crate) fn can_undo(&self) -> bool {
        self.history.done > 0
    }

    pub(crate) fn can_redo(&self) -> bool {
        self.history.done < self.history.steps.len()
    }

    /// Describes the step that *Undo* takes back, if there is one.
    pub(crate) fn undone_next(&self) -> Option<String> {
        let last = self.history.done.checked_sub(1)?;
        self.history.steps.get(last).map(|step| self.describe(step))
    }

    /// Describes the step that *Redo* repeats, if there is one.
    pub(crate) fn redone_next(&self) -> Option<String> {
        self.history.steps.get(self.history.done).map(|step| self.describe(step))
    }

    fn describe(&self, step: &Step) -> String {
        if step.passage.is_some() {
            return "the learned passage".to_owned();
        }
        match step.changes.as_slice() {
            [] => "names, order or links of mics".to_owned(),
            [change] if step.arranged.is_none() => self.name(change.index),
            [change, more @ ..] => {
                let count = more.len() + usize::from(step.arranged.is_some());
                format!("{} and {count} more", self.name(change.index))
            }
        }
    }

    pub(crate) fn undo(&mut self) {
        self.finish();
        if !self.can_undo() {
            return;
        }
        self.history.done -= 1;
        let is_learning = self.is_learning();
        let learn = self.index(&self.params.learn);
        let step = &mut self.history.steps[self.history.done];
        let mut back: Vec<_> = step.changes.iter().map(|c| (c.index, c.from)).collect();
        let arranged = step.arranged.as_ref().map(|arranged| arranged[0].clone());
        if let Some(passage) = &mut step.passage {
            if !is_learning {
                passage.after = Some(self.own.saved.kept.taught(false));
            }
            self.own.saved.kept.put_back(&passage.before);
            if is_learning {
                back.push((learn, 0.0));
                // A partly learned passage cannot be redone.
                self.history.steps.truncate(self.history.done);
            }
        }
        if let Some(to) = arranged {
            self.rearrange(to);
        }
        self.apply(&back);
        self.end_gesture();
    }

    pub(crate) fn redo(&mut self) {
        self.finish();
        if !self.can_redo() {
            return;
        }
        let step = &self.history.steps[self.history.done];
        let again: Vec<_> = step.changes.iter().map(|c| (c.index, c.to)).collect();
        if let Some(arranged) = &step.arranged {
            self.rearrange(arranged[1].clone());
        }
        if let Some(after) = step.passage.as_ref().and_then(|passage| passage.after.as_ref()) {
            self.own.saved.kept.put_back(after);
        }
        self.history.done += 1;
        self.apply(&again);
        self.end_gesture();
    }

    /// Returns 0 for A, 1 for B.
    pub(crate) fn side(&self) -> usize {
        self.history.side
    }

    /// Changes to A or B. A side that was never visited begins as a copy of the other.
    pub(crate) fn go_to_side(&mut self, side: usize) {
        if side == self.history.side {
            return;
        }
        let values = self.all().map(|index| self.value(index)).collect();
        let arrangement = self.params.saved.arranged.now().clone();
        self.history.sides[self.history.side] = Some(Side { values, arrangement });
        self.history.side = side;
        if let Some(there) = self.history.sides[side].take() {
            // Neither side begins or ends a passage.
            let learn = self.index(&self.params.learn);
            let values: Vec<_> =
                self.all().zip(there.values).filter(|&(index, _)| index != learn).collect();
            self.set_and_arrange(&values, there.arrangement);
        }
    }

    /// Makes the other side the same as this one.
    pub(crate) fn copy_to_other_side(&mut self) {
        self.history.sides[1 - self.history.side] = None;
    }
}
