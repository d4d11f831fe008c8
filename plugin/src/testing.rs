//! Helpers of the unit tests.
#![allow(unsafe_code, reason = "the framework gives parameters by pointer")]

use crate::params::UnspillParams;

/// Sets the parameter `id` from its text.
pub(crate) fn set_by_id(params: &UnspillParams, id: &str, text: &str) {
    let (_, param, _) =
        params.entries().into_iter().find(|(known, ..)| known == id).expect("a known id");
    // SAFETY: the pointer points into `params`.
    unsafe {
        let value = param.string_to_normalized_value(text).expect("a value");
        param._internal_set_normalized_value(value);
    }
}
