//! The methods that find how much of each mic is bleed.

pub mod batch;
pub mod kamir;
pub mod mira;
