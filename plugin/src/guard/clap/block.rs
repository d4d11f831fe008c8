//! The buses of one CLAP block, which may be malformed.
#![allow(unsafe_code, reason = "host buffers are raw pointers")]

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::process::clap_process;

use crate::guard::scratch::{HostBus, HostBuses, silence};

/// The buses of one `clap_process`.
pub(super) struct BlockBuses<'a> {
    pub(super) block: &'a clap_process,
    /// One bit per input port, set if the host has switched the port off.
    pub(super) inactive_inputs: u64,
}

/// Returns the port at `index` of a host's array.
///
/// # Safety
///
/// `ports` is null or holds `count` entries.
unsafe fn port_at(ports: *const clap_audio_buffer, count: u32, index: usize) -> HostBus {
    if ports.is_null() || index >= count as usize {
        return HostBus::MISSING;
    }
    // SAFETY: not null and within the count.
    let port = unsafe { &*ports.add(index) };
    HostBus { channels: port.data32, num_channels: port.channel_count as usize }
}

impl HostBuses for BlockBuses<'_> {
    fn input(&self, index: usize) -> HostBus {
        if index < 64 && self.inactive_inputs >> index & 1 == 1 {
            return HostBus::MISSING;
        }
        // SAFETY: the host's array and its count.
        unsafe { port_at(self.block.audio_inputs, self.block.audio_inputs_count, index) }
    }

    fn output(&self, index: usize) -> HostBus {
        // SAFETY: the host's array and its count.
        unsafe { port_at(self.block.audio_outputs, self.block.audio_outputs_count, index) }
    }

    fn num_outputs(&self) -> usize {
        self.block.audio_outputs_count as usize
    }
}

impl BlockBuses<'_> {
    /// Silences every output, for a block that is not processed.
    ///
    /// # Safety
    ///
    /// The host's output channels hold `num_samples` samples.
    pub(super) unsafe fn silence(&self, num_samples: usize) {
        for index in 0..self.num_outputs() {
            // SAFETY: as the caller guarantees.
            unsafe { silence(self.output(index), num_samples, size_of::<f32>()) };
        }
    }

    /// Marks all output channels as not constant for the host; the framework does not set
    /// the masks.
    ///
    /// # Safety
    ///
    /// The host's output array is null or holds `audio_outputs_count` entries.
    pub(super) unsafe fn clear_constant_masks(&self) {
        if self.block.audio_outputs.is_null() {
            return;
        }
        for index in 0..self.num_outputs() {
            // SAFETY: not null and within the count.
            unsafe { (*self.block.audio_outputs.add(index)).constant_mask = 0 };
        }
    }
}
