//! Estimates from the mics' powers: crosstalk, its proof, interference, and the order of sums.

mod crosstalk;
mod interference;
mod order;
mod proof;

pub(super) use crosstalk::Crosstalk;
pub(super) use interference::Interference;
pub(super) use order::Order;
pub(super) use proof::Proof;
