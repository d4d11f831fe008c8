//! Conversions from this host's terms to those of VST3.

use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, BusDirection, BusDirections_, ProcessModes_,
    SpeakerArr, SpeakerArrangement,
};

use super::int;
use crate::instance::RawBus;
use crate::model::{Direction, RenderMode};

pub(super) fn bus_buffers(bus: &mut RawBus) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: i32::try_from(bus.num_channels).unwrap_or(i32::MAX),
        silenceFlags: std::mem::take(&mut bus.silence),
        __field0: AudioBusBuffers__type0 { channelBuffers32: bus.pointers() },
    }
}

pub(super) fn direction_of(direction: Direction) -> BusDirection {
    int(match direction {
        Direction::Input => BusDirections_::kInput,
        Direction::Output => BusDirections_::kOutput,
    })
}

pub(super) fn mode_of(mode: RenderMode) -> i32 {
    int(match mode {
        RenderMode::Realtime => ProcessModes_::kRealtime,
        RenderMode::Offline => ProcessModes_::kOffline,
    })
}

/// Returns mono, stereo, or the first `channels` speakers, as hosts describe discrete buses.
pub(super) fn arrangement_of(channels: usize) -> SpeakerArrangement {
    match channels {
        0 => 0,
        1 => SpeakerArr::kMono,
        2 => SpeakerArr::kStereo,
        3..64 => (1 << channels) - 1,
        _ => u64::MAX,
    }
}
