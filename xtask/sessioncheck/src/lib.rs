//! Finds faults in a multitrack session, for the command line tools to report.
//!
//! The samples are pushed once, block by block. Offsets and clipping are measured over all samples
//! (`levels`). Everything else uses up to 24 excerpts of 2.7 s that are spread over the session
//! (`excerpts`). Only their spectra up to 5.4 kHz are kept, so the memory depends only on the
//! number of mics: about 3 MB each.
//!
//! Copies are found first (`copies`). Then the path from every mic to every other one is estimated
//! in the bins that the first mic dominates (`paths`). The method is GCC-PHAT (C. H. Knapp and G.
//! C. Carter, "The generalized correlation method for estimation of time delay", 1976) with this
//! selection of bins added. The paths reveal a mic that is late (`timing`), has another clock
//! (`clocks`), was moved (`moves`) or picks up everything (`rooms`). A mic is reported only if most
//! of its paths agree.
//!
//! Start reading at [`Check::findings`].

#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "test signals are written with small numbers"
    )
)]

mod clocks;
mod copies;
mod excerpts;
mod files;
mod finding;
mod levels;
mod moves;
mod paths;
mod rooms;
mod timing;
mod votes;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use clocks::OtherClock;
pub use copies::Copy;
pub use files::warnings;
pub use finding::{Finding, Name, Tool};
pub use moves::Moved;
pub use timing::Late;

use excerpts::{Excerpts, Spectra};
use levels::Levels;
use paths::Paths;

/// Shortest session checked for more than clipping and offsets: a few samples of any two mics
/// look alike.
const LEAST_S: f64 = 0.5;

/// The user's settings for a mono mic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Group; mics of one group share a source.
    pub group: Option<u8>,
    /// True if the user has marked the mic as a room mic, which picks up everything.
    pub is_room: bool,
}

/// Receives the samples of a session and finds its faults.
#[derive(Debug)]
pub struct Check {
    rate_hz: u32,
    num_samples: u64,
    levels: Vec<Levels>,
    excerpts: Excerpts,
}

impl Check {
    /// Prepares for `num_samples` samples of each of `num_mics` mono mics.
    ///
    /// # Panics
    ///
    /// If there are no mics or the rate is 0.
    #[must_use]
    pub fn new(rate_hz: u32, num_mics: usize, num_samples: u64) -> Self {
        assert!(rate_hz > 0 && num_mics > 0, "a session has mics and a rate");
        Self {
            rate_hz,
            num_samples,
            levels: (0..num_mics).map(|_| Levels::new(rate_hz)).collect(),
            excerpts: Excerpts::new(rate_hz, num_mics, num_samples),
        }
    }

    /// Processes the next samples.
    ///
    /// # Shapes
    ///
    /// `mics`: `[mic][sample]`, one slice per mono mic, all of one length.
    ///
    /// # Panics
    ///
    /// If `mics` is not one slice per mono mic, all of one length.
    pub fn push(&mut self, mics: &[&[f32]]) {
        assert_eq!(mics.len(), self.levels.len(), "one slice per mono mic");
        assert!(mics.iter().all(|mic| mic.len() == mics[0].len()), "slices of one length");
        for (levels, mic) in self.levels.iter_mut().zip(mics) {
            levels.push(mic);
        }
        self.excerpts.push(mics);
    }

    /// Returns the faults; empty if there are none.
    ///
    /// # Panics
    ///
    /// If `places` does not have one entry per mono mic.
    #[must_use]
    pub fn findings(self, places: &[Place]) -> Vec<Finding> {
        assert_eq!(places.len(), self.levels.len(), "one place per mono mic");
        let mut found = Vec::new();
        if self.num_samples as f64 >= LEAST_S * f64::from(self.rate_hz) {
            found.extend(between_mics(&self.excerpts.finish(), places));
        }
        for (mic, levels) in self.levels.iter().enumerate() {
            found.extend(levels.clipped(self.rate_hz).map(|c| c.of(mic)));
            found.extend(levels.offset().map(|offset| Finding::Offset { mic, offset }));
        }
        found
    }
}

/// Returns the faults that show only between mics.
fn between_mics(spectra: &Spectra, places: &[Place]) -> Vec<Finding> {
    let copies = copies::find(spectra, places);
    // Mics of one group and copies share a source: neither of them dominates alone.
    let is_ally = |a: usize, b: usize| {
        let grouped = places[a].group.is_some() && places[a].group == places[b].group;
        grouped || copies.iter().any(|copy| copy.mics == [a, b] || copy.mics == [b, a])
    };
    let paths = Paths::new(spectra, is_ally);
    let clocks = clocks::find(&paths);
    let has_other_clock = |mic: usize| clocks.iter().any(|clock| clock.mics.contains(&mic));
    let late = timing::find(&paths, places, has_other_clock);
    let is_late = |mic: usize| late.iter().any(|late| late.mic == mic);
    let moved = moves::find(&paths, has_other_clock);
    let rooms = rooms::find(&paths, places, |mic| is_late(mic) || has_other_clock(mic));
    let mut found = Vec::new();
    found.extend(copies.into_iter().map(Finding::Copy));
    found.extend(clocks.into_iter().map(Finding::OtherClock));
    found.extend(late.into_iter().map(Finding::Late));
    found.extend(moved.map(Finding::Moved));
    found.extend(rooms.into_iter().map(|mic| Finding::HearsAll { mic }));
    found
}
