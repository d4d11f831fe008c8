//! Levels in dB as command line arguments.

/// Parses a reduction or level in dB: `24`, `-24`, `24dB` and `-24 dB` all give -24.
///
/// # Errors
///
/// If it is no finite number.
pub fn parse_floor_db(text: &str) -> Result<f32, String> {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.strip_suffix("db").unwrap_or(&lower).trim();
    match number.parse::<f32>() {
        Ok(db) if db.is_finite() => Ok(-db.abs()),
        _ => Err("expected a level in dB, such as -24".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_units_are_optional() {
        for text in ["24", "-24", "24dB", "-24 dB", "-24.0db"] {
            assert_eq!(parse_floor_db(text), Ok(-24.0), "{text}");
        }
        for text in ["", "dB", "--out", "loud", "nan", "-inf"] {
            assert!(parse_floor_db(text).is_err(), "{text}");
        }
    }
}
