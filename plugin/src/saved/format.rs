//! Format of the saved fields: its version, and the names of the fields.

use std::collections::BTreeMap;

use nice_plug::prelude::PluginState;

use super::Saved;
use super::arrangement::Arrangement;
use super::linked::{lesson_of, lesson_text};

/// Version of the saved format. It is raised when an old value would get another meaning. A new
/// parameter does not raise it: loading sets the parameter to its default.
const FORMAT: u32 = 1;

/// Name of the field that holds [`FORMAT`].
const FORMAT_FIELD: &str = "format";

/// Names of the fields that hold the id and the version of the model.
const MODEL_ID_FIELD: &str = "model_id";
const MODEL_VERSION_FIELD: &str = "model_version";

/// Name of the field that holds the state of the editor's window.
const EDITOR_FIELD: &str = "editor";

/// Name of the field that tells that the user has hidden the first steps; missing otherwise.
const STEPS_FIELD: &str = "first_steps";

/// Value of [`STEPS_FIELD`].
const HIDDEN: &str = "hidden";

/// Name of the field that holds the mics' names, order and links.
const ARRANGEMENT_FIELD: &str = "arrangement";

/// Name of the field that holds the data of a linked instance.
const LINK_FIELD: &str = "link";

/// Name of the field that holds the learned estimates.
const LEARNED_FIELD: &str = "learned";

/// Name of the field that holds the time and the mics of a linked instance's estimates.
const LESSON_FIELD: &str = "lesson";

impl Saved {
    /// Returns the saved fields beside the parameters.
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        let mut fields = self.settings_fields();
        if self.window.hides_steps() {
            fields.insert(STEPS_FIELD.to_owned(), HIDDEN.to_owned());
        }
        if let Some(text) = self.kept.text() {
            fields.insert(LEARNED_FIELD.to_owned(), text);
        }
        if let Some(linked) = &self.linked {
            fields.insert(LINK_FIELD.to_owned(), linked.to_text());
            if let Some(lesson) = self.kept.lesson() {
                fields.insert(LESSON_FIELD.to_owned(), lesson_text(&lesson));
            }
        }
        fields
    }

    /// Returns the fields of [`Saved::fields`] without the learned estimates and the data of a
    /// linked instance, which belong to one session only.
    pub(crate) fn settings_fields(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::from([
            (FORMAT_FIELD.to_owned(), FORMAT.to_string()),
            (EDITOR_FIELD.to_owned(), self.window.to_text()),
            (ARRANGEMENT_FIELD.to_owned(), self.arranged.now().to_text()),
        ]);
        if let Some(models::Release { card, .. }) = self.kept.model() {
            fields.insert(MODEL_ID_FIELD.to_owned(), card.id.clone());
            fields.insert(MODEL_VERSION_FIELD.to_owned(), card.version.clone());
        }
        fields
    }

    /// Loads the saved fields beside the parameters of an instance with `num_strips` mics.
    pub(crate) fn load(&self, fields: &BTreeMap<String, String>, num_strips: usize) {
        let field = |name| fields.get(name).map(String::as_str);
        if let Some(text) = field(EDITOR_FIELD) {
            self.window.read(text);
        }
        self.window.set_hides_steps(field(STEPS_FIELD) == Some(HIDDEN));
        // A missing or unreadable field, as in sessions of older versions, gives the
        // default arrangement.
        let arrangement = field(ARRANGEMENT_FIELD).unwrap_or_default();
        self.arranged.load(Arrangement::from_text(arrangement, num_strips));
        if let (Some(linked), Some(text)) = (&self.linked, field(LINK_FIELD)) {
            linked.read(text);
        }
        let model = field(MODEL_ID_FIELD).zip(field(MODEL_VERSION_FIELD));
        self.kept.read(field(LEARNED_FIELD), model);
        if self.linked.is_some() {
            let (stamp, identities) = lesson_of(field(LESSON_FIELD).unwrap_or_default());
            self.kept.assign(stamp, identities);
        }
    }
}

/// Returns the names, order and links in a state; `None` if the state has no such field, as in
/// older versions.
pub(crate) fn arrangement_of(state: &PluginState, num_strips: usize) -> Option<Arrangement> {
    let text = state.fields.get(ARRANGEMENT_FIELD)?;
    Some(Arrangement::from_text(text, num_strips))
}

/// Returns the id and the version of the model that a state was saved with; `None` for states of
/// versions without models.
///
/// A session is loaded with that model if this program contains it, otherwise with the newest.
#[cfg(test)]
pub(crate) fn model_of(state: &PluginState) -> Option<(&str, &str)> {
    let field = |name| state.fields.get(name).map(String::as_str);
    field(MODEL_ID_FIELD).zip(field(MODEL_VERSION_FIELD))
}

/// Returns the format version of a state. A missing or unreadable version counts as 1.
#[cfg(test)]
pub(crate) fn format_of(state: &PluginState) -> u32 {
    state.fields.get(FORMAT_FIELD).and_then(|text| text.parse().ok()).unwrap_or(1)
}
