//! Readers of numbers in a configuration, each with its own limits.

use engine::debleed::cancel::NUM_FEATURES;
use engine::network::NetworkConfig;
use serde::{Deserialize, Deserializer, de};

/// Defines readers for `#[serde(deserialize_with = …)]`, each with its own limits.
macro_rules! limits {
    ($($name:ident: $type:ty, $least:literal, $most:literal;)*) => {$(
        pub(super) fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
            let value = <$type>::deserialize(d)?;
            // This form refuses NaN as well.
            if ($least..=$most).contains(&value) {
                return Ok(value);
            }
            Err(de::Error::custom(format!("{value} is not within {} to {}", $least, $most)))
        }
    )*};
}

limits! {
    rounds: usize, 1, 100;
    steps: usize, 1, 100_000_000;
    hops: usize, 1, 100_000;
    clips: usize, 1, 4096;
    devices: usize, 1, 64;
    scenes: u64, 1, 1_000_000;
    seconds: f64, 0.5, 600.0;
    width: usize, 2, 4096;
    local_width: usize, 0, 1024;
    weight: f64, 0.0, 1e6;
    rate: f64, 1e-9, 1.0;
    share: f64, 0.0, 1.0;
    positive: f32, 1e-6, 1e6;
    // Not 0, whose logarithm is infinite.
    threshold: f64, 1e-9, 1.0;
    // At most all combinations of 16 mics.
    combinations: usize, 1, 65_534;
}

/// Reads the number of features.
pub(super) fn features<'de, D: Deserializer<'de>>(d: D) -> Result<usize, D::Error> {
    let value = usize::deserialize(d)?;
    if (1..=NUM_FEATURES).contains(&value) {
        return Ok(value);
    }
    Err(de::Error::custom(format!("{value} is not within 1 to {NUM_FEATURES}")))
}

/// Reads the distances between the taps of the blocks.
pub(super) fn dilations<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<[usize; NetworkConfig::NUM_BLOCKS], D::Error> {
    const MOST: usize = 1024;
    let values = <[usize; NetworkConfig::NUM_BLOCKS]>::deserialize(d)?;
    if values.iter().all(|value| (1..=MOST).contains(value)) {
        return Ok(values);
    }
    Err(de::Error::custom(format!("a dilation is not within 1 to {MOST}")))
}
