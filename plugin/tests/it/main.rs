//! Tests of the plugin and its guard from the host's side.
#![allow(unsafe_code, reason = "plugin formats are C interfaces")]
#![allow(clippy::float_cmp, reason = "the probes' outputs are exact")]
#![allow(unreachable_pub, reason = "nothing leaves a test binary")]

mod automation;
mod cases;
mod children;
mod clap_host;
mod clap_told;
mod frame;
mod host;
mod learning;
mod offers;
mod orders;
mod probe_editor;
mod probes;
mod product;
mod protocol;
mod reentry;
mod vst3_handler;
mod vst3_host;
mod watch;
#[cfg(target_os = "linux")]
mod windows;
