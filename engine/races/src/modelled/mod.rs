//! The engine's files with loom's primitives, and the models.

use crate::learned::{Learned, Unusable};

#[path = "../../../src/debleed/cancel/learned/learner.rs"]
#[allow(dead_code, reason = "the models need a part of it")]
mod learner;
#[path = "../../../src/worker/link.rs"]
#[allow(dead_code, reason = "packets are modelled by numbers")]
mod link;
mod linked;
mod queue;
mod ring;
mod sync;
mod tests;
