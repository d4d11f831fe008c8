//! Training, validation and test data, which share no material.

use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Purpose of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For training.
    Train,
    /// To decide when training stops.
    Validation,
    /// For the final evaluation.
    Test,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Returns the name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Shares of validation and test in hundredths of all names; the rest is for training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Hundredths for validation.
    pub validation: u64,
    /// Hundredths for test.
    pub test: u64,
}

impl Shares {
    /// Shares for plentiful material, such as songs and instruments.
    pub const USUAL: Self = Self { validation: 10, test: 10 };
    /// Shares for scarce material, such as scores.
    pub const FEW: Self = Self { validation: 20, test: 20 };
}

impl Split {
    /// Returns the split of an item, determined by its name alone.
    ///
    /// The result is the same on every machine and in every version, regardless of other items.
    ///
    /// # Source
    ///
    /// G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm",
    /// RFC 9923, 2025 (FNV-1a, 64 bits), then mixed by [`Random`].
    #[must_use]
    pub fn of_name(name: &str, shares: Shares) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let place = Random::new(hash).bits() % 100;
        if place < shares.test {
            Self::Test
        } else if place < shares.test + shares.validation {
            Self::Validation
        } else {
            Self::Train
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dealt_out_in_the_stated_shares_for_ever() {
        let mut counts = [0; 3];
        for number in 0..5_000 {
            let split = Split::of_name(&format!("song {number}"), Shares::USUAL);
            counts[Split::ALL.iter().position(|&known| known == split).unwrap()] += 1;
        }
        assert!((3_850..4_150).contains(&counts[0]), "{counts:?}");
        assert!((420..580).contains(&counts[1]) && (420..580).contains(&counts[2]), "{counts:?}");
        // Pinned: a change would move training material into the test split.
        let pinned = ["a", "b", "c", "d", "e", "f"].map(|name| Split::of_name(name, Shares::FEW));
        use Split::{Test, Train, Validation};
        assert_eq!(pinned, [Train, Train, Validation, Validation, Test, Validation]);
    }
}
