//! States of an instance: migration of states from other versions, and states of presets.

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{FloatRange, Param, ParamPtr, PluginState};

use crate::classes::ClassDesc;
use crate::params::UnspillParams;

/// Makes any state loadable by this version.
///
/// Conversions of older states belong here, one step per version; there are none yet. From a newer
/// state, every parameter is used that still has its name and type. Every parameter that is missing
/// or invalid in the state is set to its default. A session therefore sounds as it was saved,
/// regardless of the instance's earlier settings.
#[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
pub(crate) fn migrate(class: &'static ClassDesc, state: &mut PluginState) {
    let defaults = UnspillParams::new(class);
    for (id, param, _) in defaults.entries() {
        let saved = state.params.get(&id);
        // SAFETY: the pointers point into `defaults`, which outlives the loop.
        let value = unsafe {
            match param {
                ParamPtr::FloatParam(param) => {
                    // The framework does not check the range of a saved number.
                    let FloatRange::Linear { min, max } = (*param).range() else { continue };
                    ParamValue::F32(match saved {
                        Some(ParamValue::F32(number)) if number.is_finite() => {
                            number.clamp(min, max)
                        }
                        _ => (*param).value(),
                    })
                }
                ParamPtr::BoolParam(param) => ParamValue::Bool(match saved {
                    Some(ParamValue::Bool(value)) => *value,
                    _ => (*param).value(),
                }),
                ParamPtr::EnumParam(param) => {
                    // A variant that is unknown here, saved by a newer version, keeps the default.
                    if let Some(ParamValue::String(variant)) = saved {
                        (*param).set_from_id(variant);
                    }
                    ParamValue::String((*param).unmodulated_plain_id().unwrap_or("").to_owned())
                }
                ParamPtr::IntParam(_) => continue,
            }
        };
        state.params.insert(id, value);
    }
}

/// Returns the current state as a preset: without the learned estimates, which belong to one
/// session only.
#[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
pub(crate) fn of(params: &UnspillParams) -> PluginState {
    let value = |param: ParamPtr| {
        // SAFETY: points into `params`.
        unsafe {
            match param {
                ParamPtr::FloatParam(param) => ParamValue::F32((*param).unmodulated_plain_value()),
                ParamPtr::IntParam(param) => ParamValue::I32((*param).unmodulated_plain_value()),
                ParamPtr::BoolParam(param) => ParamValue::Bool((*param).unmodulated_plain_value()),
                ParamPtr::EnumParam(param) => {
                    ParamValue::String((*param).unmodulated_plain_id().unwrap_or("").to_owned())
                }
            }
        }
    };
    PluginState {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        params: params.entries().into_iter().map(|(id, param, _)| (id, value(param))).collect(),
        fields: params.saved.settings_fields(),
    }
}

/// Returns the positions of all parameters in a state, `0.0 ..= 1.0`, in the order of
/// their entries.
#[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
pub(crate) fn normalized(class: &'static ClassDesc, mut state: PluginState) -> Vec<f32> {
    migrate(class, &mut state);
    let scratch = UnspillParams::new(class);
    let position = |(id, param, _): (String, ParamPtr, String)| {
        let saved = state.params.get(&id);
        // SAFETY: points into `scratch`, which outlives the closure.
        unsafe {
            match (param, saved) {
                (ParamPtr::FloatParam(param), Some(&ParamValue::F32(plain))) => {
                    (*param).preview_normalized(plain)
                }
                (ParamPtr::BoolParam(_), Some(&ParamValue::Bool(on))) => f32::from(u8::from(on)),
                (ParamPtr::EnumParam(param), Some(ParamValue::String(variant))) => {
                    (*param).set_from_id(variant);
                    (*param).unmodulated_normalized_value()
                }
                // Not reached: `migrate` gives every parameter a value of its kind.
                (param, _) => param.default_normalized_value(),
            }
        }
    };
    scratch.entries().into_iter().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, Unspill8};
    use crate::saved::arrangement::Arrangement;
    use crate::saved::{arrangement_of, format_of, model_of};

    fn loaded(text: &str) -> PluginState {
        let mut state: PluginState = serde_json::from_str(text).unwrap();
        migrate(&Unspill8::DESC, &mut state);
        state
    }

    #[test]
    fn a_state_says_which_model_it_was_saved_with() {
        let before_models = loaded(include_str!("../tests/fixtures/state-0.1.json"));
        assert_eq!((format_of(&before_models), model_of(&before_models)), (1, None));
        let with_model = loaded(include_str!("../tests/fixtures/state-0.1-model.json"));
        assert_eq!((format_of(&with_model), model_of(&with_model)), (1, Some(("band-a", "0.2.0"))));
        // The states differ in the model only.
        assert_eq!(with_model.params.len(), before_models.params.len());
        let card = &models::released().unwrap().card;
        let fields = UnspillParams::new(&Unspill8::DESC).saved.fields();
        let now = PluginState { fields, ..before_models };
        assert_eq!(model_of(&now), Some((card.id.as_str(), card.version.as_str())));
    }

    #[test]
    fn names_order_and_links_are_saved_and_old_sessions_have_none() {
        let saved = UnspillParams::new(&Unspill8::DESC);
        let mut arrangement = saved.saved.arranged.now().clone();
        arrangement.rename(1, "Snare oben");
        arrangement.move_beside(&[7], 0, false);
        arrangement.link(&[2, 3]);
        saved.saved.arranged.change(arrangement.clone());
        let other = UnspillParams::new(&Unspill8::DESC);
        other.saved.load(&saved.saved.fields(), 8);
        assert_eq!(*other.saved.arranged.now(), arrangement);
        assert_eq!(other.saved.arranged.changes(), 0, "loading leaves nothing to save");
        let old = loaded(include_str!("../tests/fixtures/state-0.1-model.json"));
        assert_eq!(arrangement_of(&old, 8), None);
        other.saved.load(&old.fields, 8);
        assert_eq!(*other.saved.arranged.now(), Arrangement::new(8));
    }
}
