//! Linear cancellation: each mic minus short filters over its neighbours' guides, then a
//! gentle mask.
//!
//! One `canceller` serves two methods: [`Online`] adapts while it plays, [`Cancel`] learns from the
//! whole session first. Both process every hop in these steps:
//!
//! 1. `statistics` estimates how much of each source leaks into each other mic, per band;
//! 2. `filters::front` forms each mic's guide, the part that is certainly its own source, with
//!    `gains` or with the masks of a `guide`;
//! 3. `filters` predict the bleed of every mic from its neighbours' guides of the last few hops;
//! 4. a second crosstalk estimate of the remaining signal gives a mask that removes the rest.
//!
//! For a learned passage or session, `statistics::interference` also estimates the part of each mic
//! that a trained guide's masks leave unexplained.

mod bands;
mod canceller;
mod filters;
mod gains;
mod guide;
mod lanes;
mod learned;
mod offline;
mod online;
mod statistics;
#[cfg(test)]
mod tests;
mod twins;

pub use bands::NUM_BANDS;
pub use guide::{Cleaned, Guide, GuideHop, GuideMasks, NUM_FEATURES};
pub use learned::{LearnState, Learned, LearnedError, Learner, Unusable};
pub use offline::Cancel;
pub use online::Online;
