//! Offline tools of Unspill: cleaning, simulation of rooms and sessions, metrics and pictures.
#![cfg_attr(test, allow(clippy::float_cmp, reason = "silence and repeatability are exact claims"))]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "test signals are written with small numbers"
    )
)]

pub mod baselines;
pub mod benchmark;
pub mod convert;
pub mod convolution;
pub mod evaluate;
pub mod flac;
pub mod ideal;
pub mod metrics;
pub mod random;
pub mod report;
pub mod room;
pub mod scenes;
pub mod sound_file;
pub mod soundfont;
mod toml_text;
pub mod train;

pub use unspill::{cleaning, debleed};
