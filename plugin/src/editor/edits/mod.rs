//! Every change by the editor: a gesture on a host parameter, and a step that can be undone.
#![allow(clippy::float_cmp, reason = "positions are handed around and come back exactly")]
#![allow(unsafe_code, reason = "the framework gives parameters by pointer")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::{Param, ParamPtr};

use super::tracks::Tracks;
use crate::guard::param_id_hash;
use crate::names::Names;
use crate::params::UnspillParams;

mod history;
mod steps;

pub(super) use history::ParamIndex;
use history::{Change, History, Step};

/// Time that a value waits for the host to apply it; then the host's own value is shown again.
const PATIENCE: Duration = Duration::from_millis(500);

/// The editor's access to the parameters.
pub(super) struct Edits {
    /// Owns the parameters behind the pointers.
    params: Arc<UnspillParams>,
    /// Parameters of the instance: the same, but for a window of linked tracks.
    own: Arc<UnspillParams>,
    /// The linked tracks whose table `params` is.
    tracks: Option<Arc<Tracks>>,
    pointers: Vec<ParamPtr>,
    /// Ids of the parameters in hosts, in the same order.
    ids: Vec<u32>,
    names: Names,
    places: HashMap<ParamPtr, ParamIndex>,
    context: Option<GuiContext>,
    /// Values that are sent but not yet applied by the host, with their time.
    pending: HashMap<ParamIndex, (f32, Instant)>,
    /// The gesture in progress.
    gesture: Vec<Change>,
    /// Host parameters of the gesture.
    held: Vec<Option<ParamPtr>>,
    history: History,
    /// The last error, until the next action.
    pub(super) message: Option<String>,
}

impl std::fmt::Debug for Edits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edits").field("history", &self.history).finish_non_exhaustive()
    }
}

impl Edits {
    /// Creates the access of an instance; with `tracks`, to all of its session.
    pub(super) fn new(own: &Arc<UnspillParams>, tracks: Option<&Arc<Tracks>>) -> Self {
        let params = tracks.map_or(own, |tracks| tracks.table());
        let entries = params.entries();
        let ids = entries.iter().map(|(id, ..)| param_id_hash(id)).collect();
        let pointers: Vec<_> = entries.into_iter().map(|(_, pointer, _)| pointer).collect();
        let places = pointers.iter().enumerate().map(|(n, &p)| (p, ParamIndex(n))).collect();
        Self {
            params: Arc::clone(params),
            own: Arc::clone(own),
            tracks: tracks.cloned(),
            pointers,
            ids,
            names: Names::new(params),
            places,
            context: None,
            pending: HashMap::new(),
            gesture: Vec::new(),
            held: Vec::new(),
            history: History::default(),
            message: None,
        }
    }

    /// Connects the editor to the host when a window opens, or disconnects it when the
    /// window closes.
    pub(super) fn connect(&mut self, context: Option<GuiContext>) {
        self.finish();
        self.context = context;
        self.pending.clear();
    }

    pub(super) fn params(&self) -> &Arc<UnspillParams> {
        &self.params
    }

    /// Returns the parameters of the instance that hosts know.
    pub(super) fn own(&self) -> &Arc<UnspillParams> {
        &self.own
    }

    /// Returns the host parameter behind a value, if there is one.
    fn host_param(&self, index: ParamIndex) -> Option<ParamPtr> {
        match &self.tracks {
            Some(tracks) => tracks.host_param(index),
            None => Some(self.pointers[index.0]),
        }
    }

    /// Returns the index of a parameter.
    ///
    /// # Panics
    ///
    /// If the parameter belongs to another instance.
    pub(super) fn index(&self, param: &impl Param) -> ParamIndex {
        self.place(param.as_ptr())
    }

