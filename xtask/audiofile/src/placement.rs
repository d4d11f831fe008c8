//! Positions of a session's files in time: by their time stamps, or all at its start.

use std::ops::Range;
use std::path::Path;

use crate::error::{AudioFileError, Problem};
use crate::names::readable;
use crate::reader::AudioReader;

/// The position of a file in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Position of the file's first sample, counted from the session's first.
    pub first_sample: u64,
    /// Length of the file in samples.
    pub num_samples: u64,
}

impl Placement {
    /// Returns the position after the last sample.
    #[must_use]
    pub fn end_sample(self) -> u64 {
        self.first_sample.saturating_add(self.num_samples)
    }

    /// Returns the part of a session's block that the file covers; the rest is silent.
    #[must_use]
    pub fn within(self, block_start: u64, block_samples: usize) -> Range<usize> {
        let at = |sample: u64| {
            let sample = sample.saturating_sub(block_start).min(block_samples as u64);
            usize::try_from(sample).unwrap_or(block_samples)
        };
        at(self.first_sample)..at(self.end_sample())
    }
}

/// Places all files at the session's start.
///
/// # Errors
///
/// If their lengths differ.
pub(crate) fn together(readers: &[AudioReader]) -> Result<Vec<Placement>, AudioFileError> {
    for reader in readers {
        let first = &readers[0];
        if reader.num_samples() != first.num_samples() {
            let problem = Problem::LengthDiffers {
                num_samples: reader.num_samples(),
                first: first.path().to_owned(),
                first_samples: first.num_samples(),
            };
            return Err(AudioFileError::new(reader.path(), problem));
        }
    }
    let place =
        |reader: &AudioReader| Placement { first_sample: 0, num_samples: reader.num_samples() };
    Ok(readers.iter().map(place).collect())
}

/// Places the files by their time stamps if all have one, and otherwise at the session's start.
///
/// # Errors
///
/// If the files must start together and their lengths differ, if some have differing time stamps
/// while others have none, or if the session would have a gap without any mic.
pub(crate) fn by_time_stamps(readers: &[AudioReader]) -> Result<Vec<Placement>, AudioFileError> {
    let stamp = |reader: &AudioReader| reader.metadata().time_stamp_samples();
    let stamped: Vec<(u64, &Path)> =
        readers.iter().filter_map(|reader| Some((stamp(reader)?, reader.path()))).collect();
    let Some(&(first, _)) = stamped.iter().min_by_key(|(stamp, _)| *stamp) else {
        return together(readers);
    };
    if let Some(bare) = readers.iter().find(|reader| stamp(reader).is_none()) {
        let differs = stamped.iter().find(|(stamp, _)| *stamp != stamped[0].0);
        return match differs {
            None => together(readers),
            Some((_, other)) => {
                let problem = Problem::NoTimeStamp { other: (*other).to_owned() };
                Err(AudioFileError::new(bare.path(), problem))
            }
        };
    }
    let placements: Vec<Placement> = readers
        .iter()
        .zip(&stamped)
        .map(|(reader, (stamp, _))| Placement {
            first_sample: stamp - first,
            num_samples: reader.num_samples(),
        })
        .collect();
    check_connected(readers, &placements)?;
    Ok(placements)
}

/// Checks for gaps without any mic. Such a gap indicates wrong time stamps or mixed-up takes, and
/// could be years long.
fn check_connected(
    readers: &[AudioReader],
    placements: &[Placement],
) -> Result<(), AudioFileError> {
    let mut order: Vec<usize> = (0..placements.len()).collect();
    order.sort_by_key(|&file| placements[file].first_sample);
    let mut end = 0;
    for (position, &file) in order.iter().enumerate() {
        if position > 0 && placements[file].first_sample >= end {
            return Err(AudioFileError::new(readers[file].path(), Problem::Apart));
        }
        end = end.max(placements[file].end_sample());
    }
    Ok(())
}

/// Returns one line about files that start later or end earlier than the session, or `None`.
pub(crate) fn note(
    readers: &[AudioReader],
    placements: &[Placement],
    session_samples: u64,
) -> Option<String> {
    let mut parts = Vec::new();
    for (reader, placement) in readers.iter().zip(placements) {
        let name = readable(reader.path().file_name().unwrap_or_default());
        let seconds = |samples: u64| {
            #[allow(clippy::cast_precision_loss, reason = "is shown to a millisecond")]
            let seconds = samples as f64 / f64::from(reader.rate_hz());
            seconds
        };
        let (late, early) =
            (placement.first_sample, session_samples.saturating_sub(placement.end_sample()));
        if late > 0 {
            parts.push(format!("{name} starts {:.3} s late", seconds(late)));
        }
        if early > 0 {
            parts.push(format!("{name} ends {:.3} s early", seconds(early)));
        }
    }
    (!parts.is_empty()).then(|| format!("aligned by time stamps: {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_cut_where_a_file_starts_and_ends() {
        let placement = Placement { first_sample: 10, num_samples: 25 };
        for (start, expected) in
            [(0, 8..8), (8, 2..8), (16, 0..8), (32, 0..3), (40, 0..0), (u64::MAX, 0..0)]
        {
            assert_eq!(placement.within(start, 8), expected, "{start}");
        }
    }
}
