//! Headless multi-bus host for CLAP and VST3 plugins, for tests and the command line.
//!
//! It gives tests control that hosts rarely offer: every bus can be connected, silent, inactive
//! (with null pointers) or missing from the call, and blocks can have any length. The plugin's
//! results are checked strictly (see [`Plugin::process`]).
//!
//! Both formats are used through their plain C interfaces (`clap-sys`, `vst3`). Wrappers that make
//! hosting safe cannot express the unusual calls of real hosts, which this host has to make.
//!
//! # Threads
//!
//! A [`Plugin`] is used on the thread that created it. This thread is both the main thread and,
//! during a process call, the audio thread. [`Plugin::split`] lends an active instance's process
//! call to another thread.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "samples are copied, so equality is exact"))]

mod buffers;
mod bundle;
mod calls;
mod clap_format;
#[cfg(test)]
mod fake;
mod field_text;
mod instance;
pub mod linked;
mod model;
mod parts;
mod pattern;
mod plugin;
pub mod random;
mod render;
#[cfg(target_os = "linux")]
pub mod screen;
mod shape;
mod timings;
mod vst3_format;
mod written;

pub use buffers::{BusBuffer, BusState};
pub use bundle::Bundle;
pub use model::{
    AudioConfig, BlockTime, BusInfo, BusKind, ClassInfo, Direction, Format, Gesture, ParamInfo,
    RenderMode, Requests,
};
pub use parts::{AudioPart, MainPart};
pub use pattern::BlockPattern;
pub use plugin::{Activation, Plugin, ProcessOptions};
pub use render::{RenderJob, RenderReport, RenderResult, UnusedBuses, render, render_stream};
pub use shape::{Class, RATES_HZ, Shape};
pub use timings::Timings;
