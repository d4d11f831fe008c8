//! Numbers of a recipe: a single value or a range to draw from, each checked against its limits.

use crate::random::Random;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// A value, or a range to draw values from.
///
/// Written in a recipe as `0.3` or `[0.1, 2.5]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
}

impl Range {
    /// Returns the range from `low` to `high`.
    #[must_use]
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Draws a value, uniformly.
    pub fn draw(self, random: &mut Random) -> f64 {
        random.between(self.low, self.high)
    }

    /// Draws a value with a uniform logarithm, for times, distances and frequencies.
    pub fn draw_log(self, random: &mut Random) -> f64 {
        self.low * (self.high / self.low).powf(random.unit())
    }

    /// Draws a whole number, both ends included.
    pub fn draw_count(self, random: &mut Random) -> usize {
        let low = crate::convert::to_index(self.low);
        low + random.index(crate::convert::to_index(self.high) - low + 1)
    }
}

struct RangeVisitor;

impl<'de> de::Visitor<'de> for RangeVisitor {
    type Value = Range;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a range [low, high]")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Range, E> {
        // Exact: recipes are written by hand, and their numbers are far below 2^53.
        #[allow(clippy::cast_precision_loss, reason = "numbers of recipes are small")]
        let value = value as f64;
        Ok(Range::new(value, value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Range, E> {
        Ok(Range::new(value, value))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut numbers: A) -> Result<Range, A::Error> {
        let mut next = || numbers.next_element::<f64>();
        let (Some(low), Some(high), None) = (next()?, next()?, next()?) else {
            return Err(de::Error::custom("a range has two numbers, [low, high]"));
        };
        if low <= high {
            Ok(Range::new(low, high))
        } else {
            Err(de::Error::custom(format!("the range [{low}, {high}] is reversed")))
        }
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor)
    }
}

fn within<E: de::Error>(range: Range, least: f64, most: f64) -> Result<Range, E> {
    // NaN fails this comparison and is rejected.
    if range.low >= least && range.high <= most {
        return Ok(range);
    }
    let what = if range.low >= least { range.high } else { range.low };
    Err(de::Error::custom(format!("{what} is not within {least} to {most}")))
}

/// Defines functions for `#[serde(deserialize_with = …)]`, each with its own limits.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $least:literal, $most:literal;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<Range, D::Error> {
            within(Range::deserialize(d)?, $least, $most)
        }
    )*};
}

limits! {
    /// Number of mics of a scene.
    mics: 2.0, 16.0;
    /// Number of room mics or screens.
    few: 0.0, 4.0;
    /// Length or width of a room in metres.
    floor_m: 2.0, 60.0;
    /// Height of a room in metres.
    height_m: 2.0, 20.0;
    /// RT60 of a room in seconds.
    rt60_s: 0.1, 2.5;
    /// Distance between two sources in metres.
    apart_m: 0.3, 6.0;
    /// Factor on the usual distances.
    factor: 0.25, 4.0;
    /// Angle in degrees.
    angle_deg: 0.0, 90.0;
    /// Peak level of a recorded mic in dB of full scale.
    peak_db: -60.0, -0.1;
    /// Time offset in milliseconds.
    offset_ms: 0.0, 10.0;
    /// Level in dB below the mic's peak.
    below_db: 0.0, 120.0;
    /// Gain of an equaliser band in dB.
    gain_db: -24.0, 24.0;
    /// Drive, clipping depth or spread of levels in dB.
    drive_db: 0.0, 24.0;
    /// Corner frequency of a high-pass in Hz.
    high_pass_hz: 10.0, 1000.0;
    /// Ratio of a compressor: dB of input per dB of output.
    ratio: 1.0, 20.0;
    /// Time constant of a compressor in milliseconds.
    time_ms: 0.1, 2000.0;
}

/// Parses a probability.
pub(super) fn chance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Range::deserialize(deserializer)?;
    if value.low < value.high {
        return Err(de::Error::custom("a probability is one number"));
    }
    Ok(within(value, 0.0, 1.0)?.low)
}

/// Parses a weight, the relative frequency of one alternative.
pub(super) fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Range::deserialize(deserializer)?;
    if value.low < value.high {
        return Err(de::Error::custom("a weight is one number"));
    }
    Ok(within(value, 0.0, 1e6)?.low)
}

/// Parses the duration of a scene in seconds.
pub(super) fn duration_s<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Range::deserialize(deserializer)?;
    if value.low < value.high {
        return Err(de::Error::custom("a duration is one number, the same for all scenes"));
    }
    Ok(within(value, 0.5, 600.0)?.low)
}

/// Parses the sample rates to draw from.
pub(super) fn rates_hz<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a sample rate in Hz or a list of them")]
    enum OneOrMore {
        One(u32),
        More(Vec<u32>),
    }
    let rates = match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(rate) => vec![rate],
        OneOrMore::More(rates) => rates,
    };
    if rates.is_empty() {
        return Err(de::Error::custom("no sample rate in the list"));
    }
    match rates.iter().find(|rate| !(16_000..=192_000).contains(*rate)) {
        Some(rate) => Err(de::Error::custom(format!("{rate} Hz is not within 16000 to 192000 Hz"))),
        None => Ok(rates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_their_range_and_reach_its_ends() {
        let mut random = Random::new(1);
        let range = Range::new(2.0, 5.0);
        let counts: Vec<usize> = (0..200).map(|_| range.draw_count(&mut random)).collect();
        assert!(counts.iter().all(|count| (2..=5).contains(count)));
        assert!(counts.contains(&2) && counts.contains(&5));
        let mut logs: Vec<f64> =
            (0..2_001).map(|_| Range::new(0.1, 10.0).draw_log(&mut random)).collect();
        logs.sort_by(f64::total_cmp);
        assert!(logs[0] >= 0.1 && logs[2_000] <= 10.0);
        assert!((0.8..1.25).contains(&logs[1_000]), "the middle of the decades: {}", logs[1_000]);
        let fixed = Range::new(3.0, 3.0);
        assert_eq!(
            (fixed.draw(&mut random), fixed.draw_log(&mut random), fixed.draw_count(&mut random)),
            (3.0, 3.0, 3)
        );
    }
}
