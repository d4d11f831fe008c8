//! The kinds of parameters, each with its texts: percent, largest reduction, switch.

use std::sync::Arc;

use nice_plug::prelude::{BoolParam, FloatParam, FloatRange, formatters};

/// Lowest setting of a mic's maximal reduction: no limit.
pub const NO_LIMIT_DB: f32 = -80.0;

/// Parses a number; "nan" and "inf" are rejected.
fn number(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|number: &f32| number.is_finite())
}

pub(super) fn percent(name: String) -> FloatParam {
    FloatParam::new(name, 100.0, FloatRange::Linear { min: 0.0, max: 100.0 })
        .with_unit(" %")
        .with_value_to_string(formatters::v2s_f32_rounded(1))
        .with_string_to_value(Arc::new(|text| number(text.trim().trim_end_matches('%'))))
}

pub(super) fn floor(name: String) -> FloatParam {
    FloatParam::new(name, NO_LIMIT_DB, FloatRange::Linear { min: NO_LIMIT_DB, max: 0.0 })
        .with_value_to_string(Arc::new(|db| {
            if db <= NO_LIMIT_DB { "No limit".to_owned() } else { format!("{:.1} dB", db + 0.0) }
        }))
        .with_string_to_value(Arc::new(|text| {
            let text = text.trim().to_ascii_lowercase();
            if text == "no limit" {
                return Some(NO_LIMIT_DB);
            }
            let db = number(text.trim_end_matches("db"))?;
            // A reduction of 12 dB and a level of -12 dB are the same setting.
            Some(-db.abs())
        }))
}

/// Creates a switch that parses only its own texts, "true", "false", "1" and "0".
pub(super) fn switch(name: impl Into<String>) -> BoolParam {
    BoolParam::new(name, false)
        .with_value_to_string(Arc::new(|is_on| if is_on { "On" } else { "Off" }.to_owned()))
        .with_string_to_value(Arc::new(|text| match text.trim().to_ascii_lowercase().as_str() {
            "on" | "true" | "1" => Some(true),
            "off" | "false" | "0" => Some(false),
            _ => None,
        }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::prelude::Param;

    #[test]
    fn a_reduction_is_understood_with_and_without_sign_and_unit() {
        let param = floor("Max Reduction".to_owned());
        for (text, db) in [("-24", -24.0), ("24 dB", -24.0), ("No Limit", NO_LIMIT_DB), ("0", 0.0)]
        {
            let normalized = param.string_to_normalized_value(text).unwrap();
            assert!((param.preview_plain(normalized) - db).abs() < 1e-4, "{text}");
        }
        assert_eq!(param.string_to_normalized_value("loud"), None);
    }

    #[test]
    fn only_numbers_are_read_as_numbers() {
        let amount = percent("Amount".to_owned());
        for text in ["25", "25 %", " 25.0%", "2.5e1 %"] {
            assert_eq!(amount.string_to_normalized_value(text), Some(0.25), "{text}");
        }
        for param in [amount, floor("Max Reduction".to_owned())] {
            for text in ["", "%", "nan", "NaN %", "-nan dB", "inf", "-infinity dB", "1e999"] {
                assert_eq!(param.string_to_normalized_value(text), None, "{text}");
            }
        }
    }
}
