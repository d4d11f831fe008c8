//! Lossy number conversions of the lab; each documents its rounding.

/// Rounds to the nearest single precision value.
#[must_use]
pub fn to_f32(value: f64) -> f32 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to the nearest f32 is the purpose"
    )]
    let rounded = value as f32;
    rounded
}

/// Rounds to the nearest whole number; 0 for negative values and NaN.
#[must_use]
pub fn to_index(value: f64) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, which is the documented behaviour"
    )]
    let index = value.round() as usize;
    index
}

/// Rounds to the nearest 8-bit value, limited to `0 ..= 255`.
#[must_use]
pub fn to_u8(value: f64) -> u8 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, which is the documented behaviour"
    )]
    let byte = value.round() as u8;
    byte
}

/// Converts a level in dB to an amplitude factor.
#[must_use]
pub fn db_to_lin(level_db: f64) -> f64 {
    10.0_f64.powf(level_db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_rounded_and_never_negative() {
        assert_eq!(to_index(2.5), 3);
        assert_eq!(to_index(2.4), 2);
        assert_eq!(to_index(-7.0), 0);
        assert_eq!(to_index(f64::NAN), 0);
    }

    #[test]
    fn bytes_stay_in_range() {
        assert_eq!([to_u8(-3.0), to_u8(17.6), to_u8(300.0)], [0, 18, 255]);
    }

    #[test]
    fn six_decibels_is_about_two() {
        assert!((db_to_lin(6.0206) - 2.0).abs() < 1e-6);
    }
}
