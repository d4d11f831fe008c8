//! The table of the mics that stand close to each source.

use super::BatchError;
use crate::{MicControls, Role};

/// The table of the mics that stand close to each source; a source may have several, a room
/// mic none.
///
/// # Shapes
///
/// - table: `[mic, source]`; usually the identity, with more mics than sources if there are groups
///
/// # Invariants
///
/// - Every source has at least one close mic.
///
/// # Real-time
///
/// Allocates; call from `prepare` or the worker thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseMics {
    num_mics: usize,
    num_sources: usize,
    close: Vec<bool>,
}

impl CloseMics {
    /// Creates the table from its entries, `[mic, source]`.
    ///
    /// # Errors
    ///
    /// [`BatchError::CloseShape`] for a table of another size, [`BatchError::SourceWithoutMic`] for
    /// a source without a close mic.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: takes ownership of an allocation.
    pub fn new(num_mics: usize, num_sources: usize, close: Vec<bool>) -> Result<Self, BatchError> {
        let expected = num_mics * num_sources;
        if close.len() != expected {
            return Err(BatchError::CloseShape { expected, actual: close.len() });
        }
        let table = Self { num_mics, num_sources, close };
        match (0..num_sources).find(|&source| table.mics_of(source).next().is_none()) {
            Some(source) => Err(BatchError::SourceWithoutMic { index: source }),
            None => Ok(table),
        }
    }

    /// Creates a table with one source per mic.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn identity(num_mics: usize) -> Self {
        let close = (0..num_mics * num_mics).map(|n| n / num_mics == n % num_mics).collect();
        Self { num_mics, num_sources: num_mics, close }
    }

    /// Creates the table from the session's controls. Mics of one group share a source. A
    /// [`Role::Room`] mic has none; a [`Role::CleanedRoom`] mic has one, the sound that no close
    /// mic explains.
    ///
    /// Sources are numbered in the order of their first mic.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn from_mics(mics: &[MicControls]) -> Self {
        let mut groups = Vec::new();
        let source_of: Vec<Option<usize>> = mics
            .iter()
            .map(|mic| {
                if mic.role == Role::Room {
                    return None;
                }
                let known = groups.iter().position(|&group| group == mic.group);
                match known.filter(|_| mic.group.is_some()) {
                    Some(source) => Some(source),
                    None => {
                        groups.push(mic.group);
                        Some(groups.len() - 1)
                    }
                }
            })
            .collect();
        let num_sources = groups.len();
        let mut close = vec![false; mics.len() * num_sources];
        for (mic, source) in source_of.iter().enumerate() {
            if let Some(source) = source {
                close[mic * num_sources + source] = true;
            }
        }
        Self { num_mics: mics.len(), num_sources, close }
    }

    /// Returns the number of mics.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// Returns the number of sources.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn num_sources(&self) -> usize {
        self.num_sources
    }

    /// Returns true if `mic` stands close to `source`.
    ///
    /// # Panics
    ///
    /// If `mic` or `source` is out of range.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread within the table: no allocation.
    #[must_use]
    pub fn is_close(&self, mic: usize, source: usize) -> bool {
        assert!(source < self.num_sources, "source {source} of {}", self.num_sources);
        self.close[mic * self.num_sources + source]
    }

    /// Returns the sources that `mic` stands close to, in order; none for a room mic.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread within the table: no allocation.
    pub fn sources_of(&self, mic: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.num_sources).filter(move |&source| self.is_close(mic, source))
    }

    /// Returns the mics that stand close to `source`, in order.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread within the table: no allocation.
    pub fn mics_of(&self, source: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.num_mics).filter(move |&mic| self.is_close(mic, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupId;

    #[test]
    fn mics_of_one_group_share_a_source_and_room_mics_have_none() {
        let alone = MicControls::default();
        let snare = MicControls { group: Some(GroupId(7)), ..alone };
        let room = MicControls { role: Role::Room, ..alone };
        let cleaned_room = MicControls { role: Role::CleanedRoom, ..alone };
        let close = CloseMics::from_mics(&[alone, snare, room, alone, snare, cleaned_room]);
        assert_eq!((close.num_mics(), close.num_sources()), (6, 4));
        let sources: Vec<_> = (0..6).map(|mic| close.sources_of(mic).collect::<Vec<_>>()).collect();
        assert_eq!(sources, [vec![0], vec![1], vec![], vec![2], vec![1], vec![3]]);
        assert_eq!(close.mics_of(1).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn mics_without_groups_are_the_identity() {
        assert_eq!(CloseMics::from_mics(&[MicControls::default(); 3]), CloseMics::identity(3));
    }

    #[test]
    fn a_source_without_a_mic_is_refused() {
        let table = vec![true, false, true, false];
        assert_eq!(CloseMics::new(2, 2, table), Err(BatchError::SourceWithoutMic { index: 1 }));
    }

    #[test]
    fn a_table_of_the_wrong_size_is_refused() {
        let error = BatchError::CloseShape { expected: 6, actual: 5 };
        assert_eq!(CloseMics::new(3, 2, vec![true; 5]), Err(error));
    }
}
