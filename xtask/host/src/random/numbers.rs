//! Lists of call numbers and their text form.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

/// Numbers in ascending order without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(Vec<Range<u64>>);

impl Numbers {
    /// Returns the numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().cloned().flatten()
    }

    /// Returns the quantity of numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }
}

impl From<Range<u64>> for Numbers {
    fn from(range: Range<u64>) -> Self {
        Self(vec![range])
    }
}

impl From<&[u64]> for Numbers {
    /// Converts an ascending list.
    fn from(list: &[u64]) -> Self {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for &number in list {
            match ranges.last_mut() {
                Some(last) if last.end == number => last.end += 1,
                _ => ranges.push(number..number + 1),
            }
        }
        Self(ranges)
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            if range.end == range.start + 1 {
                write!(f, "{comma}{}", range.start)?;
            } else {
                write!(f, "{comma}{}-{}", range.start, range.end - 1)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Numbers {
    type Err = anyhow::Error;

    /// Parses a text like `3,17-400`.
    fn from_str(text: &str) -> Result<Self> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let read = |text: &str| -> Result<u64> {
                let number: u64 =
                    text.trim().parse().with_context(|| format!("{text:?} is not a number"))?;
                ensure!(number < u64::MAX, "{number} is too large");
                Ok(number)
            };
            let range = read(first)?..read(last)? + 1;
            let from = ranges.last().map_or(0, |before| before.end);
            ensure!(
                range.start < range.end && range.start >= from,
                "{part:?} is not in ascending order"
            );
            ranges.push(range);
        }
        Ok(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_they_are_written() {
        for (list, text) in
            [(&[3][..], "3"), (&[0, 1, 2, 7, 9, 10], "0-2,7,9-10"), (&[400, 800], "400,800")]
        {
            let numbers = Numbers::from(list);
            assert_eq!(numbers.to_string(), text);
            assert_eq!(text.parse::<Numbers>().unwrap(), numbers);
            assert_eq!(numbers.iter().collect::<Vec<_>>(), list);
            assert_eq!(numbers.count(), list.len() as u64);
        }
    }

    #[test]
    fn what_is_no_rising_list_is_refused() {
        for text in ["", "x", "3,", "5-3", "3,3", "7,2-4", "-4", "18446744073709551615"] {
            assert!(text.parse::<Numbers>().is_err(), "{text}");
        }
    }
}
