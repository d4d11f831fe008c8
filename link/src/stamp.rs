//! Positions of samples on a line that all tracks of a host share.

use engine::{Decibels, GroupId, Role};

/// The line that a position counts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// The host's timeline while its transport plays.
    Timeline,
    /// The host's count of samples, which also advances while the transport is stopped.
    Steady,
}

/// Position of a block's first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Line of the position.
    pub line: Line,
    /// Samples from the start of the line. May be negative: hosts play before bar 1.
    pub sample: i64,
}

impl Place {
    /// Returns the place `samples` later.
    #[must_use]
    pub(crate) fn plus(self, samples: i64) -> Self {
        Self { sample: self.sample.saturating_add(samples), ..self }
    }

    /// Returns the samples from `earlier` to this place, or `None` between two lines.
    pub(crate) fn since(self, earlier: Self) -> Option<i64> {
        (self.line == earlier.line).then(|| self.sample.saturating_sub(earlier.sample))
    }
}

/// Properties of a block that are the same for all its samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamp {
    /// Position of the first sample; `None` if the host states none.
    pub place: Option<Place>,
    /// True if the host renders and may be made to wait.
    pub is_offline: bool,
    /// Settings of the track's own mics in effect at the first sample.
    pub settings: MicSettings,
}

/// Settings of a member's mics that the worker applies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MicSettings {
    /// Role of the mics.
    pub role: Role,
    /// Group of the mics.
    pub group: Option<GroupId>,
    /// Lower limit of a bin's gain.
    pub floor: Decibels,
}

impl Default for MicSettings {
    fn default() -> Self {
        Self { role: Role::Close, group: None, floor: Decibels::NEG_INFINITY }
    }
}

impl MicSettings {
    /// Returns the settings as one number, for shared memory.
    pub(crate) fn to_bits(self) -> u64 {
        let role = match self.role {
            Role::Close => 0,
            Role::Room => 1,
            Role::CleanedRoom => 2,
        };
        let group = self.group.map_or(0, |group| 1 + u64::from(group.0));
        u64::from(self.floor.0.to_bits()) << 32 | group << 8 | role
    }

    /// Reads settings from a number that another program may have written. Values out of range
    /// become the default.
    pub(crate) fn from_bits(bits: u64) -> Self {
        let role = match bits & 0xff {
            1 => Role::Room,
            2 => Role::CleanedRoom,
            _ => Role::Close,
        };
        let group = (bits >> 8 & 0x000f_ffff).checked_sub(1);
        let group = group.and_then(|group| u8::try_from(group).ok()).map(GroupId);
        #[allow(clippy::cast_possible_truncation, reason = "the upper half")]
        let floor = f32::from_bits((bits >> 32) as u32);
        let floor = if floor.is_nan() { f32::NEG_INFINITY } else { floor.min(0.0) };
        Self { role, group, floor: Decibels(floor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_shared_memory_and_foreign_bits_are_harmless() {
        for role in [Role::Close, Role::Room, Role::CleanedRoom] {
            for group in [None, Some(GroupId(0)), Some(GroupId(7)), Some(GroupId(255))] {
                for floor in [f32::NEG_INFINITY, -12.5, 0.0] {
                    let settings = MicSettings { role, group, floor: Decibels(floor) };
                    assert_eq!(MicSettings::from_bits(settings.to_bits()), settings);
                }
            }
        }
        let odd = MicSettings::from_bits(u64::MAX);
        assert_eq!(odd, MicSettings::default());
        assert_eq!(MicSettings::from_bits(0x4140_0000_0000_0000).floor, Decibels(0.0));
    }
}
