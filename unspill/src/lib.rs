//! Cleans the mic files of a session with the engine: the program `unspill`, and what the lab
//! shares with it.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "silence and repeatability are exact claims"))]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "test signals are written with small numbers"
    )
)]

pub mod cleaning;
pub mod debleed;
pub mod json;
pub mod table;
