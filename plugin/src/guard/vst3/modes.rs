//! The VST3 constants for sample sizes and process modes.
#![allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]

use nice_plug::prelude::ProcessMode;
use vst3::Steinberg::Vst::{ProcessModes_, SymbolicSampleSizes_};
use vst3::Steinberg::int32;

pub(super) const SAMPLE_32: int32 = SymbolicSampleSizes_::kSample32 as int32;
pub(super) const PREFETCH: int32 = ProcessModes_::kPrefetch as int32;
pub(super) const OFFLINE: int32 = ProcessModes_::kOffline as int32;
const REALTIME: int32 = ProcessModes_::kRealtime as int32;

/// Returns the VST3 number of a mode.
pub(super) const fn host_mode(mode: ProcessMode) -> int32 {
    match mode {
        ProcessMode::Realtime => REALTIME,
        ProcessMode::Buffered => PREFETCH,
        ProcessMode::Offline => OFFLINE,
    }
}