    /// Returns the index of a parameter pointer.
    ///
    /// # Panics
    ///
    /// If the parameter belongs to another instance.
    pub(super) fn place(&self, param: ParamPtr) -> ParamIndex {
        self.places[&param]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = ParamIndex> + use<> {
        (0..self.pointers.len()).map(ParamIndex)
    }

    /// Returns the displayed value, `0.0 ..= 1.0`: the one just sent to the host, or the
    /// host's own.
    pub(super) fn value(&self, index: ParamIndex) -> f32 {
        let sent = self.pending.get(&index);
        sent.map_or_else(|| self.current(index), |&(value, _)| value)
    }

    fn current(&self, index: ParamIndex) -> f32 {
        // SAFETY: points into `params`.
        unsafe { self.pointers[index.0].unmodulated_normalized_value() }
    }

    /// Returns the name of a parameter, as hosts show it.
    fn name(&self, index: ParamIndex) -> String {
        // SAFETY: points into `params`.
        let fixed = || unsafe { self.pointers[index.0].name() }.to_owned();
        self.names.name(&self.params, self.ids[index.0]).unwrap_or_else(fixed)
    }

    pub(super) fn default_value(&self, index: ParamIndex) -> f32 {
        // SAFETY: points into `params`.
        unsafe { self.pointers[index.0].default_normalized_value() }
    }

    /// Returns a value as text with its unit.
    pub(super) fn text(&self, index: ParamIndex, value: f32) -> String {
        // SAFETY: points into `params`.
        unsafe { self.pointers[index.0].normalized_value_to_string(value, true) }
    }

    /// Parses a typed text; `None` if it is not a value.
    pub(super) fn parse(&self, index: ParamIndex, text: &str) -> Option<f32> {
        // SAFETY: points into `params`.
        unsafe { self.pointers[index.0].string_to_normalized_value(text) }
    }

    /// Returns the index of the current choice of a list.
    pub(super) fn choice(&self, index: ParamIndex) -> usize {
        let steps = self.num_choices(index) - 1;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a handful of choices"
        )]
        let choice = (self.value(index) * steps as f32).round() as usize;
        choice.min(steps)
    }

    pub(super) fn num_choices(&self, index: ParamIndex) -> usize {
        // SAFETY: points into `params`.
        unsafe { self.pointers[index.0].step_count() }.map_or(1, |steps| steps + 1)
    }

    pub(super) fn choose(&mut self, index: ParamIndex, choice: usize) {
        let steps = (self.num_choices(index) - 1).max(1);
        self.set(&[(index, choice as f32 / steps as f32)]);
    }

    /// Drops pending values that the host has applied, or has not applied in time.
    pub(super) fn settle(&mut self, now: Instant) {
        let taken: Vec<_> = (self.pending.iter())
            .filter(|&(&index, &(value, since))| {
                let held = self.gesture.iter().any(|change| change.index == index);
                !held && (self.current(index) == value || now.duration_since(since) > PATIENCE)
            })
            .map(|(&index, _)| index)
            .collect();
        for index in taken {
            self.pending.remove(&index);
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Begins a gesture on some parameters; ends the previous one.
    pub(super) fn begin(&mut self, indices: &[ParamIndex]) {
        self.finish();
        for &index in indices {
            let from = self.value(index);
            let held = self.host_param(index);
            self.gesture.push(Change { index, from, to: from });
            self.held.push(held);
            if let (Some(context), Some(held)) = (&self.context, held) {
                // SAFETY: points into `own`, which the framework also keeps.
                unsafe { context.raw_begin_set_parameter(held) };
            }
        }
    }

    /// Moves the parameters of the gesture to `distance` from its start.
    pub(super) fn drag_by(&mut self, distance: f32) {
        for place in 0..self.gesture.len() {
            let Change { from, .. } = self.gesture[place];
            self.move_to(place, (from + distance).clamp(0.0, 1.0));
        }
    }

    fn move_to(&mut self, place: usize, to: f32) {
        let change = &mut self.gesture[place];
        if change.to == to {
            return;
        }
        change.to = to;
        let index = change.index;
        self.pending.insert(index, (to, Instant::now()));
        if let Some(context) = &self.context {
            // The framework waits for the host's next block or flush, which may come late or never.
            // A session that is saved before that must hold this change.
            // SAFETY: points into `params`; values are atomics.
            unsafe { self.pointers[index.0]._internal_set_normalized_value(to) };
            let to = match &self.tracks {
                Some(tracks) => {
                    tracks.send(index, to);
                    tracks.host_value(index, to)
                }
                None => to,
            };
            if let Some(held) = self.held[place] {
                // SAFETY: points into `own`; values are atomics.
                unsafe { held._internal_set_normalized_value(to) };
                // SAFETY: as in `begin`.
                unsafe { context.raw_set_parameter_normalized(held, to) };
            }
        }
    }

    /// Ends the gesture in progress. It can then be undone.
    pub(super) fn finish(&mut self) {
        let changes = self.end_gesture();
        if !changes.is_empty() {
            self.history.push(Step { changes, ..Step::default() });
        }
    }

    /// Ends the gesture and returns its changes.
    fn end_gesture(&mut self) -> Vec<Change> {
        let mut step = std::mem::take(&mut self.gesture);
        let held = std::mem::take(&mut self.held);
        if let Some(context) = &self.context {
            for held in held.into_iter().flatten() {
                // SAFETY: as in `begin`.
                unsafe { context.raw_end_set_parameter(held) };
            }
        }
        step.retain(|change| change.from != change.to);
        step
    }

    /// Sets parameters at once, in one gesture and one step. Unchanged parameters are skipped.
    pub(super) fn set(&mut self, values: &[(ParamIndex, f32)]) {
        self.apply(&self.moved(values));
        self.finish();
    }

    fn moved(&self, values: &[(ParamIndex, f32)]) -> Vec<(ParamIndex, f32)> {
        let moved = |&&(index, value): &&(ParamIndex, f32)| self.value(index) != value;
        values.iter().filter(moved).copied().collect()
    }

    fn apply(&mut self, values: &[(ParamIndex, f32)]) {
        let indices: Vec<_> = values.iter().map(|&(index, _)| index).collect();
        self.begin(&indices);
        for (place, &(_, value)) in values.iter().enumerate() {
            self.move_to(place, value.clamp(0.0, 1.0));
        }
    }
}
