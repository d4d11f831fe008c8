//! Tests of the plugin and its guard from the host's side.
#![allow(unsafe_code, reason = "plugin formats are C interfaces")]
#![allow(clippy::float_cmp, reason = "the probes' outputs are exact")]
#![allow(unreachable_pub, reason = "nothing leaves a test binary")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small test values, in the formats' own types"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails"
)]

mod allocations;
mod automation;
mod case;
mod cases;
mod children;
mod clap_host;
mod clap_told;
mod events;
mod frame;
mod host;
mod instances;
mod learning;
mod linked;
mod offers;
mod orders;
mod probe_editor;
mod probes;
mod product;
mod protocol;
mod random;
mod reentry;
mod sessions;
mod streams;
mod texts;
mod times;
mod vst3_handler;
mod vst3_host;
mod vst3_objects;
mod watch;
#[cfg(target_os = "linux")]
mod windows;
